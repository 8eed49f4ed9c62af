/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/axolotl: what this system has and Linux has not. Most of it is made by lib/dump. */
#include <errno.h>
#include <string.h>
#include "dump/dump.h"
#include "procfs.h"

int gen_events(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_events(t, 0);
}

int gen_services(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_services(t, false);
}

int gen_services_json(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_services(t, true);
}

int gen_violations(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_violations(t);
}

int gen_abi(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_abi(t);
}

int gen_klog(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_klog(t);
}

int gen_ds(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_ds(t);
}

int gen_pci(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_pci(t);
}

int gen_irqs(struct text *t, int32_t pid)
{
	(void)pid;
	return dump_irqs(t);
}

/* The kernel's view: who is where, and for whom it waits. */
int gen_endpoints(struct text *t, int32_t pid)
{
	const struct pm_procinfo *p;
	int32_t last = 0;

	(void)pid;
	text_add(t, "%6s %8s %4s %5s %8s %4s %8s %s\n", "pid", "ep", "priv", "rts", "waits-on",
	         "prio", "messages", "name");
	while ((p = data_next(last)) != NULL) {
		const struct kproc_info *k = data_kernel(p->ep);
		last = p->pid;
		if (k)
			text_add(t, "%6d %8d %4u %#5x %8d %4u %8llu %.16s\n", p->pid, p->ep,
			         k->priv_id, k->rts, k->blocked_on, k->priority,
			         (unsigned long long)k->ipc_count, p->name);
	}
	return 0;
}
