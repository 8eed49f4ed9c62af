/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation bitmaps, held in memory while mounted: finding and taking bits never blocks.
 *
 *          bitmap_alloc_run            bitmap_free              bitmap_settle (epoch complete)
 *   free  ------------------>  used  --------------> pending  ------------------------------> free
 *     ^                          |
 *     +------ bitmap_undo -------+   (nothing on the medium can refer to it yet)
 *
 * Invariants: pending is a subset of used; bit 0 and bits behind the end are used and never
 * pending; free_count and pending_count count exactly. Bits are in the order of the medium (little
 * endian words).
 */
#include "fs/priv.h"

#include <string.h>

enum { ROOMY_SEARCH_WORDS = 4096 }; /* look so far for a run before taking any free bit */

static uint32_t bits_per_block(const struct mfs *fs)
{
	return fs->geo.block_size * 8;
}

void bitmap_mark_stale(const struct mfs *fs, struct bitmap *map, uint32_t bit)
{
	uint32_t block = bit / bits_per_block(fs);

	if (!map->stale[block]) {
		map->stale[block] = 1;
		map->stale_count++;
	}
}

/* Bits that do not exist are set in memory, whatever the medium says, so that no search finds them.
 */
static void fence_bits(struct bitmap *map)
{
	map->used[0] |= 1;
	if (map->bits % 64)
		map->used[map->words - 1] |= ~0ULL << (map->bits % 64);
}

static void count_free(struct bitmap *map)
{
	map->free_count = 0;
	for (uint32_t w = 0; w < map->words; w++)
		map->free_count += (uint32_t)__builtin_popcountll(~map->used[w]);
}

int bitmap_load(struct mfs *fs, struct bitmap *map)
{
	uint32_t size = fs->geo.block_size;

	if (fs->io.prefetch)
		fs->io.prefetch(fs->io.ctx, map->first_block, map->blocks);
	for (uint32_t b = 0; b < map->blocks; b++) {
		struct mfs_buf buf;
		int r = fs_get(fs, map->first_block + b, MFS_READ, &buf);

		if (r)
			return r;
		memcpy((uint8_t *)map->used + (size_t)b * size, buf.data, size);
		fs_put(fs, &buf);
	}
	fence_bits(map);
	count_free(map);
	map->pending_low = map->words;
	map->pending_high = 0;
	return 0;
}

/* The first free bit at or behind `from`, wrapping around; 0: none. */
static uint32_t find_free(const struct bitmap *map, uint32_t from)
{
	uint32_t w = from / 64;
	uint64_t free_bits = ~map->used[w] & (~0ULL << (from % 64));

	for (uint32_t n = 0; n <= map->words; n++) {
		if (free_bits)
			return w * 64 + (uint32_t)__builtin_ctzll(free_bits);
		w = w + 1 < map->words ? w + 1 : 0;
		free_bits = ~map->used[w];
	}
	return 0;
}

/* The start of 64 free bits near `from`; 0: none within reach. */
static uint32_t find_roomy(const struct bitmap *map, uint32_t from)
{
	uint32_t w = from / 64;
	uint32_t limit = map->words < ROOMY_SEARCH_WORDS ? map->words : ROOMY_SEARCH_WORDS;

	for (uint32_t n = 0; n < limit; n++) {
		w = w + 1 < map->words ? w + 1 : 0;
		if (!map->used[w])
			return w * 64;
	}
	return 0;
}

static uint32_t choose_start(const struct bitmap *map, uint32_t goal, uint32_t want)
{
	uint32_t from = goal > 0 && goal < map->bits ? goal : map->rotor;
	uint32_t bit = 0;

	if (from == goal && !bitmap_test(map->used, goal))
		return goal;
	if (want >= 16)
		bit = find_roomy(map, from);
	return bit ? bit : find_free(map, from);
}

/* Takes up to `want` consecutive bits, at the goal if that is free (0: no goal). Returns how many;
 * 0: full. */
uint32_t bitmap_alloc_run(struct bitmap *map, uint32_t goal, uint32_t want, uint32_t *first)
{
	uint32_t bit = map->free_count ? choose_start(map, goal, want) : 0;
	uint32_t n = 0;

	if (!bit)
		return 0;
	*first = bit;
	while (n < want && bit < map->bits && !bitmap_test(map->used, bit)) {
		map->used[bit / 64] |= 1ULL << (bit % 64);
		bit++;
		n++;
	}
	map->free_count -= n;
	map->rotor = bit < map->bits ? bit : 1;
	return n;
}

/* False: the bit is free already, or about to be; the medium is damaged. */
bool bitmap_free(struct bitmap *map, uint32_t bit)
{
	uint32_t w = bit / 64;

	if (bit == 0 || bit >= map->bits)
		return false;
	if (!bitmap_test(map->used, bit) || bitmap_test(map->pending, bit))
		return false;
	map->pending[w] |= 1ULL << (bit % 64);
	map->pending_count++;
	if (w < map->pending_low)
		map->pending_low = w;
	if (w >= map->pending_high)
		map->pending_high = w + 1;
	return true;
}

void bitmap_undo(const struct mfs *fs, struct bitmap *map, uint32_t bit)
{
	map->used[bit / 64] &= ~(1ULL << (bit % 64));
	map->free_count++;
	bitmap_mark_stale(fs, map, bit);
}

void bitmap_settle(const struct mfs *fs, struct bitmap *map)
{
	for (uint32_t w = map->pending_low; w < map->pending_high; w++) {
		if (!map->pending[w])
			continue;
		map->used[w] &= ~map->pending[w];
		map->pending[w] = 0;
		bitmap_mark_stale(fs, map, w * 64);
	}
	map->free_count += map->pending_count;
	map->pending_count = 0;
	map->pending_low = map->words;
	map->pending_high = 0;
}

static int copy_block(struct mfs *fs, struct bitmap *map, uint32_t b)
{
	struct mfs_buf buf;
	int r = fs_get(fs, map->first_block + b, MFS_ZERO, &buf);

	if (r)
		return r;
	memcpy(buf.data, (uint8_t *)map->used + (size_t)b * fs->geo.block_size, fs->geo.block_size);
	fs_dirty(fs, &buf, MFS_BITMAP);
	fs_put(fs, &buf);
	return 0;
}

/* Writes the stale blocks [from, end) and forgets that they were stale. */
static int write_batch(struct mfs *fs, struct bitmap *map, uint32_t from, uint32_t end)
{
	int r = fs->io.write_out(fs->io.ctx, MFS_BITMAP);

	if (r)
		return r;
	for (uint32_t b = from; b < end; b++) {
		map->stale_count -= map->stale[b];
		map->stale[b] = 0;
	}
	return 0;
}

int bitmap_write(struct mfs *fs, struct bitmap *map)
{
	uint32_t batch_start = 0;
	uint32_t copied = 0;

	if (!map->stale_count)
		return 0;
	for (uint32_t b = 0; b < map->blocks; b++) {
		int r = map->stale[b] ? copy_block(fs, map, b) : 0;

		copied += map->stale[b];
		if (!r && copied == MFS_COMMIT_BATCH) {
			r = write_batch(fs, map, batch_start, b + 1);
			batch_start = b + 1;
			copied = 0;
		}
		if (r)
			return r;
	}
	return copied ? write_batch(fs, map, batch_start, map->blocks) : 0;
}
