/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <cmocka.h>
#include "sys/sys.h"
#include "world.h"

struct seen seen = {.now = 1};

/* ---- the character library ---- */

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
	seen.signal_minor = minor;
	seen.signal = signo;
}

void chardev_ready(unsigned minor, unsigned events)
{
	seen.ready_minor = minor;
	seen.ready_events = events;
}

uint64_t now_ns(void)
{
	return seen.now;
}

int k_setalarm(uint64_t t)
{
	(void)t;
	return 0;
}

/* ---- requests ---- */

/* Starts a request; its result may be WAITING. */
int start(struct request *q, op_fn_t op, uint32_t minor)
{
	q->r.is_used = true;
	q->r.req.minor = minor;
	q->result = WAITING;
	op(&q->r);
	return q->result;
}

struct request transfer(enum chr_msg type, void *memory, size_t len, uint32_t flags)
{
	struct request q = {.memory = memory};

	q.r.type = type;
	q.r.req.len_bytes = len;
	q.r.req.flags = flags;
	return q;
}

int simple(op_fn_t op, uint32_t minor)
{
	struct request q = {.result = 0};

	return start(&q, op, minor);
}

int put(uint32_t minor, const char *text)
{
	char copy[256];
	struct request q = transfer(CHR_WRITE, copy, strlen(text), CHR_NONBLOCK);

	assert_true(strlen(text) < sizeof(copy));
	memcpy(copy, text, strlen(text) + 1);
	return start(&q, pair_write, minor);
}

/* One read that does not wait must give exactly this. */
void expect(uint32_t minor, const char *text)
{
	char buf[256];
	struct request q = transfer(CHR_READ, buf, sizeof(buf), CHR_NONBLOCK);
	int n = start(&q, pair_read, minor);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

int read_error(uint32_t minor)
{
	char buf[8];
	struct request q = transfer(CHR_READ, buf, sizeof(buf), CHR_NONBLOCK);

	return start(&q, pair_read, minor);
}

int poll_of(uint32_t minor, unsigned wanted)
{
	struct request q = {.result = 0};

	q.r.req.arg = wanted;
	return start(&q, pair_poll, minor);
}

int ioctl_of(uint32_t minor, unsigned cmd, void *arg, size_t len)
{
	struct request q = transfer(CHR_IOCTL, arg, len, 0);

	q.r.req.cmd = cmd;
	return start(&q, pair_ioctl, minor);
}

int ioctl_number(uint32_t minor, unsigned cmd, unsigned number)
{
	struct request q = {.result = 0};

	q.r.req.cmd = cmd;
	q.r.req.arg = number;
	return start(&q, pair_ioctl, minor);
}

/* A pair, unlocked and open at both ends: its index. */
unsigned open_pair(void)
{
	int32_t unlocked = 0;
	int index = simple(pair_open, CHR_PTMX);

	assert_in_range(index, 0, CHR_PAIRS_MAX - 1);
	assert_int_equal(ioctl_of(CHR_MASTER(index), TIOCSPTLCK, &unlocked, 4), 0);
	assert_int_equal(simple(pair_open, CHR_SLAVE(index)), 0);
	return (unsigned)index;
}

void close_pair(unsigned index)
{
	assert_int_equal(simple(pair_close, CHR_SLAVE(index)), 0);
	assert_int_equal(simple(pair_close, CHR_MASTER(index)), 0);
}

void make_raw(unsigned index)
{
	struct ktermios t;

	assert_int_equal(ioctl_of(CHR_SLAVE(index), TCGETS, &t, sizeof(t)), 0);
	t.c_iflag = t.c_oflag = t.c_lflag = 0;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	assert_int_equal(ioctl_of(CHR_SLAVE(index), TCSETS, &t, sizeof(t)), 0);
}
