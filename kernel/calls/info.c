/* SPDX-License-Identifier: BSD-2-Clause */
/* SETALARM, TIMES, GETINFO. Lists are written in chunks straight to the caller's buffer. */
#include "proc.h"

long do_setalarm(struct proc *caller, const uint64_t *args)
{
	if (args[1] & ~(uint64_t)ALARM_IDLE)
		return -EINVAL;
	caller->flags &= ~PF_CLOCK;
	clock_set_alarm(caller, args[0], args[1] != 0);
	return 0;
}

long do_times(struct proc *caller, const uint64_t *args)
{
	struct proc *p = proc_of_call(caller, (endpoint_t)args[0]);
	struct ktimes t;

	if (!p)
		return -ESRCH;
	t = (struct ktimes){.now_ns = clock_now(),
	                    .idle_ns = idle_ns,
	                    .user_ns = p->user_ns,
	                    .system_ns = p->system_ns,
	                    .switches = count_switches};
	return copy_arg_out(caller, args[1], &t, sizeof(t));
}

struct out {
	struct proc *caller;
	uint64_t va, left;
	long count;
};

/* 1: written, 0: the buffer is full, or an error */
static int emit(struct out *o, const void *item, size_t len)
{
	int r;

	if (o->left < len)
		return 0;
	r = copy_arg_out(o->caller, o->va, item, len);
	if (r != 0)
		return r;
	o->va += len;
	o->left -= len;
	o->count++;
	return 1;
}

/* The whole answer is one item: 0, or -EINVAL if the buffer is too small for it. */
static long give(struct out *o, const void *item, size_t len)
{
	int r = emit(o, item, len);

	return r < 0 ? r : r == 0 ? -EINVAL : 0;
}

static endpoint_t blocked_on(const struct proc *p)
{
	if (p->rts & KRTS_SENDING)
		return p->sendto;
	return p->rts & KRTS_RECEIVING ? p->getfrom : EP_NONE;
}

static long list_procs(struct out *o)
{
	for (unsigned i = 1; i < NR_PROCS; i++) {
		const struct proc *p = &procs[i];
		struct kproc_info info;
		int r;

		if (p->rts & KRTS_FREE)
			continue;
		info = (struct kproc_info){.ep = p->ep,
		                           .priv_id = p->priv->id,
		                           .rts = p->rts,
		                           .blocked_on = blocked_on(p),
		                           .priority = p->priority,
		                           .base_priority = p->base_priority,
		                           .space = p->space,
		                           .user_ns = p->user_ns,
		                           .system_ns = p->system_ns,
		                           .ipc_count = p->ipc_count};
		memcpy(info.name, p->name, sizeof(info.name));
		r = emit(o, &info, sizeof(info));
		if (r <= 0)
			return r < 0 ? r : o->count;
	}
	return o->count;
}

static long list_events(struct out *o, uint64_t first)
{
	uint64_t last = event_last();

	if (last >= EVENT_LOG_SLOTS && first <= last - EVENT_LOG_SLOTS)
		first = last - EVENT_LOG_SLOTS + 1;
	for (uint64_t seq = first ? first : 1; seq <= last; seq++) {
		const struct event *e = event_get(seq);
		int r = e ? emit(o, e, sizeof(*e)) : 1;

		if (r <= 0)
			return r < 0 ? r : o->count;
	}
	return o->count;
}

static long give_klog(struct out *o, uint64_t offset)
{
	char text[512];

	for (;;) {
		size_t want = o->left < sizeof(text) ? o->left : sizeof(text);
		size_t n = klog_read(offset + (uint64_t)o->count, text, want);
		int r;

		if (n == 0)
			return o->count;
		r = copy_arg_out(o->caller, o->va, text, n);
		if (r != 0)
			return r;
		o->va += n;
		o->left -= n;
		o->count += (long)n;
	}
}

static long give_machine(struct out *o)
{
	struct kmachine m = {.tsc_hz = time_page->tsc_hz,
	                     .ram_bytes = boot.phys_top,
	                     .cpus = 1,
	                     .features = cpu_features,
	                     .runnable = sched_runnable()};

	for (unsigned i = 0; i < boot.free_count; i++)
		m.ram_bytes =
			i == 0 ? boot.free[0].len_bytes : m.ram_bytes + boot.free[i].len_bytes;
	cpu_name(m.cpu_name);
	clock_load(m.loadavg);
	return give(o, &m, sizeof(m));
}

static long give_whoami(struct out *o)
{
	const struct proc *p = o->caller;
	struct kwhoami w = {.ep = p->ep, .priv_id = p->priv->id, .priv_flags = p->priv->flags};

	memcpy(w.label, p->priv->label, LABEL_MAX);
	return give(o, &w, sizeof(w));
}

static long list_abi(struct out *o)
{
	static struct kabi_count list[128];
	int n = linux_list_unknown(list, ARRAY_LEN(list)), r = 1;

	for (int i = 0; i < n && r > 0; i++)
		r = emit(o, &list[i], sizeof(list[i]));
	return r < 0 ? r : o->count;
}

static long list_irqs(struct out *o)
{
	static struct kirq_count list[64];
	int n = irq_list(list, ARRAY_LEN(list)), r = 1;

	for (int i = 0; i < n && r > 0; i++)
		r = emit(o, &list[i], sizeof(list[i]));
	return r < 0 ? r : o->count;
}

long do_getinfo(struct proc *caller, const uint64_t *args)
{
	struct out o = {.caller = caller, .va = args[1], .left = args[2]};

	switch ((enum kinfo)args[0]) {
	case KINFO_BOOT: return give(&o, &boot, sizeof(boot));
	case KINFO_WHOAMI: return give_whoami(&o);
	case KINFO_PROCS: return list_procs(&o);
	case KINFO_EVENTS: return list_events(&o, args[3]);
	case KINFO_VIOLATIONS: return give(&o, violations, sizeof(violations));
	case KINFO_KLOG: return give_klog(&o, args[3]);
	case KINFO_MACHINE: return give_machine(&o);
	case KINFO_ABI: return list_abi(&o);
	case KINFO_IRQS: return list_irqs(&o);
	}
	return -EINVAL;
}
