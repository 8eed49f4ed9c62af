/* SPDX-License-Identifier: BSD-2-Clause */
/* Between chr.c (devices, requests), chrfile.c (open files) and pty.c (pairs of pseudo-terminals). */
#ifndef SERVERS_VFS_CHRDEV_H
#define SERVERS_VFS_CHRDEV_H

#include "chr.h"

enum chr_kind {
	KIND_FREE,
	KIND_PLAIN,  /* survives its driver */
	KIND_PTMX,   /* each open makes a pair */
	KIND_MASTER, /* of a pair; no name */
	KIND_SLAVE,  /* of a pair; /dev/pts/N */
};

struct chrdev {
	enum chr_kind kind;
	struct dev *dev; /* NULL: without a name */
	char label[LABEL_MAX];
	uint32_t minor;
	endpoint_t ep;     /* EP_NONE: no driver */
	uint32_t gen;      /* of the driver */
	uint32_t open_gen; /* in which it was opened at the driver; 0: not */
	bool is_opening;
	uint32_t opens; /* open files, and opens in progress */
	bool is_tty;
	struct tty tty;
	struct waitq wq; /* readiness, and changes of the driver */

	/* of a pair */
	struct chrdev *other; /* end; NULL: freed */
	bool is_dead;         /* master closed or driver dead: never sent to again */
};

static inline bool chr_is_end(const struct chrdev *ch)
{
	return ch->kind == KIND_MASTER || ch->kind == KIND_SLAVE;
}

/* ---- chr.c ---- */

struct chr_call {
	enum chr_msg op;
	struct chr_req req;
	const struct io *io; /* buffer, or NULL */
	unsigned access;     /* GRANT_* */
	bool can_cancel;
};

struct chrdev *chr_alloc(enum chr_kind kind); /* NULL: table full */
void chr_free(struct chrdev *ch);
/* One request to the present driver: its result, or -errno with *died. */
int chr_send_once(struct call *c, struct chrdev *ch, struct chr_call *k, bool *died) MUST_CHECK;
int chr_wait_for_driver(struct call *c, struct chrdev *ch, bool can_interrupt) MUST_CHECK;
/* Opens it at the driver if this incarnation has not done so; -EIO: an end that is dead. */
int chr_ensure_open(struct call *c, struct chrdev *ch) MUST_CHECK;
/* Waits for drivers, and asks the next one if one dies; ends of pairs: -EIO then. */
int chr_request(struct call *c, struct chrdev *ch, struct chr_call *k) MUST_CHECK;
void chr_close_at_driver(struct chrdev *ch); /* if it is open there; does not wait */

/* ---- chrfile.c ---- */

/* A file of ch, which counts it already; NULL: none free. */
struct file *chr_file(struct chrdev *ch, uint32_t flags);
void chr_put(struct chrdev *ch); /* one of `opens` is gone */

/* ---- pty.c ---- */

int pty_open_master(struct call *c, struct chrdev *ptmx, uint32_t flags,
                    struct file **out) MUST_CHECK;
int pty_open_slave(struct call *c, struct chrdev *ch) MUST_CHECK; /* at the driver */
void pty_unused(struct chrdev *ch);                               /* an end is open no more */
void pty_driver_died(struct chrdev *ch);                          /* of this end */
/* The terminal's ioctls that are vfs's, asked for at the master; TTY_NOT_OURS. */
int64_t pty_master_ioctl(struct call *c, struct chrdev *ch, unsigned cmd, uint64_t arg);

#endif
