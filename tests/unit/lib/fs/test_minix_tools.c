/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cross-check with the reference programs: images of mkfs.minix -3 mount, and fsck.minix accepts
 * what lib/fs wrote, also in an image of its own mkfs. Without those programs (package util-linux)
 * the tests are skipped.
 */
/* uses: lib/fs/ */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fs/image.h"

enum { IMAGE_BYTES = 24 << 20, SLOTS = 1024 };

static char path[] = "/tmp/test_minix_XXXXXX";

static struct mfs_name name_of(const char *text)
{
	return (struct mfs_name){.text = text, .len = strlen(text)};
}

/* Exit status, -1 if it could not be run. */
static int run(const char *program, const char *options)
{
	char command[200];
	int status;

	snprintf(command, sizeof(command), "PATH=$PATH:/sbin:/usr/sbin %s %s %s >/dev/null 2>&1",
	         program, options, path);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_missing(const char *program)
{
	char command[100];

	snprintf(command, sizeof(command), "PATH=$PATH:/sbin:/usr/sbin command -v %s >/dev/null",
	         program);
	return system(command) != 0;
}

static int move_pattern(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	(void)ctx;
	for (unsigned i = 0; i < count; i++) {
		for (size_t k = 0; k < pieces[i].len; k++)
			pieces[i].data[k] = (uint8_t)((at + k) * 7 >> 3);
		at += pieces[i].len;
	}
	return 0;
}

static int compare_pattern(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	(void)ctx;
	for (unsigned i = 0; i < count; i++) {
		for (size_t k = 0; k < pieces[i].len; k++)
			assert_int_equal(pieces[i].data[k], (uint8_t)((at + k) * 7 >> 3));
		at += pieces[i].len;
	}
	return 0;
}

static struct mfs *mount_image(int fd, struct mfs_image **image, void **memory)
{
	struct mfs_config config = {.inode_slots = SLOTS};
	struct mfs_geometry geo;
	const char *reason;
	struct mfs *fs;

	assert_int_equal(mfs_image_probe(fd, &geo, &config.device_bytes, &reason), 0);
	assert_int_equal(mfs_image_open(fd, geo.block_size, image), 0);
	config.io = mfs_image_io(*image);
	config.block_size = geo.block_size;
	config.memory_bytes = (mfs_memory_needed(&geo, SLOTS) + 15) & ~(size_t)15;
	config.memory = *memory = aligned_alloc(16, config.memory_bytes);
	assert_non_null(*memory);
	assert_int_equal(mfs_mount(&config, &fs, &reason), 0);
	return fs;
}

static void unmount_image(struct mfs *fs, struct mfs_image *image, void *memory)
{
	assert_int_equal(mfs_unmount(fs), 0);
	assert_int_equal(mfs_image_flush(image), 0);
	mfs_image_close(image);
	free(memory);
}

static struct mfs_inode *make(struct mfs_inode *dir, const char *name, uint16_t mode)
{
	struct mfs_new what = {.mode = mode, .rdev = 0x103, .target = name_of("somewhere/else")};
	struct mfs_inode *ip;

	assert_int_equal(mfs_create(dir, name_of(name), &what, &ip), 0);
	return ip;
}

/* Files of all kinds, one with all levels of indirection, a large directory, holes left by
 * deletion. */
static void fill(struct mfs *fs)
{
	struct mfs_transfer tr = {.len = 9 << 20, .move = move_pattern};
	static const uint16_t types[] = {S_IFIFO, S_IFLNK, S_IFCHR, S_IFBLK, S_IFSOCK};
	struct mfs_inode *root, *dir, *ip;
	char name[20];
	size_t done;

	assert_int_equal(mfs_get_inode(fs, MFS_ROOT_INO, &root), 0);
	dir = make(root, "dir", S_IFDIR | 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "entry %d", i);
		ip = make(dir, name, i < 5 ? types[i] | 0600 : S_IFREG | 0600);
		if (i % 3 == 0)
			assert_int_equal(mfs_unlink(dir, name_of(name), ip), 0);
		mfs_put_inode(ip);
	}
	ip = make(root, "large", S_IFREG | 0644);
	assert_int_equal(mfs_write(ip, &tr, &done), 0);
	assert_int_equal(mfs_link(dir, name_of("second name"), ip), 0);
	mfs_put_inode(ip);
	ip = make(root, "sparse", S_IFREG | 0644);
	tr = (struct mfs_transfer){.pos = 100 << 20, .len = 5000, .move = move_pattern};
	assert_int_equal(mfs_write(ip, &tr, &done), 0);
	assert_int_equal(mfs_truncate(ip, (100 << 20) + 700), 0);
	mfs_put_inode(ip);
	mfs_put_inode(make(dir, "subdirectory", S_IFDIR | 0700));
	mfs_put_inode(dir);
	mfs_put_inode(root);
}

static void read_back(struct mfs *fs)
{
	struct mfs_transfer tr = {.len = 10 << 20, .move = compare_pattern};
	struct mfs_inode *root, *ip;
	size_t done;

	assert_int_equal(mfs_get_inode(fs, MFS_ROOT_INO, &root), 0);
	assert_int_equal(mfs_lookup(root, name_of("large"), &ip), 0);
	assert_int_equal(mfs_read(ip, &tr, &done), 0);
	assert_int_equal(done, 9 << 20);
	mfs_put_inode(ip);
	mfs_put_inode(root);
}

static int new_image(void)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, IMAGE_BYTES), 0);
	return fd;
}

static void fill_and_check(int fd)
{
	struct mfs_image *image;
	void *memory;
	struct mfs *fs = mount_image(fd, &image, &memory);

	fill(fs);
	unmount_image(fs, image, memory);
	assert_int_equal(run("fsck.minix", "-f"), 0);
	fs = mount_image(fd, &image, &memory);
	read_back(fs);
	unmount_image(fs, image, memory);
	close(fd);
	unlink(path);
}

static void image_of_mkfs_minix_mounts_and_passes_fsck_minix(void **state)
{
	int fd;

	(void)state;
	if (is_missing("mkfs.minix") || is_missing("fsck.minix"))
		skip();
	fd = new_image();
	assert_int_equal(run("mkfs.minix", "-3"), 0);
	fill_and_check(fd);
}

static void our_image_with_1k_blocks_passes_fsck_minix(void **state)
{
	struct mfs_format format = {.device_bytes = IMAGE_BYTES, .block_size = 1024};
	struct mfs_geometry geo;
	struct mfs_image *image;
	const char *reason;
	int fd;

	(void)state;
	if (is_missing("fsck.minix"))
		skip();
	fd = new_image();
	assert_int_equal(mfs_plan_format(&format, &geo, &reason), 0);
	assert_int_equal(mfs_image_open(fd, geo.block_size, &image), 0);
	assert_int_equal(mfs_format_device(&geo, mfs_image_io(image)), 0);
	assert_int_equal(mfs_image_flush(image), 0);
	mfs_image_close(image);
	assert_int_equal(run("fsck.minix", "-f"), 0);
	fill_and_check(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_of_mkfs_minix_mounts_and_passes_fsck_minix),
		cmocka_unit_test(our_image_with_1k_blocks_passes_fsck_minix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
