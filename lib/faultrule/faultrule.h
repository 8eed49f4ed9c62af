/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rules of fault filters share: the language, counting and chance. Pure and seeded: the same
 * requests meet the same faults.
 *
 *   rules = rule { ";" rule }        rule = KIND { word }, words between blanks or commas
 *   word    skip=N  count=N          let N matching requests pass; fire at most N times (0: no limit)
 *           prob=N                   chance in a million (default 1000000)
 *           at=DURATION              not before so much time since the filter started
 *           for=DURATION             of delay (default 100ms)
 *           ...                      kinds and more words are the filter's
 */
#ifndef LIB_FAULTRULE_H
#define LIB_FAULTRULE_H

#include "axolotl/types.h"

#define FAULT_RULES_MAX 16

/* When a rule fires. */
struct fault_when {
	uint64_t skip, count;
	uint64_t chance; /* in a million */
	uint64_t at_us, for_us;
};

/* What must survive a restart of the filter. */
struct fault_state {
	uint64_t random;
	uint64_t shots;
	uint64_t matched[FAULT_RULES_MAX];
	uint64_t fired[FAULT_RULES_MAX];
};

/* The filter's part of the language. Words are not terminated. */
struct fault_grammar {
	unsigned rules_max;
	/* A rule begins: its kind. */
	bool (*kind)(void *ctx, unsigned rule, const char *word, size_t len);
	/* A word of the rule, with "=" and a value (equals != NULL) or without. */
	bool (*word)(void *ctx, unsigned rule, const char *word, size_t len);
	void (*finish)(void *ctx, unsigned rule);
};
/* The number of rules, or -EINVAL and the column (from 1) of what was not understood. */
int fault_parse_rules(const char *text, const struct fault_grammar *g, void *ctx,
                      unsigned *column) MUST_CHECK;

bool fault_is_word(const char *word, size_t len, const char *text);
/* The words that all filters have; false: it is none of them, or its value is wrong. */
bool fault_when_word(struct fault_when *when, const char *word, size_t len);
void fault_when_default(struct fault_when *when);
/* A number and, behind it, what must follow; returns the end or NULL. */
const char *fault_scan(const char *text, uint64_t *out);
bool fault_scan_whole(const char *text, size_t len, uint64_t *out);
bool fault_scan_range(const char *text, size_t len, uint64_t *first, uint64_t *last);
/* If the word is `name`=value: its value and the bytes of that; else NULL. */
const char *fault_value(const char *word, size_t len, const char *name, size_t *value_len);
/* Which of the names the word is; -1: none. names[0] is never meant. */
int fault_find_kind(const char *const *names, unsigned count, const char *word, size_t len);

/* ---- chance ---- */

void fault_state_seed(struct fault_state *s, uint64_t seed);
uint64_t fault_state_random(struct fault_state *s);
/* Rule number `rule` matches what is at hand: does it fire? Counts. */
bool fault_fires(struct fault_state *s, unsigned rule, const struct fault_when *when);

#endif
