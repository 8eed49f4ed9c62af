/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A terminal line: its requests and its output ring; see line.h.
 *
 * Reads and writes that cannot end at once wait in queues; line_work() lets the heads go on
 * whenever something changed. VMIN and VTIME: POSIX 11.1.7 cases A to D. Data is copied to the
 * reader first and taken out of the ring only when that worked.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>

#include "sys/sys.h"
#include "tty/line_impl.h"

#define OUT_MASK       (OUT_BYTES - 1)
#define CHUNK_BYTES    4096u
#define OUT_RESERVE    256u /* of the ring, for echo: writers leave it free */
#define TENTH_NS       100000000ull
#define READ_STEPS_MAX 64 /* readers served in one go */

/* ---- line discipline callbacks ---- */

static struct line *line_of(struct ldisc *l)
{
	return (struct line *)((char *)l - offsetof(struct line, ldisc));
}

static void ldisc_emit(struct ldisc *l, const uint8_t *bytes, size_t len)
{
	line_emit(line_of(l), bytes, len);
}

static void ldisc_signal(struct ldisc *l, int signo)
{
	struct line *line = line_of(l);

	if (!(l->t.c_lflag & NOFLSH))
		line_flush_output(line);
	chardev_signal(line->minor, signo);
}

static void ldisc_flow(struct ldisc *l, bool is_stopped)
{
	struct line *line = line_of(l);

	if (!is_stopped && line->device != NULL)
		line->device->start_output(line);
}

void line_init(struct line *l, unsigned minor, bool is_raw)
{
	static const struct ldisc_ops ops = {ldisc_emit, ldisc_signal, ldisc_flow};

	l->minor = minor;
	ldisc_init(&l->ldisc, &ops, is_raw);
	line_timer_add(l);
}

void line_end(struct line *l)
{
	SYS_ASSERT(l->readers.head == NULL && l->writers.head == NULL && l->drainers.head == NULL);
	line_timer_remove(l);
}

/* ---- output ---- */

static uint32_t out_room(const struct line *l)
{
	return OUT_BYTES - (l->out_tail - l->out_head);
}

void line_emit(struct line *l, const uint8_t *bytes, size_t len)
{
	if (len > out_room(l)) {
		l->out_dropped += len;
		return;
	}
	for (size_t i = 0; i < len; i++)
		l->out[l->out_tail++ & OUT_MASK] = bytes[i];
}

size_t line_output(const struct line *l, const uint8_t **bytes)
{
	uint32_t at = l->out_head & OUT_MASK, pending = l->out_tail - l->out_head;

	*bytes = l->out + at;
	if (l->ldisc.is_stopped || l->is_suspended)
		return 0;
	return pending < OUT_BYTES - at ? pending : OUT_BYTES - at;
}

void line_sent(struct line *l, size_t len)
{
	l->out_head += (uint32_t)len;
}

static bool is_drained(const struct line *l)
{
	bool is_instant = l->device != NULL && l->device->is_instant;

	return (is_instant || l->out_head == l->out_tail) && l->writers.head == NULL;
}

void line_flush_output(struct line *l)
{
	l->out_head = l->out_tail;
}

/* Moves what fits; true when the request is done (or failed). */
static bool write_some(struct line *l, struct chardev_request *r)
{
	uint8_t in[CHUNK_BYTES], out[CHUNK_BYTES];

	while (r->done < r->req.len_bytes) {
		uint64_t left = r->req.len_bytes - r->done;
		size_t len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, used, n;
		uint32_t room = out_room(l);
		int err;

		if (room <= 2 * OUT_RESERVE)
			return false;
		err = chardev_copy_in(r, r->done, in, len);
		if (err != 0) {
			if (r->done == 0)
				r->done = (uint64_t)(int64_t)err;
			return true;
		}
		room -= OUT_RESERVE;
		n = ldisc_output(&l->ldisc, in, len, &used, out,
		                 room < sizeof(out) ? room : sizeof(out));
		line_emit(l, out, n);
		r->done += used;
		if (used == 0)
			return false;
	}
	return true;
}

static void run_writers(struct line *l)
{
	struct chardev_request *r;

	while ((r = l->writers.head) != NULL && write_some(l, r)) {
		chardev_queue_remove(&l->writers, r);
		chardev_reply(r, (int)r->done);
	}
}

void line_write(struct line *l, struct chardev_request *r)
{
	r->done = 0;
	if (r->req.len_bytes > INT32_MAX) {
		chardev_reply(r, -EINVAL);
		return;
	}
	chardev_queue_add(&l->writers, r);
	line_work(l);
	/* Not among the waiting any more: answered. */
	if ((r->req.flags & CHR_NONBLOCK) && chardev_queue_remove(&l->writers, r))
		chardev_reply(r, r->done > 0 ? (int)r->done : -EAGAIN);
}

void line_wait_drained(struct line *l, struct chardev_request *r)
{
	chardev_queue_add(&l->drainers, r);
	line_work(l);
}

static void run_drainers(struct line *l)
{
	while (l->drainers.head != NULL && is_drained(l)) {
		struct chardev_request *r = l->drainers.head;

		chardev_queue_remove(&l->drainers, r);
		line_ioctl_drained(l, r);
	}
}

/* ---- input ---- */

/* How many bytes end a raw read of r; 0: it ends in any case. */
static unsigned wanted(const struct line *l, const struct chardev_request *r)
{
	unsigned min = l->ldisc.t.c_cc[VMIN];

	if (l->ldisc.t.c_lflag & ICANON)
		return 1;
	return r->req.len_bytes < min ? (unsigned)r->req.len_bytes : min;
}

static bool read_may_end(const struct line *l, const struct chardev_request *r)
{
	unsigned min = wanted(l, r);
	bool is_raw = !(l->ldisc.t.c_lflag & ICANON);

	if (ldisc_has_input(&l->ldisc, min))
		return true;
	return is_raw && min == 0 && l->ldisc.t.c_cc[VTIME] == 0;
}

/* Copies what is there, up to the request's length, and answers. */
static void finish_read(struct line *l, struct chardev_request *r)
{
	uint8_t buf[CHUNK_BYTES];
	bool eof = false;
	int err = 0;

	while (r->done < r->req.len_bytes && err == 0) {
		uint64_t left = r->req.len_bytes - r->done;
		size_t n = ldisc_peek(&l->ldisc, buf,
		                      left < sizeof(buf) ? (size_t)left : sizeof(buf), &eof);
		bool is_line_end = (l->ldisc.t.c_lflag & ICANON) && n > 0 && n < sizeof(buf);

		if (n > 0)
			err = chardev_copy_out(r, r->done, buf, n);
		if (err != 0)
			break;
		ldisc_consume(&l->ldisc, n, eof);
		r->done += n;
		if (n == 0 || eof || is_line_end)
			break;
	}
	l->t_read_ns = 0;
	chardev_reply(r, err != 0 && r->done == 0 ? err : (int)r->done);
	if (l->device != NULL)
		l->device->input_room(l);
}

/* Cases A and C of POSIX: a timer runs from the first byte, or from the start. */
static void start_timer(struct line *l, const struct chardev_request *r)
{
	unsigned tenths = l->ldisc.t.c_cc[VTIME];
	bool is_raw = !(l->ldisc.t.c_lflag & ICANON);

	if (!is_raw || tenths == 0 || l->t_read_ns != 0)
		return;
	if (wanted(l, r) == 0 || ldisc_has_input(&l->ldisc, 1))
		l->t_read_ns = now_ns() + tenths * TENTH_NS;
}

static void run_readers(struct line *l)
{
	struct chardev_request *r;

	for (unsigned i = 0; i < READ_STEPS_MAX && (r = l->readers.head) != NULL; i++) {
		if (!read_may_end(l, r)) {
			start_timer(l, r);
			return;
		}
		chardev_queue_remove(&l->readers, r);
		finish_read(l, r);
	}
}

void line_read(struct line *l, struct chardev_request *r)
{
	r->done = 0;
	if (r->req.len_bytes > INT32_MAX) {
		chardev_reply(r, -EINVAL);
		return;
	}
	if (r->req.len_bytes == 0) {
		chardev_reply(r, 0);
		return;
	}
	chardev_queue_add(&l->readers, r);
	line_work(l);
	if ((r->req.flags & CHR_NONBLOCK) && chardev_queue_remove(&l->readers, r)) {
		if (ldisc_has_input(&l->ldisc, 1))
			finish_read(l, r);
		else
			chardev_reply(r, -EAGAIN);
	}
}

void line_alarm(struct line *l, uint64_t now)
{
	struct chardev_request *r = l->readers.head;

	if (l->t_read_ns == 0 || now < l->t_read_ns)
		return;
	l->t_read_ns = 0;
	if (r == NULL)
		return;
	chardev_queue_remove(&l->readers, r);
	finish_read(l, r);
}

void line_received(struct line *l, const uint8_t *bytes, size_t len)
{
	bool is_between_bytes = l->t_read_ns != 0 && l->ldisc.t.c_cc[VMIN] > 0;

	ldisc_input(&l->ldisc, bytes, len);
	if (is_between_bytes) /* case A: each byte starts it again */
		l->t_read_ns = now_ns() + l->ldisc.t.c_cc[VTIME] * TENTH_NS;
}

/* ---- poll, cancel, work ---- */

static unsigned ready_events(const struct line *l)
{
	const struct ktermios *t = &l->ldisc.t;
	bool is_raw_min = !(t->c_lflag & ICANON) && t->c_cc[VTIME] == 0 && t->c_cc[VMIN] > 0;
	unsigned events = 0;

	if (ldisc_has_input(&l->ldisc, is_raw_min ? t->c_cc[VMIN] : 1))
		events |= POLLIN | POLLRDNORM;
	if (out_room(l) > OUT_BYTES / 2)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

void line_poll(struct line *l, struct chardev_request *r)
{
	unsigned events = ready_events(l) & r->req.arg;

	if (events == 0)
		l->poll_wanted |= r->req.arg;
	chardev_reply(r, (int)events);
}

void line_cancel(struct line *l, struct chardev_request *r)
{
	if (chardev_queue_remove(&l->readers, r) || chardev_queue_remove(&l->writers, r) ||
	    chardev_queue_remove(&l->drainers, r))
		chardev_reply(r, r->done > 0 ? (int)r->done : -EINTR);
}

static void end_all(struct chardev_queue *q)
{
	struct chardev_request *r;

	while ((r = q->head) != NULL) {
		chardev_queue_remove(q, r);
		chardev_reply(r, r->done > 0 ? (int)r->done : -EIO);
	}
}

void line_hang_up(struct line *l)
{
	l->t_read_ns = 0;
	end_all(&l->readers);
	end_all(&l->writers);
	end_all(&l->drainers);
}

void line_work(struct line *l)
{
	uint32_t before;

	do { /* ends: each round takes bytes from a finite list of writers */
		before = l->out_head;
		run_writers(l);
		if (l->device != NULL && l->out_head != l->out_tail)
			l->device->start_output(l);
	} while (l->out_head != before && l->writers.head != NULL);
	run_readers(l);
	if (l->device != NULL && l->out_head != l->out_tail) /* echo */
		l->device->start_output(l);
	run_drainers(l);
	if (l->poll_wanted & ready_events(l)) {
		unsigned events = l->poll_wanted & ready_events(l);

		l->poll_wanted = 0;
		chardev_ready(l->minor, events);
	}
}
