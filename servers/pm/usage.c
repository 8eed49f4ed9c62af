/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * times and getrusage: CPU time from the kernel, memory from vm. The memory of a process is looked at
 * when somebody asks and when it ends; its largest size is the largest that was seen then.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include "pm.h"

#define TICK_NS 10000000ull

static struct ktimeval timeval_of(uint64_t ns)
{
	return (struct ktimeval){(int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000 / 1000)};
}

static void fill(struct krusage *ru, const struct cpu_time *c, const struct mem_use *m)
{
	memset(ru, 0, sizeof(*ru));
	ru->utime = timeval_of(c->user_ns);
	ru->stime = timeval_of(c->system_ns);
	ru->maxrss = (int64_t)(m->max_rss_bytes >> 10);
	ru->minflt = (int64_t)m->minor_faults;
	ru->majflt = (int64_t)m->major_faults;
}

void usage_note_memory(struct proc *p)
{
	struct vm_procinfo v = {0};
	struct vm_info i = {.len_bytes = sizeof(v)};
	struct vm_rep rep = {0};
	int r = -ESRCH;

	if (!p->threads)
		return;
	i.ep = p->threads->ep;
	i.grant = grant_direct(EP_VM, &v, sizeof(v), GRANT_WRITE);
	if (i.grant != GRANT_INVALID)
		r = sys_call(EP_VM, VM_INFO_PROC, &i, &rep);
	grant_revoke(i.grant);
	if (r < 0 || rep.result < 0)
		return;
	if (v.resident_bytes > p->memory.max_rss_bytes)
		p->memory.max_rss_bytes = v.resident_bytes;
	p->memory.minor_faults = v.minor_faults;
	p->memory.major_faults = v.major_faults;
}

static void add_memory(struct mem_use *to, const struct mem_use *from)
{
	if (from->max_rss_bytes > to->max_rss_bytes)
		to->max_rss_bytes = from->max_rss_bytes;
	to->minor_faults += from->minor_faults;
	to->major_faults += from->major_faults;
}

static void add_cpu(struct cpu_time *to, const struct cpu_time *from)
{
	to->user_ns += from->user_ns;
	to->system_ns += from->system_ns;
}

void usage_add_child(struct proc *parent, const struct proc *child)
{
	add_cpu(&parent->children_time, &child->dead_threads);
	add_cpu(&parent->children_time, &child->children_time);
	add_memory(&parent->children_memory, &child->memory);
	add_memory(&parent->children_memory, &child->children_memory);
}

/* What wait4 tells: the child and all that it waited for itself. */
void usage_of_child(struct krusage *ru, const struct proc *child)
{
	struct cpu_time c = child->dead_threads;
	struct mem_use m = child->memory;

	add_cpu(&c, &child->children_time);
	add_memory(&m, &child->children_memory);
	fill(ru, &c, &m);
}

int64_t call_times(struct thread *t, const uint64_t *args)
{
	const struct proc *p = t->proc;
	struct cpu_time c = proc_cpu_time(p);
	int64_t out[4] = {(int64_t)(c.user_ns / TICK_NS), (int64_t)(c.system_ns / TICK_NS),
	                  (int64_t)(p->children_time.user_ns / TICK_NS),
	                  (int64_t)(p->children_time.system_ns / TICK_NS)};
	int r = args[0] ? copy_out(t, args[0], out, sizeof(out)) : 0;

	return r < 0 ? r : (int64_t)(now_ns() / TICK_NS);
}

int64_t call_getrusage(struct thread *t, const uint64_t *args)
{
	struct proc *p = t->proc;
	struct krusage ru;
	struct cpu_time c;

	switch ((int32_t)args[0]) {
	case RUSAGE_SELF: c = proc_cpu_time(p); break;
	case RUSAGE_CHILDREN: c = p->children_time; break;
	case RUSAGE_THREAD: c = thread_cpu_time(t); break;
	default: return -EINVAL;
	}
	if ((int32_t)args[0] != RUSAGE_CHILDREN)
		usage_note_memory(p);
	fill(&ru, &c, (int32_t)args[0] == RUSAGE_CHILDREN ? &p->children_memory : &p->memory);
	return copy_out(t, args[1], &ru, sizeof(ru));
}
