/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals: pairs of character devices that come with an open of /dev/ptmx (axolotl/chr.h).
 *
 *     open /dev/ptmx --> master's end (one file, no name) <--other--> slave's end (/dev/pts/N)
 *
 * An end is dead when the master is closed or the driver has died. From then on it sends nothing, because
 * its minor may belong to another pair or nobody, its files are hung up, and the slave has no name any
 * more. The structure stays until the last of its files is closed.
 */
#include <string.h>
#include <sys/ioctl.h>
#include "chrdev.h"

static void free_end(struct chrdev *ch)
{
	if (ch->is_tty)
		tty_unregister(&ch->tty);
	if (ch->other)
		ch->other->other = NULL;
	chr_free(ch);
}

static void end_dies(struct chrdev *ch)
{
	if (ch->is_dead)
		return;
	ch->opens++; /* it stays while others are woken */
	ch->is_dead = true;
	if (ch->dev) {
		dev_remove(ch->dev);
		ch->dev->obj = NULL;
		ch->dev = NULL;
	}
	if (ch->is_tty)
		tty_lost(&ch->tty);
	chr_close_at_driver(ch); /* which answers whoever waits there */
	waitq_wake(&ch->wq);
	if (--ch->opens == 0)
		pty_unused(ch);
}

void pty_unused(struct chrdev *ch)
{
	if (ch->kind == KIND_MASTER && ch->other)
		end_dies(ch->other);
	if (ch->kind == KIND_MASTER || ch->is_dead)
		free_end(ch);
}

void pty_driver_died(struct chrdev *ch)
{
	if (ch->is_dead)
		return;
	ch->opens++;
	await_dead(ch->ep);
	ch->ep = EP_NONE;
	end_dies(ch);
	if (--ch->opens == 0)
		pty_unused(ch);
}

/* ---- making a pair ---- */

static struct chrdev *new_end(enum chr_kind kind, const struct chrdev *ptmx, uint32_t minor)
{
	struct chrdev *ch = chr_alloc(kind);

	if (!ch)
		return NULL;
	memcpy(ch->label, ptmx->label, sizeof(ch->label));
	ch->ep = ptmx->ep;
	ch->gen = 1;
	ch->minor = minor;
	return ch;
}

static void name_of(unsigned index, char name[LABEL_MAX])
{
	(void)snprintf(name, LABEL_MAX, "pts/%u", index);
}

/* Is there a pair of this index? Then the driver lies about a new one. */
static bool is_taken(unsigned index)
{
	char name[LABEL_MAX];
	const struct dev *d;

	name_of(index, name);
	d = dev_by_name(DEV_CHR, name);
	return d && !d->is_gone;
}

static bool name_slave(struct call *c, struct chrdev *slave, unsigned index)
{
	char name[LABEL_MAX];
	struct dev *d;

	name_of(index, name);
	d = dev_add(DEV_CHR, name, S_IFCHR | 0620);
	if (!d)
		return false;
	dev_renew(d, c->proc ? c->proc->euid : 0, 5);
	if (tty_register(&slave->tty, d) != 0) {
		dev_remove(d);
		return false;
	}
	slave->is_tty = true;
	slave->dev = d;
	d->obj = slave;
	return true;
}

/* Both ends of the pair that the driver has made; the master's, or NULL. */
static struct chrdev *make_ends(struct call *c, const struct chrdev *ptmx, unsigned index)
{
	struct chrdev *master = new_end(KIND_MASTER, ptmx, CHR_MASTER(index));
	struct chrdev *slave = master ? new_end(KIND_SLAVE, ptmx, CHR_SLAVE(index)) : NULL;

	if (slave && name_slave(c, slave, index)) {
		master->other = slave;
		slave->other = master;
	} else if (slave) {
		chr_free(slave);
		slave = NULL;
	}
	if (!master)
		return NULL;
	master->opens = 1;
	master->open_gen = master->gen;
	if (slave)
		return master;
	chr_put(master); /* closes the pair at the driver */
	return NULL;
}

/* Asks the driver for a new pair: its index, -errno, or -ERESTART: the driver died. */
static int ask_for_pair(struct call *c, struct chrdev *ptmx)
{
	struct chr_call k = {.op = CHR_OPEN};
	endpoint_t ep;
	bool died;
	int r = chr_wait_for_driver(c, ptmx, true);

	if (r)
		return r;
	ep = ptmx->ep;
	r = chr_send_once(c, ptmx, &k, &died);
	if (died && ptmx->ep == ep)
		r = waitq_sleep(c, &ptmx->wq, true); /* until ds tells of the next one */
	if (ptmx->ep != ep || (died && !r))
		return -ERESTART;
	if (r < 0 || ((unsigned)r < CHR_PAIRS_MAX && !is_taken((unsigned)r)))
		return r;
	sys_violation(ep, VIOL_REQUEST, CHR_OPEN);
	return -EIO;
}

int pty_open_master(struct call *c, struct chrdev *ptmx, uint32_t flags, struct file **out)
{
	struct chrdev *master;
	int r;

	do
		r = ask_for_pair(c, ptmx);
	while (r == -ERESTART);
	if (r < 0)
		return r;
	master = make_ends(c, ptmx, (unsigned)r);
	if (!master)
		return -ENOSPC;
	*out = chr_file(master, flags);
	if (*out)
		return 0;
	chr_put(master);
	return -ENFILE;
}

int pty_open_slave(struct call *c, struct chrdev *ch)
{
	struct chr_call k = {.op = CHR_OPEN};
	bool died;
	int r = ch->is_dead ? -EIO : chr_send_once(c, ch, &k, &died);

	if (r < 0)
		return r;
	ch->open_gen = ch->gen;
	if (ch->is_dead) /* meanwhile, and the driver does not know that it is closed */
		chr_close_at_driver(ch);
	return 0;
}

/* ---- ioctl ---- */

int64_t pty_master_ioctl(struct call *c, struct chrdev *ch, unsigned cmd, uint64_t arg)
{
	const struct tty *t = ch->other ? &ch->other->tty : NULL;

	switch (cmd) {
	case TIOCGPGRP: return t ? user_write(c, arg, &t->pgid, sizeof(t->pgid)) : -EIO;
	case TIOCGSID: return !t || !t->sid ? -ENOTTY : user_write(c, arg, &t->sid, sizeof(t->sid));
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCSPGRP: return -ENOTTY; /* nobody's controlling terminal */
	default: return TTY_NOT_OURS;
	}
}
