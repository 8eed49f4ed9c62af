/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP and a driver's death (recover.h). It looks into lwIP's connections, as lwIP's own timers do. */
#include "frame.h"
#include "lwip/etharp.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "recover.h"
#include "retrans.h"
#include "sack.h"
#include "sys/sys.h"

/* A bit of pcb->flags that lwIP does not use: this connection has not been looked after yet. */
#define TF_UNHEALED 0x8000u
/* And one more: its peer may have more to retransmit (catch_up). */
#define TF_CATCHING 0x4000u
/* Whether anything was lost is not known yet (t_doubt_ns). */
#define TF_DOUBTFUL 0x2000u
_Static_assert(((TF_UNHEALED | TF_CATCHING | TF_DOUBTFUL) &
                (TF_SACK | TF_RTO | TF_TIMESTAMP | TF_BACKLOGPEND | TF_WND_SCALE | 0xff)) == 0,
               "the bits are free");
/* Three duplicates of one that the peer has seen; the last before the outage may not have arrived. */
#define DUPLICATE_ACKS 4u
#define SPARE_FRAMES   64u /* left for others while connections are healed */
#define CATCHING_NS    1000000000ull
#define CATCHING_MOST                                                                              \
	(128u << 10) /* bytes: beyond that the peer's timer is faster than single steps */
#define CAUGHT_UP 3u /* segments in one turn: the peer streams again */
#define DOUBT_NS  4000000ull
#define ACTIVE_NS 1000000000ull

static struct {
	uint64_t t_back_ns;
	bool is_waiting; /* for data to move after the return */
} returns[NETDEV_MAX];
static bool has_unhealed;
static uint64_t t_catching_ns; /* until then connections may be catching up; 0: none is */
static uint64_t t_doubt_ns;    /* what no peer has shown by then is lost; 0: nothing is in doubt */
static u32_t last_ticks;

static unsigned slot_of(const struct iface *i)
{
	return (unsigned)(i - ifaces);
}

static bool is_on(const struct tcp_pcb *pcb, const struct iface *i)
{
	return ip_route(&pcb->local_ip, &pcb->remote_ip) == &i->netif;
}

void recover_lost(struct iface *i)
{
	i->t_lost_ns = now_ns();
	i->deaths++;
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		if (is_on(pcb, i))
			sack_pause(pcb);
}

static bool is_frozen(const struct iface *i, uint64_t now)
{
	return i->state == IFACE_OFFLINE && now - i->t_lost_ns < OUTAGE_MAX_NS;
}

static void freeze(const struct iface *i, u32_t ticks)
{
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (!is_on(pcb, i))
			continue;
		if (pcb->rtime > 0)
			pcb->rtime = 0;
		pcb->persist_cnt = 0;
		pcb->tmr += ticks; /* when it last heard of its peer */
		if (pcb->rttest != 0)
			pcb->rttest = 0; /* no round trip is measured over the outage */
	}
}

void recover_before_tcp_tick(void)
{
	u32_t ticks = tcp_ticks - last_ticks;
	uint64_t now = now_ns();

	last_ticks = tcp_ticks;
	for (unsigned n = 0; n < NETDEV_MAX; n++)
		if (is_frozen(&ifaces[n], now))
			freeze(&ifaces[n], ticks);
}

/* As lwIP computes it without backing off; before the first measurement it keeps its initial value. */
static void reset_timer(struct tcp_pcb *pcb)
{
	pcb->nrtx = 0;
	pcb->dupacks = 0;
	pcb->rttest = 0;
	if (pcb->state != SYN_SENT && (pcb->sa >> 3) + pcb->sv > 0)
		pcb->rto = (s16_t)((pcb->sa >> 3) + pcb->sv);
	if (pcb->rtime > 0)
		pcb->rtime = 0;
}

/* One that was active and has not moved since stays so, however many deaths follow. */
static bool is_active(struct tcp_pcb *pcb, uint64_t t_lost_ns)
{
	uint64_t t_moved_ns = (uintptr_t)tcp_ext_arg_get(pcb, EXT_MOVED);

	if (pcb->unacked != NULL || pcb->unsent != NULL)
		return true;
	if (t_moved_ns == 0 || t_moved_ns + ACTIVE_NS < t_lost_ns)
		return false;
	tcp_ext_arg_set(pcb, EXT_MOVED, (void *)(uintptr_t)now_ns());
	return true;
}

void recover_back(struct iface *i)
{
	unsigned count = 0, active = 0;

	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		if (!is_on(pcb, i))
			continue;
		reset_timer(pcb);
		tcp_set_flags(pcb, TF_UNHEALED);
		count++;
		active += is_active(pcb, i->t_lost_ns);
	}
	has_unhealed = has_unhealed || count > 0;
	returns[slot_of(i)].is_waiting = active > 0;
	returns[slot_of(i)].t_back_ns = now_ns();
	log_event(EV_NET_RESUME, netdev_server(i->dev), i->unit, active,
	          (now_ns() - i->t_lost_ns) / 1000);
	/* One tick repeats what has no answer yet. */
	etharp_tmr();
	nd6_tmr();
	recover_idle();
}

static bool hears_peer(const struct tcp_pcb *pcb)
{
	return pcb->state == ESTABLISHED || pcb->state == FIN_WAIT_1 || pcb->state == FIN_WAIT_2;
}

/* Frames that are sent twice are answered by duplicate ACKs, which are no sign of a loss here. A connection that has no
 * sender of sack.c yet: in fast recovery lwIP does not count them, and the next new ACK ends it with the window as it is
 * now. */
static void keep_window(struct tcp_pcb *pcb)
{
	if (sack_resume(pcb) || pcb->unacked == NULL || (pcb->flags & TF_INFR))
		return;
	pcb->ssthresh = LWIP_MAX(pcb->cwnd, 2u * pcb->mss);
	tcp_set_flags(pcb, TF_INFR);
}

static bool send_duplicates(struct tcp_pcb *pcb)
{
	if (frame_free_count() < SPARE_FRAMES)
		return false;
	for (unsigned n = 0; n < DUPLICATE_ACKS; n++)
		if (tcp_send_empty_ack(pcb) != ERR_OK)
			return false;
	return true;
}

/* ---- catching up: what was on its way when the driver died ends at the edge of our window ---- */

/* EXT_CATCHING: edge << 32 | rcv_nxt of the last look. */
static void look(struct tcp_pcb *pcb, u32_t edge)
{
	tcp_ext_arg_set(pcb, EXT_CATCHING, (void *)((uintptr_t)edge << 32 | pcb->rcv_nxt));
	tcp_set_flags(pcb, TF_CATCHING);
}

static void start_catching(struct tcp_pcb *pcb)
{
	u32_t window = pcb->rcv_ann_right_edge - pcb->rcv_nxt;
	uint64_t now = now_ns();

	look(pcb, pcb->rcv_nxt + LWIP_MIN(window, CATCHING_MOST));
	tcp_set_flags(pcb, TF_DOUBTFUL);
	t_doubt_ns = now + DOUBT_NS;
	t_catching_ns = now + CATCHING_NS;
}

/* Duplicates make a peer retransmit, and send less; what the device or the wire has kept needs neither.
 * So the peer gets a moment: if it goes on without a gap, nothing was lost. */
static bool is_still_in_doubt(struct tcp_pcb *pcb, u32_t step)
{
	if (!(pcb->flags & TF_DOUBTFUL))
		return false;
	if (pcb->ooseq == NULL && now_ns() < t_doubt_ns)
		return true;
	tcp_clear_flags(pcb, TF_DOUBTFUL);
	if (step > 0 && pcb->ooseq == NULL)
		tcp_clear_flags(pcb, TF_CATCHING);
	else if (hears_peer(pcb))
		(void)send_duplicates(pcb);
	return true;
}

/* A peer without SACK (RFC 6582, 3.2 at best) retransmits one segment for three duplicates, and waits for
 * its timer when our ACK of that one tells of the next hole. So each such step is acknowledged as
 * the first was, until the peer streams again or has passed the edge. */
static void catch_up(struct tcp_pcb *pcb)
{
	uintptr_t last = (uintptr_t)tcp_ext_arg_get(pcb, EXT_CATCHING);
	u32_t edge = (u32_t)(last >> 32), step = pcb->rcv_nxt - (u32_t)last;

	if (is_still_in_doubt(pcb, step) || step == 0)
		return;
	tcp_clear_flags(pcb, TF_CATCHING);
	if (!hears_peer(pcb) || TCP_SEQ_GEQ(pcb->rcv_nxt, edge) ||
	    (step >= CAUGHT_UP * pcb->mss && pcb->ooseq == NULL))
		return;
	if (send_duplicates(pcb))
		look(pcb, edge);
}

static void catch_up_all(void)
{
	if (t_catching_ns == 0)
		return;
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		if (pcb->flags & TF_CATCHING)
			catch_up(pcb);
	if (now_ns() >= t_doubt_ns)
		t_doubt_ns = 0;
	if (now_ns() > t_catching_ns)
		t_catching_ns = 0;
}

/* false: not enough memory or frames now. */
static bool heal(struct tcp_pcb *pcb)
{
	if (frame_free_count() < SPARE_FRAMES ||
	    (hears_peer(pcb) && tcp_send_empty_ack(pcb) != ERR_OK))
		return false;
	if (hears_peer(pcb))
		start_catching(pcb);
	tcp_clear_flags(pcb, TF_UNHEALED);
	keep_window(pcb);
	/* Refused if a frame still holds it; netdev has sent that again. */
	(void)sack_resend_first(pcb);
	(void)tcp_output(pcb);
	return true;
}

void recover_idle(void)
{
	bool is_done = true;

	catch_up_all();
	if (!has_unhealed)
		return;
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL && is_done; pcb = pcb->next)
		if (pcb->flags & TF_UNHEALED)
			is_done = heal(pcb);
	has_unhealed = !is_done;
}

uint64_t recover_next_deadline(void)
{
	return t_doubt_ns;
}

void recover_segment(struct tcp_pcb *pcb, const struct tcp_hdr *header, uint32_t len)
{
	struct iface *i;

	if (!TCP_SEQ_GT(header->ackno, pcb->lastack) &&
	    !(len > 0 && TCP_SEQ_GT(header->seqno + len, pcb->rcv_nxt)))
		return;
	if (pcb->state >= ESTABLISHED) /* after a SYN nothing needs to follow */
		tcp_ext_arg_set(pcb, EXT_MOVED, (void *)(uintptr_t)now_ns());
	i = iface_of(ip_current_input_netif());
	if (i == NULL || !returns[slot_of(i)].is_waiting)
		return;
	returns[slot_of(i)].is_waiting = false;
	log_event(EV_NET_FLOW, netdev_server(i->dev), i->unit,
	          (now_ns() - returns[slot_of(i)].t_back_ns) / 1000,
	          (now_ns() - i->t_lost_ns) / 1000);
}

void recover_forget(struct iface *i)
{
	returns[slot_of(i)].is_waiting = false;
}
