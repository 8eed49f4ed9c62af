/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded ring of blocks, whole ones only: the oldest give way to new ones. One reader takes a copy of a
 * block at a time, so what it has begun to read cannot be overwritten under it. Pure.
 */
#ifndef CAPTURE_STORE_H
#define CAPTURE_STORE_H

#include "axolotl/types.h"

struct store {
	uint8_t *bytes;
	size_t size;
	uint64_t head, tail; /* absolute: bytes ever written; start of the oldest block */
	uint64_t blocks, overwritten;
};

struct store_reader {
	uint64_t next;    /* absolute: block to be read next */
	uint8_t *block;   /* room for the largest */
	size_t len, done; /* of the copy */
	uint64_t missed;  /* blocks that gave way before they were read */
};

/* `bytes`: size of them; the largest block must fit. */
void store_init(struct store *s, void *bytes, size_t size);
/* `len` > 0 and at most size. */
void store_add(struct store *s, const void *block, uint32_t len);

/* From the oldest block on, after `prefix` (put into r->block). */
void store_rewind(const struct store *s, struct store_reader *r, const void *prefix, size_t len);
/* The next bytes, at most max: where they are, and how many; 0: nothing more now. */
size_t store_read(const struct store *s, struct store_reader *r, const uint8_t **from, size_t max);

#endif
