/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that the kernel keeps. */
#include <errno.h>
#include <string.h>
#include "dump/dump.h"

#define CHUNK      128
#define KLOG_CHUNK 4096
#define ABI_MAX    128
#define IRQS_MAX   64

static const struct {
	const char *text, *a, *b;
} kinds[EV_KINDS] = {
#define EVENT(name, text, a, b) [EV_##name] = {text, a, b},
#include "axolotl/event.def"
#undef EVENT
};

static void add_arg(struct text *t, const char *name, uint64_t value)
{
	if (!name[0])
		return;
	if (!strcmp(name, "rip"))
		text_add(t, " %s=%#llx", name, (unsigned long long)value);
	else
		text_add(t, " %s=%lld", name, (long long)value);
}

static void add_event(struct text *t, const struct event *e)
{
	unsigned kind = e->kind < EV_KINDS ? e->kind : EV_NONE;

	text_add(t, "[%5llu.%06llu] %s", (unsigned long long)(e->t_ns / 1000000000),
	         (unsigned long long)(e->t_ns / 1000 % 1000000), kinds[kind].text);
	if (e->label[0])
		text_add(t, " %.*s", LABEL_MAX, e->label);
	if (e->ep >= 0)
		text_add(t, " (ep %d)", e->ep);
	add_arg(t, kinds[kind].a, e->args[0]);
	add_arg(t, kinds[kind].b, e->args[1]);
	text_add(t, "\n");
}

int dump_events(struct text *t, uint64_t from_seq)
{
	static struct event chunk[CHUNK];
	uint64_t next = from_seq;
	int n;

	while (!t->is_full && (n = k_getinfo(KINFO_EVENTS, chunk, sizeof(chunk), next)) > 0) {
		for (int i = 0; i < n; i++)
			add_event(t, &chunk[i]);
		next = chunk[n - 1].seq + 1;
	}
	return 0;
}

static const char *const violation_names[VIOL_KINDS] = {
	[VIOL_KCALL_DENIED] = "kernel-call-denied",
	[VIOL_KCALL_NUMBER] = "kernel-call-number",
	[VIOL_IPC_ENDPOINT] = "ipc-endpoint",
	[VIOL_IPC_TARGET] = "ipc-target",
	[VIOL_IPC_PRIMITIVE] = "ipc-primitive",
	[VIOL_REQUEST] = "request",
	[VIOL_IO_PORT] = "io-port",
	[VIOL_IRQ] = "irq",
	[VIOL_MEMORY] = "memory",
	[VIOL_GRANT] = "grant",
	[VIOL_LINUX] = "linux-call",
	[VIOL_EXCEPTION] = "exception",
};

static struct kproc_info procs[NR_PROCS];

static unsigned read_procs(void)
{
	int n = k_getinfo(KINFO_PROCS, procs, sizeof(procs), 0);

	return n < 0 ? 0 : n < NR_PROCS ? (unsigned)n : NR_PROCS;
}

/* Who has a privilege id now; ids outlive processes, so there may be nobody. */
static const char *name_of_priv(uint32_t id, unsigned count)
{
	if (id == PRIV_ID_USER)
		return "applications";
	for (unsigned i = 0; i < count; i++)
		if (procs[i].priv_id == id)
			return procs[i].name;
	return "-";
}

int dump_violations(struct text *t)
{
	static uint64_t counts[NR_PRIVS][VIOL_KINDS];
	int r = k_getinfo(KINFO_VIOLATIONS, counts, sizeof(counts), 0);
	unsigned count = read_procs();

	if (r < 0)
		return -EIO;
	for (uint32_t id = 0; id < NR_PRIVS; id++)
		for (unsigned kind = 0; kind < VIOL_KINDS; kind++)
			if (counts[id][kind])
				text_add(t, "%-3u %-16.16s %-18s %llu\n", id,
				         name_of_priv(id, count), violation_names[kind],
				         (unsigned long long)counts[id][kind]);
	return 0;
}

int dump_abi(struct text *t)
{
	static struct kabi_count list[ABI_MAX];
	int n = k_getinfo(KINFO_ABI, list, sizeof(list), 0);

	for (int i = 0; i < n && i < ABI_MAX; i++)
		text_add(t, "%u %u %.*s\n", list[i].number, list[i].count,
		         (int)sizeof(list[i].last_name), list[i].last_name);
	return n < 0 ? -EIO : 0;
}

int dump_klog(struct text *t)
{
	char chunk[KLOG_CHUNK];
	uint64_t offset = 0;
	int n;

	while (!t->is_full && (n = k_getinfo(KINFO_KLOG, chunk, sizeof(chunk), offset)) > 0) {
		text_add_bytes(t, chunk, (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

int dump_irqs(struct text *t)
{
	struct kirq_count list[IRQS_MAX];
	int n = k_getinfo(KINFO_IRQS, list, sizeof(list), 0);

	for (int i = 0; i < n; i++)
		text_add(t, "%u %s %llu %d\n", list[i].line, list[i].is_msi ? "msi" : "line",
		         (unsigned long long)list[i].count, list[i].ep);
	return n < 0 ? -EIO : 0;
}

int dump_processes(struct text *t)
{
	unsigned count = read_procs();

	text_add(t, "%8s %4s %5s %8s %4s %10s %8s %s\n", "ep", "priv", "rts", "waits-on", "prio",
	         "cpu-ms", "messages", "name");
	for (unsigned i = 0; i < count; i++) {
		const struct kproc_info *k = &procs[i];

		text_add(t, "%8d %4u %#5x %8d %4u %10llu %8llu %.16s\n", k->ep, k->priv_id, k->rts,
		         k->blocked_on, k->priority,
		         (unsigned long long)((k->user_ns + k->system_ns) / 1000000),
		         (unsigned long long)k->ipc_count, k->name);
	}
	return count == 0 ? -EIO : 0;
}
