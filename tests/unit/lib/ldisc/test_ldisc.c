/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/ldisc/ */
/* Line discipline: canonical editing, raw mode, signals, flow control, output processing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <cmocka.h>
#include "ldisc/ldisc.h"

static struct ldisc tty;
static char echoed[4096];
static size_t echoed_len;
static int signalled, flow_changes;

static void emit(struct ldisc *l, const uint8_t *bytes, size_t len)
{
	(void)l;
	assert_true(echoed_len + len < sizeof(echoed));
	memcpy(echoed + echoed_len, bytes, len);
	echoed_len += len;
	echoed[echoed_len] = '\0';
}

static void signal_sent(struct ldisc *l, int signo)
{
	(void)l;
	signalled = signo;
}

static void flow(struct ldisc *l, bool is_stopped)
{
	(void)l;
	(void)is_stopped;
	flow_changes++;
}

static const struct ldisc_ops ops = {emit, signal_sent, flow};

static int setup(void **state)
{
	(void)state;
	ldisc_init(&tty, &ops, false);
	echoed_len = 0;
	echoed[0] = '\0';
	signalled = flow_changes = 0;
	return 0;
}

static void type(const char *text)
{
	ldisc_input(&tty, (const uint8_t *)text, strlen(text));
}

/* One read of up to `len` bytes; -1: would wait. */
static int read_some(char *buf, size_t len)
{
	bool eof;
	size_t n;

	if (!ldisc_has_input(&tty, 1))
		return -1;
	n = ldisc_peek(&tty, (uint8_t *)buf, len, &eof);
	ldisc_consume(&tty, n, eof);
	buf[n] = '\0';
	return (int)n;
}

static void set_raw(void)
{
	struct ktermios t = tty.t;

	t.c_iflag = t.c_oflag = 0;
	t.c_lflag = 0;
	ldisc_set_termios(&tty, &t);
}

static void line_is_readable_when_complete(void **state)
{
	char buf[64];

	(void)state;
	type("abc");
	assert_int_equal(read_some(buf, 60), -1);
	type("d\r");
	assert_int_equal(read_some(buf, 60), 5);
	assert_string_equal(buf, "abcd\n");
	assert_string_equal(echoed, "abcd\r\n");
	assert_int_equal(read_some(buf, 60), -1);
}

static void read_takes_one_line_at_a_time(void **state)
{
	char buf[64];

	(void)state;
	type("one\ntwo\n");
	assert_int_equal(read_some(buf, 2), 2);
	assert_int_equal(read_some(buf, 60), 2);
	assert_string_equal(buf, "e\n");
	assert_int_equal(read_some(buf, 60), 4);
	assert_string_equal(buf, "two\n");
}

static void erase_and_kill_edit_the_line(void **state)
{
	char buf[64];

	(void)state;
	type("abx\177c\n");
	assert_int_equal(read_some(buf, 60), 4);
	assert_string_equal(buf, "abc\n");
	assert_string_equal(echoed, "abx\b \bc\r\n");
	type("rubbish\025ok\n");
	assert_int_equal(read_some(buf, 60), 3);
	assert_string_equal(buf, "ok\n");
	type("\177\177x\n"); /* nothing to erase */
	assert_int_equal(read_some(buf, 60), 2);
}

static void werase_takes_a_word(void **state)
{
	char buf[64];

	(void)state;
	type("one two  \027three\n");
	assert_int_equal(read_some(buf, 60), 10);
	assert_string_equal(buf, "one three\n");
}

static void tab_is_erased_with_its_width(void **state)
{
	(void)state;
	type("a\t\177");
	assert_string_equal(echoed, "a\t\b \b\b \b\b \b\b \b\b \b\b \b\b \b");
}

static void control_characters_echo_as_caret(void **state)
{
	char buf[64];

	(void)state;
	type("\001\177b\n");
	assert_string_equal(echoed, "^A\b \b\b \bb\r\n");
	assert_int_equal(read_some(buf, 60), 2);
}

static void eof_alone_reads_zero_bytes(void **state)
{
	char buf[64];

	(void)state;
	type("\004");
	assert_int_equal(read_some(buf, 60), 0);
	assert_int_equal(read_some(buf, 60), -1);
	type("ab\004");
	assert_int_equal(read_some(buf, 60), 2);
	assert_int_equal(read_some(buf, 60), -1);
	type("ab\004");
	assert_int_equal(read_some(buf, 2), 2); /* the mark goes with the bytes before it */
	assert_int_equal(read_some(buf, 60), -1);
}

static void interrupt_flushes_and_signals(void **state)
{
	char buf[64];

	(void)state;
	type("half\003");
	assert_int_equal(signalled, SIGINT);
	assert_string_equal(echoed, "half^C");
	type("x\n");
	assert_int_equal(read_some(buf, 60), 2);
	type("\032");
	assert_int_equal(signalled, SIGTSTP);
	type("\034");
	assert_int_equal(signalled, SIGQUIT);
}

static void literal_next_quotes_a_character(void **state)
{
	char buf[64] = {0};

	(void)state;
	type("\026\003\n");
	assert_int_equal(signalled, 0);
	assert_int_equal(read_some(buf, 60), 2);
	assert_int_equal(buf[0], 3);
}

static void stop_and_start_control_output(void **state)
{
	(void)state;
	type("\023");
	assert_true(tty.is_stopped);
	type("\021");
	assert_false(tty.is_stopped);
	assert_int_equal(flow_changes, 2);
	assert_false(ldisc_has_input(&tty, 1));
}

static void raw_mode_passes_every_byte(void **state)
{
	uint8_t all[256], got[256];
	bool eof;

	(void)state;
	set_raw();
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	ldisc_input(&tty, all, 256);
	assert_true(ldisc_has_input(&tty, 256));
	assert_false(ldisc_has_input(&tty, 257));
	assert_int_equal(ldisc_peek(&tty, got, 256, &eof), 256);
	assert_memory_equal(all, got, 256);
	assert_int_equal(echoed_len, 0);
	assert_int_equal(signalled, 0);
}

static void raw_mode_gets_what_was_typed_before(void **state)
{
	char buf[64];

	(void)state;
	type("abc");
	set_raw();
	assert_int_equal(read_some(buf, 60), 3);
}

static void full_ring_counts_what_it_drops(void **state)
{
	static uint8_t block[4096];

	(void)state;
	set_raw();
	for (unsigned i = 0; i < LDISC_INPUT_BYTES / sizeof(block); i++)
		ldisc_input(&tty, block, sizeof(block));
	assert_int_equal(tty.dropped, 0);
	assert_int_equal(ldisc_room(&tty), 0);
	ldisc_input(&tty, block, 10);
	assert_int_equal(tty.dropped, 10);
	assert_int_equal(ldisc_readable(&tty), LDISC_INPUT_BYTES);
}

static void long_line_keeps_room_for_its_end(void **state)
{
	static char line[5000], buf[5000];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	tty.t.c_lflag &= ~(uint32_t)ECHO;
	type(line);
	type("\n");
	assert_int_equal(read_some(buf, sizeof(buf) - 1), 4096);
	assert_int_equal(buf[4095], '\n');
}

static void output_maps_newlines_and_tabs(void **state)
{
	uint8_t out[64];
	size_t used;
	size_t n = ldisc_output(&tty, (const uint8_t *)"a\nb\tc", 5, &used, out, sizeof(out));

	(void)state;
	assert_int_equal(used, 5);
	assert_int_equal(n, 6);
	assert_memory_equal(out, "a\r\nb\tc", 6);
	tty.t.c_oflag |= XTABS;
	n = ldisc_output(&tty, (const uint8_t *)"\r1\tx", 4, &used, out, sizeof(out));
	assert_memory_equal(out, "\r1       x", n);
	n = ldisc_output(&tty, (const uint8_t *)"abcdefghij", 10, &used, out, 9);
	assert_int_equal(n, used); /* stops when the next might not fit */
	assert_true(used < 10);
}

static void erase_respects_utf8(void **state)
{
	char buf[64];

	(void)state;
	tty.t.c_iflag |= IUTF8;
	type("a\xc3\xa9\177\n");
	assert_int_equal(read_some(buf, 60), 2);
	assert_string_equal(buf, "a\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(line_is_readable_when_complete),  T(read_takes_one_line_at_a_time),
		T(erase_and_kill_edit_the_line),    T(werase_takes_a_word),
		T(tab_is_erased_with_its_width),    T(control_characters_echo_as_caret),
		T(eof_alone_reads_zero_bytes),      T(interrupt_flushes_and_signals),
		T(literal_next_quotes_a_character), T(stop_and_start_control_output),
		T(raw_mode_passes_every_byte),      T(raw_mode_gets_what_was_typed_before),
		T(full_ring_counts_what_it_drops),  T(long_line_keeps_room_for_its_end),
		T(output_maps_newlines_and_tabs),   T(erase_respects_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
