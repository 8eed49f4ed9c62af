/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors for UDP and TCP sockets, which lwIP does not pass on: a raw pcb for each family looks at all
 * ICMP packets before lwIP handles them, and eats none. The quoted packet is copied before it is believed.
 * Tables: RFC 792, RFC 4443; errno values as Linux' icmp_err_convert and icmpv6_err_convert.
 */
#include "lwip/raw.h"
#include "sys/sys.h"
#include "sock_impl.h"

#define QUOTE_BYTES 8u /* of the transport header, always quoted */

struct verdict {
	int error;
	bool is_hard;
};

static const struct verdict unreachable4[] = {
	{ENETUNREACH, false},  {EHOSTUNREACH, false}, {ENOPROTOOPT, true},  {ECONNREFUSED, true},
	{EMSGSIZE, false},     {EOPNOTSUPP, false},   {ENETUNREACH, true},  {EHOSTDOWN, true},
	{ENONET, true},        {ENETUNREACH, true},   {EHOSTUNREACH, true}, {ENETUNREACH, false},
	{EHOSTUNREACH, false}, {EHOSTUNREACH, true},  {EHOSTUNREACH, true}, {EHOSTUNREACH, true},
};
static const struct verdict unreachable6[] = {
	{ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false}, {EHOSTUNREACH, false},
	{ECONNREFUSED, true}, {EACCES, true}, {EACCES, true},
};

static bool judge4(uint8_t type, uint8_t code, struct icmp_error *e)
{
	if (type == 3 && code < LWIP_ARRAYSIZE(unreachable4)) {
		e->error = unreachable4[code].error;
		e->is_hard = unreachable4[code].is_hard;
		return true;
	}
	if (type == 11)
		e->error = EHOSTUNREACH;
	else if (type == 12)
		e->error = EPROTO;
	e->is_hard = type == 12;
	return e->error != 0;
}

static bool judge6(uint8_t type, uint8_t code, struct icmp_error *e)
{
	if (type == 1 && code < LWIP_ARRAYSIZE(unreachable6)) {
		e->error = unreachable6[code].error;
		e->is_hard = unreachable6[code].is_hard;
		return true;
	}
	if (type == 3)
		e->error = EHOSTUNREACH;
	else if (type == 4)
		e->error = EPROTO;
	e->is_hard = type == 4;
	return e->error != 0;
}

/* The first bytes of the quoted transport header. */
static void pass_on(const uint8_t *quote, uint8_t proto, struct icmp_error *e)
{
	e->local_port = (uint16_t)(quote[0] << 8 | quote[1]);
	e->remote_port = (uint16_t)(quote[2] << 8 | quote[3]);
	e->seq = (uint32_t)quote[4] << 24 | (uint32_t)quote[5] << 16 | (uint32_t)quote[6] << 8 |
	         quote[7];
	if (proto == IPPROTO_UDP)
		udp_icmp_error(e);
	else if (proto == IPPROTO_TCP)
		tcp_icmp_error(e);
}

static u8_t look4(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	uint16_t at = ip_current_header_tot_len();
	uint8_t icmp[8], ip[20], quote[QUOTE_BYTES];
	struct icmp_error e = {0};
	ip_addr_t remote;
	uint32_t to;

	(void)arg;
	(void)pcb;
	(void)from;
	if (pbuf_copy_partial(p, icmp, sizeof(icmp), at) != sizeof(icmp) ||
	    !judge4(icmp[0], icmp[1], &e) ||
	    pbuf_copy_partial(p, ip, sizeof(ip), (u16_t)(at + 8)) != sizeof(ip) || ip[0] >> 4 != 4)
		return 0;
	at = (uint16_t)(at + 8 + (ip[0] & 15) * 4);
	if (pbuf_copy_partial(p, quote, sizeof(quote), at) != sizeof(quote))
		return 0;
	memcpy(&to, ip + 16, sizeof(to));
	addr_set4(&remote, to);
	e.remote = &remote;
	pass_on(quote, ip[9], &e);
	return 0;
}

static u8_t look6(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	uint16_t at = ip_current_header_tot_len();
	uint8_t icmp[8], ip[40], quote[QUOTE_BYTES];
	struct icmp_error e = {0};
	ip_addr_t remote;
	ip6_addr_t *to6;
	uint32_t to[4];

	(void)arg;
	(void)pcb;
	(void)from;
	if (pbuf_copy_partial(p, icmp, sizeof(icmp), at) != sizeof(icmp) ||
	    !judge6(icmp[0], icmp[1], &e) ||
	    pbuf_copy_partial(p, ip, sizeof(ip), (u16_t)(at + 8)) != sizeof(ip) ||
	    ip[0] >> 4 != 6 ||
	    pbuf_copy_partial(p, quote, sizeof(quote), (u16_t)(at + 48)) != sizeof(quote))
		return 0;
	memcpy(to, ip + 24, sizeof(to));
	addr_set6(&remote, to);
	to6 = ip_2_ip6(&remote);
	ip6_addr_assign_zone(to6, IP6_UNICAST, ip_current_input_netif());
	e.remote = &remote;
	pass_on(quote, ip[6], &e);
	return 0;
}

static void watch(uint8_t type, uint8_t proto, raw_recv_fn look)
{
	struct raw_pcb *pcb = raw_new_ip_type(type, proto);

	SYS_ASSERT(pcb != NULL);
	raw_recv(pcb, look, NULL);
}

void icmp_watch_init(void)
{
	watch(IPADDR_TYPE_V4, IPPROTO_ICMP, look4);
	watch(IPADDR_TYPE_V6, IPPROTO_ICMPV6, look6);
}
