/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadlines: a binary heap of timers that live inside other structures. Pure. One kernel alarm
 * serves all of them: main.c sets it to timer_first() and calls timer_pop() until nothing is due.
 */
#ifndef PM_TIMERS_H
#define PM_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

enum timer_kind { TIMER_SLEEP, TIMER_REAL, TIMER_VIRTUAL, TIMER_PROF, TIMER_POSIX, TIMER_INIT };

struct timer {
	uint64_t t_ns;
	uint32_t at; /* position in the heap + 1, 0: not set */
	enum timer_kind kind;
	bool is_periodic; /* set by the owner before timer_set */
	bool is_counted;  /* in heap.periodic */
};

#define TIMERS_MAX 4096
struct timer_heap {
	uint32_t count;
	uint32_t periodic; /* of them */
	struct timer *slot[TIMERS_MAX];
};

/* Set or move. The heap has room for every timer that exists: false means a bug of the caller. */
bool timer_set(struct timer_heap *h, struct timer *t, uint64_t t_ns);
void timer_cancel(struct timer_heap *h, struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
	return t->at != 0;
}
/* Time of the earliest timer, 0 if there is none. */
uint64_t timer_first(const struct timer_heap *h);
/* Periodic timers expire at `want_ns`, but all of them together not more often than each GAP: signals cost
 * pm time that it would take from everybody, without any work of those who asked for them. */
#define TIMER_GAP_NS 200000ull
uint64_t timer_next_period(const struct timer_heap *h, uint64_t want_ns, uint64_t now_ns);
/* Remove and return the earliest timer that is due at now_ns, or NULL. */
struct timer *timer_pop(struct timer_heap *h, uint64_t now_ns);

#endif
