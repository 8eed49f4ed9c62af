/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace(lower, log=no): counts and times what passes, and changes nothing. In STATUS: histograms of sizes
 * in both directions, and of the time in us from taking a frame to its confirmation; with log=yes each
 * frame is a line of the system log (rate-limited). No state is kept over a restart: counters begin anew.
 */
#include <stdio.h>
#include "histogram/histogram.h"
#include "netfilter/netfilter.h"

static bool want_log;
static struct histogram confirm_us, tx_bytes, rx_bytes;
static uint64_t errors, csums, segmented, links;

static void tx(struct netfilter_frame *f)
{
	histogram_add(&tx_bytes, f->up->bytes);
	csums += (f->up->flags & NET_TX_CSUM) != 0;
	segmented += (f->up->flags & NET_TX_TSO) != 0;
	netfilter_send(f);
}

static void tx_done(struct netfilter_frame *f, int status)
{
	uint64_t us = (now_ns() - f->t_ns) / 1000;

	histogram_add(&confirm_us, us);
	errors += status != 0;
	if (want_log)
		sys_log("tx %u bytes: %d after %llu us\n", f->down.bytes, status,
		        (unsigned long long)us);
}

static void rx(struct netfilter_buffer *b)
{
	histogram_add(&rx_bytes, (uint64_t)b->bytes);
	if (want_log)
		sys_log("rx %d bytes, flags %x\n", b->bytes, b->flags);
	netfilter_rx_up(b);
}

static void event(enum netdev_event what)
{
	links += what == NDEV_LINK;
}

static int configure(const struct stack_options *o)
{
	return filter_option_flag(o, "log", &want_log);
}

static int status(char *buf, size_t len)
{
	size_t used = (size_t)histogram_print(&tx_bytes, "tx_bytes", buf, len);

	if (used < len)
		used += (size_t)histogram_print(&confirm_us, "tx_us", buf + used, len - used);
	if (used < len)
		used += (size_t)histogram_print(&rx_bytes, "rx_bytes", buf + used, len - used);
	if (used < len)
		used += (size_t)snprintf(
			buf + used, len - used,
			"tx_errors=%llu\ntx_csum=%llu\ntx_tso=%llu\nlink_changes=%llu\n",
			(unsigned long long)errors, (unsigned long long)csums,
			(unsigned long long)segmented, (unsigned long long)links);
	return (int)(used < len ? used : len);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"log", NULL};
	static const struct netfilter_ops ops = {
		.tx = tx, .tx_done = tx_done, .rx = rx, .event = event};
	static const struct netfilter filter = {.name = "nettrace",
	                                        .options = options,
	                                        .offloads = NETFILTER_ALL_OFFLOADS,
	                                        .ops = &ops,
	                                        .configure = configure,
	                                        .status = status};

	netfilter_main(argc, argv, &filter);
}
