/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums of sectors. Used by the checksum filter and by mkstack; pure.
 *
 * A sum covers the data and its address: every algorithm is keyed with (salt, LBA), where the salt
 * comes from the uuid of the superblock. So a sector that was written elsewhere, or before the
 * medium was formatted anew, does not match.
 *
 *   crc32c   over salt, LBA, data (little endian); 4 bytes
 *   xxh64    of the data, seed = salt ^ LBA; 8 bytes
 *   sha1     over salt, LBA, data; 20 bytes       sha256   the same; 32 bytes
 *
 * sum_sector() copies and sums in one pass (sha: a copy, then the sum of the copy). So what the reader
 * gets is what was summed, whatever a device scribbles into the source meanwhile.
 */
#ifndef LIB_CHECKSUM_SUM_H
#define LIB_CHECKSUM_SUM_H

#include "axolotl/types.h"

#define SUM_SECTOR    512u
#define SUM_BYTES_MAX 32

enum sum_algo { SUM_CRC32C = 1, SUM_XXH64, SUM_SHA1, SUM_SHA256, SUM_ALGOS };

typedef void (*sum_fn_t)(void *dst, const void *src, const uint64_t key[2],
                         uint8_t out[SUM_BYTES_MAX]);

struct summer {
	enum sum_algo algo;
	unsigned bytes; /* of a sum */
	uint64_t salt;
	sum_fn_t fn;
};

const char *sum_name(enum sum_algo algo);                          /* "?" for none */
int sum_by_name(const char *name, enum sum_algo *algo) MUST_CHECK; /* 0 or -EINVAL */
unsigned sum_bytes(enum sum_algo algo);                            /* 0 for none */

/* Chooses the fastest implementation that this CPU has; `now` in ns may be NULL: no measurement,
 * portable code. 0 or -EINVAL. */
typedef uint64_t (*sum_clock_fn_t)(void);
int sum_init(struct summer *s, enum sum_algo algo, const uint8_t uuid[16],
             sum_clock_fn_t now) MUST_CHECK;
/* crc32c or xxh64, whichever is faster here: the default for new media. */
enum sum_algo sum_fastest(sum_clock_fn_t now);

/* dst may be NULL: sum only; neither needs alignment. out gets s->bytes bytes. */
static inline void sum_sector(const struct summer *s, void *dst, const void *src, uint64_t lba,
                              uint8_t out[SUM_BYTES_MAX])
{
	const uint64_t key[2] = {s->salt, lba};

	s->fn(dst, src, key, out);
}

/* Implementations; key = salt, LBA. */
void sum_xxh64(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX]);
void sum_crc32c_tables(void *dst, const void *src, const uint64_t key[2],
                       uint8_t out[SUM_BYTES_MAX]);
void sum_crc32c_sse42(void *dst, const void *src, const uint64_t key[2],
                      uint8_t out[SUM_BYTES_MAX]);
bool sum_crc32c_has_sse42(void);
void sum_sha1(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX]);
void sum_sha256(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX]);

/* xxh64 of any whole number of 64-byte blocks, for superblocks. */
uint64_t sum_xxh64_blocks(const void *data, size_t len_bytes, uint64_t seed);

/* A word of a source that somebody else may write to: read exactly once; no alignment needed. */
typedef uint64_t __attribute__((may_alias, aligned(1))) sum_word_t;
static inline uint64_t sum_load(const void *src)
{
	return *(const volatile sum_word_t *)src;
}
static inline void sum_store(void *dst, uint64_t word)
{
	*(sum_word_t *)dst = word;
}

#endif
