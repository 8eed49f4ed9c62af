/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to the checksum filter: its parts and what they share. The story is in main.c. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include "checksum/group.h"
#include "filter/filter.h"
#include "locks.h"
#include "staging.h"

#define REQUESTS_MAX  64    /* fibers for requests */
#define DATA_MOST     2048u /* data sectors of one request: 1 MiB */
#define LOWER_MOST    4096u /* lower sectors that one request may span */
#define STAGING_BYTES (4u << 20)

/* What the medium says; valid while the filter runs. */
struct medium {
	bool is_running;
	int refused; /* -errno for clients that open; 0: not known yet */
	struct bdev *lower;
	struct checksum_super super;
	struct checksum_codec codec;
	unsigned replicas;
	uint32_t data_max; /* sectors of one request */
	bool want_verify;
};
extern struct medium medium;

struct counters {
	uint64_t reads, writes, partial; /* requests; groups that had to be read first */
	uint64_t mismatches, transient;  /* sectors; gone at the second look */
	uint64_t corrupt, healed, lost;  /* sectors on some replica; written back; good nowhere */
	uint64_t heal_errors;            /* writes back that failed */
	uint64_t equalised;              /* groups whose replicas differed after an unclean stop */
	uint64_t lower_ns, sum_ns;       /* of reads: below and verifying; healing or copying */
};
extern struct counters counters;

/* A run of lower sectors in staging memory. */
struct extent {
	uint64_t sector;
	uint32_t sectors;
	uint8_t *memory;
};
int lower_transfer(const struct extent *e, enum blk_op op, uint8_t flags, uint8_t replica);
/* Fills in io and element; submits it under the gate. */
struct lower_io {
	struct bdev_io io;
	struct blk_element element;
};
void lower_submit(struct filter_gate *g, const struct extent *e, struct lower_io *o);

/* Staging memory, waited for if there is none. Taken before any lock, and all at once: who holds a
 * lock never waits for memory. */
uint8_t *staging_take(uint32_t sectors);
void staging_give(uint8_t *memory);
int staging_setup(void);

/* request.c */
void request_lock_group(struct range_lock *l, uint64_t group, uint64_t count, bool is_exclusive);
void request_unlock(struct range_lock *l);
void request_submit(struct bserver_request *r);

/* heal.c: one group at a time, in memory of its own. With the group locked exclusively:
 *     heal_enter() -> heal_group() -> use h->good, h->lost without waiting -> heal_leave() */
struct heal_seen {
	int sector;       /* of the group, that did not match; -1: see for yourself */
	uint32_t replica; /* that served it */
	uint32_t
		equalise; /* bit i: replica i + 1 is to have the same as the others; 0: heal only */
};
struct heal_result {
	uint8_t *good;             /* n + 1 sectors */
	struct checksum_mask lost; /* those of them that are good nowhere */
};
void heal_setup(void); /* once the medium is known */
void heal_enter(void);
int heal_group(uint64_t number, const struct heal_seen *seen, struct heal_result *out) MUST_CHECK;
void heal_leave(void);

/* check.c: runs of groups are read from several replicas and looked at, under a shared lock. */
struct check {
	uint64_t first;    /* group */
	uint32_t count;    /* at most check_most() */
	uint32_t replicas; /* bit i: replica i + 1; 0: ask for none in particular */
	/* Results. Bit i: group first + i */
	uint64_t bad;       /* does not match, or could not be read */
	uint64_t differing; /* is not the same on all */
};
uint32_t check_most(void);
void check_groups(struct check *c);
/* Then: that group, exclusively. *found: sectors that were bad, mended, are lost. */
struct check_found {
	uint64_t corrupt, healed, lost;
};
int check_mend(uint64_t group, uint32_t equalise, struct check_found *found);
static inline uint64_t check_group_count(void)
{
	return medium.codec.layout.data_sectors / medium.codec.layout.n;
}

/* scrub.c */
int scrub_start(void); /* at start: 0 or -ENOMEM; goes on with what was interrupted */
void scrub_run(uint64_t bytes_per_second); /* the medium is known; 0: only when asked */
int scrub_control(const char *command, char *buf, size_t len);
int scrub_status(char *buf, size_t len);

/* sync.c: replicas that may differ after an unclean stop */
int sync_start(void);
void sync_kick(void); /* the lower unit was opened, or the medium has become known */

#endif
