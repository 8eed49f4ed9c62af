/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Write-intent bitmap, unsynced regions and resync: see set.h. A bit goes clean -> dirty (wanted) -> stable (on the
 * medium) -> clean; a region in which a write is in flight is never cleaned.
 *
 * A writer that comes from the region before is taken for a sequential one: AHEAD regions are marked
 * with the next one, so that it waits for the bitmap once in AHEAD + 1 regions.
 */
#include <string.h>
#include "mirror_impl.h"

#define AHEAD              15
#define REGIONS_PER_SECTOR (MIRROR_SECTOR * 8)

unsigned mirror_bits_count(const struct mirror_bits *b)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MIRROR_WORDS; i++)
		count += (unsigned)__builtin_popcountll(b->words[i]);
	return count;
}

unsigned mirror_dirty_regions(const struct mirror_set *set)
{
	return mirror_bits_count(&set->dirty);
}

static unsigned good_legs(const struct mirror_set *set)
{
	unsigned count = 0;

	for (unsigned i = 0; i < set->legs; i++)
		count += set->leg[i].state == MIRROR_GOOD;
	return count;
}

static void make_stale(struct mirror_set *set, unsigned leg, const struct mirror_bits *regions)
{
	struct mirror_leg *l = &set->leg[leg];

	for (unsigned i = 0; i < MIRROR_WORDS; i++)
		l->stale.words[i] |= regions->words[i];
	l->stale_count = mirror_bits_count(&l->stale);
}

static void want_sector(struct mirror_set *set, uint32_t region)
{
	set->want_bitmap |= (uint8_t)(1u << region / REGIONS_PER_SECTOR);
}

void mirror_start(struct mirror_set *set, const void *bitmap, bool is_unclean)
{
	memcpy(&set->dirty, bitmap, sizeof(set->dirty));
	for (uint32_t i = set->regions; i < MIRROR_REGIONS_MAX; i++)
		mirror_bits_clear(&set->dirty, i);
	set->stable = set->dirty;
	for (unsigned i = 0; i < set->legs; i++) {
		if (set->leg[i].state != MIRROR_RESYNC)
			continue;
		make_stale(set, i, &set->dirty);
		if (set->leg[i].stale_count == 0)
			mirror_leg_complete(set, i);
	}
	if (is_unclean && good_legs(set) > 1)
		set->unsynced = set->dirty;
	set->unsynced_count = mirror_bits_count(&set->unsynced);
	/* Other legs may have another bitmap: it is written anew once. */
	for (unsigned i = 0; i * REGIONS_PER_SECTOR < set->regions; i++)
		want_sector(set, i * REGIONS_PER_SECTOR);
}

/* ---- write intent ---- */

bool mirror_write_marked(const struct mirror_set *set, uint64_t sector, uint32_t sectors)
{
	uint32_t last = mirror_region_of(set, sector + sectors - 1);

	for (uint32_t i = mirror_region_of(set, sector); i <= last; i++) {
		if (!mirror_bits_has(&set->stable, i))
			return false;
	}
	return true;
}

bool mirror_write_begin(struct mirror_set *set, uint64_t sector, uint32_t sectors)
{
	uint32_t first = mirror_region_of(set, sector);
	uint32_t last = mirror_region_of(set, sector + sectors - 1);
	bool is_marked = mirror_write_marked(set, sector, sectors);

	for (uint32_t i = first; i <= last; i++) {
		set->inflight[i]++;
		mirror_bits_set(&set->recent, i);
	}
	if (is_marked)
		return true;
	if (first > 0 && mirror_bits_has(&set->recent, first - 1))
		last += AHEAD;
	for (uint32_t i = first; i <= last && i < set->regions; i++) {
		if (mirror_bits_has(&set->dirty, i))
			continue;
		mirror_bits_set(&set->dirty, i);
		mirror_bits_set(&set->recent, i);
		want_sector(set, i);
	}
	return false;
}

void mirror_write_end(struct mirror_set *set, uint64_t sector, uint32_t sectors)
{
	uint32_t last = mirror_region_of(set, sector + sectors - 1);

	for (uint32_t i = mirror_region_of(set, sector); i <= last; i++)
		set->inflight[i]--;
}

void mirror_bitmap_sector(const struct mirror_set *set, unsigned i, void *out)
{
	memcpy(out, (const uint8_t *)set->dirty.words + (size_t)i * MIRROR_SECTOR, MIRROR_SECTOR);
}

void mirror_bitmap_stable(struct mirror_set *set, unsigned i, const void *written)
{
	const unsigned words = MIRROR_SECTOR / 8;
	uint64_t on_medium[MIRROR_SECTOR / 8];
	bool is_current = true;

	memcpy(on_medium, written, sizeof(on_medium));
	for (unsigned w = 0; w < words; w++) {
		uint64_t wanted = set->dirty.words[i * words + w];

		/* What was cleaned meanwhile is about to be cleared on the medium: not stable. */
		set->stable.words[i * words + w] = on_medium[w] & wanted;
		is_current &= on_medium[w] == wanted;
	}
	if (is_current)
		set->want_bitmap &= (uint8_t) ~(1u << i);
}

static bool some_stale(const struct mirror_set *set)
{
	for (unsigned i = 0; i < set->legs; i++) {
		if (set->leg[i].stale_count > 0)
			return true;
	}
	return set->unsynced_count > 0 || mirror_is_degraded(set);
}

static bool may_clean(const struct mirror_set *set)
{
	return !some_stale(set) && !set->want_record;
}

static bool is_old(const struct mirror_set *set, uint32_t region)
{
	return mirror_bits_has(&set->dirty, region) && !mirror_bits_has(&set->recent, region) &&
	       set->inflight[region] == 0;
}

bool mirror_sweep_begin(struct mirror_set *set)
{
	bool is_needed = false;

	for (uint32_t i = 0; i < set->regions; i++) {
		if (set->inflight[i] > 0)
			mirror_bits_set(&set->recent, i);
		is_needed |= is_old(set, i);
	}
	return is_needed && may_clean(set);
}

void mirror_sweep(struct mirror_set *set)
{
	bool may = may_clean(set);

	for (uint32_t i = 0; may && i < set->regions; i++) {
		if (!is_old(set, i))
			continue;
		/* From now on a write must mark it again, although the medium still has the bit. */
		mirror_bits_clear(&set->dirty, i);
		mirror_bits_clear(&set->stable, i);
		want_sector(set, i);
	}
	memset(&set->recent, 0, sizeof(set->recent));
}

void mirror_sweep_all(struct mirror_set *set)
{
	memset(&set->recent, 0, sizeof(set->recent));
	mirror_sweep(set);
}

/* ---- regions that may differ ---- */

void mirror_forget_unsynced(struct mirror_set *set)
{
	if (good_legs(set) > 1)
		return;
	memset(&set->unsynced, 0, sizeof(set->unsynced));
	set->unsynced_count = 0;
}

/* Sectors of a region, from its start. */
static uint32_t region_length(const struct mirror_set *set, uint32_t region)
{
	uint64_t left = set->super.data_sectors - (uint64_t)region * set->super.region_sectors;

	return left < set->super.region_sectors ? (uint32_t)left : set->super.region_sectors;
}

bool mirror_next_unsynced(const struct mirror_set *set, uint64_t from, struct mirror_range *range)
{
	uint32_t region = mirror_region_of(set, from);

	*range = (struct mirror_range){0};
	while (region < set->regions && !mirror_bits_has(&set->unsynced, region))
		region++;
	if (region >= set->regions)
		return false;
	range->sector = (uint64_t)region * set->super.region_sectors;
	range->sectors = region_length(set, region);
	for (unsigned i = 0; i < set->legs; i++) {
		if (mirror_takes_writes(set, i))
			range->legs |= 1u << i;
	}
	return true;
}

void mirror_synced(struct mirror_set *set, uint64_t sector, uint32_t sectors)
{
	const uint64_t size = set->super.region_sectors, end = sector + sectors;
	uint64_t region = (sector + size - 1) / size;

	for (; region < set->regions; region++) {
		uint32_t i = (uint32_t)region;

		if (region * size + region_length(set, i) > end)
			return;
		if (!mirror_bits_has(&set->unsynced, i))
			continue;
		mirror_bits_clear(&set->unsynced, i);
		set->unsynced_count--;
	}
}

void mirror_delegate(struct mirror_set *set)
{
	unsigned source = mirror_source(set);

	for (unsigned i = 0; i < set->legs; i++) {
		if (i != source && set->leg[i].state == MIRROR_GOOD)
			make_stale(set, i, &set->unsynced);
	}
	memset(&set->unsynced, 0, sizeof(set->unsynced));
	set->unsynced_count = 0;
}

bool mirror_is_settled(const struct mirror_set *set)
{
	for (unsigned i = 0; i < set->legs; i++) {
		if (set->leg[i].state == MIRROR_GOOD && set->leg[i].stale_count > 0)
			return false;
	}
	return set->unsynced_count == 0;
}

/* ---- resync ---- */

static bool next_stale(const struct mirror_set *set, struct mirror_leg *leg)
{
	for (uint32_t n = 0; n < set->regions; n++) {
		uint32_t i = (leg->resync_region + n) % set->regions;

		if (!mirror_bits_has(&leg->stale, i))
			continue;
		if (i != leg->resync_region)
			leg->resync_offset = 0;
		leg->resync_region = i;
		return true;
	}
	return false;
}

bool mirror_resync_next(struct mirror_set *set, uint32_t max_sectors, struct mirror_chunk *chunk)
{
	for (unsigned i = 0; i < set->legs; i++) {
		struct mirror_leg *leg = &set->leg[i];
		uint64_t start;
		uint32_t left;

		if (!mirror_takes_writes(set, i) || leg->stale_count == 0 || !next_stale(set, leg))
			continue;
		start = (uint64_t)leg->resync_region * set->super.region_sectors;
		left = region_length(set, leg->resync_region) - leg->resync_offset;
		chunk->sector = start + leg->resync_offset;
		chunk->sectors = left < max_sectors ? left : max_sectors;
		chunk->to = i;
		chunk->from = mirror_source(set);
		return true;
	}
	return false;
}

bool mirror_resync_done(struct mirror_set *set, const struct mirror_chunk *chunk)
{
	struct mirror_leg *leg = &set->leg[chunk->to];
	uint64_t start = (uint64_t)leg->resync_region * set->super.region_sectors;
	uint64_t end = start + region_length(set, leg->resync_region);

	if (!mirror_takes_writes(set, chunk->to) || chunk->sector != start + leg->resync_offset)
		return false; /* it failed meanwhile, or began anew */
	leg->resync_offset += chunk->sectors;
	if (chunk->sector + chunk->sectors < end)
		return false;
	mirror_bits_clear(&leg->stale, leg->resync_region);
	leg->stale_count--;
	leg->resync_offset = 0;
	if (leg->stale_count > 0)
		return false;
	mirror_leg_complete(set, chunk->to);
	return true;
}
