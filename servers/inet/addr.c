/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket addresses: what applications gave us (untrusted), lwIP's ip_addr_t, and back. An AF_INET6 socket
 * without IPV6_V6ONLY speaks IPv4 too: v4-mapped addresses (RFC 4291, 2.5.5.2) are IPv4 inside.
 */
#include <string.h>
#include <sys/socket.h>
#include "lwip/netif.h"
#include "sock_impl.h"

#define SIN6_LEN_RFC2133 24u /* without sin6_scope_id */

/* In place of lwIP's macros, which hide a branch each. */
void addr_set4(ip_addr_t *ip, uint32_t address)
{
	memset(ip, 0, sizeof(*ip));
	ip->u_addr.ip4.addr = address;
	ip->type = IPADDR_TYPE_V4;
}

void addr_set6(ip_addr_t *ip, const void *address)
{
	memset(ip, 0, sizeof(*ip));
	memcpy(ip->u_addr.ip6.addr, address, sizeof(ip->u_addr.ip6.addr));
	ip->type = IPADDR_TYPE_V6;
}

void addr_set_any(ip_addr_t *ip, bool is_6)
{
	memset(ip, 0, sizeof(*ip));
	ip->type = is_6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4;
}

bool addr_is_any(const ip_addr_t *ip)
{
	if (IP_IS_V6(ip))
		return ip6_addr_isany(ip_2_ip6(ip));
	return ip4_addr_isany(ip_2_ip4(ip)); /* IPADDR_TYPE_ANY is all zero */
}

bool addr_is_broadcast(const ip_addr_t *ip)
{
	struct netif *n;

	if (!IP_IS_V4(ip))
		return false;
	if (ip_2_ip4(ip)->addr == IPADDR_BROADCAST)
		return true;
	NETIF_FOREACH(n)
	if (ip4_addr_isbroadcast(ip_2_ip4(ip), n))
		return true;
	return false;
}

static int parse4(const void *bytes, uint32_t len, struct sock_addr *a)
{
	struct sockaddr_in sin;

	if (len < sizeof(sin))
		return -EINVAL;
	memcpy(&sin, bytes, sizeof(sin));
	addr_set4(&a->ip, sin.sin_addr.s_addr);
	a->port = lwip_ntohs(sin.sin_port);
	return 0;
}

static int parse6(const struct sock *s, const void *bytes, uint32_t len, struct sock_addr *a)
{
	struct sockaddr_in6 sin6 = {0};
	uint32_t w[4];

	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	memcpy(&sin6, bytes, len < sizeof(sin6) ? len : sizeof(sin6));
	memcpy(w, &sin6.sin6_addr, sizeof(w));
	a->port = lwip_ntohs(sin6.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr)) {
		if (s->opt.v6only)
			return -ENETUNREACH;
		addr_set4(&a->ip, w[3]);
		return 0;
	}
	addr_set6(&a->ip, w);
	if (ip6_addr_has_scope(ip_2_ip6(&a->ip), IP6_UNKNOWN)) {
		uint32_t zone = sin6.sin6_scope_id ? sin6.sin6_scope_id : s->opt.netif_idx;

		if (zone > UINT8_MAX || (zone && !netif_get_by_index((uint8_t)zone)))
			return -ENODEV;
		ip6_addr_set_zone(ip_2_ip6(&a->ip), (uint8_t)zone);
	}
	return 0;
}

int addr_parse(const struct sock *s, const void *bytes, uint32_t len, struct sock_addr *a)
{
	uint16_t family;

	memset(a, 0, sizeof(*a));
	if (len < sizeof(family))
		return -EINVAL;
	memcpy(&family, bytes, sizeof(family));
	if (family == AF_UNSPEC) {
		a->is_unspec = true;
		return len >= sizeof(struct sockaddr_in) ? parse4(bytes, len, a) : 0;
	}
	if (s->domain == AF_INET) {
		if (len < sizeof(struct sockaddr_in))
			return -EINVAL;
		return family == AF_INET ? parse4(bytes, len, a) : -EAFNOSUPPORT;
	}
	if (family == AF_INET && s->type == SOCK_DGRAM && !s->opt.v6only)
		return parse4(bytes, len,
		              a); /* sendto() and connect() of UDP take it, as in Linux */
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	return family == AF_INET6 ? parse6(s, bytes, len, a) : -EAFNOSUPPORT;
}

static bool is_ours(const ip_addr_t *ip)
{
	struct netif *n;

	if (IP_IS_V4(ip) && ip4_addr_isloopback(ip_2_ip4(ip)))
		return true;
	NETIF_FOREACH(n)
	{
		if (IP_IS_V4(ip) && ip4_addr_cmp(ip_2_ip4(ip), netif_ip4_addr(n)))
			return true;
		if (IP_IS_V6(ip) && netif_get_ip6_addr_match(n, ip_2_ip6(ip)) >= 0)
			return true;
	}
	return false;
}

int addr_check_local(const struct sock *s, const struct sock_addr *a)
{
	if (addr_is_any(&a->ip) || is_ours(&a->ip))
		return 0;
	if (s->type != SOCK_STREAM && (ip_addr_ismulticast(&a->ip) || addr_is_broadcast(&a->ip)))
		return 0;
	return -EADDRNOTAVAIL;
}

static void put4(const ip_addr_t *ip, uint16_t port, struct sock_rep *rep)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = lwip_htons(port)};

	if (!IP_IS_V6(ip))
		sin.sin_addr.s_addr = ip_2_ip4(ip)->addr;
	memcpy(rep->addr, &sin, sizeof(sin));
	rep->addr_len = sizeof(sin);
}

void addr_put(const struct sock *s, const ip_addr_t *ip, uint16_t port, struct sock_rep *rep)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = lwip_htons(port)};
	uint32_t w[4] = {0};

	if (s->domain == AF_INET) {
		put4(ip, port, rep);
		return;
	}
	if (IP_IS_V6(ip)) {
		memcpy(w, ip_2_ip6(ip)->addr, sizeof(w));
		if (ip6_addr_has_scope(ip_2_ip6(ip), IP6_UNKNOWN))
			sin6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(ip));
	} else if (!addr_is_any(ip)) {
		w[2] = PP_HTONL(0xffffu);
		w[3] = ip_2_ip4(ip)->addr;
	}
	memcpy(&sin6.sin6_addr, w, sizeof(w));
	memcpy(rep->addr, &sin6, sizeof(sin6));
	rep->addr_len = sizeof(sin6);
}

int addr_err(err_t err)
{
	switch (err) {
	case ERR_OK: return 0;
	case ERR_MEM:
	case ERR_BUF: return -ENOBUFS;
	case ERR_TIMEOUT: return -ETIMEDOUT;
	case ERR_RTE: return -ENETUNREACH;
	case ERR_INPROGRESS: return -EINPROGRESS;
	case ERR_VAL: return -EINVAL;
	case ERR_WOULDBLOCK: return -EAGAIN;
	case ERR_USE: return -EADDRINUSE;
	case ERR_ALREADY: return -EALREADY;
	case ERR_ISCONN: return -EISCONN;
	case ERR_CONN: return -ENOTCONN;
	case ERR_IF: return -ENETDOWN;
	case ERR_ABRT: return -ECONNABORTED;
	case ERR_RST: return -ECONNRESET;
	case ERR_CLSD: return -ENOTCONN;
	default: return -EINVAL;
	}
}

uint8_t addr_pcb_type(const struct sock *s)
{
	if (s->domain == AF_INET)
		return IPADDR_TYPE_V4;
	return s->opt.v6only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
}

void addr_fix_destination(struct sock_addr *a)
{
	if (!addr_is_any(&a->ip))
		return;
	if (IP_IS_V6(&a->ip))
		addr_set6(&a->ip, &in6addr_loopback);
	else
		addr_set4(&a->ip, PP_HTONL(IPADDR_LOOPBACK));
}

/* May a packet for one be for the other too? */
static bool overlap(const struct sock *a, const ip_addr_t *ip_a, const struct sock *b,
                    const ip_addr_t *ip_b)
{
	bool a6 = a->domain == AF_INET6 && !IP_IS_V4(ip_a);
	bool b6 = b->domain == AF_INET6 && !IP_IS_V4(ip_b);

	if (a->opt.netif_idx && b->opt.netif_idx && a->opt.netif_idx != b->opt.netif_idx)
		return false;
	if (a6 == b6)
		return addr_is_any(ip_a) || addr_is_any(ip_b) || ip_addr_cmp(ip_a, ip_b);
	/* One is IPv6: it takes IPv4 only when it is bound to :: and not v6only. */
	return a6 ? addr_is_any(ip_a) && !a->opt.v6only : addr_is_any(ip_b) && !b->opt.v6only;
}

bool addr_overlaps(const struct bind_check *b, const struct sock *other, const ip_addr_t *ip,
                   uint16_t port)
{
	return other != b->self && other->ops == b->self->ops && port == b->a->port &&
	       overlap(b->self, &b->a->ip, other, ip);
}
