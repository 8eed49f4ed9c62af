/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of units: values and patterns. Pure; see unitname.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unitname/unitname.h"

bool unitname_parse(const char *value, unsigned units_max, char label[LABEL_MAX], uint32_t *unit)
{
	const char *colon = strrchr(value, ':');
	size_t len = colon != NULL ? (size_t)(colon - value) : 0;
	char *end;
	unsigned long n;

	if (len == 0 || len >= LABEL_MAX || !isdigit((unsigned char)colon[1]))
		return false;
	n = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || n >= units_max)
		return false;
	memcpy(label, value, len);
	label[len] = '\0';
	*unit = (uint32_t)n;
	return true;
}

int unitname_pattern(const char *key, char pattern[UNITNAME_PATTERN_MAX])
{
	size_t n = 0;

	for (const char *c = key; *c != '\0'; c++) {
		if (n + 3 > UNITNAME_PATTERN_MAX)
			return -ENAMETOOLONG;
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			pattern[n++] = '\\';
		pattern[n++] = *c;
	}
	pattern[n] = '\0';
	return 0;
}
