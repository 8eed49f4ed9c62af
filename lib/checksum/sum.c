/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choice of sum implementations: see sum.h. Times are minima of short runs, because emulated and
 * shared machines only ever add to them.
 */
#include <string.h>
#include "axolotl/errno.h"
#include "checksum/sum.h"

static const struct {
	const char *name;
	unsigned bytes;
	sum_fn_t portable;
} algos[SUM_ALGOS] = {
	[SUM_CRC32C] = {"crc32c", 4, sum_crc32c_tables},
	[SUM_XXH64] = {"xxh64", 8, sum_xxh64},
	[SUM_SHA1] = {"sha1", 20, sum_sha1},
	[SUM_SHA256] = {"sha256", 32, sum_sha256},
};

static bool is_algo(enum sum_algo algo)
{
	return algo > 0 && algo < SUM_ALGOS;
}

const char *sum_name(enum sum_algo algo)
{
	return is_algo(algo) ? algos[algo].name : "?";
}

unsigned sum_bytes(enum sum_algo algo)
{
	return is_algo(algo) ? algos[algo].bytes : 0;
}

int sum_by_name(const char *name, enum sum_algo *algo)
{
	for (int i = 1; i < SUM_ALGOS; i++) {
		if (strcmp(name, algos[i].name) == 0) {
			*algo = (enum sum_algo)i;
			return 0;
		}
	}
	return -EINVAL;
}

#define MEASURE_ROUNDS  5
#define MEASURE_SECTORS 32

static uint64_t measure(sum_fn_t fn, sum_clock_fn_t now)
{
	static uint8_t src[SUM_SECTOR], dst[SUM_SECTOR];
	uint8_t out[SUM_BYTES_MAX];
	uint64_t best = UINT64_MAX;

	for (unsigned round = 0; round < MEASURE_ROUNDS; round++) {
		uint64_t start = now();
		uint64_t took;

		for (uint64_t i = 0; i < MEASURE_SECTORS; i++)
			fn(dst, src, (uint64_t[2]){round, i}, out);
		took = now() - start;
		best = took < best ? took : best;
	}
	return best;
}

static sum_fn_t crc32c_fastest(sum_clock_fn_t now)
{
	if (now == NULL || !sum_crc32c_has_sse42())
		return sum_crc32c_tables;
	return measure(sum_crc32c_sse42, now) < measure(sum_crc32c_tables, now) ? sum_crc32c_sse42
	                                                                        : sum_crc32c_tables;
}

enum sum_algo sum_fastest(sum_clock_fn_t now)
{
	return measure(crc32c_fastest(now), now) < measure(sum_xxh64, now) ? SUM_CRC32C : SUM_XXH64;
}

int sum_init(struct summer *s, enum sum_algo algo, const uint8_t uuid[16], sum_clock_fn_t now)
{
	uint64_t half[2];

	if (!is_algo(algo))
		return -EINVAL;
	memcpy(half, uuid, sizeof(half));
	*s = (struct summer){.algo = algo, .bytes = algos[algo].bytes, .salt = half[0] ^ half[1]};
	s->fn = algo == SUM_CRC32C ? crc32c_fastest(now) : algos[algo].portable;
	return 0;
}
