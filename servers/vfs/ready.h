/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting until one of many files is ready: poll, select and epoll differ only in how they name
 * the files and report the result.
 */
#ifndef SERVERS_VFS_READY_H
#define SERVERS_VFS_READY_H

#include "vfs.h"

struct ready_set {
	void *ctx;
	unsigned count; /* of files */
	/* The i-th file, or NULL; it stays referenced by ctx. */
	struct file *(*file)(const struct ready_set *s, unsigned i);
	/* Looks at all files; number of those to report, or -errno. May wait for drivers. */
	int (*scan)(struct call *c, const struct ready_set *s);
};

/* scan() until it is not 0, or the deadline (0: none; 1 ns: do not wait), or -EINTR. */
int ready_wait(struct call *c, const struct ready_set *s, uint64_t deadline_ns) MUST_CHECK;
/* ppoll and its kin: the signal mask at umask (0: none) holds during the call. begin: 0 or the
 * result of the call; end: the result. */
int ready_mask_begin(struct call *c, uint64_t umask, uint64_t bytes) MUST_CHECK;
int64_t ready_mask_end(struct call *c, uint64_t umask, int64_t result);
/* Deadlines from arguments: -errno, else *deadline_ns. */
int deadline_from_timespec(struct call *c, uint64_t uts, uint64_t *deadline_ns) MUST_CHECK;
uint64_t deadline_from_ms(int ms);
#define DEADLINE_NOW 1ull

#endif
