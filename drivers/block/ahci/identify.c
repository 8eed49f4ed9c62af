/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IDENTIFY DEVICE data (ATA8-ACS 7.16) to what the block protocol says about a unit. Pure.
 */
#include <errno.h>
#include <string.h>

#include "ahci.h"

#define SECTORS_MAX (1ull << 48)

/* Strings have their bytes swapped in each word and are padded with spaces. */
static void get_string(const uint16_t *words, unsigned count, char *out)
{
	unsigned end = 0;

	for (unsigned i = 0; i < count; i++) {
		out[2 * i] = (char)(words[i] >> 8);
		out[2 * i + 1] = (char)words[i];
	}
	for (unsigned i = 0; i < 2 * count; i++) {
		if (out[i] < ' ' || out[i] > '~')
			out[i] = ' ';
		if (out[i] != ' ')
			end = i + 1;
	}
	out[end] = '\0';
}

static uint64_t get_sectors(const uint16_t *w)
{
	return (uint64_t)w[ID_SECTORS48 + 3] << 48 | (uint64_t)w[ID_SECTORS48 + 2] << 32 |
	       (uint64_t)w[ID_SECTORS48 + 1] << 16 | w[ID_SECTORS48];
}

static bool is_damaged(const uint16_t *w)
{
	uint8_t sum = 0;
	uint16_t any = 0;

	for (unsigned i = 0; i < 256; i++) {
		sum = (uint8_t)(sum + w[i] + (w[i] >> 8));
		any |= w[i];
	}
	return any == 0 || (ID_HAS_SUM(w[ID_INTEGRITY]) && sum != 0);
}

int identify_parse(const uint16_t w[256], struct disk *d)
{
	uint16_t size = w[ID_SECTOR_SIZE];
	char model[41], serial[21];
	bool has_size = ID_SECTOR_VALID(size);

	memset(d, 0, sizeof(*d));
	if (is_damaged(w))
		return -EIO;
	if ((w[ID_GENERAL] & ID_NOT_ATA) || !(w[ID_SUPPORT2] & ID_LBA48) ||
	    (has_size && (size & ID_SECTOR_LARGE)))
		return -ENOTSUP;
	d->info.sectors = get_sectors(w);
	if (d->info.sectors == 0 || d->info.sectors > SECTORS_MAX)
		return -ENOTSUP;
	d->has_ncq = w[ID_SATA_CAPS] != 0xffff && (w[ID_SATA_CAPS] & ID_SATA_NCQ);
	d->depth = d->has_ncq ? (w[ID_QUEUE_DEPTH] & 0x1f) + 1u : 1;
	d->has_fua = w[ID_SUPPORT3] & ID_FUA;
	d->has_cache = w[ID_ENABLED1] & ID_WRITE_CACHE;
	d->info.physical_sector_bytes = BLK_SECTOR;
	if (has_size && (size & ID_SECTOR_MULTIPLE) && (size & 0xf) <= 7)
		d->info.physical_sector_bytes = BLK_SECTOR << (size & 0xf);
	d->info.max_bytes = BLK_REQUEST_MAX;
	d->info.max_elements = BLK_ELEMENTS_MAX;
	d->info.queue_depth = d->depth;
	d->info.replicas = 1;
	d->info.flags = (d->has_cache ? BLK_FLAG_VOLATILE_CACHE : 0) |
	                (d->has_fua || !d->has_cache ? BLK_FLAG_FUA : 0);
	get_string(w + ID_MODEL, 20, model);
	get_string(w + ID_SERIAL, 10, serial);
	memcpy(d->info.model, model, sizeof(d->info.model) - 1);
	memcpy(d->info.serial, serial, sizeof(serial));
	return 0;
}

bool identify_is_same(const struct disk *a, const struct disk *b)
{
	return a->info.sectors == b->info.sectors && strcmp(a->info.serial, b->info.serial) == 0 &&
	       strcmp(a->info.model, b->info.model) == 0;
}
