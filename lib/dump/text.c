/* SPDX-License-Identifier: BSD-2-Clause */
/* Growing text (see text.h). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "dump/text.h"

void text_add(struct text *t, const char *fmt, ...)
{
	size_t left = t->cap - t->len;
	va_list args;
	int n;

	if (t->is_full)
		return;
	va_start(args, fmt);
	n = vsnprintf(t->buf + t->len, left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= left)
		t->is_full = true;
	else
		t->len += (size_t)n;
}

void text_add_bytes(struct text *t, const void *data, size_t len)
{
	if (t->is_full || len > t->cap - t->len) {
		t->is_full = true;
		return;
	}
	memcpy(t->buf + t->len, data, len);
	t->len += len;
}

uint32_t text_room(const struct text *t)
{
	size_t n = t->cap - t->len;

	return n > INT32_MAX ? INT32_MAX : (uint32_t)n;
}

int text_take(struct text *t, int result)
{
	if (result < 0)
		return result;
	if ((size_t)result > t->cap - t->len)
		return -EIO;
	t->len += (size_t)result;
	return 0;
}
