/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test of network drivers and filters from above, without a network stack: a component that rs starts like
 * a server.
 *
 *   -args UNIT:ping[:SECONDS]        every size of echo to QEMU's user network; or as load for so long
 *   -args UNIT,UNIT:pair[:SECONDS]   from one unit to the other, which must be on one wire
 *   -args UNIT,UNIT:merge[:SECONDS]  the same, and receiving units may make large frames of small ones
 *
 * As load it expects that drivers are killed meanwhile (by somebody else). Results go to the kernel log, one
 * line a case, and to the component's status. The test runs in a fiber, so that it reads as straight-line
 * code while the main loop stays responsive.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fiber/fiber.h"
#include "nettest.h"

#define ROUNDS_MAX 8
#define PAUSE_NS   100000ull

static struct fiber *runner;
static bool is_waiting, has_event, is_done;
static uint64_t t_wait_ns, alarm_at, duration_ns;
static char units[2][LABEL_MAX];
static unsigned unit_count;
static char mode[16];
static unsigned passed, failed;
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

void report(const char *name, bool is_good)
{
	passed += is_good;
	failed += !is_good;
	say("nettest: %s %s\n", is_good ? "ok  " : "FAIL", name);
}

uint32_t random32(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void wake(bool is_event)
{
	if (!is_waiting)
		return;
	is_waiting = false;
	t_wait_ns = 0;
	fiber_wake(runner, is_event);
}

void note_event(void)
{
	has_event = true;
}

bool wait_event(uint64_t timeout_ns)
{
	is_waiting = true;
	t_wait_ns = now_ns() + timeout_ns;
	return fiber_wait() != 0;
}

/* ---- the test ---- */

static bool open_ports(void)
{
	for (unsigned i = 0; i < unit_count; i++)
		if (!port_open(&ports[i], units[i])) {
			say("nettest: unit %s does not come up\n", units[i]);
			return false;
		}
	return true;
}

static void run(void *arg)
{
	(void)arg;
	if (!open_ports())
		failed++;
	else if (strcmp(mode, "ping") == 0)
		ping_run(duration_ns != 0, duration_ns);
	else
		pair_run(duration_ns != 0, duration_ns);
	is_done = true;
	say("nettest: done %s %s: %u passed, %u failed\n", units[0], mode, passed, failed);
}

static void panic(const char *why)
{
	sys_panic("nettest: %s", why);
}

/* ---- main loop ---- */

static int init(const struct sys_init *how)
{
	bool is_ping = strcmp(mode, "ping") == 0, is_pair = !is_ping;
	int err;

	(void)how;
	want_merging = strcmp(mode, "merge") == 0;
	if (!is_ping && !want_merging && strcmp(mode, "pair") != 0)
		return -EINVAL;
	if (unit_count != (is_pair ? 2u : 1u))
		return -EINVAL;
	err = ports_init();
	if (err != 0)
		return err;
	SYS_ASSERT(fiber_pool_bytes(1) <= sizeof(pool));
	fiber_pool_init(pool, 1, panic);
	t_wait_ns = now_ns(); /* the alarm starts it */
	return 0;
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	(void)how;
	netdev_message(m);
}

static void doorbell(endpoint_t from)
{
	netdev_doorbell(from);
}

static void ds_change(const struct ds_change *c)
{
	netdev_ds_change(c);
}

static void alarm_fired(uint64_t now)
{
	alarm_at = 0;
	netdev_alarm(now);
	if (runner == NULL)
		runner = fiber_start(run, NULL);
	else if (has_event || (t_wait_ns != 0 && now >= t_wait_ns))
		wake(has_event);
}

static void set_alarm(void)
{
	uint64_t t = netdev_next_deadline();

	if (t_wait_ns != 0 && (t == 0 || t_wait_ns < t))
		t = t_wait_ns;
	if (has_event)
		t = now_ns() + PAUSE_NS;
	if (t == alarm_at)
		return;
	alarm_at = t;
	if (k_setalarm(t) < 0)
		sys_panic("nettest: no alarm");
}

/* The test goes on outside the library's callbacks, until it waits for something that is not there. When that
 * takes long it goes on by an alarm a little later: messages have to be answered too, and RECEIVE takes them
 * only when no notification is pending. */
static void idle(void)
{
	netdev_idle();
	for (unsigned i = 0; has_event && i < ROUNDS_MAX; i++) {
		has_event = false;
		wake(true);
		netdev_idle();
	}
	set_alarm();
}

static int status(char *buf, size_t len)
{
	const struct probe_counts *c = &probe_counts;
	const struct port *p = &ports[0], *q = &ports[1];
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {{"done", is_done},
	             {"passed", passed},
	             {"failed", failed},
	             {"answered", c->answered},
	             {"lost", c->lost},
	             {"repeated", c->repeated},
	             {"strange", c->strange},
	             {"wrong", c->wrong},
	             {"longest_us", c->longest_ns / 1000},
	             {"sent", p->sent + q->sent},
	             {"confirmed", p->confirmed + q->confirmed},
	             {"tx_failed", p->failed + q->failed},
	             {"received", p->received + q->received},
	             {"receive_errors", p->receive_errors + q->receive_errors},
	             {"rounds", p->rounds + q->rounds},
	             {"merged", p->merged + q->merged}};
	int n = 0;

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		n += snprintf(buf + n, len - (size_t)n, "%s=%llu\n", lines[i].name,
		              (unsigned long long)lines[i].value);
	return n + netdev_status_text(buf + n, len - (size_t)n);
}

/* UNIT[,UNIT]:MODE[:SECONDS] */
static void parse(char *text)
{
	char *how = strchr(text, ':'), *seconds, *unit, *rest = text;

	if (how == NULL)
		return;
	*how++ = '\0';
	seconds = strchr(how, ':');
	if (seconds != NULL) {
		*seconds++ = '\0';
		duration_ns = strtoull(seconds, NULL, 10) * 1000000000ull;
	}
	snprintf(mode, sizeof(mode), "%s", how);
	while ((unit = strsep(&rest, ",")) != NULL && unit_count < 2)
		snprintf(units[unit_count++], LABEL_MAX, "%s", unit);
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

	if (argc > 1)
		parse(argv[1]);
	sys_main(&component);
}
