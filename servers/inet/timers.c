/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of lwIP (timers.h). lwIP's own timeouts.c is not compiled. */
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/sys.h"

#include "recover.h"
#include "sys/sys.h"
#include "timers.h"

#define LAZY_FACTOR 10u
#define CATCH_UP    64u                  /* ticks at most at a time; older ones are forgotten */
#define CALM_NS     (30ull * 1000000000) /* without frames: neighbours only age */

enum mode { NEVER, ACTIVE, LAZY };
struct timer {
	uint32_t interval_ms;
	void (*tick)(void);
	enum mode (*mode)(void);
	/* State. */
	bool is_on;
	uint64_t last_ns;
};

static bool tcp_is_busy;
static uint64_t now, last_activity_ns;

static bool pcb_waits(const struct tcp_pcb *pcb)
{
	return pcb->state != ESTABLISHED || pcb->unsent != NULL || pcb->unacked != NULL ||
	       pcb->ooseq != NULL || pcb->refused_data != NULL ||
	       (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND)) != 0;
}

static void tick_tcp(void)
{
	recover_before_tcp_tick();
	tcp_tmr();
	tcp_is_busy = false;
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL && !tcp_is_busy;
	     pcb = pcb->next)
		tcp_is_busy = pcb_waits(pcb);
}

static enum mode mode_tcp(void)
{
	if (tcp_active_pcbs == NULL && tcp_tw_pcbs == NULL)
		return NEVER;
	return tcp_is_busy ? ACTIVE : LAZY;
}

static enum mode mode_neighbours(void)
{
	const struct netif *n;

	NETIF_FOREACH(n)
	{
		if ((n->flags & NETIF_FLAG_ETHARP) && netif_is_up(n))
			return now - last_activity_ns < CALM_NS ? ACTIVE : LAZY;
	}
	return NEVER;
}

static enum mode mode_fragments4(void)
{
	return lwip_stats.memp[MEMP_REASSDATA]->used > 0 ? ACTIVE : NEVER;
}

static enum mode mode_fragments6(void)
{
	return lwip_stats.memp[MEMP_IP6_REASSDATA]->used > 0 ? ACTIVE : NEVER;
}

static enum mode mode_dhcp_coarse(void)
{
	const struct netif *n;

	NETIF_FOREACH(n)
	{
		if (netif_dhcp_data(n) != NULL)
			return ACTIVE;
	}
	return NEVER;
}

static enum mode mode_dhcp_fine(void)
{
	const struct netif *n;

	NETIF_FOREACH(n)
	{
		const struct dhcp *d = netif_dhcp_data(n);

		if (d != NULL && d->request_timeout > 0)
			return ACTIVE;
	}
	return NEVER;
}

static enum mode mode_igmp(void)
{
	const struct netif *n;

	NETIF_FOREACH(n)
	{
		for (const struct igmp_group *g = netif_igmp_data(n); g != NULL; g = g->next)
			if (g->timer > 0)
				return ACTIVE;
	}
	return NEVER;
}

static enum mode mode_mld(void)
{
	const struct netif *n;

	NETIF_FOREACH(n)
	{
		for (const struct mld_group *g = netif_mld6_data(n); g != NULL; g = g->next)
			if (g->timer > 0)
				return ACTIVE;
	}
	return NEVER;
}

static struct timer timers[] = {
	{TCP_TMR_INTERVAL, tick_tcp, mode_tcp, false, 0},
	{ARP_TMR_INTERVAL, etharp_tmr, mode_neighbours, false, 0},
	{ND6_TMR_INTERVAL, nd6_tmr, mode_neighbours, false, 0},
	{IP_TMR_INTERVAL, ip_reass_tmr, mode_fragments4, false, 0},
	{IP6_REASS_TMR_INTERVAL, ip6_reass_tmr, mode_fragments6, false, 0},
	{DHCP_COARSE_TIMER_MSECS, dhcp_coarse_tmr, mode_dhcp_coarse, false, 0},
	{DHCP_FINE_TIMER_MSECS, dhcp_fine_tmr, mode_dhcp_fine, false, 0},
	{IGMP_TMR_INTERVAL, igmp_tmr, mode_igmp, false, 0},
	{MLD6_TMR_INTERVAL, mld6_tmr, mode_mld, false, 0},
};
#define TIMERS (sizeof(timers) / sizeof(timers[0]))

static uint64_t interval_ns(const struct timer *t)
{
	return (uint64_t)t->interval_ms * 1000000;
}

/* A timer that was off begins now; called before each RECEIVE, so "now" is the time of the event that turned it on. */
static void look_again(struct timer *t)
{
	bool is_on = t->mode() != NEVER;

	if (is_on && !t->is_on)
		t->last_ns = now;
	t->is_on = is_on;
}

void timers_init(uint64_t now_ns)
{
	now = last_activity_ns = now_ns;
	tcp_is_busy = false;
	for (unsigned i = 0; i < TIMERS; i++)
		timers[i].is_on = false;
}

void timers_activity(void)
{
	tcp_is_busy = true;
	last_activity_ns = now;
}

void timers_run(uint64_t now_ns)
{
	now = now_ns;
	for (unsigned i = 0; i < TIMERS; i++) {
		struct timer *t = &timers[i];
		uint64_t step = interval_ns(t);

		look_again(t);
		for (unsigned n = 0; t->is_on && now - t->last_ns >= step && n < CATCH_UP; n++) {
			t->last_ns += step;
			t->tick();
		}
		if (t->is_on && now - t->last_ns >= step)
			t->last_ns = now;
	}
}

uint64_t timers_next_deadline(void)
{
	uint64_t next = 0;

	for (unsigned i = 0; i < TIMERS; i++) {
		struct timer *t = &timers[i];
		uint64_t at;

		look_again(t);
		if (!t->is_on)
			continue;
		at = t->last_ns + interval_ns(t) * (t->mode() == LAZY ? LAZY_FACTOR : 1);
		if (next == 0 || at < next)
			next = at;
	}
	return next;
}

/* lwIP calls it when a connection comes into being; mode_tcp() sees that by itself. */
void tcp_timer_needed(void)
{
	timers_activity();
}

u32_t sys_now(void)
{
	return (u32_t)(now_ns() / 1000000);
}
