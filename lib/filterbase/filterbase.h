/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What block and network filters share: arguments, timers, main loop.
 *
 * Arguments, made by rs from a stack expression (lib/stack):
 *     NAME -label L -unit U -lower A [-lower B ...] [-OPTION VALUE ...]
 */
#ifndef LIB_FILTERBASE_H
#define LIB_FILTERBASE_H

#include "axolotl/errno.h"
#include "stack/stack.h"
#include "sys/half.h"

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
/* An optional NAME=yes or NAME=no; 0 or -EINVAL with a message. */
int filter_option_flag(const struct stack_options *o, const char *name, bool *value) MUST_CHECK;

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

/* ---- main loop ---- */

/* A protocol's skeleton: a server half above, a client half below. */
struct filter_loop {
	const struct server_half *server;
	const struct client_half *client;
	int (*init)(void);          /* 0 or -errno: rs tries again */
	uint64_t (*activity)(void); /* changes with all that moves */
	/* Any of these may be NULL. In each round before a RECEIVE: */
	void (*before_halves)(void), (*after_halves)(void);
	bool (*message)(const struct msg *m, enum ipc_primitive how); /* of other protocols */
	int (*status)(char *buf, size_t len); /* lines before those of the halves; returns bytes */
	int (*control)(const char *command, char *buf, size_t len); /* as in sys.h */
};
void filter_run(int argc, char **argv, const struct filter_spec *spec, const struct filter_loop *l)
	__attribute__((noreturn));
bool filter_is_restart(void); /* an incarnation before this one served in the running system */
int filter_status(unsigned unit, char *buf, size_t len); /* all lines, for the server half's ops */

#endif
