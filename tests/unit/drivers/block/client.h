/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of a disk driver's tests, in place of lib/blockdev's server half: it asks the driver, and knows what each
 * sector of the disk (CLIENT_SECTORS of 512 bytes) may contain. Every request is watched: it ends once, in its
 * time (ns), a read gives contents that are possible. What is not so fails the test (cmocka).
 *
 * The world around it passes the driver's life on: client_driver_died(), client_power_lost(), and provides what struct
 * client_world asks for. Requests and their memory are the client's.
 */
#ifndef TESTS_BLOCK_CLIENT_H
#define TESTS_BLOCK_CLIENT_H

#include "blockdev/blockserver.h"

#define ASKS_MAX       200 /* at a time */
#define ASK_SECTORS    300
#define CLIENT_SECTORS 256u
#define MS             1000000ull
#define SECOND         1000000000ull

struct ask {
	struct bserver_request r;
	uint8_t *data; /* of the request: ASK_SECTORS at most */
	bool is_used, is_done;
	int status;
	uint64_t t_done;
	unsigned power_losses;            /* before it */
	uint32_t version;                 /* that a write puts into its sectors */
	uint32_t settled[CLIENT_SECTORS]; /* of a flush: what was there before */
};

/* What a sector of the disk may contain (pattern.h): versions from `low` to `high`, 0 is zeros. */
struct belief {
	uint32_t low, high;
	uint32_t durable; /* as low, should the disk lose power */
};

struct client_world {
	const uint64_t *now;                       /* ns */
	void (*submit)(struct bserver_request *r); /* to the driver */
	void (*wait)(void);                        /* until no request is pending */
	bool (*has_cache)(void);                   /* of writes, in the disk */
	/* The device may reach memory that is lent, and no other. */
	void (*lend)(const void *memory, size_t bytes);
	void (*take_back)(const void *memory);
	uint32_t element_bytes; /* largest element of a request */
};

struct client {
	struct belief beliefs[CLIENT_SECTORS];
	uint32_t version; /* of the last write */
	unsigned power_losses;
	unsigned pending;
	unsigned fragment; /* bytes of the pieces that memory consists of */
	bool is_patient;   /* a request may take any time */
};
extern struct client client;

/* An empty disk, no requests, memory in pages, no patience. `w` stays the caller's, as long as the client is used. */
void client_reset(const struct client_world *w);

/* Submits. Flags: BLK_REQ_*. The memory of a write has a new version of its sectors. */
struct ask *ask(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags);
int ask_and_wait(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags); /* status */
void ask_forget(struct ask *a);         /* it is done */
struct ask *client_any(bool want_done); /* one of them, or NULL */
void client_forget_all(int status);     /* all that are done, with this status */
bool client_overlaps(uint64_t sector, uint32_t sectors);

void client_driver_died(void); /* what is pending is submitted again when the next one is there */
void client_replay(void);
void client_power_lost(void); /* what was not flushed may be gone */
void client_other_disk(void); /* empty */
/* Reads the whole disk and compares. */
void client_check_disk(void);

#endif
