/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as data: sets, default actions, queues of pending signals, the choice of the next one.
 * Pure: no IPC, no process table. A standard signal is pending at most once; real-time signals
 * queue in order, out of one fixed pool.
 */
#ifndef PM_SIG_H
#define PM_SIG_H

#include <stdbool.h>
#include <stdint.h>
#include "linux_abi.h"

#define SIG_COUNT    64
#define SIG_RT_FIRST 32
#define SIG_BIT(s)   (1ull << ((unsigned)(s)-1))

/* What is kept of a siginfo_t while it is pending. */
struct sig_info {
	int32_t signo;
	int32_t code;
	int32_t pid;    /* sender, or timer id */
	uint32_t uid;   /* sender, or overruns of a timer */
	int32_t status; /* SIGCHLD */
	int32_t reserved;
	uint64_t value;  /* address, sigval; SIGCHLD: user time in ticks */
	uint64_t value2; /* SIGCHLD: system time in ticks */
};

#define SIG_POOL      1024
#define SIG_QUEUE_MAX 256 /* of one process or thread, so that none takes the whole pool */
struct sig_entry {
	struct sig_info info;
	uint16_t next; /* index + 1, 0: end */
};
struct sig_pool {
	struct sig_entry entries[SIG_POOL];
	uint16_t free;  /* index + 1 */
	uint16_t fresh; /* entries from here on were never used */
};
struct sig_pending {
	uint64_t set;
	uint16_t head;  /* index + 1 of the oldest entry */
	uint16_t count; /* entries */
};

enum sig_default { SIGDEF_TERM, SIGDEF_CORE, SIGDEF_IGNORE, SIGDEF_STOP, SIGDEF_CONT };

enum sig_default sig_default_of(int signo);
static inline bool sig_is_valid(int64_t signo)
{
	return signo >= 1 && signo <= SIG_COUNT;
}
/* KILL and STOP cannot be blocked, caught or ignored. */
uint64_t sig_sanitize_mask(uint64_t mask);
uint64_t sig_stop_set(void);
bool sig_is_ignored(const struct ksigaction *act, int signo);

/* Add a signal. Returns 0; -EAGAIN when a queued (real-time) signal finds no entry. A standard
 * signal that is pending already is merged; one that finds no entry is pending without its details.
 */
int sig_enqueue(struct sig_pool *pool, struct sig_pending *p, const struct sig_info *info);
/* Take the oldest `signo` out; false if it is not pending. */
bool sig_take(struct sig_pool *pool, struct sig_pending *p, int signo, struct sig_info *out);
/* Drop all signals of `set`. */
void sig_discard(struct sig_pool *pool, struct sig_pending *p, uint64_t set);
/* Which of `set` to deliver first, 0 if none: faults, then the lowest number. */
int sig_next(uint64_t set);
/* The siginfo_t that the application sees. */
void sig_expand(const struct sig_info *info, struct ksiginfo *out);

#endif
