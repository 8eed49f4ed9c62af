/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulated disks: see sim.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim.h"

#define SECTOR 512u

void sim_disk_make(struct sim_disk *d, const char *serial, uint64_t sectors)
{
	memset(d, 0, sizeof(*d));
	d->sectors = sectors;
	d->medium = calloc(sectors, SECTOR);
	d->cache = calloc(sectors, SECTOR);
	if (d->medium == NULL || d->cache == NULL)
		abort();
	snprintf(d->model, sizeof(d->model), "SIMULATED DISK");
	snprintf(d->serial, sizeof(d->serial), "%s", serial);
	d->has_ncq = d->has_cache = true;
	d->depth = 32;
	d->bad_sector = SIM_NO_SECTOR;
}

void sim_disk_free(struct sim_disk *d)
{
	free(d->medium);
	free(d->cache);
	d->medium = d->cache = NULL;
}

static void put_string(uint16_t *words, unsigned count, const char *text)
{
	size_t length = strlen(text);

	for (unsigned i = 0; i < count; i++) {
		uint8_t first = 2 * i < length ? (uint8_t)text[2 * i] : ' ';
		uint8_t second = 2 * i + 1 < length ? (uint8_t)text[2 * i + 1] : ' ';

		words[i] = (uint16_t)(first << 8 | second);
	}
}

void sim_disk_identify(const struct sim_disk *d, uint16_t words[256])
{
	uint8_t sum = 0xa5;

	memset(words, 0, 512);
	words[0] = 0x0040;
	put_string(words + ID_SERIAL, 10, d->serial);
	put_string(words + ID_MODEL, 20, d->model);
	words[ID_QUEUE_DEPTH] = (uint16_t)(d->depth - 1);
	words[ID_SATA_CAPS] = d->has_ncq ? ID_SATA_NCQ : 0;
	words[ID_SUPPORT2] = ID_LBA48 | ID_FLUSH_EXT | 1u << 14;
	words[ID_SUPPORT3] = (uint16_t)(d->has_fua ? ID_FUA : 0);
	words[ID_ENABLED1] = d->has_cache ? ID_WRITE_CACHE : 0;
	for (unsigned i = 0; i < 4; i++)
		words[ID_SECTORS48 + i] = (uint16_t)(d->sectors >> (16 * i));
	words[ID_SECTOR_SIZE] = (uint16_t)(d->is_large ? 0x4000 | ID_SECTOR_LARGE : 0);
	for (unsigned i = 0; i < 255; i++)
		sum = (uint8_t)(sum + words[i] + (words[i] >> 8));
	words[255] = (uint16_t)((uint8_t)-sum << 8 | 0xa5); /* ATA8-ACS 7.16.7: integrity word */
	if (d->has_bad_data)
		words[ID_SERIAL] ^= 0x0100;
}

void sim_disk_flush(struct sim_disk *d)
{
	memcpy(d->medium, d->cache, d->sectors * SECTOR);
}

/* It wrote some of them before, in any order. */
void sim_disk_lose_power(struct sim_disk *d)
{
	for (uint64_t i = 0; i < d->sectors; i++) {
		uint8_t *medium = d->medium + i * SECTOR, *cache = d->cache + i * SECTOR;

		if (!d->has_cache || sim_random(2) == 0)
			memcpy(medium, cache, SECTOR);
		else
			memcpy(cache, medium, SECTOR);
	}
	d->is_queue_failed = false;
}

bool sim_disk_accepts(const struct sim_disk *d, uint64_t sector, uint64_t sectors)
{
	return sectors > 0 && sector < d->sectors && sectors <= d->sectors - sector &&
	       (d->bad_sector < sector || d->bad_sector >= sector + sectors);
}
