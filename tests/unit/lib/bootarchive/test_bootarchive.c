/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/bootarchive/bootarchive.c */
/*
 * Boot archive reader: a good archive is found to be good, and every rule of bootarchive.h refuses
 * an archive that breaks just that rule.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bootarchive/bootarchive.h"

#define ARCHIVE_BYTES (5 * PAGE_BYTES)
#define ENTRIES       3

struct image {
	struct boot_archive head;
	struct boot_entry entries[ENTRIES];
};

static uint8_t *bytes;

static struct image *make_archive(void)
{
	struct image *img = (struct image *)bytes;

	memset(bytes, 0, ARCHIVE_BYTES);
	memcpy(img->head.magic, BOOT_MAGIC, sizeof(img->head.magic));
	img->head.count = ENTRIES;
	img->head.total_bytes = ARCHIVE_BYTES;
	strcpy(img->entries[0].name, "vm");
	img->entries[0].offset = PAGE_BYTES;
	img->entries[0].size_bytes = 5000;
	strcpy(img->entries[1].name, "empty");
	img->entries[1].offset = PAGE_BYTES;
	strcpy(img->entries[2].name, "ds");
	img->entries[2].offset = 3 * PAGE_BYTES;
	img->entries[2].size_bytes = 2 * PAGE_BYTES;
	memset(bytes + PAGE_BYTES, 'v', 5000);
	memset(bytes + 3 * PAGE_BYTES, 'd', 2 * PAGE_BYTES);
	return img;
}

static void assert_refused(void)
{
	struct bootarchive a;

	assert_int_equal(bootarchive_open(&a, bytes, ARCHIVE_BYTES), -EINVAL);
}

static void good_archive_is_read(void **state)
{
	struct bootarchive a;
	struct boot_entry e;

	(void)state;
	make_archive();
	assert_int_equal(bootarchive_open(&a, bytes, ARCHIVE_BYTES), 0);
	assert_int_equal(bootarchive_find(&a, "ds", &e), 0);
	assert_int_equal(e.offset, 3 * PAGE_BYTES);
	assert_int_equal(e.size_bytes, 2 * PAGE_BYTES);
	assert_int_equal(bootarchive_find(&a, "d", &e), -ENOENT);
	assert_int_equal(bootarchive_entry(&a, 1, &e), 0);
	assert_string_equal(e.name, "empty");
	assert_int_equal(bootarchive_entry(&a, 3, &e), -ENOENT);
}

static void header_is_checked(void **state)
{
	struct bootarchive a;

	(void)state;
	make_archive()->head.magic[7] = '2';
	assert_refused();
	make_archive()->head.reserved = 1;
	assert_refused();
	make_archive()->head.count = BOOT_ENTRIES_MAX + 1;
	assert_refused();
	make_archive()->head.total_bytes = ARCHIVE_BYTES + 1;
	assert_refused();
	make_archive()->head.total_bytes = 100;
	assert_refused();
	make_archive();
	assert_int_equal(bootarchive_open(&a, bytes, 8), -EINVAL);
	make_archive()->head.count = 0;
	assert_int_equal(bootarchive_open(&a, bytes, ARCHIVE_BYTES), 0);
}

static void names_are_checked(void **state)
{
	struct image *img;

	(void)state;
	make_archive()->entries[0].name[0] = 0;
	assert_refused();
	img = make_archive();
	memset(img->entries[0].name, 'x', sizeof(img->entries[0].name));
	assert_refused();
	make_archive()->entries[0].name[40] = 'x';
	assert_refused();
	strcpy(make_archive()->entries[1].name, "vm");
	assert_refused();
}

static void ranges_are_checked(void **state)
{
	(void)state;
	make_archive()->entries[0].offset = PAGE_BYTES + 8;
	assert_refused();
	make_archive()->entries[0].offset = 0;
	assert_refused();
	make_archive()->entries[2].offset = UINT64_MAX & ~(PAGE_BYTES - 1);
	assert_refused();
	make_archive()->entries[2].size_bytes = UINT64_MAX;
	assert_refused();
	make_archive()->entries[2].size_bytes = 2 * PAGE_BYTES + 1;
	assert_refused();
	make_archive()->entries[2].offset = 2 * PAGE_BYTES;
	assert_refused();
}

static void padding_is_checked(void **state)
{
	(void)state;
	make_archive();
	bytes[PAGE_BYTES + 5000] = 1;
	assert_refused();
	make_archive();
	bytes[3 * PAGE_BYTES - 1] = 1;
	assert_refused();
}

static int setup(void **state)
{
	(void)state;
	bytes = malloc(ARCHIVE_BYTES);
	return bytes == NULL;
}

static int teardown(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_archive_is_read), cmocka_unit_test(header_is_checked),
		cmocka_unit_test(names_are_checked),    cmocka_unit_test(ranges_are_checked),
		cmocka_unit_test(padding_is_checked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
