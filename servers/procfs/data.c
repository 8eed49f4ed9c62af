/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of processes that pm and the kernel keep, read together and kept for a few
 * milliseconds, so that a listing of all processes costs one question and not one for each file.
 */
#include <stdlib.h>
#include "procfs.h"

static struct pm_procinfo procs[PROCS_KEPT];
static struct kproc_info kernel_list[NR_PROCS];
static const struct kproc_info *by_slot[NR_PROCS];
static uint32_t count;
static uint64_t read_at_ns;

/* Time in the kernel of processes that are gone must not be lost from the sum. */
static uint64_t system_sum_ns, last_system_ns[NR_PROCS];
static endpoint_t last_ep[NR_PROCS];

static int by_pid(const void *a, const void *b)
{
	const struct pm_procinfo *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static void read_pm(void)
{
	struct pm_info req = {.len_bytes = sizeof(procs)};
	struct pm_rep rep = {0};

	req.grant = grant_direct(EP_PM, procs, sizeof(procs), GRANT_WRITE);
	if (sys_call(EP_PM, PM_INFO_PROCS, &req, &rep) < 0)
		rep.result = 0;
	grant_revoke(req.grant);
	count = rep.result > 0 ? (uint32_t)rep.result : 0;
	if (count > PROCS_KEPT)
		count = PROCS_KEPT;
	qsort(procs, count, sizeof(procs[0]), by_pid);
}

static void read_kernel(void)
{
	int n = k_getinfo(KINFO_PROCS, kernel_list, sizeof(kernel_list), 0);

	for (unsigned i = 0; i < NR_PROCS; i++)
		by_slot[i] = NULL;
	for (int i = 0; i < n && i < NR_PROCS; i++) {
		const struct kproc_info *k = &kernel_list[i];
		unsigned slot = EP_SLOT(k->ep);
		if (k->ep < 0 || slot >= NR_PROCS)
			continue;
		by_slot[slot] = k;
		if (last_ep[slot] != k->ep)
			last_system_ns[slot] = 0;
		last_ep[slot] = k->ep;
		if (k->system_ns > last_system_ns[slot])
			system_sum_ns += k->system_ns - last_system_ns[slot];
		last_system_ns[slot] = k->system_ns;
	}
}

void data_refresh(uint64_t max_age_ns)
{
	uint64_t now = now_ns();

	if (read_at_ns && now - read_at_ns <= max_age_ns)
		return;
	read_pm();
	read_kernel();
	read_at_ns = now;
}

const struct pm_procinfo *data_proc(int32_t pid)
{
	const struct pm_procinfo key = {.pid = pid};

	return bsearch(&key, procs, count, sizeof(procs[0]), by_pid);
}

const struct pm_procinfo *data_next(int32_t after)
{
	for (uint32_t i = 0; i < count; i++)
		if (procs[i].pid > after)
			return &procs[i];
	return NULL;
}

uint32_t data_count(void)
{
	return count;
}

uint64_t data_system_ns(void)
{
	return system_sum_ns;
}

struct data_thread_counts data_threads(void)
{
	struct data_thread_counts c = {0, 0};

	for (uint32_t i = 0; i < count; i++) {
		c.total += procs[i].threads;
		c.running += procs[i].state == 'R';
	}
	return c;
}

const struct kproc_info *data_kernel(endpoint_t ep)
{
	const struct kproc_info *k =
		ep >= 0 && EP_SLOT(ep) < NR_PROCS ? by_slot[EP_SLOT(ep)] : NULL;

	return k && k->ep == ep ? k : NULL;
}
