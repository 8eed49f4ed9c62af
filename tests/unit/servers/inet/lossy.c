/* SPDX-License-Identifier: BSD-2-Clause */
/* See lossy.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "servers/inet/resend.h"
#include "tests/unit/servers/inet/bytes.h"
#include "tests/unit/servers/inet/lossy.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

/* ---- what the wire does ---- */

struct lossy_plan plan;

/* Permission for SACK becomes padding. */
static void strip_sack(uint8_t *tcp)
{
	for (unsigned at = 20; at + 1 < (unsigned)(tcp[12] >> 4) * 4; at++)
		if (tcp[at] == LWIP_TCP_OPT_SACK_PERM && tcp[at + 1] == 2)
			memset(tcp + at, LWIP_TCP_OPT_NOP, 2);
}

static bool lose(bool is_so)
{
	plan.lost += is_so;
	return is_so;
}

static bool loses_data(uint32_t at, uint32_t bytes)
{
	if (plan.times > 0 && at < plan.to && at + bytes > plan.from) {
		plan.times -= at + bytes >= plan.to;
		return lose(true);
	}
	return lose(wire_random() % 1000 < plan.loss_permille);
}

static bool passes(unsigned from, uint8_t *frame, size_t len)
{
	uint8_t *tcp = frame + 34;
	uint32_t bytes;

	if (len < 54 || frame[12] != 8 || frame[13] != 0 || frame[23] != 6)
		return true;
	if (plan.is_dark)
		return !lose(true);
	if (tcp[13] & TCP_SYN) {
		if (from == 0)
			plan.isn = get32(tcp + 4) + 1;
		if (plan.is_plain)
			strip_sack(tcp);
		return true;
	}
	bytes = get16(frame + 16) - 20u - (tcp[12] >> 4) * 4u;
	if (from == 1)
		return bytes > 0 || !lose(wire_random() % 1000 < plan.answers_permille);
	return bytes == 0 || !loses_data(get32(tcp + 4) - plan.isn, bytes);
}

/* ---- what must hold at each moment ---- */

static struct sack_counts counts_before;
static uint32_t pipe_before;

void lossy_start(unsigned offloads, uint64_t bytes)
{
	wire_init(offloads);
	wire.passes = passes;
	sack_get_counts(&counts_before);
	pipe_before = 0;
	streams_start(bytes, 0);
	tcp_nagle_disable(stream_client.pcb); /* the last segment does not wait for the others */
}

uint64_t lossy_happened(size_t offset)
{
	struct sack_counts now;

	sack_get_counts(&now);
	return *(uint64_t *)(void *)((uint8_t *)&now + offset) -
	       *(uint64_t *)(void *)((uint8_t *)&counts_before + offset);
}
void lossy_check_order(const struct tcp_pcb *pcb)
{
	uint32_t at = pcb->lastack;

	for (const struct tcp_seg *s = pcb->unacked; s != NULL; s = s->next) {
		assert_true(!seq_before(segment_end(s), at));
		assert_true(s == pcb->unacked || segment_seq(s) == at);
		at = segment_end(s);
	}
	if (pcb->unsent != NULL && pcb->unacked != NULL)
		assert_int_equal(segment_seq(pcb->unsent), at);
}

/* No more is under way than the window allows (RFC 3042: and two segments), in recovery no more than at its begin. */
static void check_pipe(const struct tcp_pcb *pcb)
{
	const struct sender *s = sender_of(pcb);
	struct survey v;

	if (s == NULL || (pcb->flags & TF_RTO) || pcb->state != ESTABLISHED)
		return;
	sender_survey(s, &v);
	if (!s->is_recovering)
		assert_true(v.pipe <= pcb->cwnd + 3u * pcb->mss || v.pipe <= pipe_before);
	else
		assert_true(v.pipe <= s->prr.target + pcb->mss || v.pipe <= s->prr.flight);
	pipe_before = v.pipe;
}

void lossy_step(void)
{
	wire_step();
	if (stream_client.pcb != NULL && stream_client.pcb->state >= ESTABLISHED) {
		lossy_check_order(stream_client.pcb);
		check_pipe(stream_client.pcb);
	}
}

uint64_t lossy_run(uint64_t limit_ms)
{
	uint64_t ms = 0;

	for (; ms < limit_ms && !streams_are_done(); ms++)
		lossy_step();
	assert_true(streams_are_done());
	return ms;
}
