/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controlling terminals: which session has which terminal, and its foreground group. The
 * terminals of character drivers (chr.c) embed a struct tty.
 */
#ifndef SERVERS_VFS_TTY_H
#define SERVERS_VFS_TTY_H

#include "vfs.h"

#define TTYS_MAX (32 + CHR_PAIRS_MAX)

struct tty {
	int32_t sid;  /* session that it controls, 0: none */
	int32_t pgid; /* foreground group */
	struct dev *dev;
};

/* Makes it known, so that /dev/tty and the end of a session find it; -ENOSPC. */
int tty_register(struct tty *t, struct dev *d);
void tty_unregister(struct tty *t);
struct tty *tty_of_session(int32_t sid); /* NULL: none */
void tty_session_ended(int32_t sid);
/* It is nobody's terminal any more, and its foreground group gets SIGHUP and SIGCONT. */
void tty_hangup(struct tty *t);
void tty_lost(struct tty *t); /* the same, and the leader of the session gets them as well */
void tty_signal(const struct tty *t, int signo); /* to the foreground group */
/* Opened by c: becomes the controlling terminal of a session leader that has none. */
void tty_opened(struct call *c, struct tty *t, uint32_t flags);
/* May c's process use it (SIGTTIN, SIGTTOU)? 0, -EIO, or -ERESTARTSYS after the signal. */
int tty_check_job(struct call *c, const struct tty *t, int signo) MUST_CHECK;
/* TIOCSCTTY and friends; TTY_NOT_OURS: none of them. */
#define TTY_NOT_OURS (-1000)
int64_t tty_ioctl(struct call *c, struct tty *t, unsigned cmd, uint64_t arg);

#endif
