/* SPDX-License-Identifier: BSD-2-Clause */
/* Sectors that can be told from one another: see pattern.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/blk.h"
#include "tests/unit/support/pattern.h"

#define WORDS  (BLK_SECTOR / 8)
#define FACTOR 0x9e3779b97f4a7c15ull

void pattern_put(uint8_t *at, uint64_t sector, uint32_t version)
{
	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t word = version == 0 ? 0 : (sector * WORDS + i) * FACTOR + version;

		memcpy(at + i * sizeof(word), &word, sizeof(word));
	}
}

void pattern_put_run(uint8_t *at, uint64_t sector, uint32_t sectors, uint32_t version)
{
	for (uint32_t i = 0; i < sectors; i++)
		pattern_put(at + (size_t)i * BLK_SECTOR, sector + i, version);
}

uint32_t pattern_version(const uint8_t *at, uint64_t sector)
{
	uint8_t expected[BLK_SECTOR];
	uint64_t word;
	uint32_t version;

	memcpy(&word, at, sizeof(word));
	version = word == 0 ? 0 : (uint32_t)(word - sector * WORDS * FACTOR);
	pattern_put(expected, sector, version);
	assert_memory_equal(at, expected, BLK_SECTOR);
	return version;
}
