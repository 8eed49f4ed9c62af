/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioctl() on sockets: queues, interfaces, routes, neighbours, with the structures of Linux x86-64
 * (net/if.h, net/route.h, net/if_arp.h). Changes need root (EPERM). Whatever a structure names is checked
 * before anything is changed; results are copied back only when they were asked for.
 */
#include <string.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include "lwip/etharp.h"
#include "lwip/netif.h"
#include "ifctl.h"
#include "route.h"
#include "sock_impl.h"

#define TX_QUEUE_LEN 1000 /* as Linux says of Ethernet */

static struct sockaddr_in *sin_of(struct sockaddr *a)
{
	return (struct sockaddr_in *)(void *)a;
}

static void put_address(struct sockaddr *to, uint32_t address)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = address};

	memcpy(to, &sin, sizeof(sin));
}

static void take6(ip_addr_t *to, const struct in6_addr *from)
{
	uint32_t w[4];

	memcpy(w, from, sizeof(w));
	addr_set6(to, w);
}

/* ---- interfaces ---- */

static uint32_t broadcast_of(const struct netif *n)
{
	return netif_ip4_addr(n)->addr ? netif_ip4_addr(n)->addr | ~netif_ip4_netmask(n)->addr : 0;
}

static void get_hardware(const struct netif *n, struct ifreq *q)
{
	memset(&q->ifr_hwaddr, 0, sizeof(q->ifr_hwaddr));
	q->ifr_hwaddr.sa_family = ifctl_flags(n) & IFF_LOOPBACK ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
	memcpy(q->ifr_hwaddr.sa_data, n->hwaddr, n->hwaddr_len < 14 ? n->hwaddr_len : 14);
}

static int get_of(const struct netif *n, uint32_t request, struct ifreq *q)
{
	bool has_address = netif_ip4_addr(n)->addr != 0;

	switch (request) {
	case SIOCGIFADDR: put_address(&q->ifr_addr, netif_ip4_addr(n)->addr); break;
	case SIOCGIFNETMASK: put_address(&q->ifr_netmask, netif_ip4_netmask(n)->addr); break;
	case SIOCGIFBRDADDR: put_address(&q->ifr_broadaddr, broadcast_of(n)); break;
	case SIOCGIFDSTADDR: put_address(&q->ifr_dstaddr, netif_ip4_addr(n)->addr); break;
	case SIOCGIFFLAGS: q->ifr_flags = (short)ifctl_flags(n); return 0;
	case SIOCGIFMTU: q->ifr_mtu = n->mtu ? n->mtu : 65536; return 0;
	case SIOCGIFMETRIC: q->ifr_metric = 0; return 0;
	case SIOCGIFTXQLEN:
		q->ifr_qlen = ifctl_flags(n) & IFF_LOOPBACK ? 0 : TX_QUEUE_LEN;
		return 0;
	case SIOCGIFINDEX: q->ifr_ifindex = (int)ifctl_index(n); return 0;
	case SIOCGIFHWADDR: get_hardware(n, q); return 0;
	case SIOCGIFMAP: memset(&q->ifr_map, 0, sizeof(q->ifr_map)); return 0;
	default: return -ENOTTY;
	}
	return has_address ? 0 : -EADDRNOTAVAIL;
}

static int set_address(struct netif *n, uint32_t request, struct ifreq *q)
{
	ip4_addr_t address;

	if (q->ifr_addr.sa_family != AF_INET)
		return -EINVAL;
	ip4_addr_set_u32(&address, sin_of(&q->ifr_addr)->sin_addr.s_addr);
	if (request == SIOCSIFADDR)
		return ifctl_set_address4(n, &address);
	if (request == SIOCSIFNETMASK)
		return ip4_addr_netmask_valid(address.addr) ? ifctl_set_mask4(n, &address)
		                                            : -EINVAL;
	/* The broadcast address follows from the mask; only that one can be set. */
	return address.addr == broadcast_of(n) ? 0 : -EOPNOTSUPP;
}

static int set_of(struct netif *n, uint32_t request, struct ifreq *q)
{
	switch (request) {
	case SIOCSIFADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFBRDADDR: return set_address(n, request, q);
	case SIOCSIFFLAGS: return ifctl_set_flags(n, (uint16_t)q->ifr_flags);
	case SIOCSIFMTU: return q->ifr_mtu < 0 ? -EINVAL : ifctl_set_mtu(n, (unsigned)q->ifr_mtu);
	case SIOCSIFMETRIC: return q->ifr_metric == 0 ? 0 : -EOPNOTSUPP;
	default: return -EOPNOTSUPP; /* SIOCSIFHWADDR, SIOCSIFTXQLEN, SIOCSIFNAME, ... */
	}
}

static bool is_setter(uint32_t request)
{
	switch (request) {
	case SIOCSIFADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFBRDADDR:
	case SIOCSIFFLAGS:
	case SIOCSIFMTU:
	case SIOCSIFMETRIC:
	case SIOCSIFHWADDR:
	case SIOCSIFTXQLEN:
	case SIOCSIFNAME:
	case SIOCSIFDSTADDR: return true;
	default: return false;
	}
}

static int name_of_index(const struct request *r, struct ifreq *q)
{
	const struct netif *n =
		q->ifr_ifindex > 0 ? ifctl_by_index((unsigned)q->ifr_ifindex) : NULL;

	if (!n)
		return -ENODEV;
	memset(q->ifr_name, 0, IFNAMSIZ);
	strncpy(q->ifr_name, ifctl_name(n), IFNAMSIZ - 1);
	return request_out(r, 0, q, sizeof(*q));
}

struct in6_ifreq_linux { /* struct in6_ifreq of linux/ipv6.h */
	struct in6_addr address;
	uint32_t prefix_bits;
	int ifindex;
};

static int address6_request(const struct request *r)
{
	struct in6_ifreq_linux q;
	struct netif *n;
	ip_addr_t ip;
	int e = request_in(r, 0, &q, sizeof(q));

	if (e < 0)
		return e;
	if (!(r->q.flags & SOCK_IS_ROOT))
		return -EPERM;
	n = q.ifindex > 0 ? ifctl_by_index((unsigned)q.ifindex) : NULL;
	if (!n)
		return -ENODEV;
	take6(&ip, &q.address);
	if (q.prefix_bits > 128 || ip_addr_ismulticast(&ip) || addr_is_any(&ip))
		return -EINVAL;
	if (r->q.arg == SIOCDIFADDR)
		return ifctl_del_address6(n, ip_2_ip6(&ip));
	if (q.prefix_bits != 64 && q.prefix_bits != 128)
		return -EOPNOTSUPP; /* lwIP has /64 everywhere */
	return ifctl_add_address6(n, ip_2_ip6(&ip));
}

static int interface_request(const struct request *r)
{
	uint32_t request = r->q.arg;
	struct netif *n;
	struct ifreq q;
	int e = request_in(r, 0, &q, sizeof(q));

	if (e < 0)
		return e;
	if (request == SIOCGIFNAME)
		return name_of_index(r, &q);
	if (is_setter(request) && !(r->q.flags & SOCK_IS_ROOT))
		return -EPERM;
	q.ifr_name[IFNAMSIZ - 1] = 0;
	n = ifctl_find(q.ifr_name);
	if (!n)
		return -ENODEV;
	if (is_setter(request))
		return set_of(n, request, &q);
	e = get_of(n, request, &q);
	return e < 0 ? e : request_out(r, 0, &q, sizeof(q));
}

int ifconf_request(struct sock *s, const struct request *r)
{
	uint32_t done = 0;
	struct netif *n = NULL;

	(void)s;
	while ((n = ifctl_next(n)) != NULL) {
		struct ifreq q = {0};
		int e;

		if (netif_ip4_addr(n)->addr == 0)
			continue; /* Linux lists interfaces with an IPv4 address here */
		/* Without a buffer: how large should it be? */
		if (r->q.len_bytes > 0) {
			if (r->q.len_bytes - done < sizeof(q))
				break;
			strncpy(q.ifr_name, ifctl_name(n), IFNAMSIZ - 1);
			put_address(&q.ifr_addr, netif_ip4_addr(n)->addr);
			e = request_out(r, done, &q, sizeof(q));
			if (e < 0)
				return e;
		}
		done += sizeof(q);
	}
	return (int)done;
}

/* ---- routes ---- */

static int prefix_of_mask(uint32_t mask)
{
	if (mask && !ip4_addr_netmask_valid(mask))
		return -EINVAL;
	return __builtin_popcount(mask);
}

static int parse_route4(const struct rtentry *t, struct route *to)
{
	const struct sockaddr_in *dst = (const void *)&t->rt_dst,
				 *mask = (const void *)&t->rt_genmask,
				 *gw = (const void *)&t->rt_gateway;
	int bits = 32;

	if (dst->sin_family != AF_INET)
		return -EAFNOSUPPORT;
	if (!(t->rt_flags & RTF_HOST))
		bits = mask->sin_family == AF_INET || mask->sin_addr.s_addr == 0
		               ? prefix_of_mask(mask->sin_addr.s_addr)
		               : -EAFNOSUPPORT;
	if (bits < 0)
		return bits;
	addr_set4(&to->dst, dst->sin_addr.s_addr);
	addr_set4(&to->gateway, 0);
	if (t->rt_flags & RTF_GATEWAY) {
		if (gw->sin_family != AF_INET)
			return -EINVAL;
		addr_set4(&to->gateway, gw->sin_addr.s_addr);
	}
	to->prefix_bits = (uint8_t)bits;
	to->metric = t->rt_metric > 0 ? (uint32_t)t->rt_metric - 1 : 0;
	return 0;
}

/* rt_dev is a pointer into the application, which vfs does not pass on: a route without a gateway goes to
 * the interface that the destination is connected to. */
static int route4_request(const struct request *r)
{
	struct route route = {0};
	struct rtentry t;
	int e = request_in(r, 0, &t, sizeof(t));

	if (e < 0)
		return e;
	if (!(r->q.flags & SOCK_IS_ROOT))
		return -EPERM;
	e = parse_route4(&t, &route);
	if (e < 0)
		return e;
	if (r->q.arg == SIOCDELRT)
		return route_del(&route);
	if (t.rt_dev && addr_is_any(&route.gateway))
		route.netif = netif_default;
	return route_add(&route);
}

struct in6_rtmsg_linux { /* struct in6_rtmsg of linux/ipv6_route.h */
	struct in6_addr dst, src, gateway;
	uint32_t type;
	uint16_t dst_len, src_len;
	uint32_t metric;
	unsigned long info;
	uint32_t flags;
	int ifindex;
};

static int route6_request(const struct request *r)
{
	struct in6_rtmsg_linux t;
	struct route route = {0};
	int e = request_in(r, 0, &t, sizeof(t));

	if (e < 0)
		return e;
	if (!(r->q.flags & SOCK_IS_ROOT))
		return -EPERM;
	if (t.dst_len > 128 || t.src_len)
		return -EINVAL;
	if (t.ifindex && !(route.netif = ifctl_by_index((unsigned)t.ifindex)))
		return -ENODEV;
	take6(&route.dst, &t.dst);
	take6(&route.gateway, &t.gateway);
	route.prefix_bits = (uint8_t)t.dst_len;
	route.metric = t.metric;
	return r->q.arg == SIOCDELRT ? route_del(&route) : route_add(&route);
}

/* ---- neighbours ---- */

static struct netif *arp_netif(const struct arpreq *q, const ip4_addr_t *ip)
{
	char name[sizeof(q->arp_dev) + 1] = {0};

	memcpy(name, q->arp_dev, sizeof(q->arp_dev));
	return name[0] ? ifctl_find(name) : ip4_route(ip);
}

static int get_arp(const struct request *r, struct arpreq *q, const ip4_addr_t *ip)
{
	for (size_t i = 0; i < ARP_TABLE_SIZE; i++) {
		struct eth_addr *hw;
		struct netif *n;
		ip4_addr_t *at;

		if (!etharp_get_entry(i, &at, &n, &hw) || !ip4_addr_cmp(at, ip))
			continue;
		memset(&q->arp_ha, 0, sizeof(q->arp_ha));
		q->arp_ha.sa_family = ARPHRD_ETHER;
		memcpy(q->arp_ha.sa_data, hw->addr, sizeof(hw->addr));
		q->arp_flags = ATF_COM;
		return request_out(r, 0, q, sizeof(*q));
	}
	return -ENXIO;
}

static int arp_request(const struct request *r)
{
	struct eth_addr hw;
	struct arpreq q;
	ip4_addr_t ip;
	int e = request_in(r, 0, &q, sizeof(q));

	if (e < 0)
		return e;
	if (q.arp_pa.sa_family != AF_INET)
		return -EPFNOSUPPORT;
	ip4_addr_set_u32(&ip, sin_of(&q.arp_pa)->sin_addr.s_addr);
	if (r->q.arg == SIOCGARP)
		return get_arp(r, &q, &ip);
	if (!(r->q.flags & SOCK_IS_ROOT))
		return -EPERM;
	if (!arp_netif(&q, &ip))
		return q.arp_dev[0] ? -ENODEV : -ENETUNREACH;
	if (r->q.arg == SIOCDARP)
		return ifctl_del_neighbour4(&ip) == 0 ? 0 : -ENXIO;
	memcpy(hw.addr, q.arp_ha.sa_data, sizeof(hw.addr));
	return etharp_add_static_entry(&ip, &hw) == ERR_OK ? 0 : -ENOBUFS;
}

/* ---- all ---- */

static int put_int(const struct request *r, int v)
{
	return v < 0 ? v : request_out(r, 0, &v, sizeof(v));
}

int ioctl_request(struct sock *s, const struct request *r)
{
	if (s->domain == AF_INET6 && (r->q.arg == SIOCSIFADDR || r->q.arg == SIOCDIFADDR))
		return address6_request(r);
	switch (r->q.arg) {
	case FIONREAD: return s->ops->inq ? put_int(r, s->ops->inq(s)) : -ENOTTY;
	case SIOCOUTQ: return s->ops->outq ? put_int(r, s->ops->outq(s)) : -ENOTTY;
	case SIOCATMARK:
		return s->ops == &tcp_ops ? put_int(r, 0) : -ENOTTY; /* no urgent data here */
	case SIOCADDRT:
	case SIOCDELRT: return s->domain == AF_INET6 ? route6_request(r) : route4_request(r);
	case SIOCGARP:
	case SIOCSARP:
	case SIOCDARP: return arp_request(r);
	case SIOCGIFCONF: return -EINVAL; /* SOCK_IFCONF */
	case SIOCGIFADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFFLAGS:
	case SIOCGIFMTU:
	case SIOCGIFMETRIC:
	case SIOCGIFTXQLEN:
	case SIOCGIFINDEX:
	case SIOCGIFHWADDR:
	case SIOCGIFNAME:
	case SIOCGIFMAP: return interface_request(r);
	default: return is_setter(r->q.arg) ? interface_request(r) : -ENOTTY;
	}
}
