/* SPDX-License-Identifier: BSD-2-Clause */
/* See prr.h. */
#include "prr.h"

void prr_start(struct prr *p, uint32_t flight, uint32_t target)
{
	*p = (struct prr){.flight = flight > 0 ? flight : 1, .target = target};
}

uint32_t prr_allow(struct prr *p, uint32_t delivered, uint32_t pipe, uint32_t mss)
{
	uint32_t limit, room;

	p->delivered += delivered;
	if (pipe > p->target) {
		uint64_t due = ((uint64_t)p->delivered * p->target + p->flight - 1) / p->flight;

		return due > p->sent ? (uint32_t)(due - p->sent) : 0;
	}
	limit = p->delivered > p->sent ? p->delivered - p->sent : 0;
	limit = (limit > delivered ? limit : delivered) + mss;
	room = p->target - pipe;
	return room < limit ? room : limit;
}

void prr_sent(struct prr *p, uint32_t bytes)
{
	p->sent += bytes;
}
