/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fibers (fiber.h). States:
 *
 *   FREE --start--> RUNNING --wait--> WAITING --wake--> (QUEUED, if a fiber woke it) --> RUNNING
 * --end--> FREE
 *
 * A wake that comes before the wait (something completed at once) is remembered: the fiber is
 * queued when it waits. Invariant: at most one fiber runs; `queue` holds exactly the fibers in
 * QUEUED.
 */
#include <stdbool.h>
#include <string.h>
#include "fiber/fiber.h"

#define CANARY 0xa5a5f1be7a5a5f1bul

enum fiber_state { FIBER_FREE, FIBER_RUNNING, FIBER_WAITING, FIBER_QUEUED };

struct fiber {
	void *sp;
	enum fiber_state state;
	bool is_woken; /* before it waited */
	intptr_t value;
	fiber_fn_t fn;
	void *arg;
	struct fiber *next; /* free list or queue */
	uint8_t *stack;
};

void fiber_switch(void **save, void *load);

static struct fiber *free_list, *queue_head, *queue_tail, *running;
static unsigned free_count;
static void *main_sp;
static fiber_panic_fn_t die;

#define FIBER_HEAD_BYTES ((sizeof(struct fiber) + 15) & ~15ul)

size_t fiber_pool_bytes(unsigned count)
{
	return count * (FIBER_HEAD_BYTES + FIBER_STACK_BYTES);
}

void fiber_pool_init(void *memory, unsigned count, fiber_panic_fn_t panic)
{
	uint8_t *heads = memory, *stacks = heads + count * FIBER_HEAD_BYTES;

	die = panic;
	for (unsigned i = 0; i < count; i++) {
		struct fiber *f = (struct fiber *)(void *)(heads + i * FIBER_HEAD_BYTES);
		uint64_t canary = CANARY;

		*f = (struct fiber){.stack = stacks + i * FIBER_STACK_BYTES, .next = free_list};
		memcpy(f->stack, &canary, sizeof(canary));
		free_list = f;
	}
	free_count = count;
}

static void check(const struct fiber *f)
{
	uint64_t canary;

	memcpy(&canary, f->stack, sizeof(canary));
	if (canary != CANARY)
		die("fiber: stack overflow");
}

static void enqueue(struct fiber *f)
{
	f->state = FIBER_QUEUED;
	f->next = NULL;
	if (queue_head)
		queue_tail->next = f;
	else
		queue_head = f;
	queue_tail = f;
}

/* From the main loop: f runs until it waits or ends. */
static void run(struct fiber *f)
{
	f->state = FIBER_RUNNING;
	running = f;
	fiber_switch(&main_sp, f->sp);
	running = NULL;
	check(f);
}

static void entry(void)
{
	struct fiber *f = running;

	f->fn(f->arg);
	f->state = FIBER_FREE;
	f->next = free_list;
	free_list = f;
	free_count++;
	fiber_switch(&f->sp, main_sp);
	die("fiber: an ended fiber ran");
}

struct fiber *fiber_start(fiber_fn_t fn, void *arg)
{
	struct fiber *f = free_list;
	uint64_t *top;

	if (!f)
		return NULL;
	free_list = f->next;
	free_count--;
	f->fn = fn;
	f->arg = arg;
	f->is_woken = false;
	/* What fiber_switch pops: six registers, then the return address; entry() starts as if
	 * called. */
	top = (uint64_t *)(void *)(f->stack + FIBER_STACK_BYTES - 16);
	memset(top - 8, 0, 10 * sizeof(*top));
	top[-2] = (uint64_t)entry;
	f->sp = top - 8;
	if (running)
		enqueue(f);
	else
		run(f);
	return f;
}

intptr_t fiber_wait(void)
{
	struct fiber *f = running;

	if (!f) {
		die("fiber: the main loop must not wait");
		return 0;
	}
	if (f->is_woken) {
		f->is_woken = false;
		enqueue(f);
	} else {
		f->state = FIBER_WAITING;
	}
	fiber_switch(&f->sp, main_sp);
	return f->value;
}

void fiber_wake(struct fiber *f, intptr_t value)
{
	f->value = value;
	if (f->state == FIBER_RUNNING)
		f->is_woken = true;
	else if (f->state != FIBER_WAITING)
		die("fiber: woken twice");
	else if (running)
		enqueue(f);
	else
		run(f);
}

void fiber_run_queued(void)
{
	while (queue_head) {
		struct fiber *f = queue_head;

		queue_head = f->next;
		run(f);
	}
}

struct fiber *fiber_self(void)
{
	return running;
}

unsigned fiber_free_count(void)
{
	return free_count;
}
