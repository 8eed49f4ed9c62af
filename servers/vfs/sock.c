/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of sockets that move no data: the arguments are checked and fetched here, the families
 * (unix.c, inet.c) do the rest. What moves data is in sockio.c.
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include "sockcall.h"

#define FAMILIES_MAX 46u /* NPROTO, SOCK_MAX of Linux */
#define TYPES_MAX    11u
#define TYPE_MASK    0xfu
#define TYPE_FLAGS   ((uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
#define BACKLOG_MAX  4096

uint32_t sock_new_number(void)
{
	static uint32_t last;

	return ++last;
}

int sock_sleep(struct call *c, struct waitq *q, uint64_t deadline_ns)
{
	struct waitq_entry e;
	int r;

	if (deadline_ns && now_ns() >= deadline_ns)
		return -EAGAIN;
	c->has_event = false;
	waitq_add(q, &e, c);
	r = call_wait(c, true, deadline_ns);
	waitq_del(&e);
	if (r == -EINTR)
		return deadline_ns ? -EINTR : -ERESTARTSYS;
	return 0;
}

int64_t sock_epipe(struct call *c, const struct xfer *x, int64_t result)
{
	if (result == -EPIPE && !(x->flags & MSG_NOSIGNAL) && c->proc)
		(void)proc_signal(c->proc->pid, SIGPIPE, EP_NONE);
	return result;
}

/* ---- files and addresses ---- */

int64_t sock_with(struct call *c, sock_fn_t fn)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r;

	if (!f)
		return -EBADF;
	r = file_is_socket(f) ? fn(c, f) : -ENOTSOCK;
	file_unref(f);
	return r;
}

int sock_get_addr(struct call *c, uint64_t uaddr, uint64_t len, struct sock_addr *a)
{
	if ((int)len < 0 || (uint32_t)len > SOCK_ADDR_BYTES)
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	a->len = (uint32_t)len;
	return user_read(c, a->bytes, uaddr, a->len);
}

/* An address goes out as far as there is room; its whole length is told. */
int sock_put_addr(struct call *c, uint64_t uaddr, uint64_t ulen, const struct sock_addr *a)
{
	int room;
	int r;

	if (user_read(c, &room, ulen, sizeof(room)) != 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	r = user_write(c, uaddr, a->bytes, (uint32_t)room < a->len ? (uint32_t)room : a->len);
	return r ? r : user_write(c, ulen, &a->len, sizeof(a->len));
}

/* ---- creation ---- */

static int check_type(uint32_t domain, uint32_t type)
{
	if (type & ~(TYPE_MASK | TYPE_FLAGS))
		return -EINVAL;
	if (domain >= FAMILIES_MAX)
		return -EAFNOSUPPORT;
	return (type & TYPE_MASK) >= TYPES_MAX ? -EINVAL : 0;
}

static void set_flags(struct file *f, uint32_t type)
{
	f->flags = O_RDWR | (type & SOCK_NONBLOCK ? O_NONBLOCK : 0);
}

int64_t sys_socket(struct call *c)
{
	uint32_t domain = (uint32_t)c->args[0], type = (uint32_t)c->args[1],
		 protocol = (uint32_t)c->args[2];
	struct file *f;
	int r = check_type(domain, type);

	if (r)
		return r;
	r = fdtab_find_free(c->proc->fds, 0);
	if (r < 0)
		return r;
	if (domain == AF_UNIX)
		r = unix_create(c, type & TYPE_MASK, protocol, &f);
	else if (domain == AF_INET || domain == AF_INET6 || domain == AF_NETLINK)
		r = inet_create(c, (uint32_t[3]){domain, type & TYPE_MASK, protocol}, &f);
	else
		r = -EAFNOSUPPORT;
	if (r)
		return r;
	set_flags(f, type);
	return file_install(c, f, type & SOCK_CLOEXEC);
}

static int64_t install_pair(struct call *c, struct file *ends[2], uint32_t type)
{
	int fds[2], r;

	for (unsigned i = 0; i < 2; i++)
		set_flags(ends[i], type);
	fds[0] = file_install(c, ends[0], type & SOCK_CLOEXEC);
	fds[1] = file_install(c, ends[1], type & SOCK_CLOEXEC);
	r = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : user_write(c, c->args[3], fds, sizeof(fds));
	for (unsigned i = 0; r && i < 2; i++)
		if (fds[i] >= 0)
			(void)file_close(c->proc, fds[i]);
	return r;
}

int64_t sys_socketpair(struct call *c)
{
	uint32_t domain = (uint32_t)c->args[0], type = (uint32_t)c->args[1];
	struct file *ends[2];
	int r = check_type(domain, type);

	if (r)
		return r;
	if (domain != AF_UNIX)
		return domain == AF_INET || domain == AF_INET6 ? -EOPNOTSUPP : -EAFNOSUPPORT;
	if ((uint32_t)c->args[2] > AF_UNIX)
		return -EPROTONOSUPPORT;
	r = unix_pair(c, type & TYPE_MASK, ends);
	return r ? r : install_pair(c, ends, type);
}

/* ---- addresses ---- */

static int64_t do_bind(struct call *c, struct file *f)
{
	struct sock_addr a;
	int r = sock_get_addr(c, c->args[1], c->args[2], &a);

	return r ? r : f->ops->sock->bind(c, f, &a);
}

int64_t sys_bind(struct call *c)
{
	return sock_with(c, do_bind);
}

static int64_t do_connect(struct call *c, struct file *f)
{
	struct sock_addr a;
	int r = sock_get_addr(c, c->args[1], c->args[2], &a);

	return r ? r : f->ops->sock->connect(c, f, &a);
}

int64_t sys_connect(struct call *c)
{
	return sock_with(c, do_connect);
}

static int64_t tell_name(struct call *c, struct file *f, bool of_peer)
{
	struct sock_addr a = {0};
	int r = f->ops->sock->name(c, f, of_peer, &a);

	return r ? r : sock_put_addr(c, c->args[1], c->args[2], &a);
}

static int64_t tell_own_name(struct call *c, struct file *f)
{
	return tell_name(c, f, false);
}

int64_t sys_getsockname(struct call *c)
{
	return sock_with(c, tell_own_name);
}

static int64_t tell_peer_name(struct call *c, struct file *f)
{
	return tell_name(c, f, true);
}

int64_t sys_getpeername(struct call *c)
{
	return sock_with(c, tell_peer_name);
}

/* ---- connections ---- */

static int64_t do_listen(struct call *c, struct file *f)
{
	int backlog = (int)c->args[1];

	if (backlog < 0 || backlog > BACKLOG_MAX)
		backlog = BACKLOG_MAX;
	return f->ops->sock->listen(c, f, backlog);
}

int64_t sys_listen(struct call *c)
{
	return sock_with(c, do_listen);
}

static int64_t accept_on(struct call *c, struct file *f, uint32_t flags)
{
	struct sock_addr peer = {0};
	struct file *out;
	int64_t r = fdtab_find_free(c->proc->fds, 0);

	if (r < 0)
		return r;
	r = f->ops->sock->accept(c, f, flags, &out, &peer);
	if (r)
		return r;
	set_flags(out, flags);
	if (c->args[1])
		r = sock_put_addr(c, c->args[1], c->args[2], &peer);
	if (!r)
		return file_install(c, out, flags & SOCK_CLOEXEC);
	file_unref(out);
	return r;
}

static int64_t do_accept(struct call *c, struct file *f)
{
	return accept_on(c, f, 0);
}

int64_t sys_accept(struct call *c)
{
	return sock_with(c, do_accept);
}

static int64_t do_accept4(struct call *c, struct file *f)
{
	return accept_on(c, f, (uint32_t)c->args[3]);
}

int64_t sys_accept4(struct call *c)
{
	return (uint32_t)c->args[3] & ~TYPE_FLAGS ? -EINVAL : sock_with(c, do_accept4);
}

static int64_t do_shutdown(struct call *c, struct file *f)
{
	return c->args[1] > SHUT_RDWR ? -EINVAL : f->ops->sock->shutdown(c, f, (int)c->args[1]);
}

int64_t sys_shutdown(struct call *c)
{
	return sock_with(c, do_shutdown);
}

/* ---- options ---- */

static int64_t set_option(struct call *c, struct file *f)
{
	struct sockopt o = {(int)c->args[1], (int)c->args[2], c->args[3], (uint32_t)c->args[4]};

	return (int)o.len < 0 ? -EINVAL : f->ops->sock->setopt(c, f, &o);
}

int64_t sys_setsockopt(struct call *c)
{
	return sock_with(c, set_option);
}

static int64_t get_option(struct call *c, struct file *f)
{
	struct sockopt o = {(int)c->args[1], (int)c->args[2], c->args[3], 0};
	int64_t n;
	int len;

	if (user_read(c, &len, c->args[4], sizeof(len)) != 0)
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	o.len = (uint32_t)len;
	n = f->ops->sock->getopt(c, f, &o);
	if (n < 0)
		return n;
	len = (int)n;
	return user_write(c, c->args[4], &len, sizeof(len));
}

int64_t sys_getsockopt(struct call *c)
{
	return sock_with(c, get_option);
}
