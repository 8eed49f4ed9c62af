/* SPDX-License-Identifier: BSD-2-Clause */
/* VDEVIO and IRQCTL: ports and interrupts, for processes whose policy names them. */
#include "proc.h"

static bool may_use_port(const struct priv *v, const struct vdevio *io)
{
	for (unsigned i = 0; i < v->io_count; i++)
		if (io->port >= v->io[i].base && io->width <= v->io[i].len &&
		    io->port - v->io[i].base <= v->io[i].len - io->width)
			return true;
	return false;
}

static int port_access(struct vdevio *io)
{
	switch (io->width | (io->is_write ? 16 : 0)) {
	case 1: io->value = inb(io->port); return 0;
	case 2: io->value = inw(io->port); return 0;
	case 4: io->value = inl(io->port); return 0;
	case 16 + 1: outb(io->port, (uint8_t)io->value); return 0;
	case 16 + 2: outw(io->port, (uint16_t)io->value); return 0;
	case 16 + 4: outl(io->port, io->value); return 0;
	default: return -EINVAL;
	}
}

static bool has_input(const struct vdevio *vec, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!vec[i].is_write)
			return true;
	return false;
}

/* All are checked before the first is done. The vector is writable from the start (input goes
 * back), so that no fault can make an access happen twice. */
long do_vdevio(struct proc *caller, const uint64_t *args)
{
	struct vdevio vec[VDEVIO_MAX];
	uint64_t count = args[1];
	int r;

	if (count > VDEVIO_MAX)
		return -EINVAL;
	r = copy_arg_in(caller, vec, args[0], count * sizeof(*vec));
	if (r == 0 && has_input(vec, (unsigned)count))
		r = copy_arg_out(caller, args[0], vec, count * sizeof(*vec));
	if (r != 0)
		return r;
	for (unsigned i = 0; i < count; i++) {
		if (may_use_port(caller->priv, &vec[i]))
			continue;
		violation(caller, VIOL_IO_PORT, vec[i].port);
		return -EPERM;
	}
	for (unsigned i = 0; i < count; i++) {
		r = port_access(&vec[i]);
		if (r != 0)
			return r;
	}
	return has_input(vec, (unsigned)count)
	               ? copy_arg_out(caller, args[0], vec, count * sizeof(*vec))
	               : 0;
}

static bool may_use_line(const struct priv *v, uint32_t line)
{
	for (unsigned i = 0; i < v->irq_count; i++)
		if (v->irq[i] == line)
			return true;
	return false;
}

static int set_line(struct proc *caller, const struct kirqctl *k)
{
	if (!may_use_line(caller->priv, k->line)) {
		violation(caller, VIOL_IRQ, k->line);
		return -EPERM;
	}
	return irq_hook_line(caller, k->line, k->hook);
}

static int set_msi(struct proc *caller, struct kirqctl *k)
{
	struct proc *p = proc_of(k->ep);

	if (!(caller->priv->flags & PRIV_PCI)) {
		violation(caller, VIOL_IRQ, k->line);
		return -EPERM;
	}
	if (!p || (p->rts & KRTS_DEAD))
		return -ESRCH;
	return irq_hook_msi(p, k->hook, k);
}

long do_irqctl(struct proc *caller, const uint64_t *args)
{
	struct kirqctl k;
	int r = copy_arg_in(caller, &k, args[1], sizeof(k));

	if (r != 0)
		return r;
	if (k.hook >= IRQ_HOOKS)
		return -EINVAL;
	switch ((enum irqctl_op)args[0]) {
	case IRQCTL_SET: return set_line(caller, &k);
	case IRQCTL_ACK: return irq_ack(caller, k.hook);
	case IRQCTL_REMOVE: return irq_unhook(caller, k.hook);
	case IRQCTL_MSI:
		r = set_msi(caller, &k);
		return r != 0 ? r : copy_arg_out(caller, args[1], &k, sizeof(k));
	}
	return -EINVAL;
}
