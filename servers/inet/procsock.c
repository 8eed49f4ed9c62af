/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/net/{tcp,udp,raw}{,6} and sockstat. Connections that no socket has any more are lwIP's lists'. */
#include <stdio.h>
#include <sys/socket.h>
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "lwip/udp.h"
#include "procnet.h"
#include "raw_impl.h"
#include "tcp_impl.h"
#include "udp_impl.h"

#define STATE_ESTABLISHED 1u
#define STATE_CLOSE       7u

/* "0100007F:0050", as words of the machine; v4-mapped where an IPv6 socket speaks IPv4. */
static void put_address(char out[48], const ip_addr_t *ip, uint16_t port, bool is_6)
{
	uint32_t w[4] = {0};

	if (!is_6) {
		snprintf(out, 48, "%08X:%04X", IP_IS_V6(ip) ? 0 : ip_2_ip4(ip)->addr, port);
		return;
	}
	if (IP_IS_V6(ip)) {
		for (unsigned i = 0; i < 4; i++)
			w[i] = ip_2_ip6(ip)->addr[i];
	} else if (!addr_is_any(ip)) {
		w[2] = PP_HTONL(0xffffu);
		w[3] = ip_2_ip4(ip)->addr;
	}
	snprintf(out, 48, "%08X%08X%08X%08X:%04X", w[0], w[1], w[2], w[3], port);
}

struct row {
	const ip_addr_t *local, *remote;
	uint16_t local_port, remote_port;
	unsigned state;
	uint32_t tx_bytes, rx_bytes;
	uint32_t inode;
	uint64_t drops;
};

static void put_head(struct text *t, bool is_6, const char *more)
{
	if (is_6)
		text_line(t, 0,
		          "  sl  local_address                         remote_address              "
		          "      "
		          "    st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode%s",
		          more);
	else
		text_line(t, *more ? 127 : 149,
		          "%s  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
		          "retrnsmt"
		          "   uid  timeout inode%s",
		          *more ? " " : "", more);
}

/* ---- TCP ---- */

static struct sock *sock_of(const struct tcp_pcb *pcb)
{
	/* A connection that is being accepted still has its listener's argument. */
	return pcb->state == SYN_RCVD ? NULL : pcb->callback_arg;
}

static bool belongs(const struct tcp_pcb *pcb, bool is_6)
{
	const struct sock *s = pcb->callback_arg;

	return s ? (s->domain == AF_INET6) == is_6 : !IP_IS_V4(&pcb->local_ip) == is_6;
}

static void put_tcp(struct text *t, unsigned number, const struct row *r, bool is_6)
{
	char local[48], remote[48];

	put_address(local, r->local, r->local_port, is_6);
	put_address(remote, r->remote, r->remote_port, is_6);
	text_line(t, is_6 ? 0 : 149,
	          "%4u: %s %s %02X %08X:%08X 00:00000000 00000000 %5u %8d %u 1 %016d "
	          "100 0 0 10 0",
	          number, local, remote, r->state, r->tx_bytes, r->rx_bytes, 0, 0, r->inode, 0);
}

static unsigned put_list(struct text *t, const struct tcp_pcb *pcb, unsigned number, bool is_6)
{
	for (; pcb; pcb = pcb->next) {
		const struct sock *s = sock_of(pcb);
		struct row r = {.local = &pcb->local_ip,
		                .remote = &pcb->remote_ip,
		                .local_port = pcb->local_port,
		                .remote_port = pcb->remote_port,
		                .state = tcp_linux_state(pcb),
		                .inode = s ? s->handle : 0};

		if (!belongs(pcb, is_6))
			continue;
		if (pcb->state != TIME_WAIT)
			r.tx_bytes = pcb->snd_lbb - pcb->lastack;
		if (s)
			r.rx_bytes = s->tcp->rx_bytes;
		put_tcp(t, number++, &r, is_6);
	}
	return number;
}

static unsigned put_listeners(struct text *t, bool is_6)
{
	static const ip_addr_t none;
	unsigned number = 0;

	for (const struct tcp_pcb_listen *l = tcp_listen_pcbs.listen_pcbs; l; l = l->next) {
		const struct sock *s = l->callback_arg;
		struct row r = {.local = &l->local_ip,
		                .remote = &none,
		                .local_port = l->local_port,
		                .state = 10,
		                .tx_bytes = l->backlog,
		                .rx_bytes = s ? s->tcp->embryo_count : 0,
		                .inode = s ? s->handle : 0};

		if (s && (s->domain == AF_INET6) == is_6)
			put_tcp(t, number++, &r, is_6);
	}
	return number;
}

void procnet_tcp(struct text *t, bool is_6)
{
	unsigned number;

	put_head(t, is_6, "");
	number = put_listeners(t, is_6);
	number = put_list(t, tcp_active_pcbs, number, is_6);
	(void)put_list(t, tcp_tw_pcbs, number, is_6);
}

unsigned procnet_established(void)
{
	unsigned n = 0;

	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		n += pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT;
	return n;
}

/* ---- UDP, raw ---- */

static void fill_udp(const struct sock *s, struct row *r)
{
	const struct udp_sock *u = s->udp;

	r->local = &u->pcb->local_ip;
	r->local_port = u->pcb->local_port;
	r->rx_bytes = u->queue.charged_bytes;
	r->drops = u->queue.dropped;
	if (!u->is_connected)
		return;
	r->remote = &u->peer.ip;
	r->remote_port = u->peer.port;
	r->state = STATE_ESTABLISHED;
}

static void fill_raw(const struct sock *s, struct row *r)
{
	const struct raw_sock *w = s->raw;

	r->local = &w->pcb->local_ip;
	r->local_port = w->pcb->protocol;
	r->rx_bytes = w->queue.charged_bytes;
	r->drops = w->queue.dropped;
	if (!w->is_connected)
		return;
	r->remote = &w->peer.ip;
	r->state = STATE_ESTABLISHED;
}

void procnet_datagrams(struct text *t, const struct sock_ops *ops, bool is_6)
{
	static const ip_addr_t none;
	struct sock *s = NULL;
	unsigned number = 0;

	put_head(t, is_6, " ref pointer drops");
	while ((s = sock_next(s)) != NULL) {
		struct row r = {.remote = &none, .state = STATE_CLOSE, .inode = s->handle};
		char local[48], remote[48];

		if (s->ops != ops || (s->domain == AF_INET6) != is_6)
			continue;
		if (ops == &udp_ops)
			fill_udp(s, &r);
		else
			fill_raw(s, &r);
		if (r.local_port == 0)
			continue;
		put_address(local, r.local, r.local_port, is_6);
		put_address(remote, r.remote, r.remote_port, is_6);
		text_line(t, is_6 ? 0 : 127,
		          "%5u: %s %s %02X %08X:%08X 00:00000000 00000000 %5u %8d %u 2 %016d %llu",
		          number++, local, remote, r.state, 0, r.rx_bytes, 0, 0, r.inode, 0,
		          (unsigned long long)r.drops);
	}
}

uint64_t procnet_udp_drops(void)
{
	struct sock *s = NULL;
	uint64_t n = 0;

	while ((s = sock_next(s)) != NULL)
		if (s->ops == &udp_ops)
			n += s->udp->queue.dropped;
	return n;
}

void procnet_sockstat(struct text *t)
{
	unsigned used = 0, tcp = 0, udp = 0, raw = 0, orphans = 0, time_wait = 0;
	struct sock *s = NULL;

	while ((s = sock_next(s)) != NULL) {
		used++;
		tcp += s->ops == &tcp_ops;
		udp += s->ops == &udp_ops;
		raw += s->ops == &raw_ops;
	}
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		orphans += pcb->callback_arg == NULL;
	for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
		time_wait++;
	text_line(t, 0, "sockets: used %u", used);
	text_line(t, 0, "TCP: inuse %u orphan %u tw %u alloc %u mem 0", tcp, orphans, time_wait,
	          tcp);
	text_line(t, 0, "UDP: inuse %u mem 0", udp);
	text_line(t, 0, "UDPLITE: inuse 0");
	text_line(t, 0, "RAW: inuse %u", raw);
	text_line(t, 0, "FRAG: inuse 0 memory 0");
}
