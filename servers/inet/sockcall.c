/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of sockets: which protocol a new socket is of, and what of a request is the same for all. */
#include <sys/socket.h>
#include "sock_impl.h"

/* ---- creation ---- */

static int choose_inet(const struct sock_create *c, int *protocol, const struct sock_ops **ops)
{
	int icmp = c->domain == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	switch (c->type) {
	case SOCK_STREAM:
		*ops = &tcp_ops;
		*protocol = IPPROTO_TCP;
		return c->protocol == 0 || c->protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		*ops = c->protocol == (uint32_t)icmp ? &raw_ops : &udp_ops;
		*protocol = c->protocol ? (int)c->protocol : IPPROTO_UDP;
		return *protocol == IPPROTO_UDP || *protocol == icmp ? 0 : -EPROTONOSUPPORT;
	case SOCK_RAW:
		*ops = &raw_ops;
		*protocol = (int)c->protocol;
		if (c->protocol == 0 || c->protocol > 255)
			return c->protocol > 255 ? -EINVAL : -EPROTONOSUPPORT;
		return c->flags & SOCK_IS_ROOT ? 0 : -EPERM;
	default: return -ESOCKTNOSUPPORT;
	}
}

static int choose(const struct sock_create *c, int *protocol, const struct sock_ops **ops)
{
	if (c->domain == AF_INET || c->domain == AF_INET6)
		return choose_inet(c, protocol, ops);
	if (c->domain != AF_NETLINK)
		return -EAFNOSUPPORT;
	if (c->type != SOCK_RAW && c->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	*ops = &netlink_ops;
	*protocol = (int)c->protocol;
	return c->protocol == 0 ? 0 : -EPROTONOSUPPORT; /* NETLINK_ROUTE */
}

/* The protocol's part of a socket. */
static int attach_protocol(struct sock *s)
{
	if (s->ops == &tcp_ops)
		return tcp_attach(s);
	if (s->ops == &udp_ops)
		return udp_attach(s);
	if (s->ops == &raw_ops)
		return raw_attach(s);
	return netlink_attach(s);
}

int sock_make(endpoint_t from, const struct sock_create *c, uint32_t *handle)
{
	const struct sock_ops *ops = NULL;
	struct sock *s;
	int protocol = 0;
	int r = choose(c, &protocol, &ops);

	if (r < 0)
		return r;
	s = sock_new(from, ops);
	if (!s)
		return -ENFILE;
	s->domain = (int)c->domain;
	s->type = (int)c->type;
	s->protocol = protocol;
	s->is_root = (c->flags & SOCK_IS_ROOT) != 0;
	r = attach_protocol(s);
	if (r < 0) {
		sock_free(s);
		return r;
	}
	*handle = s->handle;
	return 0;
}

/* ---- requests ---- */

static int op_bind(struct sock *s, struct request *r)
{
	struct sock_addr a;
	int e;

	if (s->ops == &netlink_ops)
		return netlink_bind(s, r->q.addr, r->q.addr_len);
	e = addr_parse(s, r->q.addr, r->q.addr_len, &a);
	if (e == 0 && a.is_unspec)
		e = s->domain == AF_INET && addr_is_any(&a.ip) ? 0 : -EAFNOSUPPORT;
	if (e == 0)
		e = addr_check_local(s, &a);
	if (e == 0 && a.port > 0 && a.port < IPPORT_RESERVED && s->ops != &raw_ops &&
	    !(r->q.flags & SOCK_IS_ROOT))
		e = -EACCES;
	return e ? e : s->ops->bind(s, &a);
}

static int op_accept(struct sock *s, struct sock_rep *rep)
{
	struct sock *child;
	int e;

	if (!s->ops->accept)
		return -EOPNOTSUPP;
	e = s->ops->accept(s, &child);
	if (e < 0)
		return e;
	child->is_embryo = false;
	child->owner = s->owner;
	rep->value = child->handle;
	tcp_peer_name(child, rep);
	return 0;
}

static int op_shutdown(struct sock *s, const struct request *r)
{
	if (r->q.arg > SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown ? s->ops->shutdown(s, r->q.arg) : -EOPNOTSUPP;
}

static int op_recv(struct sock *s, struct request *r, struct sock_rep *rep)
{
	if (r->q.flags & SOCK_OOB)
		return s->ops == &tcp_ops ? -EINVAL : -EOPNOTSUPP;
	return s->ops->recv(s, r, rep);
}

/* One attempt. */
int request_serve(struct request *r, struct sock_rep *rep)
{
	struct sock *s = r->s;

	switch (r->type) {
	case SOCK_BIND: return op_bind(s, r);
	case SOCK_CONNECT: return s->ops->connect ? s->ops->connect(s, r) : -EOPNOTSUPP;
	case SOCK_LISTEN: return s->ops->listen ? s->ops->listen(s, r->q.arg) : -EOPNOTSUPP;
	case SOCK_ACCEPT: return op_accept(s, rep);
	case SOCK_SEND: return s->ops->send(s, r);
	case SOCK_RECV: return op_recv(s, r, rep);
	case SOCK_SHUTDOWN: return op_shutdown(s, r);
	case SOCK_NAME: return s->ops->name(s, r->q.arg != 0, rep);
	case SOCK_SETOPT: return opts_set(s, r);
	case SOCK_GETOPT: return opts_get(s, r);
	case SOCK_IOCTL: return ioctl_request(s, r);
	case SOCK_IFCONF: return ifconf_request(s, r);
	case SOCK_POLL: return ready_poll(s, r, rep);
	case SOCK_CLOSE: return s->ops->close(s, r);
	default: return -ENOSYS;
	}
}
