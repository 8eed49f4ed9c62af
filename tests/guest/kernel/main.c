/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs all tables of kernel tests and powers the machine off (ktest.h). */
#include <stdio.h>
#include "axolotl/timepage.h"
#include "ktest.h"

#define STACK_BYTES 16384
#define KEPT        1 /* owner of a stack whose process lives over all tests */

static uint8_t stacks[CHILDREN_MAX][STACK_BYTES] __attribute__((aligned(4096)));
static endpoint_t owners[CHILDREN_MAX];
static unsigned failed_checks, failed, passed;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (k_sysctl(SYSCTL_DIAG, text, strlen(text)) != 0)
		k_exit(1);
}

void check_at(bool ok, const char *file, int line, const char *what)
{
	if (ok)
		return;
	failed_checks++;
	say("  %s:%d: not true: %s\n", file, line, what);
}

void child_main(child_fn_t fn, long arg)
{
	fn(arg);
	child_park();
}

void child_park(void)
{
	struct msg m;

	for (;;)
		if (ipc_receive(EP_VM, &m) < 0)
			k_exit(99);
}

static int free_stack(void)
{
	for (int i = 0; i < CHILDREN_MAX; i++)
		if (owners[i] == 0)
			return i;
	return -1;
}

static void set_priv(endpoint_t ep, unsigned index, uint64_t kcalls)
{
	struct priv v = {.id = FIRST_PRIV + index,
	                 .flags = PRIV_SYSTEM,
	                 .ipc_mask = (1u << IPC_PRIMITIVES) - 1,
	                 .kcall_mask = kcalls};

	memset(v.send_mask, 0xff, sizeof(v.send_mask));
	snprintf(v.label, sizeof(v.label), "child%u", index);
	CHECK(k_privctl(PRIVCTL_SET, ep, &v) == 0);
}

endpoint_t child_start(child_fn_t fn, long arg, uint64_t kcalls)
{
	struct kfork f = {.parent = EP_NONE, .flags = KFORK_FRESH};
	struct kvmctl v = {.space = 0};
	struct kexec e = {.entry = (uint64_t)child_entry, .name = "child"};
	int i = free_stack();
	uint64_t *top;
	endpoint_t ep;

	CHECK(i >= 0);
	ep = k_fork(&f);
	CHECK(ep > 0);
	owners[i] = ep;
	top = (uint64_t *)(void *)(stacks[i] + STACK_BYTES - 64);
	top[0] = (uint64_t)fn;
	top[1] = (uint64_t)arg;
	e.stack = (uint64_t)top;
	v.ep = ep;
	set_priv(ep, (unsigned)i, kcalls);
	CHECK(k_vmctl(VMCTL_SET_SPACE, &v) == 0);
	CHECK(k_sched(SCHED_SET, ep, 7, 10000) == 0);
	CHECK(k_exec(ep, &e) == 0);
	return ep;
}

uint32_t child_priv(endpoint_t ep)
{
	for (unsigned i = 0; i < CHILDREN_MAX; i++)
		if (owners[i] == ep)
			return FIRST_PRIV + i;
	return PRIV_ID_NONE;
}

void child_end(endpoint_t ep)
{
	for (unsigned i = 0; i < CHILDREN_MAX; i++)
		if (owners[i] == ep)
			owners[i] = 0;
	CHECK(k_clear(ep) == 0);
}

int receive(endpoint_t from, struct msg *m)
{
	for (;;) {
		int how = ipc_receive(from, m);
		struct kvmctl v = {.ep = m->source, .result = -EFAULT};

		if (how < 0 || !(m->type & MSG_KERNEL))
			return how;
		CHECK(k_vmctl(VMCTL_CLEAR_FAULT, &v) == 0);
	}
}

uint64_t clock_read(void)
{
	struct ktimes t;

	CHECK(k_times(EP_SELF, &t) == 0);
	return t.now_ns;
}

void wait_for_change(const volatile uint32_t *p, uint32_t before)
{
	struct msg m;

	while (*p == before) {
		CHECK(k_setalarm(clock_read() + 1000000) == 0);
		CHECK(receive(EP_CLOCK, &m) == IPC_NOTIFY);
	}
}

uint64_t violations_of(uint32_t id, enum violation kind)
{
	static uint64_t all[NR_PRIVS][VIOL_KINDS];

	CHECK(k_getinfo(KINFO_VIOLATIONS, all, sizeof(all), 0) == 0);
	return all[id][kind];
}

static void run(const char *table, const struct ktest *t)
{
	for (; t->name; t++) {
		failed_checks = 0;
		t->fn();
		for (unsigned i = 0; i < CHILDREN_MAX; i++)
			if (owners[i] > KEPT)
				child_end(owners[i]);
		if (failed_checks)
			failed++;
		else
			passed++;
		say("%s %s.%s\n", failed_checks ? "FAIL" : "ok  ", table, t->name);
	}
}

/* pm's slot must exist: the kernel tells it about deaths. This one swallows what it gets. */
static void sink(long arg)
{
	struct msg m;

	(void)arg;
	while (ipc_receive(EP_ANY, &m) >= 0)
		;
}

int main(void)
{
	endpoint_t ds = child_start(sink, 0, 0), pm = child_start(sink, 0, 0);

	CHECK(ds == EP_DS && pm == EP_PM);
	owners[0] = owners[1] = KEPT;
	run("ipc", ipc_tests);
	run("copy", copy_tests);
	run("sched", sched_tests);
	run("deny", deny_tests);
	say("%u passed, %u failed\n", passed, failed);
	if (k_sysctl(SYSCTL_POWEROFF, NULL, 0) != 0)
		k_exit(1);
	return 0;
}
