/* SPDX-License-Identifier: BSD-2-Clause */
/* Proportional rate reduction (RFC 6937, with its slow start reduction bound): how much may be sent in an episode of
 * recovery, so that at its end as much is under way as the reduced window allows. Bytes. Pure. */
#ifndef INET_PRR_H
#define INET_PRR_H

#include "axolotl/types.h"

struct prr {
	uint32_t flight;          /* under way when the episode began */
	uint32_t target;          /* window at its end */
	uint32_t delivered, sent; /* since then */
};

void prr_start(struct prr *p, uint32_t flight, uint32_t target);
/* What may be sent now: `delivered` have arrived since the last time, `pipe` are under way. */
uint32_t prr_allow(struct prr *p, uint32_t delivered, uint32_t pipe, uint32_t mss);
void prr_sent(struct prr *p, uint32_t bytes);

#endif
