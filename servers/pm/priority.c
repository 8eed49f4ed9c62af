/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling calls. Nice values become base priorities of the kernel's queues: 0 is 7, -20..-1 is
 * 6, 1..20 are 8..14. SCHED_BATCH and IDLE are accepted as hints. SCHED_FIFO and RR are for root and start
 * from the queue of drivers, 3, above filters and file servers; like everybody, who uses up his quantum there
 * sinks until the next boost, so a realtime loop starves nobody.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include "pm.h"

#define PRIORITY_USER      7
#define PRIORITY_LOWEST    14
#define PRIORITY_REALTIME  3
#define REALTIME_MAX       99
#define QUANTUM_US         20000
#define NICE_LOWEST        19
#define NICE_HIGHEST       (-20)
#define POLICY_IDLE        5
#define POLICY_BATCH       3
#define POLICY_RESET_FLAG  0x40000000
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASSES     3
#define CPUS_MAX           64

static bool is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static unsigned priority_of(int nice)
{
	if (nice < 0)
		return PRIORITY_USER - 1;
	return PRIORITY_USER +
	       (unsigned)(nice * (PRIORITY_LOWEST - PRIORITY_USER) + NICE_LOWEST - 1) / NICE_LOWEST;
}

int priority_apply(struct proc *p)
{
	unsigned priority = is_realtime(p->policy) ? PRIORITY_REALTIME : priority_of(p->nice);

	for (struct thread *t = p->threads; t; t = t->next) {
		int r = k_sched(SCHED_SET, t->ep, priority, QUANTUM_US);
		if (r < 0 && !t->is_exiting)
			return -ESRCH;
	}
	return 0;
}

static bool is_meant(const struct thread *t, const struct proc *p, const uint64_t *args)
{
	uint32_t who = (uint32_t)args[1];

	if (p->state == PROC_ZOMBIE)
		return false;
	switch ((int32_t)args[0]) {
	case PRIO_PROCESS: return p->pid == (who ? (int32_t)who : t->proc->pid);
	case PRIO_PGRP: return !p->is_system && p->pgid == (who ? (int32_t)who : t->proc->pgid);
	default: return !p->is_system && p->cred.uid == (who ? who : t->proc->cred.uid);
	}
}

/* The result is 20 - nice, as the raw call has it. */
int64_t call_getpriority(struct thread *t, const uint64_t *args)
{
	int64_t best = -ESRCH;

	if ((int32_t)args[0] < PRIO_PROCESS || (int32_t)args[0] > PRIO_USER)
		return -EINVAL;
	for (const struct proc *p = table.first; p; p = p->next)
		if (is_meant(t, p, args) && 20 - p->nice > best)
			best = 20 - p->nice;
	return best;
}

static int set_nice(const struct thread *t, struct proc *p, int nice)
{
	if (!proc_may_change(t->proc, p) || p->is_system)
		return -EPERM;
	if (nice < p->nice && t->proc->cred.euid != 0 &&
	    20 - nice > (int64_t)p->rlimits[RLIMIT_NICE].cur)
		return -EACCES;
	p->nice = (int8_t)nice;
	return priority_apply(p);
}

int64_t call_setpriority(struct thread *t, const uint64_t *args)
{
	int nice = (int32_t)args[2];
	int64_t result = -ESRCH;

	if ((int32_t)args[0] < PRIO_PROCESS || (int32_t)args[0] > PRIO_USER)
		return -EINVAL;
	nice = nice < NICE_HIGHEST ? NICE_HIGHEST : nice > NICE_LOWEST ? NICE_LOWEST : nice;
	for (struct proc *p = table.first; p; p = p->next) {
		int r;
		if (!is_meant(t, p, args))
			continue;
		r = set_nice(t, p, nice);
		if (r < 0 || result == -ESRCH)
			result = r;
	}
	return result;
}

int64_t call_sched_yield(struct thread *t, const uint64_t *args)
{
	(void)t;
	(void)args;
	return 0; /* answering has already put the caller behind the others of its queue */
}

static struct proc *target_of(struct thread *t, int32_t id)
{
	const struct thread *o = id ? thread_by_tid(id) : t;

	return o ? o->proc : NULL;
}

/* 0, or what Linux says of such a policy with such a priority. */
static int check_policy(int policy, int32_t priority)
{
	switch (policy) {
	case SCHED_OTHER:
	case POLICY_BATCH:
	case POLICY_IDLE: return priority == 0 ? 0 : -EINVAL;
	case SCHED_FIFO:
	case SCHED_RR: return priority >= 1 && priority <= REALTIME_MAX ? 0 : -EINVAL;
	default: return -EINVAL;
	}
}

/* policy < 0: keep it. */
static int64_t set_policy(struct thread *t, int32_t pid, int policy, uint64_t param_addr)
{
	struct proc *p = target_of(t, pid);
	int32_t priority;
	int r;

	if (pid < 0 || !param_addr)
		return -EINVAL;
	r = copy_in(t, &priority, param_addr, sizeof(priority));
	if (r < 0)
		return r;
	if (!p)
		return -ESRCH;
	policy = policy < 0 ? p->policy : policy & ~POLICY_RESET_FLAG;
	r = check_policy(policy, priority);
	if (r < 0)
		return r;
	if (!proc_may_change(t->proc, p) || p->is_system)
		return -EPERM;
	if (is_realtime(policy) && t->proc->cred.euid != 0 &&
	    (uint64_t)priority > p->rlimits[RLIMIT_RTPRIO].cur)
		return -EPERM;
	p->policy = (uint8_t)policy;
	p->realtime_priority = (uint8_t)priority;
	return priority_apply(p);
}

int64_t call_sched_setscheduler(struct thread *t, const uint64_t *args)
{
	if ((int32_t)args[1] < 0)
		return -EINVAL;
	return set_policy(t, (int32_t)args[0], (int)args[1], args[2]);
}

int64_t call_sched_setparam(struct thread *t, const uint64_t *args)
{
	return set_policy(t, (int32_t)args[0], -1, args[1]);
}

int64_t call_sched_getscheduler(struct thread *t, const uint64_t *args)
{
	const struct proc *p = target_of(t, (int32_t)args[0]);

	if ((int32_t)args[0] < 0)
		return -EINVAL;
	return p ? p->policy : -ESRCH;
}

int64_t call_sched_getparam(struct thread *t, const uint64_t *args)
{
	const struct proc *p = target_of(t, (int32_t)args[0]);
	int32_t priority;

	if ((int32_t)args[0] < 0 || !args[1])
		return -EINVAL;
	if (!p)
		return -ESRCH;
	priority = p->realtime_priority;
	return copy_out(t, args[1], &priority, sizeof(priority));
}

static int64_t priority_bound(int64_t policy, int64_t realtime)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR: return realtime;
	case SCHED_OTHER:
	case POLICY_BATCH:
	case POLICY_IDLE: return 0;
	default: return -EINVAL;
	}
}

int64_t call_sched_get_priority_max(struct thread *t, const uint64_t *args)
{
	(void)t;
	return priority_bound((int32_t)args[0], REALTIME_MAX);
}

int64_t call_sched_get_priority_min(struct thread *t, const uint64_t *args)
{
	(void)t;
	return priority_bound((int32_t)args[0], 1);
}

int64_t call_sched_rr_get_interval(struct thread *t, const uint64_t *args)
{
	struct ktimespec ts = timespec_of(QUANTUM_US * 1000ull);

	if ((int32_t)args[0] < 0)
		return -EINVAL;
	if (!target_of(t, (int32_t)args[0]))
		return -ESRCH;
	return copy_out(t, args[1], &ts, sizeof(ts));
}

/* ---- CPUs ---- */

static uint64_t cpu_set(void)
{
	struct kmachine m;
	uint32_t cpus = k_getinfo(KINFO_MACHINE, &m, sizeof(m), 0) < 0 ? 1 : m.cpus;

	return cpus >= CPUS_MAX ? ~0ull : (1ull << cpus) - 1;
}

int64_t call_sched_getaffinity(struct thread *t, const uint64_t *args)
{
	uint64_t set = cpu_set();
	int r;

	if (args[1] < sizeof(set) || (args[1] & 7))
		return -EINVAL;
	if (!target_of(t, (int32_t)args[0]))
		return -ESRCH;
	r = copy_out(t, args[2], &set, sizeof(set));
	return r < 0 ? r : (int64_t)sizeof(set);
}

int64_t call_sched_setaffinity(struct thread *t, const uint64_t *args)
{
	const struct proc *p = target_of(t, (int32_t)args[0]);
	uint64_t set = 0;
	int r = copy_in(t, &set, args[2], args[1] < sizeof(set) ? args[1] : sizeof(set));

	if (r < 0)
		return r;
	if (!p)
		return -ESRCH;
	if (!proc_may_change(t->proc, p))
		return -EPERM;
	/* A set that has all CPUs changes nothing; a smaller one could not be kept. */
	set &= cpu_set();
	return set == cpu_set() ? 0 : -EINVAL;
}

int64_t call_getcpu(struct thread *t, const uint64_t *args)
{
	const uint32_t zero = 0;
	int r = args[0] ? copy_out(t, args[0], &zero, sizeof(zero)) : 0;

	if (r == 0 && args[1])
		r = copy_out(t, args[1], &zero, sizeof(zero));
	return r;
}

/* ---- I/O priority: kept, and of no effect (one queue a disk) ---- */

int64_t call_ioprio_get(struct thread *t, const uint64_t *args)
{
	const struct proc *p;

	if (args[0] != IOPRIO_WHO_PROCESS)
		return -EINVAL;
	p = target_of(t, (int32_t)args[1]);
	return p ? (int64_t)p->ioprio : -ESRCH;
}

int64_t call_ioprio_set(struct thread *t, const uint64_t *args)
{
	uint32_t value = (uint32_t)args[2];
	struct proc *p;

	if (args[0] != IOPRIO_WHO_PROCESS || value >> 13 > IOPRIO_CLASSES || (value & 0x1fff) > 7)
		return -EINVAL;
	p = target_of(t, (int32_t)args[1]);
	if (!p)
		return -ESRCH;
	if (!proc_may_change(t->proc, p) || (value >> 13 == 1 && t->proc->cred.euid != 0))
		return -EPERM;
	p->ioprio = value;
	return 0;
}
