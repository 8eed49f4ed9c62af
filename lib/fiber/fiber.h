/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fibers: cooperative threads inside one process, so that a server (vfs, mfs, filters) can write a
 * request as straight-line code while it serves many (architecture D6). A fiber runs until it calls
 * fiber_wait(); the main loop (which is no fiber) wakes it with fiber_wake(), which runs it at once
 * until it waits or ends. Stacks are fixed; each has a canary below it that is checked on each switch.
 */
#ifndef LIB_FIBER_H
#define LIB_FIBER_H

#include <stddef.h>
#include <stdint.h>

#define FIBER_STACK_BYTES (32u * 1024)

struct fiber;
typedef void (*fiber_fn_t)(void *arg);
typedef void (*fiber_panic_fn_t)(const char *why);

/* Memory for `count` fibers is the caller's: fiber_pool_bytes(count), aligned to 16. */
size_t fiber_pool_bytes(unsigned count);
void fiber_pool_init(void *memory, unsigned count, fiber_panic_fn_t panic);
/* Starts fn(arg) on a free fiber and runs it until it first waits; NULL if none is free. */
struct fiber *fiber_start(fiber_fn_t fn, void *arg);
/* In a fiber: suspend; returns the value that fiber_wake gave. */
intptr_t fiber_wait(void);
/* From the main loop or another fiber: continue f. In a fiber it only queues f for the main loop. */
void fiber_wake(struct fiber *f, intptr_t value);
/* Main loop: run fibers that fibers woke. */
void fiber_run_queued(void);
struct fiber *fiber_self(void); /* NULL in the main loop */
unsigned fiber_free_count(void);

#endif
