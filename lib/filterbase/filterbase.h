/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What block and network filters share: arguments and timers.
 *
 * Arguments, made by rs from a stack expression (lib/stack):
 *     NAME -label L -unit U -lower A [-lower B ...] [-OPTION VALUE ...]
 */
#ifndef LIB_FILTERBASE_H
#define LIB_FILTERBASE_H

#include "axolotl/errno.h"
#include "stack/stack.h"

#define FILTER_UNIT 0 /* a filter has one unit */

struct filter_spec {
	const char *name;
	const char *const *options; /* names without "-", ending with NULL */
	unsigned lowers_min, lowers_max;
	/* Last: the filter's own arguments. 0, or -errno after a message by filter_usage(). */
	int (*configure)(const struct stack_options *o);
};
/* 0, or -EINVAL after a message. */
int filter_arguments(int argc, char **argv, const struct filter_spec *s) MUST_CHECK;
unsigned filter_lower_count(void);
const char *filter_lower(unsigned i);
const char *filter_unit(void);
/* Complains about an argument; returns -EINVAL. */
int filter_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An optional number; 0 or -EINVAL with a message. Within [min, max]. */
struct filter_number {
	const char *name;
	enum stack_kind kind;
	uint64_t min, max;
};
int filter_option(const struct stack_options *o, const struct filter_number *n,
                  uint64_t *value) MUST_CHECK;

/* ---- timers ---- */

struct filter_timer {
	uint64_t at_ns; /* 0: not set */
	void (*fn)(struct filter_timer *t);
	struct filter_timer *next;
	bool is_linked;
};
/* One shot; setting it again moves it, 0 cancels it. The timer must live for ever. */
void filter_timer_set(struct filter_timer *t, uint64_t at_ns);

/* The process's alarm: in the callback of the same name, and before each RECEIVE with the soonest other
 * deadline (0: none). */
void filter_alarm(uint64_t now_ns);
void filter_set_alarm(uint64_t at_ns);

#endif
