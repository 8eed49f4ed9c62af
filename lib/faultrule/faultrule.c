/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of fault filters: see faultrule.h. Words are not terminated. */
#include "faultrule/faultrule.h"
#include <stdio.h>
#include <string.h>
#include "axolotl/errno.h"

/* ---- words ---- */

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

static bool scan_whole(const char *text, size_t len, uint64_t *out)
{
	return scan(text, out) == text + len;
}

static bool scan_range(const char *text, size_t len, struct fault_rule *rule)
{
	const char *dash = scan(text, &rule->first);

	return dash != NULL && *dash == '-' &&
	       scan_whole(dash + 1, (size_t)(text + len - dash - 1), &rule->last) &&
	       rule->first <= rule->last;
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

/* If the word is `name`=value: its value and the bytes of that; else NULL. */
static const char *value_of(const char *word, size_t len, const char *name, size_t *value_len)
{
	size_t n = strlen(name);

	if (len <= n || word[n] != '=' || strncmp(word, name, n) != 0)
		return NULL;
	*value_len = len - n - 1;
	return word + n + 1;
}

/* ---- rules ---- */

const char *fault_name(const struct fault_grammar *g, unsigned kind)
{
	return kind < g->kind_count ? g->kinds[kind] : "?";
}

static bool take_kind(const struct fault_grammar *g, struct fault_rule *rule, const char *word,
                      size_t len)
{
	*rule = (struct fault_rule){.last = UINT64_MAX,
	                            .when = {.chance = 1000000, .for_us = 100000}};
	for (unsigned i = 0; i < FAULT_NUMBERS_MAX; i++)
		rule->numbers[i] = g->numbers[i].value;
	for (unsigned i = 1; i < g->kind_count && rule->kind == 0; i++)
		if (is_word(word, len, g->kinds[i]))
			rule->kind = i;
	return rule->kind != 0;
}

static bool take_when(struct fault_when *when, const char *word, size_t len)
{
	const char *value;
	size_t n;

	if ((value = value_of(word, len, "skip", &n)) != NULL)
		return scan_whole(value, n, &when->skip);
	if ((value = value_of(word, len, "count", &n)) != NULL)
		return scan_whole(value, n, &when->count);
	if ((value = value_of(word, len, "prob", &n)) != NULL)
		return scan_whole(value, n, &when->chance) && when->chance <= 1000000;
	if ((value = value_of(word, len, "at", &n)) != NULL)
		return scan_duration(value, n, &when->at_us);
	value = value_of(word, len, "for", &n);
	return value != NULL && scan_duration(value, n, &when->for_us);
}

static bool take_word(const struct fault_grammar *g, struct fault_rule *rule, const char *word,
                      size_t len)
{
	const char *value;
	size_t n;

	for (unsigned way = 0; way < 2; way++) {
		if (!is_word(word, len, g->ways[way]))
			continue;
		rule->on[way] = true;
		return true;
	}
	if ((value = value_of(word, len, g->range, &n)) != NULL)
		return scan_range(value, n, rule);
	for (unsigned i = 0; i < FAULT_NUMBERS_MAX && g->numbers[i].name != NULL; i++)
		if ((value = value_of(word, len, g->numbers[i].name, &n)) != NULL)
			return scan_whole(value, n, &rule->numbers[i]) && rule->numbers[i] > 0;
	return take_when(&rule->when, word, len);
}

static void finish(struct fault_rule *rule)
{
	if (rule != NULL && !rule->on[0] && !rule->on[1])
		rule->on[0] = rule->on[1] = true;
}

int fault_parse(struct fault_rules *r, const struct fault_grammar *g, const char *text,
                unsigned *column)
{
	struct fault_rule *rule = NULL; /* NULL: between rules */
	bool is_good = true;

	memset(r, 0, sizeof(*r));
	for (const char *c = text; *c != '\0';) {
		size_t len = strcspn(c, " ,;");

		*column = (unsigned)(c - text) + 1;
		if (len > 0 && rule != NULL) {
			is_good = take_word(g, rule, c, len);
		} else if (len > 0) {
			is_good = r->count < FAULT_RULES_MAX;
			if (is_good) {
				rule = &r->rule[r->count++];
				is_good = take_kind(g, rule, c, len);
			}
		} else if (*c == ';') {
			finish(rule);
			rule = NULL;
		}
		if (!is_good)
			return -EINVAL;
		c += len > 0 ? len : 1;
	}
	finish(rule);
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

bool fault_matches(const struct fault_rule *rule, const struct fault_case *c)
{
	return rule->on[c->way] && c->age_us >= rule->when.at_us && c->first <= rule->last &&
	       c->last >= rule->first;
}

bool fault_fires(struct fault_rules *r, unsigned rule)
{
	const struct fault_when *when = &r->rule[rule].when;
	struct fault_state *s = &r->state;

	if (s->matched[rule]++ < when->skip)
		return false;
	if (when->count != 0 && s->fired[rule] >= when->count)
		return false;
	if (when->chance < 1000000 && fault_random(r) % 1000000 >= when->chance)
		return false;
	s->fired[rule]++;
	s->shots++;
	return true;
}

void fault_unfire(struct fault_rules *r, unsigned rule)
{
	r->state.fired[rule]--;
	r->state.shots--;
}

int fault_status_text(const struct fault_rules *r, const struct fault_grammar *g, char *buf,
                      size_t len)
{
	size_t used = 0;

	for (unsigned i = 0; i < r->count && used < len; i++)
		used += (size_t)snprintf(
			buf + used, len - used, "rule%u=%s matched=%llu fired=%llu\n", i,
			fault_name(g, r->rule[i].kind), (unsigned long long)r->state.matched[i],
			(unsigned long long)r->state.fired[i]);
	return (int)(used < len ? used : len);
}
