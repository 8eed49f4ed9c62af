/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VT100/ANSI terminal on a grid of 80 x 25 VGA text cells (character low, attribute high). Enough
 * of ECMA-48 and of xterm's private modes for shells, vi, top and less with TERM=linux or vt100:
 * cursor movement, erasing, insertion and deletion of lines and characters, scroll region, SGR
 * colours, saved cursor, line drawing, reports. UTF-8 in; characters that code page 437 lacks
 * become '?'. Pure.
 */
#ifndef TTY_SCREEN_H
#define TTY_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_COLS 80
#define SCREEN_ROWS 25
#define PARAMS_MAX  8

enum screen_state { SCR_TEXT, SCR_ESC, SCR_CSI, SCR_CHARSET, SCR_STRING };

struct screen_cursor {
	unsigned row, col;
	uint8_t fg, bg;
	bool is_bold, is_reverse, is_graphics;
};

struct screen {
	uint16_t cells[SCREEN_ROWS][SCREEN_COLS];
	struct screen_cursor cur, saved;
	bool wrap_pending; /* the last column was written; the next character wraps */
	bool is_cursor_hidden, no_wrap, is_application_keys;
	unsigned top, bottom; /* scroll region, both inclusive */
	uint32_t dirty;       /* bit i: row i changed since screen_clean() */

	enum screen_state state;
	unsigned params[PARAMS_MAX];
	unsigned param_count;
	bool is_private; /* CSI ? */
	uint32_t code_point;
	unsigned utf8_left;

	/* Answers to reports, to be fed back as input; NULL: none wanted. */
	void (*answer)(void *ctx, const char *bytes, size_t len);
	void *ctx;
};

void screen_init(struct screen *s);
void screen_write(struct screen *s, const uint8_t *bytes, size_t len);

/* screen_csi.c: a complete control sequence with final byte `c`. Private to screen*.c. */
void screen_csi(struct screen *s, uint8_t c);
void screen_clear(struct screen *s, unsigned from,
                  unsigned to); /* cells, row * COLS + col; to excluded */
void screen_scroll(struct screen *s, unsigned top, unsigned bottom, int lines); /* > 0: up */
void screen_goto(struct screen *s, int row, int col);
uint16_t screen_attribute(const struct screen *s);

#endif
