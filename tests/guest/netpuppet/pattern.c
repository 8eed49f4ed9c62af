/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of streams (netpuppet.h). */
#include <stdbool.h>
#include <string.h>

#include "random/random.h"
#include "netpuppet.h"

#define TILE_BYTES  65536u
#define TILE_SEED   0x61786f6c6f746cu
#define SEED_STRIDE 40503u
#define STRIDE      4099u
#define HEAD_BYTES  8u

static uint8_t tile[TILE_BYTES + PATTERN_BLOCK];
static bool has_tile;

static void make_tile(void)
{
	uint64_t state = TILE_SEED;

	for (size_t at = 0; at < TILE_BYTES; at += sizeof(uint64_t)) {
		uint64_t word = random_splitmix(&state);

		memcpy(tile + at, &word, sizeof(word));
	}
	memcpy(tile + TILE_BYTES, tile, PATTERN_BLOCK);
	has_tile = true;
}

static void make_block(uint32_t seed, uint32_t number, uint8_t block[PATTERN_BLOCK])
{
	uint32_t start = (seed * SEED_STRIDE + number * STRIDE) % TILE_BYTES;

	memcpy(block, &seed, sizeof(seed));
	memcpy(block + sizeof(seed), &number, sizeof(number));
	memcpy(block + HEAD_BYTES, tile + start, PATTERN_BLOCK - HEAD_BYTES);
}

void pattern_fill(uint32_t seed, uint64_t pos_bytes, uint8_t *out, size_t len_bytes)
{
	uint8_t block[PATTERN_BLOCK];

	if (!has_tile)
		make_tile();
	while (len_bytes > 0) {
		size_t skip = pos_bytes % PATTERN_BLOCK;
		size_t step = PATTERN_BLOCK - skip < len_bytes ? PATTERN_BLOCK - skip : len_bytes;

		make_block(seed, (uint32_t)(pos_bytes / PATTERN_BLOCK), block);
		memcpy(out, block + skip, step);
		out += step;
		pos_bytes += step;
		len_bytes -= step;
	}
}
