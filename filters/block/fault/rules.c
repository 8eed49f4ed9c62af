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

static bool is_word(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && strncmp(word, text, len) == 0;
}

/* A number and, behind it, what must follow; returns the end or NULL. */
static const char *scan(const char *text, uint64_t *out)
{
	uint64_t value = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9'; c++) {
		if (value > (UINT64_MAX - 9) / 10)
			return NULL;
		value = value * 10 + (uint64_t)(*c - '0');
	}
	*out = value;
	return c == text ? NULL : c;
}

static bool scan_whole(const char *word, size_t len, uint64_t *out)
{
	return scan(word, out) == word + len;
}

static bool scan_duration(const char *word, size_t len, uint64_t *out_us)
{
	const char *unit = scan(word, out_us);
	size_t left = unit == NULL ? 0 : (size_t)(word + len - unit);

	if (unit == NULL || *out_us > UINT32_MAX)
		return false;
	if (is_word(unit, left, "ms"))
		*out_us *= 1000;
	else if (is_word(unit, left, "s"))
		*out_us *= 1000000;
	else
		return is_word(unit, left, "us");
	return true;
}

static bool scan_range(const char *word, size_t len, struct fault_rule *rule)
{
	const char *dash = scan(word, &rule->first);

	return dash != NULL && *dash == '-' &&
	       scan_whole(dash + 1, (size_t)(word + len - dash - 1), &rule->last) &&
	       rule->first <= rule->last;
}

static bool parse_value(struct fault_rule *rule, const char *word, size_t name, size_t len)
{
	const char *value = word + name + 1;
	size_t rest = len - name - 1;

	if (is_word(word, name, "range"))
		return scan_range(value, rest, rule);
	if (is_word(word, name, "skip"))
		return scan_whole(value, rest, &rule->skip);
	if (is_word(word, name, "count"))
		return scan_whole(value, rest, &rule->count);
	if (is_word(word, name, "prob"))
		return scan_whole(value, rest, &rule->chance) && rule->chance <= 1000000;
	if (is_word(word, name, "at"))
		return scan_duration(value, rest, &rule->at_us);
	return is_word(word, name, "for") && scan_duration(value, rest, &rule->for_us);
}

static bool parse_word(struct fault_rule *rule, const char *word, size_t len)
{
	const char *equals = memchr(word, '=', len);

	if (equals != NULL)
		return parse_value(rule, word, (size_t)(equals - word), len);
	if (is_word(word, len, "read")) {
		rule->on_read = true;
		return true;
	}
	rule->on_write |= is_word(word, len, "write");
	return is_word(word, len, "write");
}

static bool parse_kind(struct fault_rule *rule, const char *word, size_t len)
{
	*rule = (struct fault_rule){.last = UINT64_MAX, .chance = 1000000, .for_us = 100000};
	for (int i = FAULT_NONE + 1; i < FAULT_KINDS; i++) {
		if (is_word(word, len, names[i])) {
			rule->kind = (enum fault_kind)i;
			return true;
		}
	}
	return false;
}

static void finish_rule(struct fault_rule *rule)
{
	if (!rule->on_read && !rule->on_write)
		rule->on_read = rule->on_write = true;
	if (rule->kind == FAULT_LOST || rule->kind == FAULT_TORN)
		rule->on_read = false;
}

int fault_parse(struct fault_rules *r, const char *text, unsigned *column)
{
	struct fault_rule *rule = NULL;
	const char *c = text;

	memset(r, 0, sizeof(*r));
	while (*c != '\0') {
		size_t len = strcspn(c, " ,;");
		bool good = true;

		*column = (unsigned)(c - text) + 1;
		if (len == 0) {
			if (*c == ';' && rule != NULL)
				finish_rule(rule);
			rule = *c == ';' ? NULL : rule;
			c++;
			continue;
		}
		if (rule != NULL) {
			good = parse_word(rule, c, len);
		} else {
			good = r->count < RULES_MAX;
			rule = good ? &r->rule[r->count++] : NULL;
			good = good && parse_kind(rule, c, len);
		}
		if (!good)
			return -EINVAL;
		c += len;
	}
	if (rule != NULL)
		finish_rule(rule);
	return 0;
}

/* ---- chance ---- */

void fault_seed(struct fault_rules *r, uint64_t seed)
{
	r->state.random = seed * 2 + 1;
}

uint64_t fault_random(struct fault_rules *r)
{
	uint64_t x = r->state.random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	r->state.random = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* ---- decision ---- */

static bool matches(const struct fault_rule *rule, const struct fault_request *q)
{
	if (!(q->is_write ? rule->on_write : rule->on_read) || q->age_us < rule->at_us)
		return false;
	return q->sector <= rule->last && q->sector + q->sectors > rule->first;
}

const struct fault_rule *fault_decide(struct fault_rules *r, const struct fault_request *q)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct fault_rule *rule = &r->rule[i];

		if (!matches(rule, q) || r->state.matched[i]++ < rule->skip)
			continue;
		if (rule->count != 0 && r->state.fired[i] >= rule->count)
			continue;
		if (rule->chance < 1000000 && fault_random(r) % 1000000 >= rule->chance)
			continue;
		r->state.fired[i]++;
		r->state.shots++;
		return rule;
	}
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
