/* SPDX-License-Identifier: BSD-2-Clause */
/* Pairs and their masters' ends. Model in pty.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>

#include "pty.h"

#define CHUNK_BYTES 4096u

struct pair {
	struct line *line; /* NULL: free */
	unsigned index;
	bool is_master_open, is_slave_open;
	bool is_slave_gone;                    /* it was open, and is closed: the master is told */
	bool is_locked;                        /* the slave cannot be opened yet */
	struct chardev_queue readers, writers; /* of the master */
	unsigned poll_wanted;                  /* by the master */
};

static struct pair pairs[CHR_PAIRS_MAX];

/* The pair that a request is about; *is_master: which end. NULL: there is none. */
static struct pair *pair_of(const struct chardev_request *r, bool *is_master)
{
	uint32_t minor = r->req.minor, index;

	*is_master = minor < CHR_SLAVE(0);
	index = minor - (*is_master ? CHR_MASTER(0) : CHR_SLAVE(0));
	if (minor < CHR_MASTER(0) || index >= CHR_PAIRS_MAX || pairs[index].line == NULL)
		return NULL;
	return &pairs[index];
}

unsigned pair_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CHR_PAIRS_MAX; i++)
		count += pairs[i].line != NULL;
	return count;
}

/* ---- the master's requests ---- */

/* Bytes of the program that the master can have now. */
static size_t output_of(const struct pair *p)
{
	const uint8_t *bytes;

	return line_output(p->line, &bytes);
}

/* The ring may wrap, so it takes up to two copies. */
static void finish_read(struct pair *p, struct chardev_request *r)
{
	int err = 0;

	while (r->done < r->req.len_bytes) {
		const uint8_t *bytes;
		size_t n = line_output(p->line, &bytes);
		uint64_t left = r->req.len_bytes - r->done;

		n = n < left ? n : (size_t)left;
		if (n == 0)
			break;
		err = chardev_copy_out(r, r->done, bytes, n);
		if (err != 0)
			break;
		line_sent(p->line, n);
		r->done += n;
	}
	chardev_reply(r, r->done > 0 ? (int)r->done : err);
}

static void run_readers(struct pair *p)
{
	struct chardev_request *r;

	while ((r = p->readers.head) != NULL && output_of(p) > 0) {
		chardev_queue_remove(&p->readers, r);
		finish_read(p, r);
	}
	while ((r = p->readers.head) != NULL && p->is_slave_gone) {
		chardev_queue_remove(&p->readers, r);
		chardev_reply(r, -EIO);
	}
}

/* Types what fits; true when the request is done (or failed). */
static bool write_some(struct pair *p, struct chardev_request *r)
{
	uint8_t bytes[CHUNK_BYTES];

	while (r->done < r->req.len_bytes) {
		uint64_t left = r->req.len_bytes - r->done;
		size_t n = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
		size_t room = ldisc_room(&p->line->ldisc);
		int err;

		n = n < room ? n : room;
		if (n == 0)
			return false;
		err = chardev_copy_in(r, r->done, bytes, n);
		if (err != 0) {
			if (r->done == 0)
				r->done = (uint64_t)(int64_t)err;
			return true;
		}
		line_received(p->line, bytes, n);
		r->done += n;
	}
	return true;
}

/* True if bytes came to the line: its readers may go on. */
static bool run_writers(struct pair *p)
{
	struct chardev_request *r;
	bool has_typed = false;

	while ((r = p->writers.head) != NULL) {
		uint64_t before = r->done;
		bool is_done = write_some(p, r);

		has_typed = has_typed || r->done != before;
		if (!is_done)
			break;
		chardev_queue_remove(&p->writers, r);
		chardev_reply(r, (int)r->done);
	}
	return has_typed;
}

static unsigned ready_events(const struct pair *p)
{
	unsigned events = 0;

	if (output_of(p) > 0)
		events |= POLLIN | POLLRDNORM;
	if (ldisc_room(&p->line->ldisc) > 0)
		events |= POLLOUT | POLLWRNORM;
	if (p->is_slave_gone)
		events |= POLLHUP;
	return events;
}

/* Runs what may run now, at both ends. */
static void work(struct pair *p)
{
	unsigned events;

	do { /* ends: each round takes bytes from a finite list of writers */
		line_work(p->line);
	} while (run_writers(p));
	run_readers(p);
	events = p->poll_wanted & ready_events(p);
	if (events == 0)
		return;
	p->poll_wanted = 0;
	chardev_ready(CHR_MASTER(p->index), events);
}

static void master_transfer(struct pair *p, struct chardev_request *r)
{
	struct chardev_queue *q = r->type == CHR_READ ? &p->readers : &p->writers;

	r->done = 0;
	if (r->req.len_bytes > INT32_MAX || r->req.len_bytes == 0) {
		chardev_reply(r, r->req.len_bytes == 0 ? 0 : -EINVAL);
		return;
	}
	chardev_queue_add(q, r);
	work(p);
	/* Not among the waiting any more: answered. */
	if ((r->req.flags & CHR_NONBLOCK) && chardev_queue_remove(q, r))
		chardev_reply(r, r->done > 0 ? (int)r->done : -EAGAIN);
}

/* ---- the line's device ---- */

static void start_output(struct line *l)
{
	run_readers(&pairs[l->minor - CHR_SLAVE(0)]);
}

/* work() looks at the writers after each step of the line. */
static void input_room(struct line *l)
{
	(void)l;
}

/* ---- open and close ---- */

static int new_pair(void)
{
	static const struct line_device device = {
		.start_output = start_output, .input_room = input_room, .is_instant = true};

	for (unsigned i = 0; i < CHR_PAIRS_MAX; i++) {
		struct pair *p = &pairs[i];

		if (p->line != NULL)
			continue;
		*p = (struct pair){.index = i, .is_master_open = true, .is_locked = true};
		p->line = calloc(1, sizeof(*p->line));
		if (p->line == NULL)
			return -ENOMEM;
		line_init(p->line, CHR_SLAVE(i), false);
		p->line->device = &device;
		return (int)i;
	}
	return -ENOSPC;
}

static int open_slave(struct pair *p)
{
	if (!p->is_master_open || p->is_locked)
		return -EIO;
	p->is_slave_open = true;
	p->is_slave_gone = false;
	return 0;
}

void pair_open(struct chardev_request *r)
{
	bool is_master;
	struct pair *p = pair_of(r, &is_master);

	if (r->req.minor == CHR_PTMX)
		chardev_reply(r, new_pair());
	else if (p != NULL && !is_master)
		chardev_reply(r, open_slave(p));
	else
		chardev_reply(r, -ENXIO);
}

static void end_requests(struct chardev_queue *q)
{
	struct chardev_request *r;

	while ((r = q->head) != NULL) {
		chardev_queue_remove(q, r);
		chardev_reply(r, r->done > 0 ? (int)r->done : -EIO);
	}
}

static void free_if_unused(struct pair *p)
{
	if (p->is_master_open || p->is_slave_open) {
		work(p);
		return;
	}
	line_end(p->line);
	free(p->line);
	p->line = NULL;
}

void pair_close(struct chardev_request *r)
{
	bool is_master;
	struct pair *p = pair_of(r, &is_master);

	if (p == NULL || (is_master ? !p->is_master_open : !p->is_slave_open)) {
		chardev_reply(r, -ENXIO);
		return;
	}
	line_hang_up(p->line);
	if (is_master) {
		p->is_master_open = false;
		end_requests(&p->readers);
		end_requests(&p->writers);
	} else {
		p->is_slave_open = false;
		p->is_slave_gone = true;
	}
	chardev_reply(r, 0);
	free_if_unused(p);
}

/* ---- ioctl ---- */

static int copy_number(struct chardev_request *r, size_t number)
{
	uint32_t n = (uint32_t)number;

	return chardev_copy_out(r, 0, &n, sizeof(n));
}

static int set_lock(struct pair *p, struct chardev_request *r)
{
	int32_t value;
	int err = chardev_copy_in(r, 0, &value, sizeof(value));

	if (err == 0)
		p->is_locked = value != 0;
	return err;
}

static int send_signal(const struct pair *p, unsigned signo)
{
	if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
		return -EINVAL;
	chardev_signal(CHR_SLAVE(p->index), (int)signo);
	return 0;
}

/* What the master reads is the line's output, and the other way round. */
static int flush_from_master(struct pair *p, unsigned which)
{
	static const uint8_t swapped[] = {
		[TCIFLUSH] = TCOFLUSH, [TCOFLUSH] = TCIFLUSH, [TCIOFLUSH] = TCIOFLUSH};

	return which < sizeof(swapped) ? line_flush(p->line, swapped[which]) : -EINVAL;
}

static void master_ioctl(struct pair *p, struct chardev_request *r)
{
	int result = -ENOTTY;

	switch (r->req.cmd) {
	case TIOCGPTN: result = copy_number(r, p->index); break;
	case TIOCSPTLCK: result = set_lock(p, r); break;
	case TIOCGPTLCK: result = copy_number(r, p->is_locked); break;
	case TIOCSIG: result = send_signal(p, r->req.arg); break;
	case FIONREAD: result = copy_number(r, p->line->out_tail - p->line->out_head); break;
	case TIOCOUTQ: result = copy_number(r, 0); break; /* what is written is typed at once */
	case TCFLSH: result = flush_from_master(p, r->req.arg); break;
	case TCGETS:
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSBRK:
	case TCSBRKP:
	case TIOCGWINSZ:
	case TIOCSWINSZ: line_ioctl(p->line, r); return; /* of the slave */
	default: break;
	}
	chardev_reply(r, result);
}

/* ---- requests ---- */

static void master_poll(struct pair *p, struct chardev_request *r)
{
	unsigned events = ready_events(p) & r->req.arg;

	if (events == 0)
		p->poll_wanted |= r->req.arg;
	chardev_reply(r, (int)events);
}

static void master_cancel(struct pair *p, struct chardev_request *r)
{
	if (chardev_queue_remove(&p->readers, r) || chardev_queue_remove(&p->writers, r))
		chardev_reply(r, r->done > 0 ? (int)r->done : -EINTR);
	else
		line_cancel(p->line, r); /* an ioctl that waits for the line */
}

struct end_ops {
	void (*master)(struct pair *p, struct chardev_request *r);
	void (*slave)(struct line *l, struct chardev_request *r);
};

static void dispatch(const struct end_ops *ops, struct chardev_request *r)
{
	bool is_master;
	struct pair *p = pair_of(r, &is_master);

	if (p == NULL || (is_master ? !p->is_master_open : !p->is_slave_open)) {
		chardev_reply(r, -EIO);
		return;
	}
	if (is_master)
		ops->master(p, r);
	else
		ops->slave(p->line, r);
	work(p);
}

void pair_read(struct chardev_request *r)
{
	dispatch(&(struct end_ops){master_transfer, line_read}, r);
}

void pair_write(struct chardev_request *r)
{
	dispatch(&(struct end_ops){master_transfer, line_write}, r);
}

void pair_ioctl(struct chardev_request *r)
{
	dispatch(&(struct end_ops){master_ioctl, line_ioctl}, r);
}

void pair_poll(struct chardev_request *r)
{
	dispatch(&(struct end_ops){master_poll, line_poll}, r);
}

void pair_cancel(struct chardev_request *r)
{
	dispatch(&(struct end_ops){master_cancel, line_cancel}, r);
}
