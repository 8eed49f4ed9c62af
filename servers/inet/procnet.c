/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of /proc/net, in the formats of Linux: busybox netstat, ifconfig, route and arp take them apart by
 * column. Addresses are printed as Linux does, as 32-bit words of the machine. Text that does not fit is
 * cut at a line's end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lwip/etharp.h"
#include "lwip/stats.h"
#include "ifctl.h"
#include "procnet.h"
#include "retrans.h"
#include "route.h"
#include "sock_impl.h"
#include "sockif.h"

#define LINE_BYTES 320

void text_line(struct text *t, unsigned width, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int n;

	if (t->is_full)
		return;
	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		n = (int)sizeof(line) - 2;
	while ((unsigned)n < width && (size_t)n < sizeof(line) - 2)
		line[n++] = ' ';
	line[n++] = '\n';
	if (t->len + (size_t)n > t->cap) {
		t->is_full = true;
		return;
	}
	memcpy(t->buf + t->len, line, (size_t)n);
	t->len += (size_t)n;
}

/* ---- interfaces ---- */

static void text_dev(struct text *t)
{
	text_line(t, 0,
	          "Inter-|   Receive                                                |  Transmit");
	text_line(t, 0,
	          " face |bytes    packets errs drop fifo frame compressed multicast|"
	          "bytes    packets errs drop fifo colls carrier compressed");
	for (struct netif *n = ifctl_next(NULL); n; n = ifctl_next(n)) {
		struct ifctl_counters c;

		ifctl_get_counters(n, &c);
		text_line(t, 0,
		          "%6s: %7llu %7llu %4llu %4llu %4u %5u %10u %9llu %8llu %7llu %4llu %4llu "
		          "%4u "
		          "%5u %7u %10u",
		          ifctl_name(n), (unsigned long long)c.rx_bytes,
		          (unsigned long long)c.rx_frames, (unsigned long long)c.rx_errors,
		          (unsigned long long)c.rx_dropped, 0, 0, 0,
		          (unsigned long long)c.rx_multicast, (unsigned long long)c.tx_bytes,
		          (unsigned long long)c.tx_frames, (unsigned long long)c.tx_errors,
		          (unsigned long long)c.tx_dropped, 0, 0, 0, 0);
	}
}

static void hex6(const ip6_addr_t *ip, char out[33])
{
	for (unsigned i = 0; i < 4; i++)
		snprintf(out + 8 * i, 9, "%08x", lwip_ntohl(ip->addr[i]));
}

static unsigned scope6(const ip6_addr_t *ip)
{
	if (ip6_addr_isloopback(ip))
		return 0x10;
	return ip6_addr_islinklocal(ip) ? 0x20 : 0;
}

static void text_if_inet6(struct text *t)
{
	for (struct netif *n = ifctl_next(NULL); n; n = ifctl_next(n))
		for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
			const ip6_addr_t *ip = netif_ip6_addr(n, i);
			uint8_t state = netif_ip6_addr_state(n, i);
			char hex[33];

			if (ip6_addr_isinvalid(state))
				continue;
			hex6(ip, hex);
			text_line(t, 0, "%s %02x %02x %02x %02x %8s", hex, ifctl_index(n),
			          ip6_addr_isloopback(ip) ? 128 : 64, scope6(ip),
			          ip6_addr_istentative(state) ? 0x40 : 0x80, ifctl_name(n));
		}
}

/* ---- routes, neighbours ---- */

#define FLAG_UP      1u
#define FLAG_GATEWAY 2u
#define FLAG_HOST    4u

static unsigned route_flags(const struct route *r)
{
	return FLAG_UP | (addr_is_any(&r->gateway) ? 0 : FLAG_GATEWAY) |
	       (r->prefix_bits == (IP_IS_V6(&r->dst) ? 128 : 32) ? FLAG_HOST : 0);
}

static void text_route(struct text *t)
{
	struct route r;

	text_line(t, 127,
	          "Iface\tDestination\tGateway "
	          "\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	for (unsigned i = 0; route_get(i, &r); i++) {
		uint32_t mask = r.prefix_bits ? lwip_htonl(~0u << (32 - (r.prefix_bits & 31))) : 0;

		if (IP_IS_V6(&r.dst))
			continue;
		if (r.prefix_bits == 32)
			mask = ~0u;
		text_line(t, 127, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%d\t%u\t%u",
		          ifctl_name(r.netif), ip_2_ip4(&r.dst)->addr,
		          addr_is_any(&r.gateway) ? 0 : ip_2_ip4(&r.gateway)->addr, route_flags(&r),
		          0, 0, r.metric, mask, 0, 0, 0);
	}
}

static void text_ipv6_route(struct text *t)
{
	static const ip6_addr_t none;
	struct route r;

	for (unsigned i = 0; route_get(i, &r); i++) {
		char dst[33], gateway[33];

		if (!IP_IS_V6(&r.dst))
			continue;
		hex6(ip_2_ip6(&r.dst), dst);
		hex6(addr_is_any(&r.gateway) ? &none : ip_2_ip6(&r.gateway), gateway);
		text_line(t, 0, "%s %02x %032x 00 %s %08x %08x %08x %08x %8s", dst, r.prefix_bits,
		          0, gateway, r.metric, 1, 0, route_flags(&r), ifctl_name(r.netif));
	}
}

static void text_arp(struct text *t)
{
	text_line(t, 0,
	          "IP address       HW type     Flags       HW address            Mask     Device");
	for (size_t i = 0; i < ARP_TABLE_SIZE; i++) {
		struct eth_addr *hw;
		struct netif *n;
		ip4_addr_t *ip;
		char hex[18];

		if (!etharp_get_entry(i, &ip, &n, &hw) || !n)
			continue;
		snprintf(hex, sizeof(hex), "%02x:%02x:%02x:%02x:%02x:%02x", hw->addr[0],
		         hw->addr[1], hw->addr[2], hw->addr[3], hw->addr[4], hw->addr[5]);
		text_line(t, 0, "%-16s 0x%-10x0x%-10x%s     *        %s", ip4addr_ntoa(ip), 1, 2,
		          hex, ifctl_name(n));
	}
}

/* ---- counters ---- */

static void snmp_ip(struct text *t)
{
	const struct stats_mib2 *m = &lwip_stats.mib2;

	text_line(t, 0,
	          "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams "
	          "InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes "
	          "ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates");
	text_line(t, 0, "Ip: 2 64 %u %u %u %u %u %u %u %u %u %u 0 %u %u %u %u %u %u",
	          m->ipinreceives, m->ipinhdrerrors, m->ipinaddrerrors, m->ipforwdatagrams,
	          m->ipinunknownprotos, m->ipindiscards, m->ipindelivers, m->ipoutrequests,
	          m->ipoutdiscards, m->ipoutnoroutes, m->ipreasmreqds, m->ipreasmoks,
	          m->ipreasmfails, m->ipfragoks, m->ipfragfails, m->ipfragcreates);
}

static void snmp_icmp(struct text *t)
{
	const struct stats_mib2 *m = &lwip_stats.mib2;

	text_line(t, 0,
	          "Icmp: InMsgs InErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs "
	          "InRedirects InEchos InEchoReps InTimestamps InTimestampReps OutMsgs OutErrors "
	          "OutDestUnreachs OutTimeExcds OutEchos OutEchoReps");
	text_line(t, 0, "Icmp: %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u", m->icmpinmsgs,
	          m->icmpinerrors, m->icmpindestunreachs, m->icmpintimeexcds, m->icmpinparmprobs,
	          m->icmpinsrcquenchs, m->icmpinredirects, m->icmpinechos, m->icmpinechoreps,
	          m->icmpintimestamps, m->icmpintimestampreps, m->icmpoutmsgs, m->icmpouterrors,
	          m->icmpoutdestunreachs, m->icmpouttimeexcds, m->icmpoutechos, m->icmpoutechoreps);
}

static void text_snmp(struct text *t)
{
	const struct stats_mib2 *m = &lwip_stats.mib2;

	snmp_ip(t);
	snmp_icmp(t);
	text_line(t, 0,
	          "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails "
	          "EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors");
	text_line(t, 0, "Tcp: 4 300 120000 -1 %u %u %u %u %u %u %u %u %u %u %u", m->tcpactiveopens,
	          m->tcppassiveopens, m->tcpattemptfails, m->tcpestabresets, procnet_established(),
	          m->tcpinsegs, m->tcpoutsegs, (unsigned)retrans_total(), m->tcpinerrs,
	          m->tcpoutrsts, lwip_stats.tcp.chkerr);
	text_line(t, 0,
	          "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors "
	          "InCsumErrors");
	text_line(t, 0, "Udp: %u %u %u %u %llu 0 %u", m->udpindatagrams, m->udpnoports,
	          m->udpinerrors, m->udpoutdatagrams, (unsigned long long)procnet_udp_drops(),
	          lwip_stats.udp.chkerr);
}

static void text_netstat(struct text *t)
{
	struct ifctl_counters c, sum = {0};

	for (struct netif *n = ifctl_next(NULL); n; n = ifctl_next(n)) {
		ifctl_get_counters(n, &c);
		sum.rx_multicast += c.rx_multicast;
		sum.rx_bytes += c.rx_bytes;
		sum.tx_bytes += c.tx_bytes;
	}
	text_line(t, 0, "TcpExt: PruneCalled TCPMemoryPressures");
	text_line(t, 0, "TcpExt: 0 %u", lwip_stats.tcp.memerr);
	text_line(t, 0, "IpExt: InMcastPkts InOctets OutOctets");
	text_line(t, 0, "IpExt: %llu %llu %llu", (unsigned long long)sum.rx_multicast,
	          (unsigned long long)sum.rx_bytes, (unsigned long long)sum.tx_bytes);
}

/* ---- all ---- */

static void text_tcp(struct text *t)
{
	procnet_tcp(t, false);
}

static void text_tcp6(struct text *t)
{
	procnet_tcp(t, true);
}

static void text_udp(struct text *t)
{
	procnet_datagrams(t, &udp_ops, false);
}

static void text_udp6(struct text *t)
{
	procnet_datagrams(t, &udp_ops, true);
}

static void text_raw(struct text *t)
{
	procnet_datagrams(t, &raw_ops, false);
}

static void text_raw6(struct text *t)
{
	procnet_datagrams(t, &raw_ops, true);
}

int procnet_text(const char *name, char *buf, size_t len)
{
	static const struct {
		const char *name;
		void (*write)(struct text *t);
	} texts[] = {
		{"dev", text_dev},         {"if_inet6", text_if_inet6},
		{"route", text_route},     {"ipv6_route", text_ipv6_route},
		{"arp", text_arp},         {"snmp", text_snmp},
		{"netstat", text_netstat}, {"tcp", text_tcp},
		{"tcp6", text_tcp6},       {"udp", text_udp},
		{"udp6", text_udp6},       {"raw", text_raw},
		{"raw6", text_raw6},       {"sockstat", procnet_sockstat},
	};
	struct text t = {.buf = buf, .cap = len};

	if (strcmp(name, "pnp") == 0)
		return config_pnp_text(buf, len);
	for (size_t i = 0; i < LWIP_ARRAYSIZE(texts); i++)
		if (strcmp(name, texts[i].name) == 0) {
			texts[i].write(&t);
			return (int)t.len;
		}
	return -ENOENT;
}
