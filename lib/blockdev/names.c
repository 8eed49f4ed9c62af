/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of "blk." entries in ds: "label:unit". Pure.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev/client.h"

bool resolve_parse(const char *value, char label[LABEL_MAX], uint32_t *unit)
{
	const char *colon = strrchr(value, ':');
	size_t len = colon != NULL ? (size_t)(colon - value) : 0;
	char *end;
	unsigned long n;

	if (len == 0 || len >= LABEL_MAX || !isdigit((unsigned char)colon[1]))
		return false;
	n = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || n >= BLK_UNITS_MAX)
		return false;
	memcpy(label, value, len);
	label[len] = '\0';
	*unit = (uint32_t)n;
	return true;
}
