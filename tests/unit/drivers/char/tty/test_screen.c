/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/char/tty/screen.c drivers/char/tty/screen_csi.c drivers/char/tty/keymap.c lib/random/ */
/* Terminal emulation: what programs draw ends up in the right cells; keys type the right bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/char/tty/keymap.h"
#include "drivers/char/tty/screen.h"
#include "random/random.h"

static struct screen scr;
static char answered[64];

static void answer(void *ctx, const char *bytes, size_t len)
{
	(void)ctx;
	memcpy(answered, bytes, len);
	answered[len] = '\0';
}

static int setup(void **state)
{
	(void)state;
	scr.answer = answer;
	screen_init(&scr);
	return 0;
}

static void draw(const char *text)
{
	screen_write(&scr, (const uint8_t *)text, strlen(text));
}

static const char *row_text(unsigned row)
{
	static char text[SCREEN_COLS + 1];
	int end = SCREEN_COLS;

	for (unsigned i = 0; i < SCREEN_COLS; i++)
		text[i] = (char)(scr.cells[row][i] & 0xff);
	while (end > 0 && text[end - 1] == ' ')
		end--;
	text[end] = '\0';
	return text;
}

static void text_goes_where_the_cursor_is(void **state)
{
	(void)state;
	draw("hello\r\n\033[5;10Hthere");
	assert_string_equal(row_text(0), "hello");
	assert_string_equal(row_text(4), "         there");
	assert_int_equal(scr.cur.row, 4);
	assert_int_equal(scr.cur.col, 14);
}

static void last_column_wraps_late(void **state)
{
	char line[SCREEN_COLS + 1];

	(void)state;
	memset(line, 'x', SCREEN_COLS);
	line[SCREEN_COLS] = '\0';
	draw(line);
	assert_int_equal(scr.cur.row, 0);
	draw("y");
	assert_int_equal(scr.cur.row, 1);
	assert_string_equal(row_text(1), "y");
}

static void bottom_line_scrolls(void **state)
{
	(void)state;
	draw("first\033[25;1Hlast\n");
	assert_string_equal(row_text(0), "");
	assert_string_equal(row_text(23), "last");
}

static void scroll_region_keeps_the_rest(void **state)
{
	(void)state;
	draw("top\033[25;1Hstatus\033[2;24r\033[24;1Hone\n\rtwo\n\rthree");
	assert_string_equal(row_text(0), "top");
	assert_string_equal(row_text(24), "status");
	assert_string_equal(row_text(23), "three");
	assert_string_equal(row_text(21), "one");
	draw("\033[2;1H\033M");
	assert_string_equal(row_text(22), "one");
}

static void erasing_and_shifting(void **state)
{
	(void)state;
	draw("abcdef\033[1;3H\033[P");
	assert_string_equal(row_text(0), "abdef");
	draw("\033[2@");
	assert_string_equal(row_text(0), "ab  def");
	draw("\033[K");
	assert_string_equal(row_text(0), "ab");
	draw("\033[2;1Hline2\033[3;1Hline3\033[2;1H\033[M");
	assert_string_equal(row_text(1), "line3");
	draw("\033[L");
	assert_string_equal(row_text(2), "line3");
	draw("\033[2J");
	assert_string_equal(row_text(2), "");
}

static void colours_become_attributes(void **state)
{
	(void)state;
	draw("\033[1;31;44mX\033[0mY\033[7mZ");
	assert_int_equal(scr.cells[0][0], 0x1c00 | 'X');
	assert_int_equal(scr.cells[0][1], 0x0700 | 'Y');
	assert_int_equal(scr.cells[0][2], 0x7000 | 'Z');
}

static void reports_are_answered(void **state)
{
	(void)state;
	draw("\033[3;7H\033[6n");
	assert_string_equal(answered, "\033[3;7R");
}

static void utf8_and_line_drawing(void **state)
{
	(void)state;
	draw("\xc3\xa9\xe2\x94\x80\xf0\x9f\x98\x80\033(0q\033(B");
	assert_int_equal(scr.cells[0][0] & 0xff, 0x82);
	assert_int_equal(scr.cells[0][1] & 0xff, 0xc4);
	assert_int_equal(scr.cells[0][2] & 0xff, '?');
	assert_int_equal(scr.cells[0][3] & 0xff, 0xc4);
}

static void any_bytes_keep_the_cursor_inside(void **state)
{
	uint32_t x = 12345;

	(void)state;
	for (unsigned i = 0; i < 500000; i++) {
		uint8_t c;

		c = (uint8_t)(random_lcg(&x) >> 24);
		if (x & 0x800)
			c = (uint8_t) "\033[;?0123456789ABCDHJKLMPSTXm@rhl"[c % 32];
		screen_write(&scr, &c, 1);
		assert_true(scr.cur.row < SCREEN_ROWS && scr.cur.col < SCREEN_COLS);
		assert_true(scr.top < scr.bottom && scr.bottom < SCREEN_ROWS);
	}
}

static size_t press(struct keymap *k, uint8_t code, char *out)
{
	return keymap_input(k, code, false, out);
}

static void keys_type_bytes(void **state)
{
	struct keymap k = {0};
	char out[KEY_BYTES_MAX];

	(void)state;
	assert_int_equal(press(&k, 0x1e, out), 1);
	assert_int_equal(out[0], 'a');
	assert_int_equal(press(&k, 0x9e, out), 0);
	press(&k, 0x2a, out);
	assert_int_equal(press(&k, 0x1e, out), 1);
	assert_int_equal(out[0], 'A');
	press(&k, 0xaa, out);
	press(&k, 0x1d, out);
	assert_int_equal(press(&k, 0x2e, out), 1);
	assert_int_equal(out[0], 3);
	press(&k, 0x9d, out);
	press(&k, 0xe0, out);
	assert_int_equal(press(&k, 0x48, out), 3);
	assert_memory_equal(out, "\033[A", 3);
	for (unsigned code = 0; code < 256; code++)
		assert_true(press(&k, (uint8_t)code, out) <= KEY_BYTES_MAX);
}

static void shifted_function_keys_are_for_dumps(void **state)
{
	struct keymap k = {0};
	char out[KEY_BYTES_MAX];

	(void)state;
	assert_int_equal(keymap_dump_key(&k, 0x3b), 0); /* F1 alone */
	(void)keymap_input(&k, 0x2a, false, out);       /* shift down */
	assert_int_equal(keymap_dump_key(&k, 0x3b), 1);
	assert_int_equal(keymap_dump_key(&k, 0x44), 10);
	assert_int_equal(keymap_dump_key(&k, 0x57), 0);        /* F11 */
	assert_int_equal(keymap_dump_key(&k, 0x3b | 0x80), 0); /* release */
	(void)keymap_input(&k, 0xe0, false, out);
	assert_int_equal(keymap_dump_key(&k, 0x3b), 0); /* half of an extended code */
	(void)keymap_input(&k, 0x48, false, out);
	(void)keymap_input(&k, 0xaa, false, out); /* shift up */
	assert_int_equal(keymap_dump_key(&k, 0x3b), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(text_goes_where_the_cursor_is),
		T(last_column_wraps_late),
		T(bottom_line_scrolls),
		T(scroll_region_keeps_the_rest),
		T(erasing_and_shifting),
		T(colours_become_attributes),
		T(reports_are_answered),
		T(utf8_and_line_drawing),
		T(any_bytes_keep_the_cursor_inside),
		T(keys_type_bytes),
		T(shifted_function_keys_are_for_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
