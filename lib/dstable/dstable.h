/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store behind ds (ds.h; thesis 4.2.3): entries, owners, subscriptions, changes. Pure: the ds
 * server turns messages into these calls, copies MEM values and sends the NOTIFYs.
 *
 * Entries belong to the label of their publisher. Public keys are one name space; a private entry
 * is seen by its owner only, and every owner has a name space of its own. An entry that is deleted
 * while a subscriber has not yet fetched the change stays as a tombstone.
 *
 * Changes are one bit for each subscriber and entry: merged, bounded, never lost. A subscriber that
 * is slow sees the newest value; `old` of a label is the endpoint just before.
 *
 * All memory is in struct dstable; nothing is allocated.
 */
#ifndef LIB_DSTABLE_H
#define LIB_DSTABLE_H

#include "axolotl/ds.h"
#include "dstable/pattern.h"

#define DSTABLE_ENTRIES_MAX     256
#define DSTABLE_MEMS_MAX        48
#define DSTABLE_SUBSCRIBERS_MAX 64
#define DSTABLE_PATTERNS_MAX                                                                       \
	40 /* of one subscriber: inet follows each unit of a stack and its server */
#define DSTABLE_OWNED_MAX 64 /* entries of one owner other than rs */

enum dstable_state { DSTABLE_FREE, DSTABLE_LIVE, DSTABLE_DELETED };

struct dstable_entry {
	uint8_t state; /* enum dstable_state */
	uint8_t type;  /* enum ds_type */
	uint8_t is_private;
	uint8_t mem; /* index into mems, MEM entries only */
	char key[DS_KEY_MAX];
	char owner[LABEL_MAX];
	union ds_value value; /* MEM: len_bytes only */
};

struct dstable_subscriber {
	endpoint_t ep; /* EP_NONE: free */
	bool want_notify;
	uint32_t pattern_count;
	struct pattern patterns[DSTABLE_PATTERNS_MAX];
	uint64_t changed[DSTABLE_ENTRIES_MAX / 64];
};

struct dstable {
	struct dstable_entry entries[DSTABLE_ENTRIES_MAX];
	struct dstable_subscriber subscribers[DSTABLE_SUBSCRIBERS_MAX];
	uint8_t mems[DSTABLE_MEMS_MAX][DS_MEM_MAX];
	bool mem_used[DSTABLE_MEMS_MAX];
};

/* Who asks: its label (from its privilege structure) and whether it is rs. */
struct dstable_who {
	const char *label;
	endpoint_t ep;
	bool is_rs;
};

void dstable_init(struct dstable *t);

/* 0; -EEXIST: there, and no DS_OVERWRITE; -EPERM: of another owner, or a LABEL and not rs;
 * -EINVAL: type, key, value; -ENOSPC. `mem` has req->value.mem.len_bytes bytes (MEM only). */
int dstable_publish(struct dstable *t, const struct dstable_who *who, const struct ds_req *req,
                    const void *mem) MUST_CHECK;
/* 0 or -ENOENT (also when the type differs or it is private to another). MEM: *mem points to
 * rep->value.mem.len_bytes bytes. */
int dstable_retrieve(const struct dstable *t, const struct dstable_who *who,
                     const struct ds_req *req, struct ds_rep *rep) MUST_CHECK;
const void *dstable_mem(const struct dstable *t, const struct dstable_who *who, const char *key);
/* 0, -ENOENT, -EPERM. */
int dstable_delete(struct dstable *t, const struct dstable_who *who, const char *key) MUST_CHECK;
/* All entries of an owner, its label included: it was brought down for good. Returns how many. */
unsigned dstable_delete_owner(struct dstable *t, const char *owner);

/* 0; -EINVAL: pattern; -ENOSPC. Entries that match already count as changed. */
int dstable_subscribe(struct dstable *t, const struct dstable_who *who,
                      const char *pattern) MUST_CHECK;
/* Next change; result is the type, or -ENOENT. */
void dstable_check(struct dstable *t, const struct dstable_who *who, struct ds_change *change);
/* Its subscriptions end: it is dead. */
void dstable_unsubscribe(struct dstable *t, endpoint_t ep);
/* Endpoint of subscriber i < DSTABLE_SUBSCRIBERS_MAX or EP_NONE: to find dead ones when all are taken. */
endpoint_t dstable_subscriber(const struct dstable *t, unsigned i);
/* A subscriber that must be notified, once for each call that made changes; EP_NONE: no more. */
endpoint_t dstable_next_notify(struct dstable *t);

/* Label of an endpoint or NULL. */
const char *dstable_name_of(const struct dstable *t, endpoint_t ep);
/* "key type value\n" lines of all public entries; returns bytes, cut at the last whole line. */
size_t dstable_list(const struct dstable *t, char *buf, size_t len);

#endif
