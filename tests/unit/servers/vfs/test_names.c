/* uses: servers/vfs/pathname.c servers/vfs/devnum.c servers/vfs/dcache.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Path text, device numbers, name cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "servers/vfs/dcache.h"
#include "servers/vfs/devnum.h"
#include "servers/vfs/pathname.h"

static void components_are_split_at_slashes(void **state)
{
	const char *p = "//usr///bin/x/";
	size_t len;

	(void)state;
	assert_memory_equal(path_component(&p, &len), "usr", 3);
	assert_int_equal(len, 3);
	assert_false(path_is_end(p));
	assert_memory_equal(path_component(&p, &len), "bin", 3);
	assert_memory_equal(path_component(&p, &len), "x", 1);
	assert_true(path_is_end(p));
	assert_int_equal(*p, '/');
	(void)path_component(&p, &len);
	assert_int_equal(len, 0);
}

static void splice_puts_target_before_rest(void **state)
{
	char path[32] = "/a/link/b/c";

	(void)state;
	assert_int_equal(path_splice(path, sizeof(path), "/x/y", path + 7), 0);
	assert_string_equal(path, "/x/y/b/c");
	assert_int_equal(path_splice(path, sizeof(path), "0123456789012345678901234", path + 4), 0);
	assert_string_equal(path, "0123456789012345678901234/b/c");
}

static void splice_refuses_what_does_not_fit(void **state)
{
	char path[8] = "l/abc";

	(void)state;
	assert_int_equal(path_splice(path, sizeof(path), "wxyz", path + 1), -ENAMETOOLONG);
	assert_string_equal(path, "l/abc");
	assert_int_equal(path_splice(path, sizeof(path), "xyz", path + 1), 0);
	assert_string_equal(path, "xyz/abc");
}

static void own_descriptors_are_recognised(void **state)
{
	(void)state;
	assert_int_equal(path_own_fd("/dev/stdout"), 1);
	assert_int_equal(path_own_fd("/dev/fd/12"), 12);
	assert_int_equal(path_own_fd("/proc/self/fd/0"), 0);
	assert_int_equal(path_own_fd("/dev/fd/"), -1);
	assert_int_equal(path_own_fd("/dev/fd/1x"), -1);
	assert_int_equal(path_own_fd("/dev/fd/1/x"), -1);
	assert_int_equal(path_own_fd("/dev/fd/99999999999999999999"), -1);
	assert_int_equal(path_own_fd("/proc/1/fd/0"), -1);
}

static void device_numbers_are_those_of_linux(void **state)
{
	(void)state;
	assert_int_equal(devnum_of("pts/5", false, 9), 0x8805);
	assert_int_equal(devnum_of("null", false, 9), 0x103);
	assert_int_equal(devnum_of("ttyS1", false, 9), 0x441);
	assert_int_equal(devnum_of("tty", false, 9), 0x500);
	assert_int_equal(devnum_of("tty3", false, 9), 0x403);
	assert_int_equal(devnum_of("ram1", true, 9), 0x101);
	assert_int_equal(devnum_of("sata2", true, 9), 0x820);
	assert_int_equal(devnum_of("checksum0", true, 9), 0xf009);
	assert_int_not_equal(devnum_of("audio", false, 1), devnum_of("printer", false, 2));
}

static void names_are_found_until_dropped(void **state)
{
	struct dcache_key k = {1, 7, "name"}, other = {2, 7, "name"};
	char name[DCACHE_NAME_MAX + 1];
	uint32_t ino, dir;

	(void)state;
	assert_false(dcache_get(&k, &ino));
	dcache_put(&k, 42);
	assert_true(dcache_get(&k, &ino));
	assert_int_equal(ino, 42);
	assert_false(dcache_get(&other, &ino));
	assert_true(dcache_name_of(1, 42, &dir, name));
	assert_int_equal(dir, 7);
	assert_string_equal(name, "name");
	dcache_put(&k, 43);
	assert_true(dcache_get(&k, &ino));
	assert_int_equal(ino, 43);
	dcache_drop(&k);
	assert_false(dcache_get(&k, &ino));
}

static void long_names_are_not_cached_and_mounts_are_dropped(void **state)
{
	char name[80];
	struct dcache_key k = {3, 1, name};
	uint32_t ino;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[60] = '\0';
	dcache_put(&k, 1);
	assert_false(dcache_get(&k, &ino));
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		dcache_put(&k, (uint32_t)i);
		assert_true(dcache_get(&k, &ino));
		assert_int_equal(ino, i);
	}
	dcache_drop_mount(3);
	assert_false(dcache_get(&k, &ino));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_are_split_at_slashes),
		cmocka_unit_test(splice_puts_target_before_rest),
		cmocka_unit_test(splice_refuses_what_does_not_fit),
		cmocka_unit_test(own_descriptors_are_recognised),
		cmocka_unit_test(device_numbers_are_those_of_linux),
		cmocka_unit_test(names_are_found_until_dropped),
		cmocka_unit_test(long_names_are_not_cached_and_mounts_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
