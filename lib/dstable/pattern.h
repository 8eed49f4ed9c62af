/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended regular expressions for ds (no allocation, no recursion, bounded time): literals, ".",
 * "[...]" with ranges and "^", "*", "+", "?", "|", "( )", "\" before any character. Always anchored
 * at both ends. Matching advances a set of NFA states one character at a time, so a pattern cannot
 * make ds slow: at most PATTERN_STATES_MAX steps a character.
 */
#ifndef LIB_DSTABLE_PATTERN_H
#define LIB_DSTABLE_PATTERN_H

#include "axolotl/types.h"

#define PATTERN_TEXT_MAX   48 /* with its NUL, as struct ds_subscribe */
#define PATTERN_STATES_MAX 128

enum pattern_state_kind { PATTERN_CHAR, PATTERN_ANY, PATTERN_CLASS, PATTERN_SPLIT, PATTERN_MATCH };

struct pattern_state {
	uint8_t kind;
	uint8_t arg; /* CHAR: the character; CLASS: position of its '[' in the text */
	uint8_t next;
	uint8_t other; /* SPLIT: the second way */
};
struct pattern {
	char text[PATTERN_TEXT_MAX];
	struct pattern_state states[PATTERN_STATES_MAX];
	uint8_t count;
	uint8_t start;
};

int pattern_compile(struct pattern *p, const char *text) MUST_CHECK; /* 0 or -EINVAL */
bool pattern_match(const struct pattern *p, const char *string);

#endif
