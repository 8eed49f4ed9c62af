/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of the network fault filter: see rules.h. */
#include "rules.h"
#include <string.h>
#include "axolotl/errno.h"
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

const char *netfault_name(enum netfault_kind kind)
{
	return kind < NETFAULT_KINDS ? names[kind] : "?";
}

/* ---- parsing ---- */

static bool parse_kind(void *ctx, unsigned n, const char *word, size_t len)
{
	struct netfault_rule *rule = &((struct netfault_rules *)ctx)->rule[n];
	int kind = fault_find_kind(names, NETFAULT_KINDS, word, len);

	*rule = (struct netfault_rule){.kind = (enum netfault_kind)kind,
	                               .last = UINT64_MAX,
	                               .length = 10,
	                               .bytes_per_s = 1000000};
	fault_when_default(&rule->when);
	return kind > 0;
}

static bool parse_word(void *ctx, unsigned n, const char *word, size_t len)
{
	struct netfault_rule *rule = &((struct netfault_rules *)ctx)->rule[n];
	bool is_tx = fault_is_word(word, len, "tx"), is_rx = fault_is_word(word, len, "rx");
	const char *value;
	size_t value_len;

	if ((value = fault_value(word, len, "size", &value_len)) != NULL)
		return fault_scan_range(value, value_len, &rule->first, &rule->last);
	if ((value = fault_value(word, len, "length", &value_len)) != NULL)
		return fault_scan_whole(value, value_len, &rule->length) && rule->length > 0;
	if ((value = fault_value(word, len, "bytes", &value_len)) != NULL)
		return fault_scan_whole(value, value_len, &rule->bytes_per_s) &&
		       rule->bytes_per_s > 0;
	rule->on_tx |= is_tx;
	rule->on_rx |= is_rx;
	return is_tx || is_rx || fault_when_word(&rule->when, word, len);
}

static void finish_rule(void *ctx, unsigned n)
{
	struct netfault_rule *rule = &((struct netfault_rules *)ctx)->rule[n];

	if (!rule->on_tx && !rule->on_rx)
		rule->on_tx = rule->on_rx = true;
}

int netfault_parse(struct netfault_rules *r, const char *text, unsigned *column)
{
	static const struct fault_grammar grammar = {.rules_max = FAULT_RULES_MAX,
	                                             .kind = parse_kind,
	                                             .word = parse_word,
	                                             .finish = finish_rule};
	int count;

	memset(r, 0, sizeof(*r));
	count = fault_parse_rules(text, &grammar, r, column);
	r->count = count < 0 ? 0 : (unsigned)count;
	return count < 0 ? count : 0;
}

/* ---- decision ---- */

static bool matches(const struct netfault_rule *rule, const struct netfault_frame *f)
{
	return (f->is_tx ? rule->on_tx : rule->on_rx) && f->age_us >= rule->when.at_us &&
	       f->bytes >= rule->first && f->bytes <= rule->last;
}

/* A frame takes its time on a slow wire, behind those before it. */
static struct netfault_shot pace(struct netfault_rule *rule, const struct netfault_frame *f)
{
	uint64_t *t_free = &rule->t_free_ns[f->is_tx];
	uint64_t start = *t_free > f->now_ns ? *t_free : f->now_ns;
	struct netfault_shot shot = {.kind = NETFAULT_DELAY, .delay_ns = start - f->now_ns};

	if (shot.delay_ns > NETFAULT_RATE_WAIT_NS) {
		shot.kind = NETFAULT_DROP;
		return shot;
	}
	*t_free = start + f->bytes * 1000000000ull / rule->bytes_per_s;
	if (shot.delay_ns == 0)
		shot.kind = NETFAULT_NONE;
	return shot;
}

static struct netfault_shot fire(struct netfault_rule *rule, const struct netfault_frame *f)
{
	struct netfault_shot shot = {.kind = rule->kind, .delay_ns = rule->when.for_us * 1000};

	if (rule->kind == NETFAULT_RATE)
		return pace(rule, f);
	if (rule->kind == NETFAULT_BURST) {
		rule->burst_left[f->is_tx] = rule->length - 1;
		shot.kind = NETFAULT_DROP;
	}
	return shot;
}

struct netfault_shot netfault_decide(struct netfault_rules *r, const struct netfault_frame *f)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct netfault_rule *rule = &r->rule[i];
		struct netfault_shot shot = {.kind = NETFAULT_DROP};

		if (!matches(rule, f))
			continue;
		if (rule->burst_left[f->is_tx] > 0) {
			rule->burst_left[f->is_tx]--;
			r->state.shots++;
		} else if (fault_fires(&r->state, i, &rule->when)) {
			shot = fire(rule, f);
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
	uint32_t behind = bytes - NET_FRAME_MIN;
	uint64_t where = behind == 0 ? 0 : fault_state_random(&r->state) % (behind * 8ull);

	if (behind > 0)
		frame[NET_FRAME_MIN + where / 8] ^= (uint8_t)(1u << where % 8);
}
