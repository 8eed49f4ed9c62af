/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/char/pty/pair.c lib/tty/ lib/ldisc/ lib/chardev/queue.c tests/unit/drivers/char/pty/world.c
 *       tests/unit/support/panic.c */
/* Pairs of a pseudo-terminal: their states, what waits, what is refused. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <cmocka.h>
#include "world.h"

#define BULK 400000u

/* Nothing is left of the test. */
static int teardown(void **state)
{
	(void)state;
	assert_int_equal(pair_count(), 0);
	return 0;
}

/* ---- states ---- */

static void lines_are_edited_and_echoed(void **state)
{
	unsigned i = open_pair();

	(void)state;
	assert_int_equal(put(CHR_MASTER(i), "hellp\177o\r"), 8);
	expect(CHR_SLAVE(i), "hello\n");
	expect(CHR_MASTER(i), "hellp\b \bo\r\n");
	assert_int_equal(put(CHR_SLAVE(i), "a\n"), 2);
	expect(CHR_MASTER(i), "a\r\n");
	assert_int_equal(read_error(CHR_MASTER(i)), -EAGAIN);
	assert_int_equal(read_error(CHR_SLAVE(i)), -EAGAIN);
	close_pair(i);
}

static void slave_is_locked_until_told(void **state)
{
	int index = simple(pair_open, CHR_PTMX);
	uint32_t number = 99, locked = 0;

	(void)state;
	assert_int_equal(simple(pair_open, CHR_SLAVE(index)), -EIO);
	assert_int_equal(ioctl_of(CHR_MASTER(index), TIOCGPTN, &number, 4), 0);
	assert_int_equal(number, index);
	assert_int_equal(ioctl_of(CHR_MASTER(index), TIOCGPTLCK, &locked, 4), 0);
	assert_int_equal(locked, 1);
	assert_int_equal(read_error(CHR_MASTER(index)), -EAGAIN); /* no EIO before the first open */
	assert_int_equal(read_error(CHR_SLAVE(index)), -EIO);
	assert_int_equal(simple(pair_close, CHR_SLAVE(index)), -ENXIO);
	assert_int_equal(simple(pair_close, CHR_MASTER(index)), 0);
}

static void all_pairs_then_no_space(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CHR_PAIRS_MAX; i++)
		assert_int_equal(simple(pair_open, CHR_PTMX), i);
	assert_int_equal(simple(pair_open, CHR_PTMX), -ENOSPC);
	assert_int_equal(simple(pair_close, CHR_MASTER(7)), 0);
	assert_int_equal(simple(pair_open, CHR_PTMX), 7);
	assert_int_equal(simple(pair_open, CHR_PTMX), -ENOSPC);
	for (unsigned i = 0; i < CHR_PAIRS_MAX; i++)
		assert_int_equal(simple(pair_close, CHR_MASTER(i)), 0);
}

static void minors_that_are_none_are_refused(void **state)
{
	static const uint32_t minors[] = {1,
	                                  CHR_MASTER(0),
	                                  CHR_MASTER(CHR_PAIRS_MAX),
	                                  CHR_SLAVE(0) - 1,
	                                  CHR_SLAVE(0),
	                                  CHR_SLAVE(CHR_PAIRS_MAX),
	                                  UINT32_MAX};

	(void)state;
	for (unsigned i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		assert_int_equal(simple(pair_open, minors[i]), -ENXIO);
		assert_int_equal(simple(pair_close, minors[i]), -ENXIO);
		assert_int_equal(read_error(minors[i]), -EIO);
		assert_int_equal(put(minors[i], "x"), -EIO);
		assert_int_equal(poll_of(minors[i], POLLIN), -EIO);
	}
	assert_int_equal(simple(pair_close, CHR_PTMX), -ENXIO);
}

static void slave_gone_is_told_after_the_rest(void **state)
{
	unsigned i = open_pair();

	(void)state;
	assert_int_equal(put(CHR_SLAVE(i), "last"), 4);
	assert_int_equal(simple(pair_close, CHR_SLAVE(i)), 0);
	assert_int_equal(poll_of(CHR_MASTER(i), POLLIN | POLLHUP), POLLIN | POLLHUP);
	expect(CHR_MASTER(i), "last");
	assert_int_equal(read_error(CHR_MASTER(i)), -EIO);
	assert_int_equal(simple(pair_open, CHR_SLAVE(i)), 0);
	assert_int_equal(read_error(CHR_MASTER(i)), -EAGAIN);
	close_pair(i);
}

static void close_ends_what_waits(void **state)
{
	char buf[4][8];
	struct request reader = transfer(CHR_READ, buf[0], 8, 0),
		       typist = transfer(CHR_READ, buf[1], 8, 0);
	unsigned i = open_pair();

	(void)state;
	assert_int_equal(start(&reader, pair_read, CHR_MASTER(i)), WAITING);
	assert_int_equal(start(&typist, pair_read, CHR_SLAVE(i)), WAITING);
	assert_int_equal(simple(pair_close, CHR_SLAVE(i)), 0);
	assert_int_equal(typist.result, -EIO);
	assert_int_equal(reader.result, -EIO);
	assert_int_equal(simple(pair_open, CHR_SLAVE(i)), 0);
	assert_int_equal(start(&reader, pair_read, CHR_MASTER(i)), WAITING);
	assert_int_equal(start(&typist, pair_read, CHR_SLAVE(i)), WAITING);
	assert_int_equal(simple(pair_close, CHR_MASTER(i)), 0);
	assert_int_equal(typist.result, -EIO);
	assert_int_equal(reader.result, -EIO);
	assert_int_equal(pair_count(), 1); /* until vfs closes the slave */
	assert_int_equal(simple(pair_open, CHR_SLAVE(i)), -EIO);
	assert_int_equal(simple(pair_close, CHR_SLAVE(i)), 0);
}

static void waiting_requests_are_served_or_cancelled(void **state)
{
	char buf[2][8];
	struct request reader = transfer(CHR_READ, buf[0], 8, 0),
		       typist = transfer(CHR_READ, buf[1], 8, 0);
	unsigned i = open_pair();

	(void)state;
	assert_int_equal(start(&reader, pair_read, CHR_MASTER(i)), WAITING);
	assert_int_equal(put(CHR_SLAVE(i), "out"), 3);
	assert_int_equal(reader.result, 3);
	assert_int_equal(start(&typist, pair_read, CHR_SLAVE(i)), WAITING);
	assert_int_equal(put(CHR_MASTER(i), "in\n"), 3);
	assert_int_equal(typist.result, 3);
	expect(CHR_MASTER(i), "in\r\n");
	assert_int_equal(start(&reader, pair_read, CHR_MASTER(i)), WAITING);
	assert_int_equal(start(&typist, pair_read, CHR_SLAVE(i)), WAITING);
	pair_cancel(&reader.r);
	pair_cancel(&typist.r);
	assert_int_equal(reader.result, -EINTR);
	assert_int_equal(typist.result, -EINTR);
	close_pair(i);
}

static void faults_lose_nothing(void **state)
{
	char buf[8];
	struct request reader = transfer(CHR_READ, buf, 8, CHR_NONBLOCK),
		       writer = transfer(CHR_WRITE, buf, 8, CHR_NONBLOCK);
	unsigned i = open_pair();

	(void)state;
	assert_int_equal(put(CHR_SLAVE(i), "kept"), 4);
	reader.fault = writer.fault = -EFAULT;
	assert_int_equal(start(&reader, pair_read, CHR_MASTER(i)), -EFAULT);
	assert_int_equal(start(&writer, pair_write, CHR_MASTER(i)), -EFAULT);
	expect(CHR_MASTER(i), "kept");
	close_pair(i);
}

static void keys_become_signals_of_the_slave(void **state)
{
	struct winsize size = {.ws_row = 5, .ws_col = 6};
	unsigned i = open_pair();

	(void)state;
	assert_int_equal(put(CHR_SLAVE(i), "flushed"), 7);
	assert_int_equal(put(CHR_MASTER(i), "typed\003"), 6);
	assert_int_equal(seen.signal, SIGINT);
	assert_int_equal(seen.signal_minor, CHR_SLAVE(i));
	expect(CHR_MASTER(i), "^C");
	assert_int_equal(read_error(CHR_SLAVE(i)), -EAGAIN);
	assert_int_equal(put(CHR_MASTER(i), "\032"), 1);
	assert_int_equal(seen.signal, SIGTSTP);
	assert_int_equal(ioctl_of(CHR_MASTER(i), TIOCSWINSZ, &size, sizeof(size)), 0);
	assert_int_equal(seen.signal, SIGWINCH);
	assert_int_equal(ioctl_number(CHR_MASTER(i), TIOCSIG, SIGQUIT), 0);
	assert_int_equal(seen.signal, SIGQUIT);
	assert_int_equal(ioctl_number(CHR_MASTER(i), TIOCSIG, SIGKILL), -EINVAL);
	close_pair(i);
}

static void polls_are_woken_once(void **state)
{
	unsigned i = open_pair();

	(void)state;
	seen.ready_events = 0;
	assert_int_equal(poll_of(CHR_MASTER(i), POLLIN | POLLHUP), 0);
	assert_int_equal(put(CHR_SLAVE(i), "x"), 1);
	assert_int_equal(seen.ready_minor, CHR_MASTER(i));
	assert_int_equal(seen.ready_events, POLLIN);
	seen.ready_events = 0;
	assert_int_equal(put(CHR_SLAVE(i), "y"), 1);
	assert_int_equal(seen.ready_events, 0);
	expect(CHR_MASTER(i), "xy");
	assert_int_equal(poll_of(CHR_MASTER(i), POLLIN | POLLHUP), 0);
	assert_int_equal(simple(pair_close, CHR_SLAVE(i)), 0);
	assert_int_equal(seen.ready_events, POLLHUP);
	assert_int_equal(simple(pair_close, CHR_MASTER(i)), 0);
}

static void output_counts_as_sent_and_is_flushed(void **state)
{
	unsigned i = open_pair();
	uint32_t count = 0;

	(void)state;
	assert_int_equal(put(CHR_SLAVE(i), "abc"), 3);
	assert_int_equal(ioctl_number(CHR_SLAVE(i), TCSBRK, 1), 0); /* drains */
	assert_int_equal(ioctl_of(CHR_SLAVE(i), TIOCOUTQ, &count, 4), 0);
	assert_int_equal(count, 0);
	assert_int_equal(ioctl_of(CHR_MASTER(i), FIONREAD, &count, 4), 0);
	assert_int_equal(count, 3);
	assert_int_equal(ioctl_number(CHR_MASTER(i), TCFLSH, TCIFLUSH), 0);
	assert_int_equal(read_error(CHR_MASTER(i)), -EAGAIN);
	assert_int_equal(ioctl_number(CHR_MASTER(i), TCFLSH, 3), -EINVAL);
	assert_int_equal(ioctl_number(CHR_MASTER(i), TIOCPKT, 0), -ENOTTY);
	assert_int_equal(ioctl_of(CHR_SLAVE(i), TIOCGPTN, &count, 4), -ENOTTY);
	close_pair(i);
}

/* ---- more than the rings hold ---- */

static void writers_wait_for_room(void **state)
{
	static uint8_t out[BULK], in[BULK];
	unsigned i = open_pair();

	(void)state;
	make_raw(i);
	for (size_t n = 0; n < BULK; n++)
		out[n] = (uint8_t)(n * 7 + n / 251);
	for (unsigned way = 0; way < 2; way++) {
		uint32_t from = way ? CHR_MASTER(i) : CHR_SLAVE(i);
		uint32_t to = way ? CHR_SLAVE(i) : CHR_MASTER(i);
		struct request writer = transfer(CHR_WRITE, out, BULK, 0);
		size_t got = 0;

		assert_int_equal(start(&writer, pair_write, from), WAITING);
		while (got < BULK) {
			struct request r = transfer(CHR_READ, in + got, BULK - got, 0);
			int n = start(&r, pair_read, to);

			assert_in_range(n, 1, BULK - got);
			got += (size_t)n;
		}
		assert_int_equal(writer.result, BULK);
		assert_memory_equal(in, out, BULK);
	}
	close_pair(i);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(lines_are_edited_and_echoed, teardown),
		cmocka_unit_test_teardown(slave_is_locked_until_told, teardown),
		cmocka_unit_test_teardown(all_pairs_then_no_space, teardown),
		cmocka_unit_test_teardown(minors_that_are_none_are_refused, teardown),
		cmocka_unit_test_teardown(slave_gone_is_told_after_the_rest, teardown),
		cmocka_unit_test_teardown(close_ends_what_waits, teardown),
		cmocka_unit_test_teardown(waiting_requests_are_served_or_cancelled, teardown),
		cmocka_unit_test_teardown(faults_lose_nothing, teardown),
		cmocka_unit_test_teardown(keys_become_signals_of_the_slave, teardown),
		cmocka_unit_test_teardown(polls_are_woken_once, teardown),
		cmocka_unit_test_teardown(output_counts_as_sent_and_is_flushed, teardown),
		cmocka_unit_test_teardown(writers_wait_for_room, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
