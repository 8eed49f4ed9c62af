/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard(lower, timeout=500ms, silence=0s, complaints=8): does not believe a network driver. Put above one
 * that is not trusted to notice its own failures; what it finds goes to rs as a complaint that names the
 * rule, and rs replaces the driver. Frames are never lost by that: they are sent again.
 *
 *   -timeout     a frame that is not confirmed for so long although the link is up breaks N1: the
 *                transmitter is stuck
 *   -silence     nothing received for so long although the link is up and frames are confirmed: the
 *                receiver is deaf (N2). Off (0s) unless it is set, since some networks are quiet
 *   -complaints  about one incarnation, at most
 *
 * N1-N5 and R3-R5 in all completions are checked by lib/netdev, whose complaints name them; a driver that
 * returns with another identity breaks N6. No state is kept over a restart.
 */
#include <stdio.h>
#include "netfilter/netfilter.h"

#define SILENT_FRAMES 8 /* that were confirmed meanwhile: somebody should have answered one */

static uint64_t timeout_us = 500000, silence_us, complaints_max = 8;
static uint64_t t_heard_ns, confirmed, silences, changes, restarts;
static struct filter_timer watch;

static void tx_done(struct netfilter_frame *f, int status)
{
	(void)f;
	confirmed += status == 0;
}

static void heard(void)
{
	t_heard_ns = now_ns();
	confirmed = 0;
}

static void rx(struct netfilter_buffer *b)
{
	heard();
	netfilter_rx_up(b);
}

static void look(struct filter_timer *t)
{
	static const char text[] = "nothing is received";
	const struct netdev *d = netfilter_lower();
	uint64_t now = now_ns();
	bool is_quiet = now - t_heard_ns >= silence_us * 1000;

	if (!netdev_is_up(d) || !netdev_link(d)->is_up || !netfilter_is_running()) {
		heard(); /* the clock starts when there could be something to hear */
	} else if (is_quiet && confirmed >= SILENT_FRAMES) {
		silences++;
		netdev_complain(netfilter_lower(), RULE_N2, 0, text, sizeof(text));
		heard();
	}
	filter_timer_set(t, now + silence_us * 1000 / 4);
}

static void event(enum netdev_event what)
{
	const struct net_info *info = netdev_info(netfilter_lower());

	restarts += what == NDEV_BACK;
	if (what == NDEV_UP || what == NDEV_BACK)
		heard();
	if (what != NDEV_CHANGED)
		return;
	changes++;
	netdev_complain(netfilter_lower(), RULE_N6, 0, info, sizeof(*info));
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	const struct filter_number timeout = {"timeout", STACK_DURATION, 1000, 600000000};
	const struct filter_number silence = {"silence", STACK_DURATION, 0, 3600000000};
	const struct filter_number complaints = {"complaints", STACK_NUMBER, 1, 1000};

	if (filter_option(o, &timeout, &timeout_us) != 0 ||
	    filter_option(o, &silence, &silence_us) != 0)
		return -EINVAL;
	return filter_option(o, &complaints, &complaints_max);
}

static int start(void)
{
	const struct netdev_config config = {.deadline_ns = timeout_us * 1000,
	                                     .complaints = (unsigned)complaints_max};

	netdev_configure(&config);
	heard();
	if (silence_us == 0)
		return 0;
	watch.fn = look;
	filter_timer_set(&watch, now_ns() + silence_us * 1000 / 4);
	return 0;
}

static int status(char *buf, size_t len)
{
	int n = snprintf(buf, len,
	                 "timeout_us=%llu\nsilence_us=%llu\nsilences=%llu\nchanges=%llu\n"
	                 "restarts=%llu\n",
	                 (unsigned long long)timeout_us, (unsigned long long)silence_us,
	                 (unsigned long long)silences, (unsigned long long)changes,
	                 (unsigned long long)restarts);

	return n < 0 || (size_t)n >= len ? 0 : n;
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"timeout", "silence", "complaints", NULL};
	static const struct netfilter_ops ops = {.tx_done = tx_done, .rx = rx, .event = event};
	static const struct netfilter filter = {.name = "netguard",
	                                        .options = options,
	                                        .offloads = NETFILTER_ALL_OFFLOADS,
	                                        .ops = &ops,
	                                        .configure = configure,
	                                        .start = start,
	                                        .status = status};

	netfilter_main(argc, argv, &filter);
}
