/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal emulation: control sequences (ECMA-48 section 8.3, DEC private modes). Model in
 * screen.h.
 */
#include <stdio.h>
#include <string.h>

#include "screen.h"

/* Parameter i, where 0 or absent means `otherwise`. */
static unsigned param(const struct screen *s, unsigned i, unsigned otherwise)
{
	return i < PARAMS_MAX && s->params[i] != 0 ? s->params[i] : otherwise;
}

static void erase_display(struct screen *s)
{
	unsigned here = s->cur.row * SCREEN_COLS + s->cur.col, all = SCREEN_ROWS * SCREEN_COLS;

	if (s->params[0] == 0)
		screen_clear(s, here, all);
	else if (s->params[0] == 1)
		screen_clear(s, 0, here + 1);
	else
		screen_clear(s, 0, all);
}

static void erase_line(struct screen *s)
{
	unsigned start = s->cur.row * SCREEN_COLS, here = start + s->cur.col;

	if (s->params[0] == 0)
		screen_clear(s, here, start + SCREEN_COLS);
	else if (s->params[0] == 1)
		screen_clear(s, start, here + 1);
	else
		screen_clear(s, start, start + SCREEN_COLS);
}

static unsigned at_most(unsigned n, unsigned max)
{
	return n < max ? n : max;
}

/* DCH, ICH: the rest of the line moves left or right. */
static void shift_line(struct screen *s, bool is_delete)
{
	uint16_t *row = s->cells[s->cur.row];
	unsigned start = s->cur.row * SCREEN_COLS, col = s->cur.col;
	unsigned n = at_most(param(s, 0, 1), SCREEN_COLS - col), kept = SCREEN_COLS - col - n;

	if (is_delete) {
		memmove(row + col, row + col + n, kept * sizeof(*row));
		screen_clear(s, start + SCREEN_COLS - n, start + SCREEN_COLS);
	} else {
		memmove(row + col + n, row + col, kept * sizeof(*row));
		screen_clear(s, start + col, start + col + n);
	}
	s->wrap_pending = false;
}

/* IL, DL: lines below the cursor move inside the scroll region. */
static void shift_lines(struct screen *s, bool is_delete)
{
	int lines = (int)at_most(param(s, 0, 1), SCREEN_ROWS);

	if (s->cur.row < s->top || s->cur.row > s->bottom)
		return;
	screen_scroll(s, s->cur.row, s->bottom, is_delete ? lines : -lines);
	s->cur.col = 0;
	s->wrap_pending = false;
}

static void set_region(struct screen *s)
{
	unsigned top = param(s, 0, 1) - 1;
	unsigned bottom = at_most(param(s, 1, SCREEN_ROWS), SCREEN_ROWS) - 1;

	if (top >= bottom)
		return;
	s->top = top;
	s->bottom = bottom;
	screen_goto(s, 0, 0);
}

static void set_mode(struct screen *s, bool is_on)
{
	for (unsigned i = 0; s->is_private && i <= at_most(s->param_count, PARAMS_MAX - 1); i++) {
		if (s->params[i] == 1)
			s->is_application_keys = is_on;
		else if (s->params[i] == 7)
			s->no_wrap = !is_on;
		else if (s->params[i] == 25)
			s->is_cursor_hidden = !is_on;
		else if (s->params[i] == 1049 || s->params[i] == 47)
			screen_clear(s, 0, SCREEN_ROWS * SCREEN_COLS);
	}
}

/* ANSI order (red 1, blue 4) to VGA order (blue 1, red 4). */
static uint8_t colour(unsigned ansi)
{
	static const uint8_t vga[8] = {0, 4, 2, 6, 1, 5, 3, 7};

	return vga[ansi & 7];
}

static void rendition(struct screen *s, unsigned p)
{
	struct screen_cursor *c = &s->cur;

	if (p == 0) {
		c->fg = 7;
		c->bg = 0;
		c->is_bold = c->is_reverse = false;
	} else if (p == 1) {
		c->is_bold = true;
	} else if (p == 7) {
		c->is_reverse = true;
	} else if (p == 21 || p == 22) {
		c->is_bold = false;
	} else if (p == 27) {
		c->is_reverse = false;
	} else if (p >= 30 && p <= 37) {
		c->fg = colour(p - 30);
	} else if (p == 39) {
		c->fg = 7;
	} else if (p >= 40 && p <= 47) {
		c->bg = colour(p - 40);
	} else if (p == 49) {
		c->bg = 0;
	} else if (p >= 90 && p <= 97) {
		c->fg = colour(p - 90) | 8;
	} else if (p >= 100 && p <= 107) {
		c->bg = colour(p - 100);
	}
}

static void renditions(struct screen *s)
{
	for (unsigned i = 0; i <= at_most(s->param_count, PARAMS_MAX - 1); i++) {
		if (s->params[i] == 38 || s->params[i] == 48)
			return; /* 256 colours: not on this screen */
		rendition(s, s->params[i]);
	}
}

static void report(struct screen *s, uint8_t c)
{
	char text[24];
	int n = 0;

	if (s->answer == NULL)
		return;
	if (c == 'c' && !s->is_private)
		n = snprintf(text, sizeof(text), "\033[?6c"); /* a VT102 */
	else if (c == 'n' && s->params[0] == 5)
		n = snprintf(text, sizeof(text), "\033[0n");
	else if (c == 'n' && s->params[0] == 6)
		n = snprintf(text, sizeof(text), "\033[%u;%uR", s->cur.row + 1, s->cur.col + 1);
	if (n > 0)
		s->answer(s->ctx, text, (size_t)n);
}

/* Cursor movement; false: something else. */
static bool move(struct screen *s, uint8_t c)
{
	int row = (int)s->cur.row, col = (int)s->cur.col, n = (int)param(s, 0, 1);

	switch (c) {
	case 'A': row -= n; break;
	case 'B':
	case 'e': row += n; break;
	case 'C':
	case 'a': col += n; break;
	case 'D': col -= n; break;
	case 'E':
		row += n;
		col = 0;
		break;
	case 'F':
		row -= n;
		col = 0;
		break;
	case 'G':
	case '`': col = n - 1; break;
	case 'd': row = n - 1; break;
	case 'H':
	case 'f':
		row = n - 1;
		col = (int)param(s, 1, 1) - 1;
		break;
	default: return false;
	}
	screen_goto(s, row, col);
	return true;
}

void screen_csi(struct screen *s, uint8_t c)
{
	unsigned start = s->cur.row * SCREEN_COLS + s->cur.col;
	int lines;

	if (move(s, c))
		return;
	switch (c) {
	case 'J': erase_display(s); break;
	case 'K': erase_line(s); break;
	case 'L': shift_lines(s, false); break;
	case 'M': shift_lines(s, true); break;
	case 'P': shift_line(s, true); break;
	case '@': shift_line(s, false); break;
	case 'X':
		screen_clear(s, start, start + at_most(param(s, 0, 1), SCREEN_COLS - s->cur.col));
		break;
	case 'S':
	case 'T':
		lines = (int)at_most(param(s, 0, 1), SCREEN_ROWS);
		screen_scroll(s, s->top, s->bottom, c == 'S' ? lines : -lines);
		break;
	case 'm': renditions(s); break;
	case 'r': set_region(s); break;
	case 'h':
	case 'l': set_mode(s, c == 'h'); break;
	case 's': s->saved = s->cur; break;
	case 'u':
		s->cur = s->saved;
		s->wrap_pending = false;
		break;
	case 'c':
	case 'n': report(s, c); break;
	default: break;
	}
}
