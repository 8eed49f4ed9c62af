/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks on ranges of a file. Pure: lists and a pool. A list is sorted by start; the locks of one
 * owner never overlap (a new lock replaces what it covers), those of different owners only if
 * shared.
 */
#ifndef SERVERS_VFS_LOCKRANGE_H
#define SERVERS_VFS_LOCKRANGE_H

#include "axolotl/types.h"

#define LOCKS_MAX 2048
#define LOCK_EOF  UINT64_MAX /* last byte of a lock that reaches to the end, wherever it is */

enum lock_kind { LOCK_RECORD, LOCK_WHOLE }; /* fcntl; flock: the two do not see one another */
enum lock_type { LOCK_READ, LOCK_WRITE };

struct lock {
	struct lock *next; /* in its file's list, or in the free list */
	const void *owner;
	int32_t pid; /* for F_GETLK */
	enum lock_kind kind;
	enum lock_type type;
	uint64_t first, last; /* inclusive */
};

/* The first lock of another owner that is in the way of `want`, or NULL. */
const struct lock *lock_conflict(const struct lock *list, const struct lock *want);
/* Sets `want` for its owner (no conflict): splits, merges, replaces. -ENOLCK: pool is empty, and
 * nothing has changed. */
int lock_set(struct lock **list, const struct lock *want) MUST_CHECK;
/* Removes the owner's locks of that kind in [first, last]; may need one for a split: -ENOLCK. */
int lock_clear(struct lock **list, const struct lock *range) MUST_CHECK;
/* All locks of the owner, of both kinds. True if there were any. */
bool lock_clear_owner(struct lock **list, const void *owner);

#endif
