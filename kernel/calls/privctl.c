/* SPDX-License-Identifier: BSD-2-Clause */
/* PRIVCTL and SCHED: what a process may do, and when it runs. */
#include "proc.h"

static int check_priv(const struct priv *v)
{
	bool is_sane = v->id > PRIV_ID_NONE && v->id < NR_PRIVS && v->id != PRIV_ID_VM &&
	               v->io_count <= PRIV_RANGES_MAX && v->mem_count <= PRIV_RANGES_MAX &&
	               v->irq_count <= PRIV_RANGES_MAX && v->label[LABEL_MAX - 1] == 0;

	return is_sane ? 0 : -EINVAL;
}

static int set_priv(struct proc *caller, struct proc *p, uint64_t arg)
{
	struct priv v;
	int r = copy_arg_in(caller, &v, arg, sizeof(v));

	if (r == 0)
		r = check_priv(&v);
	if (r != 0)
		return r;
	privs[v.id] = v;
	if (p)
		p->priv = &privs[v.id];
	return 0;
}

static int assign(struct proc *caller, struct proc *p, uint64_t arg)
{
	uint32_t id;
	int r = copy_arg_in(caller, &id, arg, sizeof(id));

	if (r != 0)
		return r;
	if (id >= NR_PRIVS || id == PRIV_ID_VM || privs[id].label[0] == 0)
		return -EINVAL;
	p->priv = &privs[id];
	return 0;
}

static int add_range(struct priv_range *list, uint16_t *count, const struct priv_range *add)
{
	for (unsigned i = 0; i < *count; i++)
		if (list[i].base == add->base && list[i].len == add->len)
			return 0;
	if (*count == PRIV_RANGES_MAX)
		return -ENOSPC;
	list[(*count)++] = *add;
	return 0;
}

static int add_irq(struct priv *v, uint64_t line)
{
	for (unsigned i = 0; i < v->irq_count; i++)
		if (v->irq[i] == line)
			return 0;
	if (v->irq_count == PRIV_RANGES_MAX || line > 255)
		return -ENOSPC;
	v->irq[v->irq_count++] = (uint8_t)line;
	return 0;
}

static int add(struct proc *caller, enum privctl_op op, struct proc *p, uint64_t arg)
{
	struct priv_range range;
	int r = copy_arg_in(caller, &range, arg, sizeof(range));

	if (r != 0)
		return r;
	if (op == PRIVCTL_ADD_IRQ)
		return add_irq(p->priv, range.base);
	if (range.len == 0 || range.base + range.len < range.base)
		return -EINVAL;
	if (op == PRIVCTL_ADD_IO)
		return add_range(p->priv->io, &p->priv->io_count, &range);
	return add_range(p->priv->mem, &p->priv->mem_count, &range);
}

long do_privctl(struct proc *caller, const uint64_t *args)
{
	struct proc *p = proc_of((endpoint_t)args[1]);
	bool is_manager = caller->priv->flags & PRIV_MANAGER;
	bool is_pci = caller->priv->flags & PRIV_PCI;

	if (args[0] != PRIVCTL_UPDATE && !p)
		return -ESRCH;
	switch ((enum privctl_op)args[0]) {
	case PRIVCTL_SET: return is_manager ? set_priv(caller, p, args[2]) : -EPERM;
	case PRIVCTL_UPDATE: return is_manager ? set_priv(caller, NULL, args[2]) : -EPERM;
	case PRIVCTL_ASSIGN: return is_manager ? assign(caller, p, args[2]) : -EPERM;
	case PRIVCTL_QUERY:
		if (!is_manager && !(caller->priv->flags & PRIV_FIXED)) /* ds asks for labels */
			return -EPERM;
		return copy_arg_out(caller, args[2], p->priv, sizeof(*p->priv));
	case PRIVCTL_ADD_IO:
	case PRIVCTL_ADD_MEM:
	case PRIVCTL_ADD_IRQ:
		/* shared structures (none, applications, standbys) are nobody's device drivers */
		if (!is_pci || p->priv->id < PRIV_ID_DYNAMIC)
			return -EPERM;
		return add(caller, (enum privctl_op)args[0], p, args[2]);
	}
	return -EINVAL;
}

long do_sched(struct proc *caller, const uint64_t *args)
{
	struct proc *p = proc_of((endpoint_t)args[1]);

	if (!p || !(caller->priv->flags & PRIV_MANAGER))
		return -ESRCH;
	switch ((enum sched_op)args[0]) {
	case SCHED_SET:
		if (args[2] >= SCHED_PRIORITIES || args[3] < 100 || args[3] > 10000000)
			return -EINVAL;
		sched_unready(p);
		p->priority = p->base_priority = (uint16_t)args[2];
		p->quantum_us = (uint32_t)args[3];
		p->quantum_left_ns = p->quantum_us * 1000ul;
		if (p->rts == 0)
			sched_ready(p);
		return 0;
	case SCHED_STOP:
		if (p->priv->flags & PRIV_FIXED)
			return -EPERM;
		proc_set(p, KRTS_STOPPED);
		return 0;
	case SCHED_CONT: proc_unset(p, KRTS_STOPPED); return 0;
	case SCHED_BOOST: sched_boost(); return 0;
	}
	return -EINVAL;
}
