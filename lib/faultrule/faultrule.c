/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of fault filters: see faultrule.h. */
#include "faultrule/faultrule.h"
#include <string.h>
#include "axolotl/errno.h"

/* ---- words ---- */

bool fault_is_word(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && strncmp(word, text, len) == 0;
}

const char *fault_scan(const char *text, uint64_t *out)
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

bool fault_scan_whole(const char *text, size_t len, uint64_t *out)
{
	return fault_scan(text, out) == text + len;
}

bool fault_scan_range(const char *text, size_t len, uint64_t *first, uint64_t *last)
{
	const char *dash = fault_scan(text, first);

	return dash != NULL && *dash == '-' &&
	       fault_scan_whole(dash + 1, (size_t)(text + len - dash - 1), last) && *first <= *last;
}

static bool scan_duration(const char *word, size_t len, uint64_t *out_us)
{
	const char *unit = fault_scan(word, out_us);
	size_t left = unit == NULL ? 0 : (size_t)(word + len - unit);

	if (unit == NULL || *out_us > UINT32_MAX)
		return false;
	if (fault_is_word(unit, left, "ms"))
		*out_us *= 1000;
	else if (fault_is_word(unit, left, "s"))
		*out_us *= 1000000;
	else
		return fault_is_word(unit, left, "us");
	return true;
}

const char *fault_value(const char *word, size_t len, const char *name, size_t *value_len)
{
	size_t n = strlen(name);

	if (len <= n || word[n] != '=' || strncmp(word, name, n) != 0)
		return NULL;
	*value_len = len - n - 1;
	return word + n + 1;
}

int fault_find_kind(const char *const *names, unsigned count, const char *word, size_t len)
{
	for (unsigned i = 1; i < count; i++)
		if (fault_is_word(word, len, names[i]))
			return (int)i;
	return -1;
}

/* ---- rules ---- */

void fault_when_default(struct fault_when *when)
{
	*when = (struct fault_when){.chance = 1000000, .for_us = 100000};
}

bool fault_when_word(struct fault_when *when, const char *word, size_t len)
{
	const char *value;
	size_t n;

	if ((value = fault_value(word, len, "skip", &n)) != NULL)
		return fault_scan_whole(value, n, &when->skip);
	if ((value = fault_value(word, len, "count", &n)) != NULL)
		return fault_scan_whole(value, n, &when->count);
	if ((value = fault_value(word, len, "prob", &n)) != NULL)
		return fault_scan_whole(value, n, &when->chance) && when->chance <= 1000000;
	if ((value = fault_value(word, len, "at", &n)) != NULL)
		return scan_duration(value, n, &when->at_us);
	value = fault_value(word, len, "for", &n);
	return value != NULL && scan_duration(value, n, &when->for_us);
}

/* One word; *rule is the number of the current rule, -1 between rules. */
static bool take_word(const struct fault_grammar *g, void *ctx, int *rule, unsigned *count,
                      const char *word)
{
	size_t len = strcspn(word, " ,;");

	if (*rule >= 0)
		return g->word(ctx, (unsigned)*rule, word, len);
	if (*count >= g->rules_max)
		return false;
	*rule = (int)(*count)++;
	return g->kind(ctx, (unsigned)*rule, word, len);
}

int fault_parse_rules(const char *text, const struct fault_grammar *g, void *ctx, unsigned *column)
{
	int rule = -1;
	unsigned count = 0;

	for (const char *c = text; *c != '\0';) {
		size_t len = strcspn(c, " ,;");

		*column = (unsigned)(c - text) + 1;
		if (len > 0) {
			if (!take_word(g, ctx, &rule, &count, c))
				return -EINVAL;
			c += len;
			continue;
		}
		if (*c++ != ';')
			continue;
		if (rule >= 0)
			g->finish(ctx, (unsigned)rule);
		rule = -1;
	}
	if (rule >= 0)
		g->finish(ctx, (unsigned)rule);
	return (int)count;
}

/* ---- chance ---- */

void fault_state_seed(struct fault_state *s, uint64_t seed)
{
	s->random = seed * 2 + 1;
}

uint64_t fault_state_random(struct fault_state *s)
{
	uint64_t x = s->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	s->random = x;
	return x * 0x2545f4914f6cdd1dull;
}

bool fault_fires(struct fault_state *s, unsigned rule, const struct fault_when *when)
{
	if (s->matched[rule]++ < when->skip)
		return false;
	if (when->count != 0 && s->fired[rule] >= when->count)
		return false;
	if (when->chance < 1000000 && fault_state_random(s) % 1000000 >= when->chance)
		return false;
	s->fired[rule]++;
	s->shots++;
	return true;
}
