/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rules of fault filters share: the language, counting and chance. Pure and seeded: the same
 * requests meet the same faults. What is done when a rule fires is the filter's.
 *
 *   rules = rule { ";" rule }        rule = KIND { word }, words between blanks or commas
 *   KIND                             the filter's
 *   word    WAY                      only this of the filter's two ways (read, write; default: both)
 *           RANGE=FIRST-LAST         of the filter's measure (sectors, bytes)
 *           skip=N  count=N          let N matching requests pass; fire at most N times (0: no limit)
 *           prob=N                   chance in a million (default 1000000)
 *           at=DURATION              not before so much time since the filter started
 *           for=DURATION             of delay (default 100ms)
 *           NUMBER=N                 the filter's; not 0
 */
#ifndef LIB_FAULTRULE_H
#define LIB_FAULTRULE_H

#include "axolotl/types.h"

#define FAULT_RULES_MAX   16
#define FAULT_NUMBERS_MAX 2

/* When a rule fires. */
struct fault_when {
	uint64_t skip, count;
	uint64_t chance; /* in a million */
	uint64_t at_us, for_us;
};

struct fault_rule {
	unsigned kind; /* of the grammar's; never 0 */
	bool on[2];    /* the grammar's ways */
	uint64_t first, last;
	uint64_t numbers[FAULT_NUMBERS_MAX];
	struct fault_when when;
};

/* What must survive a restart of the filter. */
struct fault_state {
	uint64_t random;
	uint64_t shots;
	uint64_t matched[FAULT_RULES_MAX];
	uint64_t fired[FAULT_RULES_MAX];
};

struct fault_rules {
	struct fault_rule rule[FAULT_RULES_MAX];
	unsigned count;
	struct fault_state state;
};

/* The filter's part of the language. */
struct fault_grammar {
	const char *const *kinds; /* kinds[0]: none */
	unsigned kind_count;
	const char *ways[2];
	const char *range;
	struct {
		const char *name; /* NULL: there are no more */
		uint64_t value;   /* unless a rule says another */
	} numbers[FAULT_NUMBERS_MAX];
};

/* 0, or -EINVAL and the column (from 1) of what was not understood. */
int fault_parse(struct fault_rules *r, const struct fault_grammar *g, const char *text,
                unsigned *column) MUST_CHECK;
const char *fault_name(const struct fault_grammar *g, unsigned kind);

/* ---- chance ---- */

void fault_seed(struct fault_rules *r, uint64_t seed);
uint64_t fault_random(struct fault_rules *r);

/* What is at hand. */
struct fault_case {
	unsigned way;
	uint64_t first, last; /* that it covers of the measure */
	uint64_t age_us;      /* of the filter */
};
bool fault_matches(const struct fault_rule *rule, const struct fault_case *c);
/* Rule number `rule` matches: does it fire? Counts. */
bool fault_fires(struct fault_rules *r, unsigned rule);
/* The shot of that rule could not be done. */
void fault_unfire(struct fault_rules *r, unsigned rule);

/* "ruleN=KIND matched=N fired=N" lines; returns bytes. */
int fault_status_text(const struct fault_rules *r, const struct fault_grammar *g, char *buf,
                      size_t len);

#endif
