/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local stream sockets made by socketpair: two pipe buffers, one for each direction. Reading and
 * writing are those of pipes; both ends share one wait queue. Other families answer EAFNOSUPPORT.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "pipe.h"

#define PAIRS_MAX 128u

struct pair {
	unsigned open;      /* ends; 0: free */
	struct pipe *to[2]; /* what end i writes and the other one reads */
	struct waitq wq;
};

static struct pair pairs[PAIRS_MAX];
static const struct file_ops socket_ops;

bool file_is_socket(const struct file *f)
{
	return f->ops == &socket_ops;
}

static int64_t socket_read(struct call *c, struct file *f, struct io *io)
{
	struct pair *p = f->obj;

	return pipe_read(c, p->to[1 - f->arg % 2], &p->wq, io);
}

static int64_t socket_write(struct call *c, struct file *f, struct io *io)
{
	struct pair *p = f->obj;

	return pipe_write(c, p->to[f->arg % 2], &p->wq, io);
}

static unsigned socket_poll(struct call *c, struct file *f, unsigned wanted)
{
	struct pair *p = f->obj;
	const struct pipe *in = p->to[1 - f->arg % 2], *out = p->to[f->arg % 2];
	unsigned events = 0;

	(void)c;
	if (in->buf.used || in->writers == 0)
		events |= POLLIN | POLLRDNORM;
	if (in->writers == 0)
		events |= POLLHUP;
	if (pipebuf_free(&out->buf) >= PIPE_ATOMIC)
		events |= POLLOUT | POLLWRNORM;
	return events & (wanted | POLLHUP);
}

static int64_t socket_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	const struct pair *p = f->obj;
	int n = (int)p->to[1 - f->arg % 2]->buf.used;

	return cmd == FIONREAD ? user_write(c, arg, &n, sizeof(n)) : -ENOTTY;
}

static void socket_release(struct file *f)
{
	struct pair *p = f->obj;

	p->to[1 - f->arg % 2]->readers = 0;
	p->to[f->arg % 2]->writers = 0;
	waitq_wake(&p->wq);
	if (--p->open == 0) {
		pipe_unref(p->to[0]);
		pipe_unref(p->to[1]);
	}
}

static const struct file_ops socket_ops = {
	.read = socket_read,
	.write = socket_write,
	.ioctl = socket_ioctl,
	.poll = socket_poll,
	.release = socket_release,
};

static struct pair *new_pair(void)
{
	for (unsigned i = 0; i < PAIRS_MAX; i++) {
		struct pair *p = &pairs[i];

		if (p->open)
			continue;
		*p = (struct pair){.open = 0};
		for (unsigned k = 0; k < 2; k++) {
			p->to[k] = pipe_new();
			if (p->to[k])
				p->to[k]->readers = p->to[k]->writers = 1;
		}
		if (p->to[0] && p->to[1])
			return p;
		for (unsigned k = 0; k < 2; k++)
			if (p->to[k])
				pipe_unref(p->to[k]);
		return NULL;
	}
	return NULL;
}

static struct file *new_socket(struct pair *p, unsigned end, uint32_t flags)
{
	struct file *f = file_new(&socket_ops, O_RDWR | (flags & O_NONBLOCK));

	if (!f)
		return NULL;
	f->obj = p;
	f->wq = &p->wq;
	f->arg = (uint32_t)(p - pairs) * 2 + end;
	p->open++;
	return f;
}

int64_t sys_socketpair(struct call *c)
{
	uint32_t type = (uint32_t)c->args[1] & 0xf, flags = (uint32_t)c->args[1];
	struct file *ends[2];
	struct pair *p;
	int fds[2], r;

	if (c->args[0] != AF_UNIX)
		return -EAFNOSUPPORT;
	if (type != SOCK_STREAM && type != SOCK_SEQPACKET && type != SOCK_DGRAM)
		return -EINVAL;
	if (type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	p = new_pair();
	if (!p)
		return -ENFILE;
	ends[0] = new_socket(p, 0, flags);
	ends[1] = new_socket(p, 1, flags);
	if (!ends[0] || !ends[1]) {
		if (ends[0])
			file_unref(ends[0]);
		return -ENFILE;
	}
	fds[0] = file_install(c, ends[0], flags & SOCK_CLOEXEC);
	fds[1] = file_install(c, ends[1], flags & SOCK_CLOEXEC);
	r = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : user_write(c, c->args[3], fds, sizeof(fds));
	for (unsigned i = 0; r && i < 2; i++)
		if (fds[i] >= 0)
			(void)file_close(c->proc, fds[i]);
	return r;
}

int64_t sys_socket(struct call *c)
{
	(void)c;
	return -EAFNOSUPPORT;
}
