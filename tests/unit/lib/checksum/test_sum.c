/* uses: lib/checksum/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* libs: crypto */
/* Sums: against the reference xxHash, a bitwise CRC-32C and SHA of whole buffers; address; copies.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#define XXH_INLINE_ALL
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "checksum/sum.h"

static uint8_t uuid[16];
static uint8_t data[2048];

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int setup(void **state)
{
	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rand();
	for (size_t i = 0; i < sizeof(uuid); i++)
		uuid[i] = (uint8_t)rand();
	return 0;
}

static uint32_t crc32c_bitwise(uint32_t crc, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return crc;
}

static void xxh64_is_the_reference(void **state)
{
	struct summer s;
	uint8_t out[SUM_BYTES_MAX];

	(void)state;
	assert_int_equal(sum_init(&s, SUM_XXH64, uuid, clock_ns), 0);
	for (uint64_t lba = 0; lba < 500; lba++) {
		uint64_t want = XXH64(data + lba, SUM_SECTOR, s.salt ^ lba);

		sum_sector(&s, NULL, data + lba, lba, out);
		assert_memory_equal(out, &want, 8);
	}
	for (size_t len = 64; len <= 1024; len += 64)
		assert_true(sum_xxh64_blocks(data, len, 7) == XXH64(data, len, 7));
}

static void crc32c_is_castagnoli(void **state)
{
	const uint8_t check[] = "123456789";

	(void)state;
	assert_int_equal(~crc32c_bitwise(0xffffffff, check, 9), 0xe3069283);
	for (uint64_t lba = 0; lba < 100; lba++) {
		const uint64_t key[2] = {0x1122334455667788, lba};
		uint32_t want = crc32c_bitwise(0xffffffff, (const uint8_t *)key, 16);
		uint8_t out[SUM_BYTES_MAX];

		want = ~crc32c_bitwise(want, data + lba, SUM_SECTOR);
		sum_crc32c_tables(NULL, data + lba, key, out);
		assert_memory_equal(out, &want, 4);
		memset(out, 0, sizeof(out));
		if (sum_crc32c_has_sse42()) {
			sum_crc32c_sse42(NULL, data + lba, key, out);
			assert_memory_equal(out, &want, 4);
		}
	}
}

static void sha_covers_key_and_data(void **state)
{
	const uint64_t key[2] = {5, 9};
	uint8_t message[16 + SUM_SECTOR], want[SUM_BYTES_MAX], out[SUM_BYTES_MAX];

	(void)state;
	memcpy(message, key, 16);
	memcpy(message + 16, data, SUM_SECTOR);
	SHA1(message, sizeof(message), want);
	sum_sha1(NULL, data, key, out);
	assert_memory_equal(out, want, 20);
	SHA256(message, sizeof(message), want);
	sum_sha256(NULL, data, key, out);
	assert_memory_equal(out, want, 32);
}

static void copies_are_exact_and_change_nothing(void **state)
{
	(void)state;
	for (int algo = 1; algo < SUM_ALGOS; algo++) {
		uint8_t dst[SUM_SECTOR + 8], sum[SUM_BYTES_MAX], sum_copy[SUM_BYTES_MAX];
		struct summer s;

		assert_int_equal(sum_init(&s, (enum sum_algo)algo, uuid, clock_ns), 0);
		for (unsigned shift = 0; shift < 5; shift++) {
			memset(dst, 0xee, sizeof(dst));
			sum_sector(&s, NULL, data + shift, 3, sum);
			sum_sector(&s, dst + shift, data + shift, 3, sum_copy);
			assert_memory_equal(sum, sum_copy, s.bytes);
			assert_memory_equal(dst + shift, data + shift, SUM_SECTOR);
			assert_int_equal(dst[shift + SUM_SECTOR], 0xee);
		}
	}
}

static void address_salt_and_every_byte_count(void **state)
{
	(void)state;
	for (int algo = 1; algo < SUM_ALGOS; algo++) {
		uint8_t sector[SUM_SECTOR], sum[SUM_BYTES_MAX], other[SUM_BYTES_MAX];
		struct summer s;

		assert_int_equal(sum_init(&s, (enum sum_algo)algo, uuid, clock_ns), 0);
		memcpy(sector, data, SUM_SECTOR);
		sum_sector(&s, NULL, sector, 77, sum);
		sum_sector(&s, NULL, sector, 78, other);
		assert_memory_not_equal(sum, other, s.bytes);
		s.salt++;
		sum_sector(&s, NULL, sector, 77, other);
		assert_memory_not_equal(sum, other, s.bytes);
		s.salt--;
		for (unsigned i = 0; i < SUM_SECTOR; i++) {
			sector[i] ^= 0x10;
			sum_sector(&s, NULL, sector, 77, other);
			assert_memory_not_equal(sum, other, s.bytes);
			sector[i] ^= 0x10;
		}
		sum_sector(&s, NULL, sector, 77, other);
		assert_memory_equal(sum, other, s.bytes);
	}
}

static void names_and_sizes(void **state)
{
	enum sum_algo algo;
	enum sum_algo best = sum_fastest(clock_ns);
	struct summer s;

	(void)state;
	for (int i = 1; i < SUM_ALGOS; i++) {
		assert_int_equal(sum_by_name(sum_name((enum sum_algo)i), &algo), 0);
		assert_int_equal(algo, i);
		assert_true(sum_bytes(algo) > 0 && sum_bytes(algo) <= SUM_BYTES_MAX);
	}
	assert_int_equal(sum_by_name("md5", &algo), -EINVAL);
	assert_string_equal(sum_name(SUM_ALGOS), "?");
	assert_int_equal(sum_bytes(SUM_ALGOS), 0);
	assert_int_equal(sum_init(&s, SUM_ALGOS, uuid, NULL), -EINVAL);
	assert_true(best == SUM_CRC32C || best == SUM_XXH64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(xxh64_is_the_reference, setup),
		cmocka_unit_test_setup(crc32c_is_castagnoli, setup),
		cmocka_unit_test_setup(sha_covers_key_and_data, setup),
		cmocka_unit_test_setup(copies_are_exact_and_change_nothing, setup),
		cmocka_unit_test_setup(address_salt_and_every_byte_count, setup),
		cmocka_unit_test_setup(names_and_sizes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
