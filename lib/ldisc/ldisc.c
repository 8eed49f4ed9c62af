/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Line discipline: input side and the ring. Model in ldisc.h; output side in ldisc_out.c.
 */
#include <signal.h>
#include <string.h>
#include <termios.h>

#include "ldisc/ldisc.h"
#include "ldisc/ldisc_out.h"

#define MASK           (LDISC_INPUT_BYTES - 1)
#define LINE_MAX_BYTES 4095 /* of one line in canonical mode, as Linux */
#define DISABLED       0    /* _POSIX_VDISABLE */

static const uint8_t default_cc[LDISC_CC] = {
	[VINTR] = 3,     [VQUIT] = 28,    [VERASE] = 127, [VKILL] = 21,  [VEOF] = 4,   [VTIME] = 0,
	[VMIN] = 1,      [VSWTC] = 0,     [VSTART] = 17,  [VSTOP] = 19,  [VSUSP] = 26, [VEOL] = 0,
	[VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22, [VEOL2] = 0,
};

void ldisc_init(struct ldisc *l, const struct ldisc_ops *ops, bool is_raw)
{
	memset(l, 0,
	       offsetof(struct ldisc,
	                input)); /* the rings are empty: what they hold is never read */
	l->ops = ops;
	l->t.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
	memcpy(l->t.c_cc, default_cc, sizeof(default_cc));
	if (is_raw)
		return;
	l->t.c_iflag = ICRNL | IXON;
	l->t.c_oflag = OPOST | ONLCR;
	l->t.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
}

/* What was typed before a change of mode stays readable. */
void ldisc_set_termios(struct ldisc *l, const struct ktermios *t)
{
	bool was_canonical = l->t.c_lflag & ICANON, is_canonical = t->c_lflag & ICANON;

	l->t = *t;
	if (was_canonical && !is_canonical)
		l->line = l->tail;
	if (!was_canonical && is_canonical)
		l->line = l->tail; /* not editable any more */
	if (!(t->c_iflag & IXON) && l->is_stopped) {
		l->is_stopped = false;
		l->ops->flow(l, false);
	}
}

/* ---- the ring ---- */

size_t ldisc_room(const struct ldisc *l)
{
	/* A byte may become two (PARMRK). */
	return (LDISC_INPUT_BYTES - (l->tail - l->head)) / 2;
}

static void store(struct ldisc *l, uint8_t c, uint8_t mark)
{
	if (l->tail - l->head == LDISC_INPUT_BYTES) {
		l->dropped++;
		return;
	}
	l->input[l->tail & MASK] = c;
	l->mark[l->tail & MASK] = mark;
	l->tail++;
	if (mark != MARK_NONE || !(l->t.c_lflag & ICANON))
		l->line = l->tail;
	l->marks += mark != MARK_NONE;
}

void ldisc_flush_input(struct ldisc *l)
{
	l->head = l->line = l->tail;
	l->marks = 0;
}

size_t ldisc_readable(const struct ldisc *l)
{
	return l->line - l->head;
}

bool ldisc_has_input(const struct ldisc *l, unsigned min)
{
	if (l->t.c_lflag & ICANON)
		return l->marks > 0 || l->line != l->head;
	return l->line - l->head >= (min > 0 ? min : 1);
}

size_t ldisc_peek(const struct ldisc *l, uint8_t *buf, size_t len, bool *eof_after)
{
	size_t n = 0;

	*eof_after = false;
	while (l->head + (uint32_t)n != l->line) {
		uint32_t at = (l->head + (uint32_t)n) & MASK;

		if (l->mark[at] == MARK_EOF) {
			*eof_after = true;
			break;
		}
		if (n == len)
			break;
		buf[n++] = l->input[at];
		if (l->mark[at] == MARK_LINE && (l->t.c_lflag & ICANON))
			break;
	}
	return n;
}

void ldisc_consume(struct ldisc *l, size_t len, bool eof_after)
{
	for (size_t i = 0; i < len + eof_after && l->head != l->line; i++) {
		l->marks -= l->mark[l->head & MASK] != MARK_NONE;
		l->head++;
	}
}

/* ---- editing ---- */

static unsigned char_width(const struct ldisc *l, uint8_t c, unsigned column)
{
	if (c == '\t')
		return 8 - column % 8;
	if (c < 32 || c == 127)
		return l->t.c_lflag & ECHOCTL ? 2 : 0;
	return (c & 0xc0) == 0x80 ? 0 : 1; /* continuation bytes of UTF-8 */
}

/* Columns that byte `at` of the edited line takes on the screen: a tab's depends on all before it.
 */
static unsigned width_of(const struct ldisc *l, uint32_t at)
{
	unsigned column = l->line_column;

	for (uint32_t i = l->line; i != at; i++)
		column += char_width(l, l->input[i & MASK], column);
	return char_width(l, l->input[at & MASK], column);
}

static void erase_columns(struct ldisc *l, unsigned count)
{
	static const uint8_t rubout[] = {'\b', ' ', '\b'};

	for (unsigned i = 0; i < count && l->column > 0; i++)
		ldisc_echo_raw(l, rubout, sizeof(rubout));
}

/* Takes the last character of the edited line away; false if there is none. */
static bool erase_one(struct ldisc *l)
{
	unsigned columns;

	if (l->tail == l->line)
		return false;
	do {
		l->tail--;
		columns = width_of(l, l->tail);
	} while ((l->t.c_iflag & IUTF8) && (l->input[l->tail & MASK] & 0xc0) == 0x80 &&
	         l->tail != l->line);
	if (!(l->t.c_lflag & ECHO))
		return true;
	if (l->t.c_lflag & ECHOE)
		erase_columns(l, columns);
	else
		ldisc_echo(l, l->t.c_cc[VERASE]);
	return true;
}

static bool last_is_space(const struct ldisc *l)
{
	uint8_t c = l->input[(l->tail - 1) & MASK];

	return c == ' ' || c == '\t';
}

static void erase_word(struct ldisc *l)
{
	while (l->tail != l->line && last_is_space(l))
		erase_one(l);
	while (l->tail != l->line && !last_is_space(l))
		erase_one(l);
}

static void kill_line(struct ldisc *l)
{
	if ((l->t.c_lflag & ECHOKE) && (l->t.c_lflag & ECHOE)) {
		while (erase_one(l))
			;
		return;
	}
	l->tail = l->line;
	ldisc_echo(l, l->t.c_cc[VKILL]);
	if (l->t.c_lflag & ECHOK)
		ldisc_echo(l, '\n');
}

static void reprint(struct ldisc *l)
{
	ldisc_echo(l, l->t.c_cc[VREPRINT]);
	ldisc_echo(l, '\n');
	l->line_column = l->column;
	for (uint32_t i = l->line; i != l->tail; i++)
		ldisc_echo(l, l->input[i & MASK]);
}

/* ---- input ---- */

static bool is_cc(const struct ldisc *l, uint8_t c, unsigned index)
{
	return l->t.c_cc[index] != DISABLED && c == l->t.c_cc[index];
}

/* VINTR, VQUIT, VSUSP. */
static bool take_signal(struct ldisc *l, uint8_t c)
{
	int signo;

	if (!(l->t.c_lflag & ISIG))
		return false;
	if (is_cc(l, c, VINTR))
		signo = SIGINT;
	else if (is_cc(l, c, VQUIT))
		signo = SIGQUIT;
	else if (is_cc(l, c, VSUSP))
		signo = SIGTSTP;
	else
		return false;
	if (!(l->t.c_lflag & NOFLSH))
		ldisc_flush_input(l);
	if (l->is_stopped) {
		l->is_stopped = false;
		l->ops->flow(l, false);
	}
	l->ops->signal(l, signo); /* flushes the output: the echo comes after it */
	ldisc_echo(l, c);
	return true;
}

static bool take_flow(struct ldisc *l, uint8_t c)
{
	bool stop = is_cc(l, c, VSTOP), start = is_cc(l, c, VSTART);

	if (!(l->t.c_iflag & IXON))
		return false;
	if (stop || start || (l->is_stopped && (l->t.c_iflag & IXANY))) {
		bool is_stopped = stop && !(start && l->is_stopped);

		if (is_stopped != l->is_stopped)
			l->ops->flow(l, l->is_stopped = is_stopped);
		return stop || start;
	}
	return false;
}

static void end_line(struct ldisc *l, uint8_t c)
{
	if (c == '\n' && !(l->t.c_lflag & ECHO) && (l->t.c_lflag & ECHONL))
		ldisc_echo_always(l, '\n');
	else
		ldisc_echo(l, c);
	store(l, c, MARK_LINE);
}

/* Editing characters of canonical mode; false: an ordinary character. */
static bool take_edit(struct ldisc *l, uint8_t c)
{
	bool is_extended = l->t.c_lflag & IEXTEN;

	if (is_cc(l, c, VERASE))
		erase_one(l);
	else if (is_cc(l, c, VKILL))
		kill_line(l);
	else if (is_extended && is_cc(l, c, VWERASE))
		erase_word(l);
	else if (is_extended && is_cc(l, c, VREPRINT))
		reprint(l);
	else if (is_cc(l, c, VEOF))
		store(l, 0, MARK_EOF);
	else if (c == '\n' || is_cc(l, c, VEOL) || (is_extended && is_cc(l, c, VEOL2)))
		end_line(l, c);
	else
		return false;
	return true;
}

static void take_ordinary(struct ldisc *l, uint8_t c)
{
	bool is_canonical = l->t.c_lflag & ICANON;

	if (is_canonical && (l->tail - l->line >= LINE_MAX_BYTES || ldisc_room(l) == 0)) {
		if (l->t.c_iflag & IMAXBEL)
			ldisc_echo_always(l, '\a');
		l->dropped++;
		return;
	}
	if (is_canonical && l->tail == l->line)
		l->line_column = l->column;
	ldisc_echo(l, c);
	store(l, c, MARK_NONE);
}

static void input_one(struct ldisc *l, uint8_t c)
{
	if (l->t.c_iflag & ISTRIP)
		c &= 0x7f;
	if (l->is_literal_next) {
		l->is_literal_next = false;
		take_ordinary(l, c);
		return;
	}
	if ((l->t.c_lflag & IEXTEN) && (l->t.c_lflag & ICANON) && is_cc(l, c, VLNEXT)) {
		l->is_literal_next = true;
		return;
	}
	if (take_flow(l, c) || take_signal(l, c))
		return;
	if (c == '\r' && (l->t.c_iflag & IGNCR))
		return;
	if (c == '\r' && (l->t.c_iflag & ICRNL))
		c = '\n';
	else if (c == '\n' && (l->t.c_iflag & INLCR))
		c = '\r';
	if ((l->t.c_lflag & ICANON) && take_edit(l, c))
		return;
	take_ordinary(l, c);
}

/* Nothing to translate, nothing special, no echo: the path of machines that talk to machines. */
static bool is_transparent(const struct ldisc *l)
{
	return !(l->t.c_lflag & (ICANON | ISIG | ECHO)) &&
	       !(l->t.c_iflag & (ISTRIP | IXON | IGNCR | ICRNL | INLCR)) && !l->is_literal_next;
}

void ldisc_input(struct ldisc *l, const uint8_t *bytes, size_t len)
{
	if (!is_transparent(l)) {
		for (size_t i = 0; i < len; i++)
			input_one(l, bytes[i]);
		return;
	}
	for (size_t i = 0; i < len; i++)
		store(l, bytes[i], MARK_NONE);
}
