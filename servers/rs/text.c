/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of reports: what does not fit is cut. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "rs.h"

void text_put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->len + 1 >= t->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

/* Text of others, fit for a JSON string. */
void text_json(struct text *t, const char *p, size_t len)
{
	text_put(t, "\"");
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			text_put(t, "\\%c", p[i]);
		else if ((unsigned char)p[i] >= ' ' && (unsigned char)p[i] < 0x7f)
			text_put(t, "%c", p[i]);
		else
			text_put(t, "?");
	}
	text_put(t, "\"");
}
