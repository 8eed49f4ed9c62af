/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4) over salt, LBA and a sector, fused with its copy:
 * eight table look-ups a word, or the CPU's instruction. The tables are made at first use.
 */
#include <string.h>
#include "checksum/sum.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t tables[8][256];

static void make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (POLYNOMIAL & (0u - (crc & 1)));
		tables[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (unsigned t = 1; t < 8; t++)
			tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
	}
}

static inline uint32_t take_word(uint32_t crc, uint64_t word)
{
	uint32_t low = crc ^ (uint32_t)word;
	uint32_t high = (uint32_t)(word >> 32);

	return tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
	       tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
	       tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
}

void sum_crc32c_tables(void *dst, const void *src, const uint64_t key[2],
                       uint8_t out[SUM_BYTES_MAX])
{
	const uint8_t *from = src;
	uint8_t *to = dst;
	uint32_t crc = 0xffffffff;

	if (tables[0][1] == 0)
		make_tables();
	crc = take_word(take_word(crc, key[0]), key[1]);
	for (unsigned i = 0; i < SUM_SECTOR; i += 8) {
		uint64_t word = sum_load(from + i);

		if (to != NULL)
			sum_store(to + i, word);
		crc = take_word(crc, word);
	}
	crc = ~crc;
	memcpy(out, &crc, sizeof(crc));
}

bool sum_crc32c_has_sse42(void)
{
	return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) void
sum_crc32c_sse42(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX])
{
	const uint8_t *from = src;
	uint8_t *to = dst;
	uint64_t crc = 0xffffffff;
	uint32_t result;

	crc = __builtin_ia32_crc32di(__builtin_ia32_crc32di(crc, key[0]), key[1]);
	for (unsigned i = 0; i < SUM_SECTOR; i += 8) {
		uint64_t word = sum_load(from + i);

		if (to != NULL)
			sum_store(to + i, word);
		crc = __builtin_ia32_crc32di(crc, word);
	}
	result = ~(uint32_t)crc;
	memcpy(out, &result, sizeof(result));
}
