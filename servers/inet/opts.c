/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket options of the levels SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6; others are the protocol's. What
 * is not in here is refused with ENOPROTOOPT, as unknown options are in Linux.
 */
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "lwip/tcp.h"
#include "ifctl.h"
#include "sock_impl.h"

#define NS_PER_S     1000000000ull
#define SO_TIMEO_LEN sizeof(struct timeval)
#define LINGER_MAX_S (INT_MAX / 1000)
#define PMTU_PROBE   IP_PMTUDISC_PROBE

/* ---- setting ---- */

static int set_timeout(const void *value, uint32_t len, uint64_t *ns)
{
	struct timeval tv;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		*ns = 1; /* Linux: expired already */
	else if (tv.tv_sec > (1 << 30))
		*ns = 0;
	else
		*ns = (uint64_t)tv.tv_sec * NS_PER_S + (uint64_t)tv.tv_usec * 1000u;
	return 0;
}

static int set_linger(struct sock *s, const void *value, uint32_t len)
{
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, value, sizeof(l));
	s->opt.linger_on = l.l_onoff != 0;
	if (l.l_onoff)
		s->opt.linger_s =
			l.l_linger < 0 || l.l_linger > LINGER_MAX_S ? LINGER_MAX_S : l.l_linger;
	return 0;
}

static int set_device(struct sock *s, const char *value, uint32_t len)
{
	char name[IF_NAME_MAX] = {0};
	struct netif *n;

	memcpy(name, value, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	if (name[0] == 0) {
		s->opt.netif_idx = 0;
		return 0;
	}
	n = ifctl_find(name);
	if (!n)
		return -ENODEV;
	s->opt.netif_idx = netif_get_index(n);
	return 0;
}

/* Linux takes twice what is asked for, for its own overhead, and says so when asked. */
static uint32_t buffer_size(int v)
{
	uint32_t n = v < 0 ? BUF_MAX / 2 : (uint32_t)v;

	n = n > BUF_MAX / 2 ? BUF_MAX : 2 * n;
	return n < BUF_MIN ? BUF_MIN : n;
}

static int set_socket_int(struct sock *s, int name, int v)
{
	struct sock_options *o = &s->opt;

	switch (name) {
	case SO_REUSEADDR: o->reuseaddr = v != 0; return 0;
	case SO_REUSEPORT: o->reuseport = v != 0; return 0;
	case SO_KEEPALIVE: o->keepalive = v != 0; return 0;
	case SO_BROADCAST: o->broadcast = v != 0; return 0;
	case SO_OOBINLINE: o->oobinline = v != 0; return 0;
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		o->sndbuf = buffer_size(v);
		o->is_sndbuf_set = true;
		return 0;
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		o->rcvbuf = buffer_size(v);
		o->is_rcvbuf_set = true;
		return 0;
	case SO_RCVLOWAT: o->rcvlowat = v < 0 ? INT_MAX : (v ? v : 1); return 0;
	case SO_PRIORITY:
		if (v < 0 || (v > 6 && !s->is_root))
			return -EPERM;
		o->priority = v;
		return 0;
	default: return -ENOPROTOOPT;
	}
}

static int set_socket(struct sock *s, int name, const void *value, uint32_t len)
{
	int v;

	if (name == SO_BINDTODEVICE)
		return set_device(s, value, len);
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	switch (name) {
	case SO_LINGER: return set_linger(s, value, len);
	case SO_RCVTIMEO: return set_timeout(value, len, &s->opt.rcvtimeo_ns);
	case SO_SNDTIMEO: return set_timeout(value, len, &s->opt.sndtimeo_ns);
	case SO_TYPE:
	case SO_DOMAIN:
	case SO_PROTOCOL:
	case SO_ERROR:
	case SO_ACCEPTCONN: return -ENOPROTOOPT;
	default: return set_socket_int(s, name, v);
	}
}

/* Options of IP take an int or a byte. */
static int small_int(const void *value, uint32_t len, int *v)
{
	if (len >= sizeof(*v))
		memcpy(v, value, sizeof(*v));
	else if (len >= 1)
		*v = *(const uint8_t *)value;
	else
		return -EINVAL;
	return 0;
}

static int set_byte(int v, int min, int max, int instead_of_minus1, uint8_t *to)
{
	if (v == -1 && instead_of_minus1 >= 0)
		v = instead_of_minus1;
	if (v < min || v > max)
		return -EINVAL;
	*to = (uint8_t)v;
	return 0;
}

static int set_mcast_if4(struct sock *s, const void *value, uint32_t len)
{
	struct ip_mreqn m = {0};
	struct netif *n;

	if (len >= sizeof(m))
		memcpy(&m, value, sizeof(m));
	else if (len >= sizeof(m.imr_address))
		memcpy(len >= sizeof(struct ip_mreq) ? (void *)&m : (void *)&m.imr_address, value,
		       len >= sizeof(struct ip_mreq) ? sizeof(struct ip_mreq)
		                                     : sizeof(m.imr_address));
	else
		return -EINVAL;
	s->opt.mcast_if = 0;
	if (m.imr_ifindex == 0 && m.imr_address.s_addr == 0)
		return 0;
	if (m.imr_ifindex) {
		n = ifctl_by_index((unsigned)m.imr_ifindex);
	} else {
		NETIF_FOREACH(n)
		if (netif_ip4_addr(n)->addr == m.imr_address.s_addr)
			break;
	}
	if (!n)
		return m.imr_ifindex ? -ENODEV : -EADDRNOTAVAIL;
	s->opt.mcast_if = netif_get_index(n);
	return 0;
}

static int set_ip_int(struct sock *s, int name, int v)
{
	struct sock_options *o = &s->opt;

	switch (name) {
	case IP_TOS: o->tos = (uint8_t)v; return 0;
	case IP_TTL: return set_byte(v, 1, 255, 64, &o->ttl);
	case IP_MULTICAST_TTL:
		return s->type == SOCK_STREAM ? -EINVAL : set_byte(v, 0, 255, 1, &o->mcast_ttl);
	case IP_MULTICAST_LOOP: o->mcast_loop = v != 0; return 0;
	case IP_RECVERR: o->recverr = v != 0; return 0;
	case IP_MTU_DISCOVER:
		if (v < IP_PMTUDISC_DONT || v > PMTU_PROBE + 2)
			return -EINVAL;
		o->mtu_discover = v;
		return 0;
	case IP_HDRINCL:
		if (s->type != SOCK_RAW)
			return -ENOPROTOOPT;
		o->hdrincl = v != 0;
		return 0;
	default: return -ENOPROTOOPT;
	}
}

static int set_ip(struct sock *s, int name, const void *value, uint32_t len)
{
	int v, e;

	if (name == IP_MULTICAST_IF)
		return set_mcast_if4(s, value, len);
	if (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)
		return -ENOPROTOOPT; /* the protocol's */
	e = small_int(value, len, &v);
	return e < 0 ? e : set_ip_int(s, name, v);
}

static int set_mcast_if6(struct sock *s, int v)
{
	struct netif *n = v ? ifctl_by_index((unsigned)v) : NULL;

	if (v && !n)
		return -ENODEV;
	s->opt.mcast_if = n ? netif_get_index(n) : 0;
	return 0;
}

static bool is_bound(struct sock *s)
{
	struct sock_rep rep = {0};
	struct sockaddr_in6 sin6 = {0};

	if (s->ops->name(s, false, &rep) == 0 && rep.addr_len == sizeof(sin6))
		memcpy(&sin6, rep.addr, sizeof(sin6));
	return sin6.sin6_port != 0;
}

static int set_ipv6(struct sock *s, int name, const void *value, uint32_t len)
{
	struct sock_options *o = &s->opt;
	int v;

	if (s->domain != AF_INET6 || name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP ||
	    name == IPV6_CHECKSUM)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	switch (name) {
	case IPV6_V6ONLY:
		if (is_bound(s))
			return -EINVAL;
		o->v6only = v != 0;
		return 0;
	case IPV6_UNICAST_HOPS: return set_byte(v, 0, 255, 64, &o->ttl);
	case IPV6_MULTICAST_HOPS: return set_byte(v, 0, 255, 1, &o->mcast_ttl);
	case IPV6_MULTICAST_LOOP: o->mcast_loop = v != 0; return 0;
	case IPV6_MULTICAST_IF: return set_mcast_if6(s, v);
	case IPV6_TCLASS: return set_byte(v, 0, 255, 0, &o->tos);
	case IPV6_RECVERR: o->recverr = v != 0; return 0;
	case IPV6_MTU_DISCOVER:
		if (v < IP_PMTUDISC_DONT || v > PMTU_PROBE + 2)
			return -EINVAL;
		o->mtu_discover6 = v;
		return 0;
	default: return -ENOPROTOOPT;
	}
}

static bool is_netlink(const struct sock *s)
{
	return s->ops == &netlink_ops;
}

int opts_set(struct sock *s, const struct request *r)
{
	uint8_t value[OPT_BYTES_MAX];
	uint32_t len = r->q.len_bytes > sizeof(value) ? sizeof(value) : r->q.len_bytes;
	int level = (int)(r->q.arg >> 16), name = (int)(r->q.arg & 0xffff), e;

	if (level == 0xffff || name == 0xffff)
		return -ENOPROTOOPT;
	e = request_in(r, 0, value, len);
	if (e < 0)
		return e;
	e = -ENOPROTOOPT;
	if (level == SOL_SOCKET)
		e = set_socket(s, name, value, len);
	else if (level == IPPROTO_IP && !is_netlink(s))
		e = set_ip(s, name, value, len);
	else if (level == IPPROTO_IPV6 && !is_netlink(s))
		e = set_ipv6(s, name, value, len);
	if (e == -ENOPROTOOPT && level != SOL_SOCKET)
		e = s->ops->setopt(s, level, name, value, len);
	else if (e == 0 && s->ops->options_changed)
		s->ops->options_changed(s);
	if (e == 0)
		sock_changed(s); /* a larger buffer may let somebody go on */
	return e;
}

/* ---- getting ---- */

static int put(void *value, uint32_t len, const void *from, size_t size)
{
	uint32_t n = len < size ? len : (uint32_t)size;

	memcpy(value, from, n);
	return (int)n;
}

static int put_timeout(void *value, uint32_t len, uint64_t ns)
{
	struct timeval tv = {.tv_sec = (time_t)(ns / NS_PER_S),
	                     .tv_usec = (suseconds_t)(ns % NS_PER_S / 1000u)};

	return put(value, len, &tv, sizeof(tv));
}

static int put_device(const struct sock *s, void *value, uint32_t len)
{
	char name[IF_NAME_MAX] = {0};
	struct netif *n = s->opt.netif_idx ? netif_get_by_index(s->opt.netif_idx) : NULL;

	if (!n)
		return 0;
	strncpy(name, ifctl_name(n), sizeof(name) - 1);
	return len < sizeof(name) ? -EINVAL : put(value, len, name, strlen(name) + 1);
}

static int get_socket_int(struct sock *s, int name, int *v)
{
	const struct sock_options *o = &s->opt;

	switch (name) {
	case SO_REUSEADDR: *v = o->reuseaddr; return 0;
	case SO_REUSEPORT: *v = o->reuseport; return 0;
	case SO_KEEPALIVE: *v = o->keepalive; return 0;
	case SO_BROADCAST: *v = o->broadcast; return 0;
	case SO_OOBINLINE: *v = o->oobinline; return 0;
	case SO_SNDBUF: *v = (int)o->sndbuf; return 0;
	case SO_RCVBUF: *v = (int)o->rcvbuf; return 0;
	case SO_RCVLOWAT: *v = o->rcvlowat; return 0;
	case SO_SNDLOWAT: *v = 1; return 0;
	case SO_PRIORITY: *v = o->priority; return 0;
	case SO_TYPE: *v = s->type; return 0;
	case SO_DOMAIN: *v = s->domain; return 0;
	case SO_PROTOCOL: *v = s->protocol; return 0;
	case SO_ACCEPTCONN: *v = s->ops == &tcp_ops && tcp_is_listening(s); return 0;
	case SO_ERROR: *v = -sock_take_error(s); return 0;
	default: return -ENOPROTOOPT;
	}
}

static int get_socket(struct sock *s, int name, void *value, uint32_t len)
{
	struct linger l = {.l_onoff = s->opt.linger_on, .l_linger = s->opt.linger_s};
	int v = 0, e;

	switch (name) {
	case SO_LINGER: return put(value, len, &l, sizeof(l));
	case SO_RCVTIMEO: return put_timeout(value, len, s->opt.rcvtimeo_ns);
	case SO_SNDTIMEO: return put_timeout(value, len, s->opt.sndtimeo_ns);
	case SO_BINDTODEVICE: return put_device(s, value, len);
	default: break;
	}
	e = get_socket_int(s, name, &v);
	return e < 0 ? e : put(value, len, &v, sizeof(v));
}

static int route_mtu(struct sock *s, int *v)
{
	struct sock_rep rep = {0};
	struct sock_addr a;
	struct netif *n;

	if (s->ops->name(s, true, &rep) < 0 || addr_parse(s, rep.addr, rep.addr_len, &a) < 0)
		return -ENOTCONN;
	n = ip_route(IP_IS_V6(&a.ip) ? IP6_ADDR_ANY : IP4_ADDR_ANY, &a.ip);
	*v = n && n->mtu ? n->mtu : 65535;
	return 0;
}

static int get_ip(struct sock *s, int name, int *v)
{
	const struct sock_options *o = &s->opt;

	switch (name) {
	case IP_TOS: *v = o->tos; return 0;
	case IP_TTL: *v = o->ttl; return 0;
	case IP_MULTICAST_TTL: *v = o->mcast_ttl; return 0;
	case IP_MULTICAST_LOOP: *v = o->mcast_loop; return 0;
	case IP_RECVERR: *v = o->recverr; return 0;
	case IP_MTU_DISCOVER: *v = o->mtu_discover; return 0;
	case IP_HDRINCL: *v = o->hdrincl; return s->type == SOCK_RAW ? 0 : -ENOPROTOOPT;
	case IP_MTU: return route_mtu(s, v);
	default: return -ENOPROTOOPT;
	}
}

static int get_ipv6(struct sock *s, int name, int *v)
{
	const struct sock_options *o = &s->opt;

	if (s->domain != AF_INET6)
		return -ENOPROTOOPT;
	switch (name) {
	case IPV6_V6ONLY: *v = o->v6only; return 0;
	case IPV6_UNICAST_HOPS: *v = o->ttl; return 0;
	case IPV6_MULTICAST_HOPS: *v = o->mcast_ttl; return 0;
	case IPV6_MULTICAST_LOOP: *v = o->mcast_loop; return 0;
	case IPV6_MULTICAST_IF: *v = o->mcast_if; return 0;
	case IPV6_TCLASS: *v = o->tos; return 0;
	case IPV6_RECVERR: *v = o->recverr; return 0;
	case IPV6_MTU_DISCOVER: *v = o->mtu_discover6; return 0;
	case IPV6_MTU: return route_mtu(s, v);
	default: return -ENOPROTOOPT;
	}
}

static int get_value(struct sock *s, const struct request *r, void *value, uint32_t len)
{
	int level = (int)(r->q.arg >> 16), name = (int)(r->q.arg & 0xffff), v = 0;
	int e = -ENOPROTOOPT;

	if (level == SOL_SOCKET)
		return get_socket(s, name, value, len);
	if (level == IPPROTO_IP && !is_netlink(s))
		e = get_ip(s, name, &v);
	else if (level == IPPROTO_IPV6 && !is_netlink(s))
		e = get_ipv6(s, name, &v);
	if (e == 0)
		return put(value, len, &v, sizeof(v));
	return e == -ENOPROTOOPT ? s->ops->getopt(s, level, name, value, len) : e;
}

int opts_get(struct sock *s, const struct request *r)
{
	uint8_t value[OPT_BYTES_MAX + 64] = {0};
	uint32_t len = r->q.len_bytes > OPT_BYTES_MAX ? OPT_BYTES_MAX : r->q.len_bytes;
	int n = get_value(s, r, value, len), e;

	if (n < 0)
		return n;
	e = request_out(r, 0, value, (uint32_t)n);
	return e < 0 ? e : n;
}
