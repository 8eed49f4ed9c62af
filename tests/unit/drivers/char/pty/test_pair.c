/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/char/pty/pair.c lib/tty/ lib/ldisc/ lib/chardev/queue.c */
/* Pairs of a pseudo-terminal: requests as vfs sends them, with a character library that only takes notes. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <cmocka.h>
#include "drivers/char/pty/pty.h"
#include "sys/sys.h"

#define WAITING  (-1000) /* result of a request that is not answered yet */
#define BULK     400000u
#define STEPS    60000
#define REQUESTS 24

static uint64_t now = 1;
static int last_signal;
static uint32_t signal_minor, ready_minor;
static unsigned ready_events;

/* ---- the character library ---- */

struct request {
	struct chardev_request r; /* first */
	uint8_t *memory;
	int result;
	int fault; /* of copies */
};

static struct request *of(const struct chardev_request *r)
{
	return (struct request *)(uintptr_t)r;
}

void chardev_reply(struct chardev_request *r, int result)
{
	assert_true(r->is_used); /* exactly once */
	r->is_used = false;
	of(r)->result = result;
}

int chardev_copy_out(const struct chardev_request *r, uint64_t offset, const void *from, size_t len)
{
	assert_true(r->is_used && offset + len <= r->req.len_bytes);
	if (of(r)->fault == 0)
		memcpy(of(r)->memory + offset, from, len);
	return of(r)->fault;
}

int chardev_copy_in(const struct chardev_request *r, uint64_t offset, void *to, size_t len)
{
	assert_true(r->is_used && offset + len <= r->req.len_bytes);
	if (of(r)->fault == 0)
		memcpy(to, of(r)->memory + offset, len);
	return of(r)->fault;
}

void chardev_signal(unsigned minor, int signo)
{
	signal_minor = minor;
	last_signal = signo;
}

void chardev_ready(unsigned minor, unsigned events)
{
	ready_minor = minor;
	ready_events = events;
}

uint64_t now_ns(void)
{
	return now;
}

int k_setalarm(uint64_t t)
{
	(void)t;
	return 0;
}

void sys_panic(const char *fmt, ...)
{
	print_error("panic: %s\n", fmt);
	abort();
}

/* ---- requests ---- */

typedef void (*op_fn_t)(struct chardev_request *r);

/* Starts a request; its result may be WAITING. */
static int start(struct request *q, op_fn_t op, uint32_t minor)
{
	q->r.is_used = true;
	q->r.req.minor = minor;
	q->result = WAITING;
	op(&q->r);
	return q->result;
}

static struct request transfer(enum chr_msg type, void *memory, size_t len, uint32_t flags)
{
	struct request q = {.memory = memory};

	q.r.type = type;
	q.r.req.len_bytes = len;
	q.r.req.flags = flags;
	return q;
}

static int simple(op_fn_t op, uint32_t minor)
{
	struct request q = {.result = 0};

	return start(&q, op, minor);
}

static int put(uint32_t minor, const char *text)
{
	char copy[256];
	struct request q = transfer(CHR_WRITE, copy, strlen(text), CHR_NONBLOCK);

	memcpy(copy, text, strlen(text));
	return start(&q, pair_write, minor);
}

/* One read that does not wait must give exactly this. */
static void expect(uint32_t minor, const char *text)
{
	char buf[256];
	struct request q = transfer(CHR_READ, buf, sizeof(buf), CHR_NONBLOCK);
	int n = start(&q, pair_read, minor);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static int read_error(uint32_t minor)
{
	char buf[8];
	struct request q = transfer(CHR_READ, buf, sizeof(buf), CHR_NONBLOCK);

	return start(&q, pair_read, minor);
}

static int poll_of(uint32_t minor, unsigned wanted)
{
	struct request q = {.result = 0};

	q.r.req.arg = wanted;
	return start(&q, pair_poll, minor);
}

static int ioctl_of(uint32_t minor, unsigned cmd, void *arg, size_t len)
{
	struct request q = transfer(CHR_IOCTL, arg, len, 0);

	q.r.req.cmd = cmd;
	return start(&q, pair_ioctl, minor);
}

static int ioctl_number(uint32_t minor, unsigned cmd, unsigned number)
{
	struct request q = {.result = 0};

	q.r.req.cmd = cmd;
	q.r.req.arg = number;
	return start(&q, pair_ioctl, minor);
}

/* A pair, unlocked and open at both ends: its index. */
static unsigned open_pair(void)
{
	int32_t unlocked = 0;
	int index = simple(pair_open, CHR_PTMX);

	assert_in_range(index, 0, CHR_PAIRS_MAX - 1);
	assert_int_equal(ioctl_of(CHR_MASTER(index), TIOCSPTLCK, &unlocked, 4), 0);
	assert_int_equal(simple(pair_open, CHR_SLAVE(index)), 0);
	return (unsigned)index;
}

static void close_pair(unsigned index)
{
	assert_int_equal(simple(pair_close, CHR_SLAVE(index)), 0);
	assert_int_equal(simple(pair_close, CHR_MASTER(index)), 0);
}

static void make_raw(unsigned index)
{
	struct ktermios t;

	assert_int_equal(ioctl_of(CHR_SLAVE(index), TCGETS, &t, sizeof(t)), 0);
	t.c_iflag = t.c_oflag = t.c_lflag = 0;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	assert_int_equal(ioctl_of(CHR_SLAVE(index), TCSETS, &t, sizeof(t)), 0);
}

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
	assert_int_equal(last_signal, SIGINT);
	assert_int_equal(signal_minor, CHR_SLAVE(i));
	expect(CHR_MASTER(i), "^C");
	assert_int_equal(read_error(CHR_SLAVE(i)), -EAGAIN);
	assert_int_equal(put(CHR_MASTER(i), "\032"), 1);
	assert_int_equal(last_signal, SIGTSTP);
	assert_int_equal(ioctl_of(CHR_MASTER(i), TIOCSWINSZ, &size, sizeof(size)), 0);
	assert_int_equal(last_signal, SIGWINCH);
	assert_int_equal(ioctl_number(CHR_MASTER(i), TIOCSIG, SIGQUIT), 0);
	assert_int_equal(last_signal, SIGQUIT);
	assert_int_equal(ioctl_number(CHR_MASTER(i), TIOCSIG, SIGKILL), -EINVAL);
	close_pair(i);
}

static void polls_are_woken_once(void **state)
{
	unsigned i = open_pair();

	(void)state;
	ready_events = 0;
	assert_int_equal(poll_of(CHR_MASTER(i), POLLIN | POLLHUP), 0);
	assert_int_equal(put(CHR_SLAVE(i), "x"), 1);
	assert_int_equal(ready_minor, CHR_MASTER(i));
	assert_int_equal(ready_events, POLLIN);
	ready_events = 0;
	assert_int_equal(put(CHR_SLAVE(i), "y"), 1);
	assert_int_equal(ready_events, 0);
	expect(CHR_MASTER(i), "xy");
	assert_int_equal(poll_of(CHR_MASTER(i), POLLIN | POLLHUP), 0);
	assert_int_equal(simple(pair_close, CHR_SLAVE(i)), 0);
	assert_int_equal(ready_events, POLLHUP);
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

/* ---- anything in any order ---- */

static uint8_t scratch[REQUESTS][512];
static struct request pool[REQUESTS];

static struct request *free_request(void)
{
	for (unsigned i = 0; i < REQUESTS; i++) {
		if (pool[i].r.is_used)
			continue;
		pool[i] = transfer(CHR_READ, scratch[i], sizeof(scratch[i]), 0);
		return &pool[i];
	}
	return NULL;
}

static void random_step(void)
{
	static const unsigned cmds[] = {TCGETS,     TCSETS,   TCSETSW,    TCSETSF, TIOCGWINSZ,
	                                TIOCSWINSZ, FIONREAD, TIOCSPTLCK, TCFLSH,  TCXONC,
	                                TIOCSIG,    TIOCOUTQ, TIOCGPTN,   0xdead};
	static const op_fn_t ops[] = {pair_open, pair_close, pair_read, pair_write,
	                              pair_ioctl, pair_poll};
	uint32_t index = (uint32_t)rand() % 4, kind = (uint32_t)rand() % 8;
	unsigned op = (unsigned)rand() % 32;
	struct request *q = free_request();

	now += 10000000;
	if (rand() % 16 == 0)
		lines_alarm(now);
	if (!q || rand() % 8 == 0) {
		q = &pool[rand() % REQUESTS];
		if (q->r.is_used)
			pair_cancel(&q->r);
		return;
	}
	/* Closing is rare, or nothing would ever wait. */
	op = op < 2 ? op : 2 + op % 4;
	q->r.type = op == 3 ? CHR_WRITE : CHR_READ;
	q->r.req.flags = (uint32_t)rand() % 2;
	q->r.req.len_bytes = 64 + (uint64_t)rand() % 449;
	q->r.req.cmd = cmds[(unsigned)rand() % (sizeof(cmds) / sizeof(cmds[0]))];
	q->r.req.arg = (uint32_t)rand() % 40;
	q->fault = rand() % 20 == 0 ? -EFAULT : 0;
	for (unsigned i = 0; op == 3 && i < sizeof(scratch[0]); i++)
		q->memory[i] = (uint8_t)rand();
	(void)start(q, ops[op],
	            kind == 0   ? CHR_PTMX
	            : kind % 2 ? CHR_MASTER(index)
	                       : CHR_SLAVE(index));
}

static void random_requests_are_each_answered_once(void **state)
{
	(void)state;
	srand(5);
	for (unsigned i = 0; i < STEPS; i++)
		random_step();
	for (unsigned i = 0; i < CHR_PAIRS_MAX; i++) {
		(void)simple(pair_close, CHR_SLAVE(i));
		(void)simple(pair_close, CHR_MASTER(i));
	}
	for (unsigned i = 0; i < REQUESTS; i++)
		assert_false(pool[i].r.is_used);
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
		cmocka_unit_test_teardown(random_requests_are_each_answered_once, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
