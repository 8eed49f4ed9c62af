/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of the network fault filter: see rules.h. */
#include "rules.h"
#include "axolotl/net.h"

static const char *const names[NETFAULT_KINDS] = {
	[NETFAULT_NONE] = "none",
	[NETFAULT_DROP] = "drop",
	[NETFAULT_BURST] = "burst",
	[NETFAULT_CORRUPT] = "corrupt",
	[NETFAULT_DUPLICATE] = "duplicate",
	[NETFAULT_REORDER] = "reorder",
	[NETFAULT_DELAY] = "delay",
	[NETFAULT_RATE] = "rate",
	[NETFAULT_DIE] = "die",
};

const struct fault_grammar netfault_grammar = {
	.kinds = names,
	.kind_count = NETFAULT_KINDS,
	.ways = {"rx", "tx"},
	.range = "size",
	.numbers = {
		[NETFAULT_LENGTH] = {"length", 10}, [NETFAULT_BYTES_PER_S] = {"bytes", 1000000}}};

/* A frame takes its time on a slow wire, behind those before it. */
static struct netfault_shot pace(uint64_t *t_free_ns, uint64_t bytes_per_s,
                                 const struct netfault_frame *f)
{
	uint64_t start = *t_free_ns > f->now_ns ? *t_free_ns : f->now_ns;
	struct netfault_shot shot = {.kind = NETFAULT_DELAY, .delay_ns = start - f->now_ns};

	if (shot.delay_ns > NETFAULT_RATE_WAIT_NS) {
		shot.kind = NETFAULT_DROP;
		return shot;
	}
	*t_free_ns = start + f->bytes * 1000000000ull / bytes_per_s;
	if (shot.delay_ns == 0)
		shot.kind = NETFAULT_NONE;
	return shot;
}

static struct netfault_shot fire(struct netfault_rules *r, unsigned i,
                                 const struct netfault_frame *f)
{
	const struct fault_rule *rule = &r->common.rule[i];
	struct netfault_shot shot = {.kind = (enum netfault_kind)rule->kind,
	                             .delay_ns = rule->when.for_us * 1000};

	if (shot.kind == NETFAULT_RATE)
		return pace(&r->now[i].t_free_ns[f->is_tx], rule->numbers[NETFAULT_BYTES_PER_S], f);
	if (shot.kind == NETFAULT_BURST) {
		r->now[i].burst_left[f->is_tx] = rule->numbers[NETFAULT_LENGTH] - 1;
		shot.kind = NETFAULT_DROP;
	}
	return shot;
}

struct netfault_shot netfault_decide(struct netfault_rules *r, const struct netfault_frame *f)
{
	const struct fault_case c = {
		.way = f->is_tx, .first = f->bytes, .last = f->bytes, .age_us = f->age_us};

	for (unsigned i = 0; i < r->common.count; i++) {
		uint64_t *burst_left = &r->now[i].burst_left[f->is_tx];
		struct netfault_shot shot = {.kind = NETFAULT_DROP};

		if (!fault_matches(&r->common.rule[i], &c))
			continue;
		if (*burst_left > 0) {
			--*burst_left;
			r->common.state.shots++;
		} else if (fault_fires(&r->common, i)) {
			shot = fire(r, i, f);
		} else {
			continue;
		}
		shot.rule = i;
		return shot;
	}
	return (struct netfault_shot){.kind = NETFAULT_NONE};
}

void netfault_corrupt(struct netfault_rules *r, uint8_t *frame, uint32_t bytes)
{
	uint32_t behind = bytes > NET_FRAME_MIN ? bytes - NET_FRAME_MIN : 0;
	uint64_t where = behind == 0 ? 0 : fault_random(&r->common) % (behind * 8ull);

	if (behind > 0)
		frame[NET_FRAME_MIN + where / 8] ^= (uint8_t)(1u << where % 8);
}
