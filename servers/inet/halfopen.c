/* SPDX-License-Identifier: BSD-2-Clause */
/* Recycling of half-open connections (halfopen.h). */
#include "halfopen.h"
#include "lwip/memp.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"

static uint64_t count;

uint64_t halfopen_count(void)
{
	return count;
}

/* Of anybody if l is NULL. lwIP puts new connections in front, so of those of one tick the last is the oldest. */
static struct tcp_pcb *find_oldest(const struct tcp_pcb_listen *l)
{
	struct tcp_pcb *oldest = NULL;

	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		if (pcb->state == SYN_RCVD && (l == NULL || pcb->listener == l) &&
		    (oldest == NULL || tcp_ticks - pcb->tmr >= tcp_ticks - oldest->tmr))
			oldest = pcb;
	return oldest;
}

static void recycle(const struct tcp_pcb_listen *l)
{
	struct tcp_pcb *oldest = find_oldest(l);

	if (oldest == NULL)
		return;
	count++;
	tcp_abandon(oldest, 0);
}

void halfopen_spare_one(void)
{
	if (lwip_stats.memp[MEMP_TCP_PCB]->used >= lwip_stats.memp[MEMP_TCP_PCB]->avail)
		recycle(NULL);
}

void halfopen_make_room(const struct tcp_pcb_listen *l)
{
	if (l->accepts_pending >= l->backlog)
		recycle(l);
	if (l->accepts_pending < l->backlog)
		halfopen_spare_one();
}
