/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local sockets: creation, connections, ends. See unix.h for the states and who points to whom.
 */
#include <string.h>
#include <sys/socket.h>
#include "unix.h"

struct unix_sock unix_socks[UNIX_SOCKS_MAX];
struct waitq unix_room_wq;
static unsigned search_from;

struct unix_sock *unix_of(const struct file *f)
{
	return f->ops == &unix_file_ops ? f->obj : NULL;
}

void unix_wake(struct unix_sock *s)
{
	waitq_wake(&s->wq);
	if (unix_room_wq.head)
		waitq_wake(&unix_room_wq);
	if (s->peer && s->peer->peer == s)
		waitq_wake(&s->peer->wq);
	if (s->pointed == 0 || s->type != SOCK_DGRAM)
		return;
	for (unsigned i = 0; i < UNIX_SOCKS_MAX; i++)
		if (unix_socks[i].state != UNIX_FREE && unix_socks[i].peer == s)
			waitq_wake(&unix_socks[i].wq);
}

struct sock_cred unix_cred_of(const struct proc *p)
{
	return (struct sock_cred){p->pid, p->euid, p->egid};
}

uint64_t unix_deadline(uint64_t timeout_ns)
{
	return timeout_ns ? deadline_after(timeout_ns) : 0;
}

int unix_take_error(struct unix_sock *s)
{
	int e = s->error;

	s->error = 0;
	return -e;
}

/* ---- creation and end ---- */

static struct unix_sock *new_sock(uint32_t type)
{
	for (unsigned n = 0; n < UNIX_SOCKS_MAX; n++) {
		unsigned i = (search_from + n) % UNIX_SOCKS_MAX;
		struct unix_sock *s = &unix_socks[i];
		struct waitq wq = s->wq;

		if (s->state != UNIX_FREE)
			continue;
		search_from = i + 1;
		*s = (struct unix_sock){.state = UNIX_FRESH, .type = type, .wq = wq};
		s->end = &s->first;
		s->number = sock_new_number();
		s->send_buffer = s->recv_buffer = UNIX_BUFFER;
		return s;
	}
	return NULL;
}

static struct file *file_of(struct unix_sock *s)
{
	struct file *f = file_new(&unix_file_ops, O_RDWR);

	if (!f)
		return NULL;
	f->obj = s;
	f->arg = s->number;
	f->wq = &s->wq;
	s->file = f;
	return f;
}

void unix_set_peer(struct unix_sock *s, struct unix_sock *peer)
{
	if (s->peer)
		s->peer->pointed--;
	s->peer = peer;
	if (peer)
		peer->pointed++;
}

/* Everybody who points to s learns of its end. */
static void leave_peers(struct unix_sock *s, bool was_unread)
{
	for (unsigned i = 0; i < UNIX_SOCKS_MAX && s->pointed > 0; i++) {
		struct unix_sock *o = &unix_socks[i];

		if (o->state == UNIX_FREE || o->peer != s)
			continue;
		unix_set_peer(o, NULL);
		if (o->type == SOCK_DGRAM) {
			o->is_refused = true;
		} else {
			o->shut = SHUT_IN | SHUT_OUT;
			if (was_unread)
				o->error = ECONNRESET;
		}
		waitq_wake(&o->wq);
	}
	unix_set_peer(s, NULL);
}

static void end_sock(struct unix_sock *s)
{
	struct vnode *vn = s->vn;

	leave_peers(s, s->first != NULL || s->listener != NULL);
	if (vn) {
		vn->sock = NULL;
		s->vn = NULL;
	}
	s->state = UNIX_FREE;
	s->file = NULL;
	queue_drop_all(s);
	vnode_unref(vn);
	if ((unsigned)(s - unix_socks) < search_from)
		search_from = (unsigned)(s - unix_socks);
}

static void unix_release(struct file *f)
{
	struct unix_sock *s = f->obj;

	while (s->accept_first) {
		struct unix_sock *e = s->accept_first;

		s->accept_first = e->accept_next;
		end_sock(e);
	}
	end_sock(s);
	if (unix_room_wq.head)
		waitq_wake(&unix_room_wq);
}

static int type_of(uint32_t type, uint32_t *out)
{
	*out = type == SOCK_RAW ? SOCK_DGRAM : type;
	return *out == SOCK_STREAM || *out == SOCK_DGRAM || *out == SOCK_SEQPACKET
	               ? 0
	               : -ESOCKTNOSUPPORT;
}

int unix_create(struct call *c, uint32_t type, uint32_t protocol, struct file **out)
{
	struct unix_sock *s;
	int r = type_of(type, &type);

	if (protocol > AF_UNIX)
		return -EPROTONOSUPPORT;
	if (r)
		return r;
	s = new_sock(type);
	if (!s)
		return -ENFILE;
	s->own = unix_cred_of(c->proc);
	*out = file_of(s);
	if (!*out) {
		end_sock(s);
		return -ENFILE;
	}
	return 0;
}

static void join(struct unix_sock *a, struct unix_sock *b)
{
	unix_set_peer(a, b);
	unix_set_peer(b, a);
	a->peer_cred = b->own;
	b->peer_cred = a->own;
	a->has_peer_cred = b->has_peer_cred = true;
	if (a->type != SOCK_DGRAM)
		a->state = b->state = UNIX_CONNECTED;
}

int unix_pair(struct call *c, uint32_t type, struct file *ends[2])
{
	int r = unix_create(c, type, 0, &ends[0]);

	if (r)
		return r;
	r = unix_create(c, type, 0, &ends[1]);
	if (r) {
		file_unref(ends[0]);
		return r;
	}
	join(ends[0]->obj, ends[1]->obj);
	return 0;
}

/* ---- connections ---- */

static int connect_dgram(struct call *c, struct unix_sock *s, const struct sock_addr *a)
{
	struct unix_sock *to;
	struct file *f;
	int r;

	if (sock_addr_family(a) == AF_UNSPEC) {
		unix_set_peer(s, NULL);
		return 0;
	}
	r = unix_find(c, a, s->type, &f);
	if (r)
		return r;
	to = f->obj;
	if (to->peer && to->peer != s)
		r = -EPERM;
	else
		unix_set_peer(s, to);
	s->is_refused = false;
	waitq_wake(&s->wq);
	file_unref(f);
	return r;
}

/* The server's end: it waits in the queue of `to`. */
static int make_embryo(struct unix_sock *s, struct unix_sock *to)
{
	struct unix_sock **at = &to->accept_first, *e = new_sock(s->type);

	if (!e)
		return -ENOMEM;
	e->addr = to->addr;
	e->own = to->own; /* of who called listen() */
	e->listener = to;
	e->pass_cred = to->pass_cred;
	join(s, e);
	while (*at)
		at = &(*at)->accept_next;
	*at = e;
	to->waiting++;
	waitq_wake(&to->wq);
	return 0;
}

/* 0, or 1: the backlog is full. */
static int try_connect(struct call *c, struct unix_sock *s, const struct sock_addr *a)
{
	struct unix_sock *to;
	struct file *f;
	int r = unix_find(c, a, s->type, &f);

	if (r)
		return r;
	to = f->obj;
	if (to->state != UNIX_LISTENING || (to->shut & SHUT_IN))
		r = -ECONNREFUSED;
	else if (s->state != UNIX_FRESH) /* meanwhile */
		r = s->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	else if (to->waiting > to->backlog)
		r = 1;
	else
		r = make_embryo(s, to);
	file_unref(f);
	return r;
}

static int unix_connect(struct call *c, struct file *f, const struct sock_addr *a)
{
	struct unix_sock *s = f->obj;
	uint64_t deadline = unix_deadline(s->send_timeout_ns);
	int r;

	if (s->type == SOCK_DGRAM)
		return connect_dgram(c, s, a);
	if (s->state != UNIX_FRESH)
		return s->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	s->own = unix_cred_of(c->proc);
	while ((r = try_connect(c, s, a)) > 0) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		r = sock_sleep(c, &unix_room_wq, deadline);
		if (r)
			return r;
	}
	if (!r)
		waitq_wake(&s->wq);
	return r;
}

static int unix_listen(struct call *c, struct file *f, int backlog)
{
	struct unix_sock *s = f->obj;

	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (!s->addr.len || s->state == UNIX_CONNECTED)
		return -EINVAL;
	s->state = UNIX_LISTENING;
	s->backlog = (unsigned)backlog;
	s->own = unix_cred_of(c->proc);
	if (unix_room_wq.head)
		waitq_wake(&unix_room_wq);
	return 0;
}

static int wait_for_caller(struct call *c, struct file *f)
{
	struct unix_sock *s = f->obj;
	uint64_t deadline = unix_deadline(s->recv_timeout_ns);

	while (!s->accept_first) {
		int r;

		if (s->shut & SHUT_IN)
			return -EINVAL;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		r = sock_sleep(c, &s->wq, deadline);
		if (r)
			return r;
	}
	return 0;
}

static int unix_accept(struct call *c, struct file *f, uint32_t flags, struct file **out,
                       struct sock_addr *peer)
{
	struct unix_sock *s = f->obj, *e;
	int r;

	(void)flags;
	if (s->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (s->state != UNIX_LISTENING)
		return -EINVAL;
	r = wait_for_caller(c, f);
	if (r)
		return r;
	e = s->accept_first;
	*out = file_of(e);
	if (!*out)
		return -ENFILE;
	s->accept_first = e->accept_next;
	e->accept_next = NULL;
	e->listener = NULL;
	s->waiting--;
	if (e->peer)
		unix_put_name(&e->peer->addr, peer);
	else
		unix_put_name(&(struct unix_addr){0}, peer);
	if (unix_room_wq.head)
		waitq_wake(&unix_room_wq);
	return 0;
}

static int unix_shutdown(struct call *c, struct file *f, int how)
{
	struct unix_sock *s = f->obj;
	unsigned mine = (unsigned)how + 1; /* SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2 */

	(void)c;
	s->shut |= mine;
	if (s->peer && s->type != SOCK_DGRAM) {
		s->peer->shut |= (mine & SHUT_IN ? SHUT_OUT : 0) | (mine & SHUT_OUT ? SHUT_IN : 0);
		waitq_wake(&s->peer->wq);
	}
	unix_wake(s);
	return 0;
}

static const struct sock_ops unix_ops = {
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_send,
	.recv = unix_recv,
	.shutdown = unix_shutdown,
	.name = unix_name,
	.setopt = unix_setopt,
	.getopt = unix_getopt,
	.passes_files = true,
};
const struct file_ops unix_file_ops = {
	.read = sock_read,
	.write = sock_write,
	.ioctl = unix_ioctl,
	.poll = unix_poll,
	.release = unix_release,
	.dropped = unix_dropped,
	.sock = &unix_ops,
};
