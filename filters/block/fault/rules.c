/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of the fault filter: see rules.h. */
#include "rules.h"
#include <stdlib.h>
#include <string.h>
#include "axolotl/errno.h"

static const char *const names[FAULT_KINDS] = {
	[FAULT_NONE] = "none",
	[FAULT_ZERO] = "zero",
	[FAULT_RANDOM] = "random",
	[FAULT_BIT] = "bit",
	[FAULT_ERROR] = "error",
	[FAULT_MISDIRECT] = "misdirect",
	[FAULT_LOST] = "lost",
	[FAULT_TORN] = "torn",
	[FAULT_DELAY] = "delay",
	[FAULT_HANG] = "hang",
	[FAULT_DIE] = "die",
	[FAULT_WRONG_ID] = "wrongid",
	[FAULT_DUPLICATE] = "duplicate",
	[FAULT_SHORT] = "short",
};

const char *fault_name(enum fault_kind kind)
{
	return kind < FAULT_KINDS ? names[kind] : "?";
}

/* ---- parsing ---- */

static bool parse_kind(void *ctx, unsigned n, const char *word, size_t len)
{
	struct fault_rule *rule = &((struct fault_rules *)ctx)->rule[n];
	int kind = fault_find_kind(names, FAULT_KINDS, word, len);

	*rule = (struct fault_rule){.kind = (enum fault_kind)kind, .last = UINT64_MAX};
	fault_when_default(&rule->when);
	return kind > 0;
}

static bool parse_word(void *ctx, unsigned n, const char *word, size_t len)
{
	struct fault_rule *rule = &((struct fault_rules *)ctx)->rule[n];
	size_t value_len;
	const char *value = fault_value(word, len, "range", &value_len);
	bool is_read = fault_is_word(word, len, "read");
	bool is_write = fault_is_word(word, len, "write");

	if (value != NULL)
		return fault_scan_range(value, value_len, &rule->first, &rule->last);
	rule->on_read |= is_read;
	rule->on_write |= is_write;
	return is_read || is_write || fault_when_word(&rule->when, word, len);
}

static void finish_rule(void *ctx, unsigned n)
{
	struct fault_rule *rule = &((struct fault_rules *)ctx)->rule[n];

	if (!rule->on_read && !rule->on_write)
		rule->on_read = rule->on_write = true;
	if (rule->kind == FAULT_LOST || rule->kind == FAULT_TORN)
		rule->on_read = false;
}

int fault_parse(struct fault_rules *r, const char *text, unsigned *column)
{
	static const struct fault_grammar grammar = {.rules_max = RULES_MAX,
	                                             .kind = parse_kind,
	                                             .word = parse_word,
	                                             .finish = finish_rule};
	int count;

	memset(r, 0, sizeof(*r));
	count = fault_parse_rules(text, &grammar, r, column);
	r->count = count < 0 ? 0 : (unsigned)count;
	return count < 0 ? count : 0;
}

/* ---- chance ---- */

void fault_seed(struct fault_rules *r, uint64_t seed)
{
	fault_state_seed(&r->state, seed);
}

uint64_t fault_random(struct fault_rules *r)
{
	return fault_state_random(&r->state);
}

/* ---- decision ---- */

static bool matches(const struct fault_rule *rule, const struct fault_request *q)
{
	if (!(q->is_write ? rule->on_write : rule->on_read) || q->age_us < rule->when.at_us)
		return false;
	return q->sector <= rule->last && q->sector + q->sectors > rule->first;
}

const struct fault_rule *fault_decide(struct fault_rules *r, const struct fault_request *q)
{
	for (unsigned i = 0; i < r->count; i++)
		if (matches(&r->rule[i], q) && fault_fires(&r->state, i, &r->rule[i].when))
			return &r->rule[i];
	return NULL;
}

void fault_spoil(struct fault_rules *r, enum fault_kind kind, uint8_t sector[BLK_SECTOR])
{
	uint64_t where = fault_random(r) % (BLK_SECTOR * 8);

	if (kind == FAULT_ZERO)
		memset(sector, 0, BLK_SECTOR);
	if (kind == FAULT_BIT)
		sector[where / 8] ^= (uint8_t)(1u << where % 8);
	for (unsigned i = 0; kind == FAULT_RANDOM && i < BLK_SECTOR; i++)
		sector[i] = (uint8_t)(fault_random(r) >> 32);
}
