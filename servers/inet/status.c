/* SPDX-License-Identifier: BSD-2-Clause */
/* What `service status inet` shows. */
#include <stdarg.h>
#include <stdio.h>

#include "arena.h"
#include "frame.h"
#include "halfopen.h"
#include "iface.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "retrans.h"
#include "rxpool.h"
#include "sack.h"
#include "sieve.h"
#include "sockif.h"
#include "status.h"

struct out {
	char *buf;
	size_t len, done;
};

static void __attribute__((format(printf, 2, 3))) add(struct out *o, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(o->buf + o->done, o->len - o->done, format, args);
	va_end(args);
	if (n > 0)
		o->done += (size_t)n < o->len - o->done ? (size_t)n : o->len - o->done - 1;
}

static void add_interface(struct out *o, const struct netif *n)
{
	const struct iface *i = iface_of(n);
	struct ifctl_counters c;
	char address[IP4ADDR_STRLEN_MAX] = "";

	ip4addr_ntoa_r(netif_ip4_addr(n), address, sizeof(address));
	ifctl_get_counters(n, &c);
	add(o, "%s.unit=%s\n%s.address=%s\n%s.state=%s%s\n", ifctl_name(n), ifctl_unit(n),
	    ifctl_name(n), address, ifctl_name(n), netif_is_link_up(n) ? "up" : "down",
	    i != NULL && i->state == IFACE_OFFLINE ? ",offline" : "");
	add(o, "%s.rx=%llu,%llu,%llu,%llu\n", ifctl_name(n), (unsigned long long)c.rx_frames,
	    (unsigned long long)c.rx_bytes, (unsigned long long)c.rx_errors,
	    (unsigned long long)c.rx_dropped);
	add(o, "%s.tx=%llu,%llu,%llu,%llu\n", ifctl_name(n), (unsigned long long)c.tx_frames,
	    (unsigned long long)c.tx_bytes, (unsigned long long)c.tx_errors,
	    (unsigned long long)c.tx_dropped);
	if (i != NULL)
		add(o,
		    "%s.deaths=%llu\n%s.posted=%u\n%s.unconfirmed=%u\n%s.acks_merged=%llu\n%s.rx_"
		    "merged=%llu\n",
		    i->name, (unsigned long long)i->deaths, i->name, i->rx_posted, i->name,
		    netdev_tx_pending(i->dev), i->name, (unsigned long long)i->acks_merged, i->name,
		    (unsigned long long)i->rx_merged);
}

static void add_connections(struct out *o)
{
	unsigned active = 0, waiting = 0;
	struct sack_counts c;

	for (const struct tcp_pcb *p = tcp_active_pcbs; p != NULL; p = p->next)
		active++;
	for (const struct tcp_pcb *p = tcp_tw_pcbs; p != NULL; p = p->next)
		waiting++;
	sack_get_counts(&c);
	add(o, "tcp.connections=%u\ntcp.time_wait=%u\ntcp.recycled=%llu\ntcp.retransmitted=%llu\n",
	    active, waiting, (unsigned long long)halfopen_count(),
	    (unsigned long long)retrans_total());
	add(o, "tcp.recoveries=%llu\ntcp.undone=%llu\ntcp.probes=%llu\ntcp.timers=%llu\n",
	    (unsigned long long)c.recoveries, (unsigned long long)c.undone,
	    (unsigned long long)c.probes, (unsigned long long)c.timers);
}

int status_text(char *buf, size_t len)
{
	struct out o = {buf, len, 0};
	struct sieve_counts sieved;
	struct arena_stats a;

	if (len == 0)
		return 0;
	arena_get_stats(&a);
	for (struct netif *n = ifctl_next(NULL); n != NULL; n = ifctl_next(n))
		add_interface(&o, n);
	add_connections(&o);
	add(&o, "arena.blocks=%u\narena.used=%u\narena.used_max=%u\narena.refused=%llu\n", a.blocks,
	    a.blocks_used, a.blocks_used_max, (unsigned long long)a.refused);
	add(&o, "frames.free=%u\nreceive.free=%u\n", frame_free_count(), rxpool_free_count());
	sieve_get_counts(&sieved);
	add(&o, "sieve.frames=%llu\nsieve.segments=%llu\nsieve.challenges=%llu\nsieve.old=%llu\n",
	    (unsigned long long)sieved.frames, (unsigned long long)sieved.segments,
	    (unsigned long long)sieved.challenges, (unsigned long long)sieved.old);
	o.done += (size_t)sock_status_text(buf + o.done, len - o.done);
	return (int)o.done;
}
