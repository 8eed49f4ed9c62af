/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream over a wire that loses what a test chooses (wire.h, streams.h), watched at each step. */
#ifndef TESTS_INET_LOSSY_H
#define TESTS_INET_LOSSY_H

#include <stddef.h>

#include "axolotl/types.h"
#include "servers/inet/sack_impl.h"

#define TIMER_MS 300u            /* lwIP's shortest */
#define SEGMENT  (TCP_MSS - 12u) /* with timestamps */
#define STREAM   (720 * SEGMENT)

struct lossy_plan {
	bool is_plain;             /* no SACK */
	unsigned loss_permille;    /* of segments with data from unit 0 */
	unsigned answers_permille; /* of segments without data from unit 1 */
	/* Of stream bytes that pass first: [from, to) is lost `times` times. */
	uint32_t from, to;
	unsigned times;
	bool is_dark; /* all is lost */
	uint32_t isn;
	unsigned lost, repeated_lost;
};
extern struct lossy_plan plan;

/* A stream of so many bytes from eth0 to eth1; the plan is made before. */
void lossy_start(unsigned offloads, uint64_t bytes);
/* One millisecond. The queues are in order, and no more is under way than may be. */
void lossy_step(void);
void lossy_check_order(const struct tcp_pcb *pcb);
uint64_t lossy_run(uint64_t limit_ms); /* to the end; milliseconds */
uint64_t lossy_happened(size_t offset);
/* Of struct sack_counts, since the start. */
#define HAPPENED(what) lossy_happened(offsetof(struct sack_counts, what))

#endif
