/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal emulation: characters, controls, escape sequences. Model in screen.h; CSI in
 * screen_csi.c.
 */
#include <string.h>

#include "screen.h"

#define FG_DEFAULT 7
#define BG_DEFAULT 0
#define TAB_STOP   8

/* ---- cells ---- */

uint16_t screen_attribute(const struct screen *s)
{
	unsigned fg = s->cur.fg, bg = s->cur.bg;

	if (s->cur.is_bold)
		fg |= 8;
	if (s->cur.is_reverse) {
		unsigned old = fg & 7;

		fg = bg | (fg & 8);
		bg = old;
	}
	return (uint16_t)((bg & 7) << 12 | fg << 8);
}

void screen_clear(struct screen *s, unsigned from, unsigned to)
{
	uint16_t blank = (uint16_t)((s->cur.bg & 7) << 12 | FG_DEFAULT << 8 | ' ');
	uint16_t *cells = &s->cells[0][0];

	for (unsigned i = from; i < to; i++)
		cells[i] = blank;
	for (unsigned row = from / SCREEN_COLS; from < to && row <= (to - 1) / SCREEN_COLS; row++)
		s->dirty |= 1u << row;
}

void screen_scroll(struct screen *s, unsigned top, unsigned bottom, int lines)
{
	unsigned height = bottom - top + 1;
	unsigned n = (unsigned)(lines < 0 ? -lines : lines);

	if (n > height)
		n = height;
	if (lines > 0) {
		memmove(s->cells[top], s->cells[top + n], (height - n) * sizeof(s->cells[0]));
		screen_clear(s, (bottom + 1 - n) * SCREEN_COLS, (bottom + 1) * SCREEN_COLS);
	} else {
		memmove(s->cells[top + n], s->cells[top], (height - n) * sizeof(s->cells[0]));
		screen_clear(s, top * SCREEN_COLS, (top + n) * SCREEN_COLS);
	}
	for (unsigned row = top; row <= bottom; row++)
		s->dirty |= 1u << row;
}

void screen_goto(struct screen *s, int row, int col)
{
	s->cur.row = (unsigned)(row < 0 ? 0 : row >= SCREEN_ROWS ? SCREEN_ROWS - 1 : row);
	s->cur.col = (unsigned)(col < 0 ? 0 : col >= SCREEN_COLS ? SCREEN_COLS - 1 : col);
	s->wrap_pending = false;
}

void screen_init(struct screen *s)
{
	void (*answer)(void *, const char *, size_t) = s->answer;
	void *ctx = s->ctx;

	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->ctx = ctx;
	s->cur.fg = s->saved.fg = FG_DEFAULT;
	s->cur.bg = s->saved.bg = BG_DEFAULT;
	s->bottom = SCREEN_ROWS - 1;
	screen_clear(s, 0, SCREEN_ROWS * SCREEN_COLS);
}

/* ---- characters ---- */

static void line_feed(struct screen *s)
{
	s->wrap_pending = false;
	if (s->cur.row == s->bottom)
		screen_scroll(s, s->top, s->bottom, 1);
	else if (s->cur.row < SCREEN_ROWS - 1)
		s->cur.row++;
}

static void reverse_feed(struct screen *s)
{
	s->wrap_pending = false;
	if (s->cur.row == s->top)
		screen_scroll(s, s->top, s->bottom, -1);
	else if (s->cur.row > 0)
		s->cur.row--;
}

static void put_cell(struct screen *s, uint8_t glyph)
{
	if (s->wrap_pending && !s->no_wrap) {
		s->cur.col = 0;
		line_feed(s);
	}
	s->wrap_pending = false;
	s->cells[s->cur.row][s->cur.col] = screen_attribute(s) | glyph;
	s->dirty |= 1u << s->cur.row;
	if (s->cur.col == SCREEN_COLS - 1)
		s->wrap_pending = true;
	else
		s->cur.col++;
}

/* DEC special graphics 0x60-0x7e in code page 437. */
static const uint8_t graphics[] = {
	0x04, 0xb1, '?',  '?',  '?',  '?',  0xf8, 0xf1, '?',  '?',  0xd9,
	0xbf, 0xda, 0xc0, 0xc5, 0xc4, 0xc4, 0xc4, 0xc4, 0xc4, 0xc3, 0xb4,
	0xc1, 0xc2, 0xb3, 0xf3, 0xf2, 0xe3, '?',  0x9c, 0xfa,
};

static const struct {
	uint16_t unicode;
	uint8_t glyph;
} glyphs[] = {
	{0x00a0, ' '},  {0x00a3, 0x9c}, {0x00b0, 0xf8}, {0x00b1, 0xf1}, {0x00b2, 0xfd},
	{0x00b5, 0xe6}, {0x00b7, 0xfa}, {0x00bd, 0xab}, {0x00c4, 0x8e}, {0x00c9, 0x90},
	{0x00d6, 0x99}, {0x00dc, 0x9a}, {0x00df, 0xe1}, {0x00e0, 0x85}, {0x00e1, 0xa0},
	{0x00e4, 0x84}, {0x00e7, 0x87}, {0x00e8, 0x8a}, {0x00e9, 0x82}, {0x00ea, 0x88},
	{0x00ed, 0xa1}, {0x00f1, 0xa4}, {0x00f3, 0xa2}, {0x00f6, 0x94}, {0x00f7, 0xf6},
	{0x00fa, 0xa3}, {0x00fc, 0x81}, {0x2013, '-'},  {0x2014, '-'},  {0x2018, '\''},
	{0x2019, '\''}, {0x201c, '"'},  {0x201d, '"'},  {0x2022, 0x07}, {0x2500, 0xc4},
	{0x2502, 0xb3}, {0x250c, 0xda}, {0x2510, 0xbf}, {0x2514, 0xc0}, {0x2518, 0xd9},
	{0x251c, 0xc3}, {0x2524, 0xb4}, {0x252c, 0xc2}, {0x2534, 0xc1}, {0x253c, 0xc5},
	{0x2550, 0xcd}, {0x2551, 0xba}, {0x2554, 0xc9}, {0x2557, 0xbb}, {0x255a, 0xc8},
	{0x255d, 0xbc}, {0x2588, 0xdb}, {0x2591, 0xb0}, {0x2592, 0xb1}, {0x2593, 0xb2},
};

static uint8_t glyph_of(uint32_t code_point)
{
	for (unsigned i = 0; i < sizeof(glyphs) / sizeof(glyphs[0]); i++)
		if (glyphs[i].unicode == code_point)
			return glyphs[i].glyph;
	return '?';
}

static void put_character(struct screen *s, uint8_t c)
{
	if (s->utf8_left > 0 && (c & 0xc0) == 0x80) {
		s->code_point = s->code_point << 6 | (c & 0x3f);
		if (--s->utf8_left == 0)
			put_cell(s, glyph_of(s->code_point));
		return;
	}
	s->utf8_left = 0;
	if (c < 0x80) {
		bool is_graphic = s->cur.is_graphics && c >= 0x60 && c <= 0x7e;

		put_cell(s, is_graphic ? graphics[c - 0x60] : c);
	} else if ((c & 0xe0) == 0xc0) {
		s->code_point = c & 0x1f;
		s->utf8_left = 1;
	} else if ((c & 0xf0) == 0xe0) {
		s->code_point = c & 0x0f;
		s->utf8_left = 2;
	} else if ((c & 0xf8) == 0xf0) {
		s->code_point = c & 0x07;
		s->utf8_left = 3;
	} else {
		put_cell(s, c); /* not UTF-8: as code page 437 has it */
	}
}

static void control(struct screen *s, uint8_t c)
{
	switch (c) {
	case '\b':
		s->cur.col -= s->cur.col > 0;
		s->wrap_pending = false;
		break;
	case '\t':
		screen_goto(s, (int)s->cur.row, (int)((s->cur.col / TAB_STOP + 1) * TAB_STOP));
		break;
	case '\n':
	case '\v':
	case '\f': line_feed(s); break;
	case '\r':
		s->cur.col = 0;
		s->wrap_pending = false;
		break;
	case 0x0e: /* SO, SI: shift to line drawing and back */
	case 0x0f: s->cur.is_graphics = c == 0x0e; break;
	case 0x1b: s->state = SCR_ESC; break;
	default: break;
	}
}

/* ---- escape sequences ---- */

static void restore_cursor(struct screen *s)
{
	s->cur = s->saved;
	s->wrap_pending = false;
}

static void escape(struct screen *s, uint8_t c)
{
	s->state = SCR_TEXT;
	switch (c) {
	case '[':
		s->state = SCR_CSI;
		s->param_count = 0;
		s->is_private = false;
		memset(s->params, 0, sizeof(s->params));
		break;
	case ']':
	case 'P':
	case '_': s->state = SCR_STRING; break;
	case '(':
	case ')': s->state = SCR_CHARSET; break;
	case '7': s->saved = s->cur; break;
	case '8': restore_cursor(s); break;
	case 'D': line_feed(s); break;
	case 'E':
		s->cur.col = 0;
		line_feed(s);
		break;
	case 'M': reverse_feed(s); break;
	case 'c': screen_init(s); break;
	default: break;
	}
}

static void csi(struct screen *s, uint8_t c)
{
	unsigned *p = &s->params[s->param_count < PARAMS_MAX ? s->param_count : PARAMS_MAX - 1];

	if (c >= '0' && c <= '9') {
		*p = *p < 10000 ? *p * 10 + (c - '0') : *p;
	} else if (c == ';') {
		s->param_count += s->param_count < PARAMS_MAX;
	} else if (c == '?' || c == '>' || c == '!' || c == '=') {
		s->is_private = true;
	} else if (c >= 0x40 && c <= 0x7e) {
		s->state = SCR_TEXT;
		screen_csi(s, c);
	} else if (c < 0x20) {
		control(s, c);
	}
}

static void write_one(struct screen *s, uint8_t c)
{
	switch (s->state) {
	case SCR_TEXT:
		if (c < 0x20)
			control(s, c);
		else if (c != 0x7f)
			put_character(s, c);
		break;
	case SCR_ESC: escape(s, c); break;
	case SCR_CSI: csi(s, c); break;
	case SCR_CHARSET:
		s->cur.is_graphics = c == '0';
		s->state = SCR_TEXT;
		break;
	case SCR_STRING: /* titles and the like: up to BEL or ESC \ */
		if (c == '\a' || c == '\\' || c == 0x1b)
			s->state = c == 0x1b ? SCR_ESC : SCR_TEXT;
		break;
	}
}

void screen_write(struct screen *s, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		write_one(s, bytes[i]);
}
