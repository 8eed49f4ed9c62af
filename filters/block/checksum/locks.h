/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks on ranges of groups: readers share, a writer or healer is alone. Fair: nobody overtakes an
 * earlier conflicting lock, so writers do not starve. Pure: the waiting itself is the caller's (a
 * fiber is a pointer here).
 */
#ifndef CHECKSUM_LOCKS_H
#define CHECKSUM_LOCKS_H

#include "axolotl/types.h"

struct range_lock {
	uint64_t first, last; /* groups */
	bool is_exclusive;
	bool is_held;
	void *waiter; /* whom to wake when it is granted */
	struct range_lock *next;
};
struct range_locks {
	struct range_lock *head; /* in order of arrival; held and waiting ones */
};

/* Adds l. true: granted at once; false: wait until range_unlock() names l->waiter. */
bool range_lock(struct range_locks *all, struct range_lock *l);
/* Removes l. Then range_granted() names, one after the other, those that are granted now. */
void range_unlock(struct range_locks *all, struct range_lock *l);
struct range_lock *range_granted(struct range_locks *all);

#endif
