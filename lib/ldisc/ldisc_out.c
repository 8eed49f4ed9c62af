/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Line discipline: output processing and echo. Model in ldisc.h.
 */
#include <string.h>
#include <termios.h>

#include "ldisc/ldisc_out.h"

#define TAB_STOP      8
#define EXPANSION_MAX TAB_STOP /* bytes that one character may become */

/* Bytes that c becomes; the column follows. */
static size_t process(struct ldisc *l, uint8_t c, uint8_t out[EXPANSION_MAX])
{
	uint32_t o = l->t.c_oflag;
	size_t n = 0;

	if (c == '\n' && (o & ONLCR)) {
		l->column = 0;
		out[n++] = '\r';
	} else if (c == '\r' && (o & OCRNL)) {
		c = '\n';
	} else if (c == '\r' && (o & ONOCR) && l->column == 0) {
		return 0;
	}
	if (c == '\t') {
		unsigned spaces = TAB_STOP - l->column % TAB_STOP;

		l->column += spaces;
		if ((o & TABDLY) != XTABS) {
			out[n++] = c;
			return n;
		}
		memset(out, ' ', spaces);
		return spaces;
	}
	if (c == '\r' || (c == '\n' && (o & ONLRET)))
		l->column = 0;
	else if (c == '\b')
		l->column -= l->column > 0;
	else if (c >= 32 && c != 127 && (c & 0xc0) != 0x80)
		l->column++;
	out[n++] = c;
	return n;
}

size_t ldisc_output(struct ldisc *l, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out,
                    size_t out_len)
{
	size_t i = 0, n = 0;

	if (!(l->t.c_oflag & OPOST)) {
		n = in_len < out_len ? in_len : out_len;
		memcpy(out, in, n);
		*used = n;
		return n;
	}
	while (i < in_len && n + EXPANSION_MAX <= out_len)
		n += process(l, in[i++], out + n);
	*used = i;
	return n;
}

void ldisc_echo_raw(struct ldisc *l, const uint8_t *bytes, size_t len)
{
	uint8_t out[EXPANSION_MAX];

	for (size_t i = 0; i < len; i++) {
		if (l->t.c_oflag & OPOST) {
			size_t n = process(l, bytes[i], out);

			l->ops->emit(l, out, n);
		} else {
			l->ops->emit(l, &bytes[i], 1);
		}
	}
}

void ldisc_echo_always(struct ldisc *l, uint8_t c)
{
	if ((l->t.c_lflag & ECHOCTL) && (c < 32 || c == 127) && c != '\t' && c != '\n' &&
	    c != '\a') {
		const uint8_t caret[2] = {'^', c ^ 0x40};

		ldisc_echo_raw(l, caret, sizeof(caret));
		return;
	}
	ldisc_echo_raw(l, &c, 1);
}

void ldisc_echo(struct ldisc *l, uint8_t c)
{
	if (l->t.c_lflag & ECHO)
		ldisc_echo_always(l, c);
}
