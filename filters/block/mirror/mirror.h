/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to the mirror filter: its parts and what they share. The story is in main.c. */
#ifndef MIRROR_H
#define MIRROR_H

#include "filter/filter.h"
#include "mirror/set.h"

#define REQUESTS_MAX  BSERVER_REQUESTS_MAX
#define CHUNK_SECTORS 2048u /* most that a resync or repair copies at a time */
#define HEADER_BYTES  ((MIRROR_BITMAP_START + MIRROR_BITMAP_SECTORS) * MIRROR_SECTOR)

struct leg {
	struct bdev *b;       /* NULL: given up for now */
	struct bdev *closing; /* given up: to be closed */
	bool is_open;         /* the unit was opened in this life of b */
	bool is_read;         /* its header was read */
	bool want_join;       /* opened (again) while the set runs: see whether it may come back */
	uint64_t t_retry_ns;  /* when to open it again; 0: no need */
	uint64_t retry_ns;    /* that long after the next failure */
	uint64_t reads, writes, errors, repairs;
};

/* An upper request. */
struct request {
	struct bserver_request *r; /* NULL: free */
	struct blk_element elements[BLK_ELEMENTS_MAX];
	struct bdev_io io[MIRROR_LEGS_MAX];
	unsigned pending;
	unsigned good;        /* legs that did it */
	int error;            /* of the last leg that did not */
	uint32_t tried;       /* reads: bit i, leg i failed */
	bool is_intent;       /* between mirror_write_begin() and mirror_write_end() */
	struct request *next; /* in one of the lists */
};

struct request_list {
	struct request *head, **tail;
};
void list_init(struct request_list *l);
void list_add(struct request_list *l, struct request *q);
struct request *list_take_all(struct request_list *l);

extern struct mirror_set set;
extern struct leg legs[MIRROR_LEGS_MAX];
extern enum mirror_policy policy;
extern uint64_t patience_ns; /* how long to wait for a missing leg at start */

/* Sectors that only the copier may touch now; writes to them wait. */
struct range {
	bool is_locked;
	uint64_t sector;
	uint32_t sectors;
};
extern struct range locked;

/* A read of a leg failed and another leg had the data. */
struct repair {
	uint64_t sector;
	uint32_t sectors;
	unsigned leg;
};

/* data.c: requests */
void data_init(void);
int data_info(unsigned unit, struct blk_info *info);
void data_submit(struct bserver_request *r);
void data_bitmap_written(void); /* writes that waited for the bitmap go on */
void data_recorded(void);       /* completions that waited for the superblocks go up */
void data_unlocked(void);       /* writes that waited for the copier go on */
bool data_writes_in(const struct range *range);
unsigned data_active(void);
uint64_t data_writes_begun(void);

/* legs.c: failure and return of legs */
void leg_open(unsigned leg);
void leg_fail(unsigned leg, int error);
void leg_give_up(unsigned leg); /* close it, try again later */
void leg_close_due(void);
void leg_retry_due(uint64_t now);
int leg_status(char *buf, size_t len);

/* manager.c: the fiber that assembles, records, writes the bitmap, takes legs back, decides who makes
 * legs equal after an unclean stop */
int manager_start(void);
void manager_kick(void);
void manager_flushed(void); /* a flush ended and nothing else is going on */
bool manager_is_refused(void);
void manager_delegate(void); /* nobody can judge the regions that may differ: copy them */

/* copier.c: the fiber that resyncs and repairs */
int copier_start(void);
void copier_kick(void);
void copier_repair(const struct repair *r);
uint64_t copier_copied(void); /* sectors, so far */

/* Own memory, one arena for all legs: header buffers and the copier's buffer. */
extern int own_arena;
extern uint8_t *own_memory;
#define OWN_HEADER(leg)   ((size_t)(leg)*8192)             /* HEADER_BYTES each */
#define OWN_SCRATCH       ((size_t)MIRROR_LEGS_MAX * 8192) /* superblocks and bitmap to write */
#define OWN_SCRATCH_BYTES 4096u
#define OWN_CHUNK         (OWN_SCRATCH + (size_t)MIRROR_LEGS_MAX * OWN_SCRATCH_BYTES)
#define OWN_BYTES         (OWN_CHUNK + (size_t)CHUNK_SECTORS * MIRROR_SECTOR)
_Static_assert(HEADER_BYTES <= 8192, "a header fits its buffer");
_Static_assert(OWN_BYTES % PAGE_BYTES == 0, "an arena is whole pages");

#endif
