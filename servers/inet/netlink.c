/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_NETLINK, NETLINK_ROUTE: what `ip` of busybox, getifaddrs() and if_nameindex() of the C libraries use.
 * A request is answered while it is sent; answers wait in the socket as datagrams. There are no
 * multicast groups: bind() to one is refused, so nobody waits for news that never come.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "nlmsg.h"

struct nl_datagram {
	struct nl_datagram *next;
	uint32_t len;
	uint8_t data[];
};
struct nl_sock {
	uint32_t pid; /* of the socket; 0: not bound */
	struct nl_datagram *first, **end;
	uint32_t queued_bytes;
	bool has_overrun;
	bool is_connected;
};

int netlink_attach(struct sock *s)
{
	struct nl_sock *nl = calloc(1, sizeof(*nl));

	if (!nl)
		return -ENOBUFS;
	nl->end = &nl->first;
	s->nl = nl;
	return 0;
}

static bool has_pid(struct sock *s, const void *arg)
{
	return s->ops == &netlink_ops && s->nl->pid == *(const uint32_t *)arg;
}

/* Numbers that nobody chose; real process ids are small. */
static uint32_t fresh_pid(void)
{
	static uint32_t next = 0xffff0000u;

	do {
		next = next == UINT32_MAX ? 0xffff0000u : next + 1;
	} while (sock_find(has_pid, &next));
	return next;
}

static int parse_nl(const void *addr, uint32_t len, struct sockaddr_nl *nl)
{
	if (len < sizeof(*nl))
		return -EINVAL;
	memcpy(nl, addr, sizeof(*nl));
	return nl->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

int netlink_bind(struct sock *s, const void *addr, uint32_t len)
{
	struct sockaddr_nl nl;
	int e = parse_nl(addr, len, &nl);

	if (e < 0)
		return e;
	if (nl.nl_groups)
		return -EOPNOTSUPP;
	if (s->nl->pid)
		return nl.nl_pid == s->nl->pid ? 0 : -EINVAL;
	if (nl.nl_pid && sock_find(has_pid, &nl.nl_pid))
		return -EADDRINUSE;
	s->nl->pid = nl.nl_pid ? nl.nl_pid : fresh_pid();
	return 0;
}

static int nl_connect(struct sock *s, struct request *r)
{
	struct sockaddr_nl nl;
	int e = parse_nl(r->q.addr, r->q.addr_len, &nl);

	if (e < 0)
		return e;
	if (nl.nl_pid || nl.nl_groups)
		return -ECONNREFUSED; /* there is only the kernel to talk to */
	if (!s->nl->pid)
		s->nl->pid = fresh_pid();
	s->nl->is_connected = true;
	return 0;
}

void netlink_deliver(struct sock *s, const void *data, uint32_t len)
{
	struct nl_sock *nl = s->nl;
	struct nl_datagram *d = NULL;

	if (nl->queued_bytes + len <= s->opt.rcvbuf)
		d = malloc(sizeof(*d) + len);
	if (!d) {
		nl->has_overrun = true; /* the reader is told: ENOBUFS */
		return;
	}
	d->next = NULL;
	d->len = len;
	memcpy(d->data, data, len);
	*nl->end = d;
	nl->end = &d->next;
	nl->queued_bytes += len;
	sock_changed(s);
}

/* ---- requests ---- */

static int needs_root(const struct nl_request *q, int (*change)(const struct nl_request *q))
{
	return q->is_root ? change(q) : -EPERM;
}

static int change(const struct nl_request *q)
{
	switch (q->h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_SETLINK: return needs_root(q, nl_set_link);
	case RTM_NEWADDR: return needs_root(q, nl_new_address);
	case RTM_DELADDR: return needs_root(q, nl_del_address);
	case RTM_NEWROUTE: return needs_root(q, nl_new_route);
	case RTM_DELROUTE: return needs_root(q, nl_del_route);
	case RTM_NEWNEIGH: return needs_root(q, nl_new_neighbour);
	case RTM_DELNEIGH: return needs_root(q, nl_del_neighbour);
	default: return -EOPNOTSUPP;
	}
}

static int dump(struct nl_out *o, const struct nl_request *q)
{
	switch (q->h->nlmsg_type) {
	case RTM_GETLINK: return nl_dump_links(o, q);
	case RTM_GETADDR: return nl_dump_addresses(o, q);
	case RTM_GETROUTE: return nl_dump_routes(o, q);
	case RTM_GETNEIGH: return nl_dump_neighbours(o, q);
	default: return -EOPNOTSUPP;
	}
}

static int get(struct nl_out *o, const struct nl_request *q)
{
	switch (q->h->nlmsg_type) {
	case RTM_GETLINK: return nl_get_link(o, q);
	case RTM_GETROUTE: return nl_get_route(o, q);
	default: return -EOPNOTSUPP;
	}
}

/* Types come in fours: NEW, DEL, GET, SET. */
static bool is_get(uint16_t type)
{
	return type >= RTM_BASE && (type - RTM_BASE) % 4 == 2;
}

static void handle(struct nl_out *o, struct nl_request *q)
{
	const struct nlmsghdr *h = q->h;
	int e = 0;

	if (!(h->nlmsg_flags & NLM_F_REQUEST))
		return;
	o->seq = h->nlmsg_seq;
	o->is_multi = false;
	if (h->nlmsg_type < NLMSG_MIN_TYPE) {
		e = 0; /* NOOP: acknowledged if asked for */
	} else if (is_get(h->nlmsg_type) && (h->nlmsg_flags & NLM_F_DUMP)) {
		o->is_multi = true;
		e = dump(o, q);
		if (e == 0) {
			nl_done(o);
			return;
		}
	} else if (is_get(h->nlmsg_type)) {
		e = get(o, q);
	} else {
		e = change(q);
	}
	if (e < 0)
		o->len = 0; /* an error replaces what was built */
	if (e < 0 || (h->nlmsg_flags & NLM_F_ACK))
		nl_error(o, h, e);
	else
		nl_flush(o);
}

static int check_destination(const struct sock *s, const struct request *r)
{
	struct sockaddr_nl nl;
	int e;

	(void)s;
	if (r->q.addr_len == 0)
		return 0; /* the kernel, connected or not */
	e = parse_nl(r->q.addr, r->q.addr_len, &nl);
	if (e < 0)
		return e;
	if (nl.nl_groups)
		return -EPERM;
	return nl.nl_pid ? -ECONNREFUSED : 0;
}

static int nl_send(struct sock *s, struct request *r)
{
	static uint8_t buf[NL_REQUEST_MAX] __attribute__((aligned(8)));
	static struct nl_out out;
	uint32_t len = r->q.len_bytes, at = 0;
	int e = check_destination(s, r);

	if (e < 0)
		return e;
	if (r->q.flags & SOCK_OOB)
		return -EOPNOTSUPP;
	if (len > sizeof(buf))
		return -EMSGSIZE;
	e = request_in(r, 0, buf, len);
	if (e < 0)
		return e;
	if (!s->nl->pid)
		s->nl->pid = fresh_pid();
	out.s = s;
	out.pid = s->nl->pid;
	out.len = 0;
	while (len - at >= sizeof(struct nlmsghdr)) {
		struct nl_request q = {.h = (const void *)(buf + at),
		                       .is_root = (r->q.flags & SOCK_IS_ROOT) != 0};

		if (q.h->nlmsg_len < sizeof(struct nlmsghdr) || q.h->nlmsg_len > len - at)
			break; /* Linux drops the rest silently, too */
		handle(&out, &q);
		if (NLMSG_ALIGN(q.h->nlmsg_len) >= len - at)
			break;
		at += NLMSG_ALIGN(q.h->nlmsg_len);
	}
	return (int)len;
}

/* ---- the socket ---- */

static void drop_first(struct nl_sock *nl)
{
	struct nl_datagram *d = nl->first;

	nl->first = d->next;
	if (!nl->first)
		nl->end = &nl->first;
	nl->queued_bytes -= d->len;
	free(d);
}

static void put_name(uint32_t pid, struct sock_rep *rep)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = pid};

	memcpy(rep->addr, &nl, sizeof(nl));
	rep->addr_len = sizeof(nl);
}

static int nl_recv(struct sock *s, struct request *r, struct sock_rep *rep)
{
	struct nl_sock *nl = s->nl;
	const struct nl_datagram *d = nl->first;
	uint32_t n, full;
	int e;

	if (nl->has_overrun) {
		nl->has_overrun = false;
		return -ENOBUFS;
	}
	if (!d)
		return WOULD_BLOCK;
	full = d->len;
	n = full < r->q.len_bytes ? full : r->q.len_bytes;
	e = request_out(r, 0, d->data, n);
	if (e < 0)
		return e;
	put_name(0, rep);
	rep->arg = full;
	rep->flags = n < full ? MSG_TRUNC : 0;
	if (!(r->q.flags & SOCK_PEEK))
		drop_first(nl);
	return r->q.flags & SOCK_TRUNC ? (int)full : (int)n;
}

static int nl_name(struct sock *s, bool is_peer, struct sock_rep *rep)
{
	put_name(is_peer ? 0 : s->nl->pid, rep);
	return 0;
}

static unsigned nl_poll(struct sock *s)
{
	const struct nl_sock *nl = s->nl;

	return POLLOUT | POLLWRNORM | (nl->first ? POLLIN | POLLRDNORM : 0) |
	       (nl->has_overrun ? POLLERR : 0);
}

static int nl_close(struct sock *s, struct request *r)
{
	(void)r;
	while (s->nl->first)
		drop_first(s->nl);
	free(s->nl);
	s->nl = NULL;
	return 0;
}

static int nl_inq(struct sock *s)
{
	return s->nl->first ? (int)s->nl->first->len : 0;
}

static int nl_setopt(struct sock *s, int level, int name, const void *value, uint32_t len)
{
	(void)s;
	(void)level;
	(void)name;
	(void)value;
	(void)len;
	return -ENOPROTOOPT;
}

static int nl_getopt(struct sock *s, int level, int name, void *value, uint32_t len)
{
	(void)s;
	(void)level;
	(void)name;
	(void)value;
	(void)len;
	return -ENOPROTOOPT;
}

const struct sock_ops netlink_ops = {
	.connect = nl_connect,
	.send = nl_send,
	.recv = nl_recv,
	.name = nl_name,
	.poll = nl_poll,
	.close = nl_close,
	.setopt = nl_setopt,
	.getopt = nl_getopt,
	.inq = nl_inq,
};
