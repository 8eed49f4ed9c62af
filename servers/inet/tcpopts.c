/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of level IPPROTO_TCP, with the values and limits of Linux. */
#include <string.h>
#include <sys/socket.h>
#include <linux/tcp.h>
#include "sys/sys.h"
#include "lwip/priv/tcp_priv.h"
#include "retrans.h"
#include "sack.h"
#include "scoreboard.h"
#include "tcp_impl.h"

#define CONGESTION      "reno" /* what lwIP does is RFC 5681 */
#define CA_NAME_MAX     16u
#define KEEP_TIME_MAX   32767 /* s */
#define KEEP_PROBES_MAX 127
#define MAXSEG_MIN      88
#define MAXSEG_MAX      32767

static int set_range(int v, int min, int max, uint32_t *to)
{
	if (v < min || v > max)
		return -EINVAL;
	*to = (uint32_t)v;
	return 0;
}

static int set_congestion(const void *value, uint32_t len)
{
	char name[CA_NAME_MAX] = {0};

	if (len == 0)
		return -EINVAL;
	memcpy(name, value, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	return strcmp(name, CONGESTION) == 0 ? 0 : -ENOENT;
}

static int set_maxseg(struct tcp_sock *t, int v)
{
	if (v && (v < MAXSEG_MIN || v > MAXSEG_MAX))
		return -EINVAL;
	t->maxseg = (uint16_t)v;
	if (t->pcb && t->state == TS_OPEN)
		tcp_limit_mss(t);
	return 0;
}

static void uncork(struct tcp_sock *t, bool is_corked)
{
	t->cork = is_corked;
	if (!is_corked && t->state == TS_OPEN)
		tcp_push(t);
}

static void set_nodelay(struct tcp_sock *t, bool is_on)
{
	t->nodelay = is_on;
	if (is_on && t->t_hold_ns)
		tcp_push(t);
}

static int set_int(struct tcp_sock *t, int name, int v)
{
	switch (name) {
	case TCP_NODELAY: set_nodelay(t, v != 0); return 0;
	case TCP_CORK: uncork(t, v != 0); return 0;
	case TCP_MAXSEG: return set_maxseg(t, v);
	case TCP_KEEPIDLE: return set_range(v, 1, KEEP_TIME_MAX, &t->keep_idle_s);
	case TCP_KEEPINTVL: return set_range(v, 1, KEEP_TIME_MAX, &t->keep_intvl_s);
	case TCP_KEEPCNT: return set_range(v, 1, KEEP_PROBES_MAX, &t->keep_cnt);
	default: return -ENOPROTOOPT;
	}
}

int tcp_setopt(struct sock *s, int level, int name, const void *value, uint32_t len)
{
	int v, e;

	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (name == TCP_CONGESTION)
		return set_congestion(value, len);
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	e = set_int(s->tcp, name, v);
	if (e == 0)
		tcp_apply_options(s);
	return e;
}

unsigned tcp_linux_state(const struct tcp_pcb *pcb)
{
	static const uint8_t states[] = {
		[CLOSED] = 7,      [LISTEN] = 10,    [SYN_SENT] = 2,   [SYN_RCVD] = 3,
		[ESTABLISHED] = 1, [FIN_WAIT_1] = 4, [FIN_WAIT_2] = 5, [CLOSE_WAIT] = 8,
		[CLOSING] = 11,    [LAST_ACK] = 9,   [TIME_WAIT] = 6,
	};

	return pcb ? states[pcb->state] : 7;
}

static uint32_t ms_since(uint64_t t_ns)
{
	return t_ns ? (uint32_t)((now_ns() - t_ns) / 1000000u) : 0;
}

static void info_of_losses(const struct tcp_pcb *pcb, struct tcp_info *i)
{
	static const uint8_t states[] = {[SACK_OPEN] = TCP_CA_Open,
	                                 [SACK_DISORDER] = TCP_CA_Disorder,
	                                 [SACK_RECOVERY] = TCP_CA_Recovery,
	                                 [SACK_TIMER] = TCP_CA_Loss};
	struct sack_info sack;

	sack_get_info(pcb, &sack);
	i->tcpi_ca_state = states[sack.state];
	i->tcpi_sacked = sack.sacked;
	i->tcpi_lost = sack.lost;
	i->tcpi_retrans = sack.resent;
	i->tcpi_total_retrans = retrans_of(pcb);
	i->tcpi_reordering = DUPLICATE_THRESHOLD;
}

static void info_of_pcb(const struct tcp_sock *t, struct tcp_info *i)
{
	const struct tcp_pcb *pcb = t->pcb;
	uint32_t mss = pcb->mss ? pcb->mss : 1;

	i->tcpi_options = (uint8_t)((pcb->flags & TF_TIMESTAMP ? TCPI_OPT_TIMESTAMPS : 0) |
	                            (pcb->flags & TF_WND_SCALE ? TCPI_OPT_WSCALE : 0) |
	                            (pcb->flags & TF_SACK ? TCPI_OPT_SACK : 0));
	i->tcpi_snd_wscale = pcb->snd_scale & 15u;
	i->tcpi_rcv_wscale = pcb->rcv_scale & 15u;
	i->tcpi_snd_mss = pcb->mss;
	i->tcpi_advmss = TCP_MSS;
	i->tcpi_snd_cwnd = pcb->cwnd / mss; /* in segments */
	i->tcpi_snd_ssthresh = pcb->ssthresh / mss;
	i->tcpi_unacked = (pcb->snd_nxt - pcb->lastack + mss - 1) / mss;
	i->tcpi_notsent_bytes = pcb->snd_lbb - pcb->snd_nxt;
	i->tcpi_rto = (uint32_t)pcb->rto * TCP_SLOW_INTERVAL * 1000u;
	i->tcpi_retransmits = pcb->nrtx;
	i->tcpi_backoff = pcb->nrtx;
	info_of_losses(pcb, i);
	i->tcpi_probes = pcb->persist_probe;
	i->tcpi_rcv_space = pcb->rcv_wnd;
	i->tcpi_snd_wnd = pcb->snd_wnd;
	i->tcpi_pmtu = mss + (IP_IS_V6(&pcb->remote_ip) ? 60u : 40u);
}

static void fill_info(const struct tcp_sock *t, struct tcp_info *i)
{
	memset(i, 0, sizeof(*i));
	i->tcpi_state = (uint8_t)tcp_linux_state(t->pcb);
	i->tcpi_rcv_mss = TCP_MSS;
	i->tcpi_rtt = t->srtt_us;
	i->tcpi_rttvar = t->rttvar_us;
	i->tcpi_min_rtt = t->min_rtt_us;
	i->tcpi_total_retrans = t->retrans_total;
	i->tcpi_bytes_acked = t->bytes_acked;
	i->tcpi_bytes_received = t->bytes_received;
	i->tcpi_bytes_sent = t->bytes_sent;
	i->tcpi_last_data_sent = ms_since(t->t_last_sent_ns);
	i->tcpi_last_data_recv = ms_since(t->t_last_recv_ns);
	i->tcpi_last_ack_recv = ms_since(t->t_last_ack_ns);
	if (t->pcb && t->state != TS_LISTEN)
		info_of_pcb(t, i);
}

static int get_int(const struct tcp_sock *t, int name, int *v)
{
	switch (name) {
	case TCP_NODELAY: *v = t->nodelay; return 0;
	case TCP_CORK: *v = t->cork; return 0;
	case TCP_MAXSEG:
		*v = t->pcb && t->state == TS_OPEN ? t->pcb->mss : (t->maxseg ? t->maxseg : 536);
		return 0;
	case TCP_KEEPIDLE: *v = (int)t->keep_idle_s; return 0;
	case TCP_KEEPINTVL: *v = (int)t->keep_intvl_s; return 0;
	case TCP_KEEPCNT: *v = (int)t->keep_cnt; return 0;
	default: return -ENOPROTOOPT;
	}
}

static int put(void *value, uint32_t len, const void *from, size_t size)
{
	uint32_t n = len < size ? len : (uint32_t)size;

	memcpy(value, from, n);
	return (int)n;
}

int tcp_getopt(struct sock *s, int level, int name, void *value, uint32_t len)
{
	char congestion[CA_NAME_MAX] = CONGESTION;
	struct tcp_info info;
	int v, e;

	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (name == TCP_CONGESTION)
		return put(value, len, congestion, sizeof(congestion));
	if (name == TCP_INFO) {
		fill_info(s->tcp, &info);
		return put(value, len, &info, sizeof(info));
	}
	e = get_int(s->tcp, name, &v);
	return e < 0 ? e : put(value, len, &v, sizeof(v));
}
