/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controlling terminals and job control. A terminal knows its session and foreground group; the
 * session's terminal is found by searching, so nothing must be kept in step with forks and exits.
 */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include "devfs.h"
#include "tty.h"

static struct tty *ttys[TTYS_MAX];

int tty_register(struct tty *t, struct dev *d)
{
	for (unsigned i = 0; i < TTYS_MAX; i++) {
		if (ttys[i])
			continue;
		*t = (struct tty){.dev = d};
		ttys[i] = t;
		return 0;
	}
	return -ENOSPC;
}

void tty_unregister(struct tty *t)
{
	for (unsigned i = 0; i < TTYS_MAX; i++)
		if (ttys[i] == t)
			ttys[i] = NULL;
}

struct tty *tty_of_session(int32_t sid)
{
	for (unsigned i = 0; sid > 0 && i < TTYS_MAX; i++)
		if (ttys[i] && ttys[i]->sid == sid)
			return ttys[i];
	return NULL;
}

static void signal_group(int32_t pgid, int signo)
{
	/* A group that has ended meanwhile is no error. */
	if (pgid > 1)
		(void)proc_signal(-pgid, signo, EP_NONE);
	else if (pgid == 1)
		(void)proc_signal(1, signo, EP_NONE);
}

void tty_signal(const struct tty *t, int signo)
{
	signal_group(t->pgid, signo);
}

void tty_hangup(struct tty *t)
{
	int32_t pgid = t->pgid;

	t->sid = t->pgid = 0;
	signal_group(pgid, SIGHUP);
	signal_group(pgid, SIGCONT);
}

void tty_lost(struct tty *t)
{
	int32_t sid = t->sid, pgid = t->pgid;

	tty_hangup(t);
	if (sid <= 0 || sid == pgid)
		return;
	(void)proc_signal(sid, SIGHUP, EP_NONE); /* a leader that has ended meanwhile is no error */
	(void)proc_signal(sid, SIGCONT, EP_NONE);
}

void tty_session_ended(int32_t sid)
{
	struct tty *t = tty_of_session(sid);

	if (t)
		tty_hangup(t);
}

static void take(struct call *c, struct tty *t)
{
	t->sid = c->proc->sid;
	t->pgid = c->proc->pgid;
}

void tty_opened(struct call *c, struct tty *t, uint32_t flags)
{
	const struct proc *p = c->proc;

	if (!p || (flags & O_NOCTTY) || t->sid || p->sid != p->pid || tty_of_session(p->sid))
		return;
	take(c, t);
}

int tty_check_job(struct call *c, const struct tty *t, int signo)
{
	const struct proc *p = c->proc;
	int r;

	if (!p || t->sid != p->sid || t->pgid == p->pgid || t->pgid == 0)
		return 0;
	r = proc_signal(-p->pgid, signo, p->ep);
	return r < 0 ? -EIO : -ERESTARTSYS;
}

/* ---- ioctl ---- */

static int64_t set_controlling(struct call *c, struct tty *t, uint64_t arg)
{
	const struct proc *p = c->proc;

	if (t->sid == p->sid && p->sid == p->pid)
		return 0;
	if (p->sid != p->pid || tty_of_session(p->sid))
		return -EPERM;
	if (t->sid && !(arg == 1 && p->euid == 0))
		return -EPERM;
	take(c, t);
	return 0;
}

static int64_t give_up(struct call *c, struct tty *t)
{
	const struct proc *p = c->proc;

	if (t->sid != p->sid)
		return -ENOTTY;
	if (p->sid == p->pid)
		tty_hangup(t);
	return 0;
}

static int64_t set_group(struct call *c, struct tty *t, uint64_t arg)
{
	int32_t pgid;
	int r;

	if (user_read(c, &pgid, arg, sizeof(pgid)) != 0)
		return -EFAULT;
	if (t->sid != c->proc->sid)
		return -ENOTTY;
	if (pgid <= 0)
		return -EINVAL;
	r = tty_check_job(c, t, SIGTTOU);
	if (r == -ERESTARTSYS) /* -EIO: SIGTTOU is ignored or blocked, then it is allowed */
		return r;
	t->pgid = pgid;
	return 0;
}

static int64_t tell(struct call *c, uint64_t arg, int32_t value)
{
	return user_write(c, arg, &value, sizeof(value));
}

int64_t tty_ioctl(struct call *c, struct tty *t, unsigned cmd, uint64_t arg)
{
	bool is_ours = t->sid && t->sid == c->proc->sid;

	switch (cmd) {
	case TIOCSCTTY: return set_controlling(c, t, arg);
	case TIOCNOTTY: return give_up(c, t);
	case TIOCSPGRP: return set_group(c, t, arg);
	case TIOCGPGRP: return is_ours ? tell(c, arg, t->pgid) : -ENOTTY;
	case TIOCGSID: return is_ours ? tell(c, arg, t->sid) : -ENOTTY;
	default: return TTY_NOT_OURS;
	}
}
