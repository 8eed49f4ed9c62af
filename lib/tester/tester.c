/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of components that test: see tester.h. */
#include <stdio.h>
#include <stdlib.h>

#include "fiber/fiber.h"
#include "tester/tester.h"

#define ROUNDS_MAX 8
#define PAUSE_NS   100000ull

static const struct tester *self;
static struct fiber *runner;
static bool is_waiting, has_event;
static uint64_t t_wait_ns, alarm_at;
static char pool[64 * 1024] __attribute__((aligned(64)));

void tester_say(const char *fmt, ...)
{
	char line[200];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0 && k_sysctl(SYSCTL_DIAG, line,
	                      (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
		exit(1); /* results that nobody sees are none */
}

/* ---- the fiber ---- */

void tester_event(void)
{
	has_event = true;
}

bool tester_wait(uint64_t timeout_ns)
{
	is_waiting = true;
	t_wait_ns = now_ns() + timeout_ns;
	return fiber_wait() != 0;
}

static void wake(bool is_event)
{
	if (!is_waiting)
		return;
	is_waiting = false;
	t_wait_ns = 0;
	fiber_wake(runner, is_event);
}

static void run(void *arg)
{
	(void)arg;
	self->run();
}

static void panic(const char *why)
{
	sys_panic("%s: %s", self->name, why);
}

/* ---- main loop ---- */

static int init(const struct sys_init *how)
{
	(void)how;
	SYS_ASSERT(fiber_pool_bytes(1) <= sizeof(pool));
	fiber_pool_init(pool, 1, panic);
	t_wait_ns = now_ns(); /* the alarm starts it */
	return self->init();
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	(void)how;
	if ((self->message != NULL && self->message(m)) || self->half->message(m))
		tester_event();
}

static void doorbell(endpoint_t from)
{
	(void)self->half->doorbell(from);
	tester_event();
}

static void ds_change(const struct ds_change *c)
{
	(void)self->half->ds_change(c);
}

static void alarm_fired(uint64_t now)
{
	alarm_at = 0;
	self->half->alarm(now);
	if (runner == NULL)
		runner = fiber_start(run, NULL);
	else if (has_event || (t_wait_ns != 0 && now >= t_wait_ns))
		wake(has_event);
}

static void set_alarm(void)
{
	uint64_t t = ns_earlier(self->half->next_deadline(), t_wait_ns);

	if (has_event)
		t = now_ns() + PAUSE_NS;
	if (t == alarm_at)
		return;
	alarm_at = t;
	if (k_setalarm(t) < 0)
		sys_panic("%s: no alarm", self->name);
}

/* The test goes on until it waits for something that is not there. When that takes long it goes on by an
 * alarm a little later: messages have to be answered too, and RECEIVE takes them only when no notification is
 * pending. */
static void idle(void)
{
	self->half->idle();
	for (unsigned i = 0; has_event && i < ROUNDS_MAX; i++) {
		has_event = false;
		wake(true);
		self->half->idle();
	}
	set_alarm();
}

static int status(char *buf, size_t len)
{
	return self->status(buf, len);
}

void tester_main(const struct tester *t)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .ds_change = ds_change,
	                                               .alarm = alarm_fired,
	                                               .idle = idle,
	                                               .status = status};

	self = t;
	sys_main(&component);
}
