/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a turn of the main loop (turn.h). */
#include "chunk.h"
#include "frame.h"
#include "iface.h"
#include "lwip/priv/tcp_priv.h"
#include "merge.h"
#include "recover.h"
#include "rxpool.h"
#include "sack.h"
#include "sockif.h"
#include "timers.h"
#include "turn.h"

/* Memory or frames became free: connections that were refused some go on. */
static void relieve(void)
{
	bool has_memory = chunk_take_relief(), has_frames = frame_take_relief();
	struct tcp_pcb *next;

	if (has_memory && !has_frames)
		sock_retry();
	if (!has_frames)
		return;
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = next) {
		next = pcb->next;
		if (pcb->flags & (TF_NAGLEMEMERR | TF_ACK_NOW))
			(void)tcp_output(pcb);
	}
	sock_retry();
}

static bool has_loopback(void)
{
	const struct netif *n;

	NETIF_FOREACH(n)
	{
		if (n->loop_first != NULL)
			return true;
	}
	return false;
}

/* Packets to ourselves and sockets that these woke, until there are none: each may make more of the
 * other. It ends, because applications give new work only by messages. */
static void drain_loopback(void)
{
	bool again = true;

	while (again) {
		if (has_loopback()) {
			timers_activity(); /* else a delayed ACK waits ten times as long */
			netif_poll_all();
		}
		again = sock_idle() || has_loopback();
	}
}

void turn_before_sleep(void)
{
	for (unsigned k = 0; k < NETDEV_MAX; k++)
		merge_flush(&ifaces[k]);
	relieve();
	recover_idle();
	do {
		drain_loopback();
		sack_idle();
	} while (has_loopback());
	for (unsigned k = 0; k < NETDEV_MAX; k++) {
		struct iface *i = &ifaces[k];

		if (i->state != IFACE_LIVE && i->state != IFACE_OFFLINE)
			continue;
		frame_flush(i);
		rxpool_fill(i);
	}
}
