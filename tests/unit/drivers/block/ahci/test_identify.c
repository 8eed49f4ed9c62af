/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/block/ahci/identify.c */
/* IDENTIFY data: what a disk says about itself, and disks that are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/block/ahci/ahci.h"

static uint16_t words[256];
static struct disk disk;

static int setup(void **state)
{
	(void)state;
	memset(words, 0, sizeof(words));
	words[ID_SUPPORT2] = ID_LBA48 | ID_FLUSH_EXT | 1u << 14;
	words[ID_SECTORS48] = 0x5678;
	words[ID_SECTORS48 + 1] = 0x1234;
	words[ID_SATA_CAPS] = ID_SATA_NCQ;
	words[ID_QUEUE_DEPTH] = 31;
	words[ID_ENABLED1] = ID_WRITE_CACHE;
	memcpy(words + ID_MODEL, "EQUMH RADDSI K                          ", 40);
	memcpy(words + ID_SERIAL, "MQ0000 1            ", 20);
	return 0;
}

static void good_disk_is_described(void **state)
{
	(void)state;
	assert_int_equal(identify_parse(words, &disk), 0);
	assert_int_equal(disk.info.sectors, 0x12345678);
	assert_true(disk.has_ncq);
	assert_int_equal(disk.depth, 32);
	assert_int_equal(disk.info.queue_depth, 32);
	assert_string_equal(disk.info.model, "QEMU HARDDISK");
	assert_string_equal(disk.info.serial, "QM00001");
	assert_int_equal(disk.info.flags, BLK_FLAG_VOLATILE_CACHE);
	assert_int_equal(disk.info.physical_sector_bytes, 512);
}

static void fua_and_cache_become_flags(void **state)
{
	(void)state;
	words[ID_SUPPORT3] = ID_FUA;
	assert_int_equal(identify_parse(words, &disk), 0);
	assert_int_equal(disk.info.flags, BLK_FLAG_VOLATILE_CACHE | BLK_FLAG_FUA);
	words[ID_SUPPORT3] = words[ID_ENABLED1] = 0; /* write-through: each write is final */
	assert_int_equal(identify_parse(words, &disk), 0);
	assert_int_equal(disk.info.flags, BLK_FLAG_FUA);
}

static void physical_sector_size_is_told(void **state)
{
	(void)state;
	words[ID_SECTOR_SIZE] = 0x4000 | ID_SECTOR_MULTIPLE | 3;
	assert_int_equal(identify_parse(words, &disk), 0);
	assert_int_equal(disk.info.physical_sector_bytes, 4096);
}

static void disk_without_queue_has_depth_one(void **state)
{
	(void)state;
	words[ID_SATA_CAPS] = 0xffff; /* PATA bridge: not reported */
	assert_int_equal(identify_parse(words, &disk), 0);
	assert_false(disk.has_ncq);
	assert_int_equal(disk.info.queue_depth, 1);
}

static void unusable_disks_are_refused(void **state)
{
	(void)state;
	words[ID_SUPPORT2] = 0;
	assert_int_equal(identify_parse(words, &disk), -ENOTSUP);
	setup(NULL);
	words[ID_SECTOR_SIZE] = 0x4000 | ID_SECTOR_LARGE;
	assert_int_equal(identify_parse(words, &disk), -ENOTSUP);
	setup(NULL);
	words[ID_SECTORS48] = words[ID_SECTORS48 + 1] = 0;
	assert_int_equal(identify_parse(words, &disk), -ENOTSUP);
	setup(NULL);
	words[ID_SECTORS48 + 3] = 2;
	assert_int_equal(identify_parse(words, &disk), -ENOTSUP);
}

static void strings_of_any_bytes_end(void **state)
{
	(void)state;
	memset(words + ID_MODEL, 0xff, 40);
	memset(words + ID_SERIAL, 'x', 20);
	assert_int_equal(identify_parse(words, &disk), 0);
	assert_string_equal(disk.info.model, "");
	assert_int_equal(strlen(disk.info.serial), 20);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(good_disk_is_described),       T(fua_and_cache_become_flags),
		T(physical_sector_size_is_told), T(disk_without_queue_has_depth_one),
		T(unusable_disks_are_refused),   T(strings_of_any_bytes_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
