/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and FIFOs. A pipe lives as long as an open end or a waiting open refers to it.
 *
 * Copies to and from the application may wait (a page that must be read in); during that time
 * another reader could take the same bytes. So data are taken out of (put into) the ring first, by
 * way of the call's own page, when the copy cannot be done at once; in the usual case it is done at
 * once.
 */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include "pipe.h"

static struct pipe pipes[PIPES_MAX];
static uint32_t next_number = 1;

struct pipe *pipe_new(void)
{
	for (unsigned i = 0; i < PIPES_MAX; i++) {
		struct pipe *p = &pipes[i];

		if (p->refs)
			continue;
		p->refs = 1;
		p->readers = p->writers = p->reader_opens = p->writer_opens = 0;
		p->number = next_number++;
		p->fifo = NULL;
		p->wq = (struct waitq){0};
		pipebuf_reset(&p->buf);
		return p;
	}
	return NULL;
}

void pipe_unref(struct pipe *p)
{
	if (--p->refs == 0 && p->fifo) {
		p->fifo->fifo = NULL;
		p->fifo = NULL;
	}
}

/* ---- transfer ---- */

static int64_t take(struct call *c, struct pipe *p, struct io *io)
{
	uint32_t len;
	uint8_t *data = pipebuf_data(&p->buf, &len);

	if (len > io->len)
		len = (uint32_t)io->len;
	if (len > sizeof(c->buf) && io->ep != EP_SELF &&
	    k_vircopy(EP_SELF, (uint64_t)data, io->ep, io->addr, len) == 0) {
		pipebuf_consume(&p->buf, len);
		return len;
	}
	if (len > sizeof(c->buf))
		len = sizeof(c->buf);
	if (io->ep == EP_SELF || k_vircopy(EP_SELF, (uint64_t)data, io->ep, io->addr, len) != 0) {
		int r;

		if (io->ep != EP_SELF)
			memcpy(c->buf, data, len);
		else
			memcpy((void *)io->addr, data, len);
		pipebuf_consume(&p->buf, len);
		r = io->ep == EP_SELF ? 0 : io_put(c, io, c->buf, len);
		return r ? r : (int64_t)len;
	}
	pipebuf_consume(&p->buf, len);
	return len;
}

int64_t pipe_read(struct call *c, struct pipe *p, struct waitq *wq, struct io *io)
{
	int64_t done = 0;

	if (io->len == 0)
		return 0;
	for (;;) {
		int r;

		while (p->buf.used && io->len) {
			int64_t n = take(c, p, io);

			if (n < 0)
				return done ? done : n;
			io_advance(io, (uint64_t)n);
			done += n;
		}
		if (done) {
			waitq_wake(wq);
			return done;
		}
		if (p->writers == 0)
			return 0;
		if (io->flags & O_NONBLOCK)
			return -EAGAIN;
		r = waitq_sleep(c, wq, true);
		if (r)
			return r;
	}
}

/* Puts what fits. The copy into the ring is done at once or by way of a second try. */
static int64_t give(struct call *c, struct pipe *p, struct io *io)
{
	uint32_t len;
	void *space = pipebuf_space(&p->buf, &len);
	int r = 0;

	if (len > io->len)
		len = (uint32_t)io->len;
	if (io->ep == EP_SELF) {
		memcpy(space, (const void *)io->addr, len);
	} else {
		r = k_vircopy(io->ep, io->addr, EP_SELF, (uint64_t)space, len);
		if (r == -ENOTREADY) {
			struct io part = *io;

			part.len = len;
			r = user_fault_in(c, &part, false);
			return r ? r : 0; /* the ring may have changed: look again */
		}
	}
	if (r)
		return -EFAULT;
	pipebuf_produce(&p->buf, len);
	return len;
}

int64_t pipe_write(struct call *c, struct pipe *p, struct waitq *wq, struct io *io)
{
	uint64_t wanted = io->len; /* decides about atomicity */
	int64_t done = 0;

	while (io->len > 0) {
		if (p->readers == 0)
			return done ? done : -EPIPE;
		if (pipebuf_can_write(&p->buf, wanted - (uint64_t)done)) {
			int64_t n = give(c, p, io);

			if (n < 0)
				return done ? done : n;
			io_advance(io, (uint64_t)n);
			done += n;
			if (n && (io->len == 0 || pipebuf_free(&p->buf) == 0))
				waitq_wake(wq);
			continue;
		}
		if (io->flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		if (done)
			waitq_wake(wq);
		if (!pipebuf_can_write(&p->buf, wanted - (uint64_t)done)) {
			int r = waitq_sleep(c, wq, true);

			if (r)
				return done ? done : r;
		}
	}
	return done;
}

/* ---- files ---- */

static int64_t read_end(struct call *c, struct file *f, struct io *io)
{
	struct pipe *p = f->obj;

	return pipe_read(c, p, &p->wq, io);
}

static int64_t write_end(struct call *c, struct file *f, struct io *io)
{
	struct pipe *p = f->obj;

	return pipe_write(c, p, &p->wq, io);
}

static unsigned poll_end(struct call *c, struct file *f, unsigned wanted)
{
	struct pipe *p = f->obj;
	unsigned events = 0;

	(void)c;
	if (FILE_READABLE(f)) {
		if (p->buf.used)
			events |= POLLIN | POLLRDNORM;
		if (p->writers == 0 && p->writer_opens > 0)
			events |= POLLHUP;
	}
	if (FILE_WRITABLE(f)) {
		if (pipebuf_free(&p->buf) >= PIPE_ATOMIC)
			events |= POLLOUT | POLLWRNORM;
		if (p->readers == 0)
			events |= POLLERR;
	}
	return events & (wanted | POLLHUP | POLLERR);
}

static int64_t ioctl_end(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	const struct pipe *p = f->obj;
	int n = (int)p->buf.used;

	return cmd == FIONREAD ? user_write(c, arg, &n, sizeof(n)) : -ENOTTY;
}

static void release_end(struct file *f)
{
	struct pipe *p = f->obj;

	if (FILE_READABLE(f))
		p->readers--;
	if (FILE_WRITABLE(f))
		p->writers--;
	waitq_wake(&p->wq);
	pipe_unref(p);
}

static const struct file_ops pipe_ops = {
	.read = read_end,
	.write = write_end,
	.ioctl = ioctl_end,
	.poll = poll_end,
	.release = release_end,
};

bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_ops;
}

/* An end of p; the pipe gets a reference. */
static struct file *new_end(struct pipe *p, uint32_t flags)
{
	struct file *f = file_new(&pipe_ops, flags);

	if (!f)
		return NULL;
	f->obj = p;
	f->arg = p->number;
	f->wq = &p->wq;
	p->refs++;
	if (FILE_READABLE(f)) {
		p->readers++;
		p->reader_opens++;
	}
	if (FILE_WRITABLE(f)) {
		p->writers++;
		p->writer_opens++;
	}
	return f;
}

int pipe_make(struct file *ends[2], uint32_t flags)
{
	struct pipe *p = pipe_new();

	if (!p)
		return -ENFILE;
	ends[0] = new_end(p, O_RDONLY | flags);
	ends[1] = ends[0] ? new_end(p, O_WRONLY | flags) : NULL;
	if (ends[0] && !ends[1])
		file_unref(ends[0]);
	pipe_unref(p);
	return ends[1] ? 0 : -ENFILE;
}

int pipe_reopen(struct file *f, uint32_t flags, struct file **out)
{
	*out = new_end(f->obj, flags);
	return *out ? 0 : -ENFILE;
}

/* ---- FIFOs ---- */

/* Waits until the other side is open, or was since we came. */
static int wait_for_peer(struct call *c, struct pipe *p, bool for_reader)
{
	const uint32_t *present = for_reader ? &p->readers : &p->writers;
	const uint32_t *opens = for_reader ? &p->reader_opens : &p->writer_opens;
	uint32_t seen = *opens;

	while (*present == 0 && *opens == seen) {
		int r = waitq_sleep(c, &p->wq, true);

		if (r)
			return r;
	}
	return 0;
}

static int open_end(struct call *c, struct pipe *p, uint32_t flags, struct file **out)
{
	bool is_reader = (flags & O_ACCMODE) == O_RDONLY,
	     is_writer = (flags & O_ACCMODE) == O_WRONLY;
	int r = 0;

	if (is_writer && (flags & O_NONBLOCK) && p->readers == 0)
		return -ENXIO;
	*out = new_end(p, flags);
	if (!*out)
		return -ENFILE;
	waitq_wake(&p->wq);
	if ((is_reader || is_writer) && !(flags & O_NONBLOCK))
		r = wait_for_peer(c, p, is_writer);
	if (r) {
		file_unref(*out);
		*out = NULL;
	}
	return r;
}

int pipe_open_fifo(struct call *c, struct vnode *v, uint32_t flags, struct file **out)
{
	struct pipe *p = v->fifo;
	int r;

	if (p) {
		p->refs++;
	} else {
		p = pipe_new();
		if (!p)
			return -ENFILE;
		p->fifo = v;
		v->fifo = p;
	}
	r = open_end(c, p, flags, out);
	pipe_unref(p);
	return r;
}

/* ---- calls ---- */

static int64_t make_pipe(struct call *c, uint64_t ufds, uint32_t flags)
{
	struct file *ends[2];
	int fds[2];
	int r;

	if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	r = pipe_make(ends, flags & O_NONBLOCK);
	if (r)
		return r;
	fds[0] = file_install(c, ends[0], flags & O_CLOEXEC);
	if (fds[0] < 0) {
		file_unref(ends[1]);
		return fds[0];
	}
	fds[1] = file_install(c, ends[1], flags & O_CLOEXEC);
	r = fds[1] < 0 ? fds[1] : user_write(c, ufds, fds, sizeof(fds));
	if (r) {
		(void)file_close(c->proc, fds[0]);
		if (fds[1] >= 0)
			(void)file_close(c->proc, fds[1]);
	}
	return r;
}

int64_t sys_pipe(struct call *c)
{
	return make_pipe(c, c->args[0], 0);
}

int64_t sys_pipe2(struct call *c)
{
	return make_pipe(c, c->args[0], (uint32_t)c->args[1]);
}
