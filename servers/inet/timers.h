/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's periodic work, without a tick. Each of its timers is in one of three modes, looked at again
 * before each RECEIVE:
 *
 *   NEVER   nothing to do (no connections, no fragments, ...)
 *   ACTIVE  each interval
 *   LAZY    only ageing: each LAZY_FACTOR intervals, the missed ticks are then made up for, and they
 *           are made up for before any frame is looked at, so lwIP sees no difference
 */
#ifndef INET_TIMERS_H
#define INET_TIMERS_H

#include "axolotl/types.h"

void timers_init(uint64_t now_ns);
/* Runs what is due. Before frames are processed, and when the alarm rings. */
void timers_run(uint64_t now_ns);
uint64_t timers_next_deadline(void); /* absolute; 0: none */
/* Frames move: TCP and the neighbour caches have something to wait for. */
void timers_activity(void);

#endif
