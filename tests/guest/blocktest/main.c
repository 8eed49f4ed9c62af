/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance suite of the block protocol, and load on it: a component that rs starts like a
 * driver.
 *
 *   boot option blocktest=UNIT:MODE, or -args "UNIT:MODE"
 *     conform   every case that does not write     write    all cases (destroys the unit's
 * contents) read      sequential reads, 1 MiB            kill     reads while the server is
 * complained to death verify    writes and reads back with deaths in between (destroys the
 * contents)
 *
 * Results go to the kernel log, one line a case, and to the component's status: "passed=N
 * failed=N". Cases run in a fiber, so that they read as straight-line code while the main loop
 * stays responsive.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev/blockdev.h"
#include "blocktest.h"
#include "fiber/fiber.h"

#define LOOKUP_NS 10000000ull
#define START_NS  10000000000ull

struct test_unit test_unit;

static struct fiber *runner;
static bool is_waiting;
static uint64_t t_wait_ns;
static uint64_t alarm_at;
static char mode[16] = "conform";
static unsigned passed, failed, skipped;
static bool is_done;
static char pool[64 * 1024] __attribute__((aligned(64)));

void say(const char *fmt, ...)
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

static void wake(bool is_event)
{
	if (!is_waiting)
		return;
	is_waiting = false;
	t_wait_ns = 0;
	fiber_wake(runner, is_event);
}

bool wait_event(uint64_t timeout_ns)
{
	is_waiting = true;
	t_wait_ns = now_ns() + timeout_ns;
	return fiber_wait() != 0;
}

endpoint_t wait_server(endpoint_t old, uint64_t timeout_ns)
{
	uint64_t deadline = now_ns() + timeout_ns;
	endpoint_t ep;

	while (now_ns() < deadline) {
		if (ds_lookup_label(test_unit.label, &ep) == 0 && ep != old && ep != EP_NONE)
			return ep;
		wait_event(LOOKUP_NS);
	}
	return EP_NONE;
}

/* ---- the suite ---- */

static void run_cases(const struct case_row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const char *why = rows[i].fn();

		if (why == NULL)
			passed++;
		else if (why[0] == '\0')
			skipped++;
		else
			failed++;
		if (why == NULL || why[0] != '\0')
			say("blocktest: %s %s%s%s\n", why == NULL ? "ok  " : "FAIL", rows[i].name,
			    why == NULL ? "" : ": ", why == NULL ? "" : why);
	}
}

static void find_unit(void)
{
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];
	uint64_t deadline = now_ns() + START_NS;
	char *colon;

	snprintf(key, sizeof(key), "blk.%.20s", test_unit.name);
	while (ds_lookup_str(key, value, sizeof(value)) != 0) {
		if (now_ns() > deadline)
			sys_panic("blocktest: there is no unit %s", test_unit.name);
		wait_event(LOOKUP_NS);
	}
	colon = strrchr(value, ':');
	SYS_ASSERT(colon != NULL);
	*colon = '\0';
	snprintf(test_unit.label, sizeof(test_unit.label), "%s", value);
	test_unit.unit = (uint32_t)strtoul(colon + 1, NULL, 10);
}

static void run(void *arg)
{
	bool is_suite = strcmp(mode, "conform") == 0 || strcmp(mode, "write") == 0;

	(void)arg;
	test_unit.may_write = strcmp(mode, "write") == 0 || strcmp(mode, "verify") == 0;
	find_unit();
	if (is_suite) {
		run_cases(control_cases, control_case_count);
		run_cases(data_cases, data_case_count);
		run_cases(abuse_cases, abuse_case_count);
	} else {
		stress_run(mode);
	}
	is_done = true;
	say("blocktest: done %s %s: %u passed, %u failed, %u skipped\n", test_unit.name, mode,
	    passed, failed, skipped);
}

static void panic(const char *why)
{
	sys_panic("blocktest: %s", why);
}

/* ---- main loop ---- */

static int init(const struct sys_init *how)
{
	char option[DS_VALUE_MAX];

	(void)how;
	if (test_unit.name[0] == '\0' &&
	    ds_lookup_str("boot.blocktest", option, sizeof(option)) == 0) {
		char *colon = strchr(option, ':');

		if (colon != NULL) {
			*colon = '\0';
			snprintf(mode, sizeof(mode), "%s", colon + 1);
		}
		snprintf(test_unit.name, sizeof(test_unit.name), "%s", option);
	}
	if (test_unit.name[0] == '\0')
		return -EINVAL;
	SYS_ASSERT(fiber_pool_bytes(1) <= sizeof(pool));
	fiber_pool_init(pool, 1, panic);
	t_wait_ns = now_ns(); /* the alarm starts it */
	return 0;
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	extern bool raw_message(const struct msg *in);

	(void)how;
	if (raw_message(m) || bdev_message(m))
		wake(true);
}

static void doorbell(endpoint_t from)
{
	bdev_doorbell(from);
	wake(true);
}

static void ds_change(const struct ds_change *c)
{
	bdev_ds_change(c);
}

static void alarm_fired(uint64_t now)
{
	alarm_at = 0;
	bdev_alarm(now);
	if (runner == NULL)
		runner = fiber_start(run, NULL);
	else if (t_wait_ns != 0 && now >= t_wait_ns)
		wake(false);
}

static void idle(void)
{
	uint64_t t = bdev_next_deadline();

	bdev_idle();
	if (t_wait_ns != 0 && (t == 0 || t_wait_ns < t))
		t = t_wait_ns;
	if (t == alarm_at)
		return;
	alarm_at = t;
	if (k_setalarm(t) < 0)
		sys_panic("blocktest: no alarm");
}

static int status(char *buf, size_t len)
{
	return snprintf(buf, len, "unit=%s\nmode=%s\ndone=%d\npassed=%u\nfailed=%u\nskipped=%u\n",
	                test_unit.name, mode, is_done, passed, failed, skipped);
}

int main(int argc, char **argv)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .ds_change = ds_change,
	                                               .alarm = alarm_fired,
	                                               .idle = idle,
	                                               .status = status};

	if (argc > 1) {
		const char *colon = strchr(argv[1], ':');

		snprintf(test_unit.name, sizeof(test_unit.name), "%.*s",
		         colon != NULL ? (int)(colon - argv[1]) : LABEL_MAX - 1, argv[1]);
		if (colon != NULL)
			snprintf(mode, sizeof(mode), "%s", colon + 1);
	}
	sys_main(&component);
}
