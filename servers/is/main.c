/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * is: the information server (is.h). It keeps nothing: every table is made from what kernel, rs, ds, pci and vm
 * say at that moment. None of them ever waits for is.
 */
#include <errno.h>
#include <string.h>
#include "axolotl/is.h"
#include "dump/dump.h"

#define TEXT_BYTES  (256u << 10)
#define EVENTS_KEPT 64 /* the newest ones are wanted at a console */

static char buffer[TEXT_BYTES];

static int help(struct text *t)
{
	text_add(t, "%s",
	         "Shift with: F1 this list  F2 processes  F3 services  F4 events\n"
	         "F5 violations  F6 memory  F7 names  F8 PCI  F9 interrupts  F10 kernel log\n");
	return 0;
}

static int services(struct text *t)
{
	return dump_services(t, false);
}

static int newest_events(struct text *t)
{
	struct event e;
	uint64_t last = 0;

	/* Sequence numbers run on, so the last one is found by asking for what lies behind. */
	for (uint64_t step = EVENT_LOG_SLOTS; step > 0; step /= 2)
		while (k_getinfo(KINFO_EVENTS, &e, sizeof(e), last + step) > 0)
			last = e.seq;
	return dump_events(t, last > EVENTS_KEPT ? last - EVENTS_KEPT : 0);
}

static const struct {
	const char *title;
	int (*make)(struct text *t);
} tables[IS_TABLES] = {
	[IS_HELP] = {"keys", help},
	[IS_PROCESSES] = {"processes", dump_processes},
	[IS_SERVICES] = {"services", services},
	[IS_EVENTS] = {"events", newest_events},
	[IS_VIOLATIONS] = {"violations of policies", dump_violations},
	[IS_MEMORY] = {"memory", dump_memory},
	[IS_NAMES] = {"names in ds", dump_ds},
	[IS_DEVICES] = {"PCI devices", dump_pci},
	[IS_INTERRUPTS] = {"interrupts", dump_irqs},
	[IS_LOG] = {"kernel log", dump_klog},
};

/* The last lines that fit into `len` bytes. */
static const char *newest(const struct text *t, size_t len)
{
	const char *from, *line;

	if (t->len <= len)
		return t->buf;
	from = t->buf + t->len - len;
	line = memchr(from, '\n', len);
	return line != NULL ? line + 1 : from;
}

static int dump(const struct msg *m, const struct is_dump *req)
{
	struct text t = {.buf = buffer, .cap = sizeof(buffer)};
	const char *from;
	int r;

	if (req->table >= IS_TABLES || tables[req->table].make == NULL)
		return -EINVAL;
	text_add(&t, "\n--- %s ---\n", tables[req->table].title);
	r = tables[req->table].make(&t);
	if (r < 0)
		text_add(&t, "not available: error %d\n", -r);
	from = newest(&t, req->len_bytes);
	t.len -= (size_t)(from - t.buf);
	r = k_safecopy_to(m->source, req->grant, 0, from, t.len);
	return r < 0 ? r : (int)t.len;
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	struct is_dump req;
	struct is_rep rep;

	if (m->type != IS_DUMP) {
		sys_violation(m->source, VIOL_REQUEST, m->type);
		return;
	}
	msg_get(m, &req);
	rep = (struct is_rep){.id = req.id, .result = dump(m, &req)};
	sys_reply(m, how, &rep);
}

int main(void)
{
	static const struct sys_component component = {.message = message};

	sys_main(&component);
}
