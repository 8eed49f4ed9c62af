/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device interrupts become notifications from EP_HARDWARE. A hook ties a vector to a process and to
 * a hook number of the process's own. Lines (IOAPIC) are masked from the interrupt until every hook
 * on them has been acknowledged; message-signalled interrupts have a vector each and need no ACK.
 */
#include "proc.h"

#define HOOKS_MAX 128

struct irq_hook {
	struct proc *p; /* NULL: free */
	uint8_t vector, hook;
	bool is_msi, is_waiting; /* for the ACK */
	uint32_t line;
	uint64_t count;
};
static struct irq_hook hooks[HOOKS_MAX];

static struct irq_hook *hook_of(const struct proc *p, unsigned hook)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++)
		if (hooks[i].p == p && hooks[i].hook == hook)
			return &hooks[i];
	return NULL;
}

static struct irq_hook *free_hook(void)
{
	return hook_of(NULL, 0);
}

static bool is_line_quiet(uint32_t line)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++)
		if (hooks[i].p && !hooks[i].is_msi && hooks[i].line == line && hooks[i].is_waiting)
			return false;
	return true;
}

static bool is_line_used(uint32_t line)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++)
		if (hooks[i].p && !hooks[i].is_msi && hooks[i].line == line)
			return true;
	return false;
}

void irq_deliver(unsigned vector)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		struct irq_hook *h = &hooks[i];

		if (!h->p || h->vector != vector)
			continue;
		if (!h->is_msi) {
			ioapic_mask(h->line, true);
			h->is_waiting = true;
		}
		h->count++;
		ipc_notify_irq(h->p, h->hook);
	}
	apic_eoi();
}

int irq_hook_line(struct proc *p, uint32_t line, unsigned hook)
{
	struct irq_hook *h = free_hook();
	bool is_shared = is_line_used(line);
	unsigned vector = VEC_IOAPIC + line;

	if (hook_of(p, hook))
		return -EBUSY;
	if (!h)
		return -ENOSPC;
	if (vector >= VEC_MSI || (!is_shared && ioapic_route(line, vector) != 0))
		return -EINVAL;
	*h = (struct irq_hook){
		.p = p, .vector = (uint8_t)vector, .hook = (uint8_t)hook, .line = line};
	if (is_line_quiet(line))
		ioapic_mask(line, false);
	return 0;
}

static unsigned free_vector(void)
{
	bool used[256] = {false};

	for (unsigned i = 0; i < HOOKS_MAX; i++)
		if (hooks[i].p)
			used[hooks[i].vector] = true;
	for (unsigned v = VEC_MSI; v < VEC_MSI_END; v++)
		if (!used[v])
			return v;
	return 0;
}

/* Address and data: Intel SDM volume 3 section 11.11; fixed delivery, edge. */
int irq_hook_msi(struct proc *p, unsigned hook, struct kirqctl *out)
{
	struct irq_hook *h = hook_of(p, hook);

	if (h && !h->is_msi)
		return -EBUSY;
	if (!h) {
		unsigned vector = free_vector();

		h = free_hook();
		if (!h || !vector)
			return -ENOSPC;
		*h = (struct irq_hook){.p = p,
		                       .vector = (uint8_t)vector,
		                       .hook = (uint8_t)hook,
		                       .is_msi = true,
		                       .line = vector};
	}
	out->msi_addr = 0xfee00000ul | (uint64_t)apic_id() << 12;
	out->msi_data = h->vector;
	return 0;
}

int irq_ack(struct proc *p, unsigned hook)
{
	struct irq_hook *h = hook_of(p, hook);

	if (!h)
		return -ENOENT;
	h->is_waiting = false;
	if (!h->is_msi && is_line_quiet(h->line))
		ioapic_mask(h->line, false);
	return 0;
}

static void unhook(struct irq_hook *h)
{
	uint32_t line = h->line;
	bool was_line = !h->is_msi;

	h->p = NULL;
	h->hook = 0;
	if (was_line)
		ioapic_mask(line, !is_line_used(line) || !is_line_quiet(line));
}

int irq_unhook(struct proc *p, unsigned hook)
{
	struct irq_hook *h = hook_of(p, hook);

	if (!h)
		return -ENOENT;
	unhook(h);
	return 0;
}

void irq_release_all(struct proc *p)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++)
		if (hooks[i].p == p)
			unhook(&hooks[i]);
}

int irq_list(struct kirq_count *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOOKS_MAX && n < max; i++)
		if (hooks[i].p)
			out[n++] = (struct kirq_count){.line = hooks[i].line,
			                               .is_msi = hooks[i].is_msi,
			                               .count = hooks[i].count,
			                               .ep = hooks[i].p->ep};
	return (int)n;
}
