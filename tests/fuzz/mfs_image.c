/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A damaged file system: the input is a list of patches to a sound image, or (first byte odd) the
 * image itself. It is mounted, walked and changed; then checked with repair, after which a second
 * check must find nothing.
 */
/* uses: lib/fs/ tests/unit/lib/fs/memdev.c lib/random/ */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/lib/fs/memdev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_BYTES = 1024, BLOCKS = 220, SLOTS = 64, PATCH_BYTES = 5 };

static uint8_t *sound_image;

/* Any error will do; only a crash or a loop is a failure. */
static void tolerate(int result)
{
	if (result > 0)
		abort();
}

static struct mfs_name name_of(const char *text)
{
	return (struct mfs_name){.text = text, .len = strlen(text)};
}

static int move_nothing(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	(void)ctx;
	(void)at;
	for (unsigned i = 0; i < count; i++) {
		/* Touch every byte that the library hands out. */
		volatile uint8_t sink = 0;

		for (size_t k = 0; k < pieces[i].len; k++)
			sink = (uint8_t)(sink + pieces[i].data[k]);
		(void)sink;
	}
	return 0;
}

static void write_some(struct mfs_inode *ip, uint32_t pos, size_t len)
{
	struct mfs_transfer tr = {.pos = pos, .len = len, .move = move_nothing};
	size_t done;

	if (mfs_write(ip, &tr, &done) == 0 && done > len)
		abort();
}

/* A tree with files of every kind: one reaches into the double indirect zones, one is sparse. */
static void build_tree(struct mfs *fs)
{
	static const uint16_t modes[] = {S_IFREG | 0644, S_IFDIR | 0755, S_IFLNK | 0777,
	                                 S_IFIFO | 0600, S_IFREG | 0600};
	static const char *const names[] = {"file", "dir", "link", "fifo", "sparse"};
	struct mfs_inode *root, *dir = NULL;

	if (mfs_get_inode(fs, MFS_ROOT_INO, &root))
		abort();
	for (int i = 0; i < 5; i++) {
		struct mfs_new what = {.mode = modes[i], .target = name_of("file")};
		struct mfs_inode *ip;

		if (mfs_create(root, name_of(names[i]), &what, &ip))
			abort();
		if (i == 0)
			write_some(ip, 0, 20 * 1024);
		if (i == 4)
			write_some(ip, 400 * 1024, 3000);
		if (i == 1)
			dir = ip;
		else
			mfs_put_inode(ip);
	}
	for (int i = 0; i < 30; i++) {
		char name[8] = {'n', (char)('a' + i % 26), (char)('a' + i / 26), 0};
		struct mfs_new what = {.mode = S_IFREG | 0644};
		struct mfs_inode *ip;

		if (mfs_create(dir, name_of(name), &what, &ip))
			abort();
		mfs_put_inode(ip);
	}
	mfs_put_inode(dir);
	mfs_put_inode(root);
}

static void make_sound_image(void)
{
	struct memdev d;
	struct mfs *fs;
	void *memory;

	memdev_init(&d, BLOCK_BYTES, BLOCKS);
	memdev_format(&d, 64);
	if (memdev_mount(&d, SLOTS, &fs, &memory))
		abort();
	build_tree(fs);
	if (d.io.write_out(&d, MFS_DATA) || mfs_unmount(fs))
		abort();
	free(memory);
	sound_image = malloc((size_t)BLOCK_BYTES * BLOCKS);
	if (!sound_image)
		abort();
	memcpy(sound_image, d.medium, (size_t)BLOCK_BYTES * BLOCKS);
	memdev_free(&d);
}

static void apply(struct memdev *d, const uint8_t *data, size_t size)
{
	size_t bytes = (size_t)BLOCK_BYTES * BLOCKS;

	memcpy(d->medium, sound_image, bytes);
	if (size && (data[0] & 1)) {
		memcpy(d->medium + 1024, data, size < bytes - 1024 ? size : bytes - 1024);
		return;
	}
	for (size_t i = 1; i + PATCH_BYTES <= size; i += PATCH_BYTES) {
		/* Mostly the first blocks: superblock, maps, inodes, directories. */
		size_t at = ((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) %
		            (data[i] & 1 ? bytes : 24 * 1024);

		if (at >= 1024)
			memcpy(d->medium + at, data + i + 3, at + 2 <= bytes ? 2 : 1);
	}
}

struct walk {
	struct mfs *fs;
	struct mfs_inode *dir;
	unsigned budget;
};

static int visit(void *ctx, uint32_t ino, struct mfs_name name, uint32_t next)
{
	uint32_t blocks;
	struct walk *w = ctx;
	struct mfs_transfer tr = {.len = 500 * 1024, .move = move_nothing};
	struct mfs_inode *ip;
	char target[100];
	size_t n;

	(void)ino;
	(void)next;
	if (w->budget == 0)
		return 1;
	w->budget--;
	if (mfs_lookup(w->dir, name, &ip))
		return 0;
	tolerate(mfs_count_blocks(ip, &blocks));
	if (S_ISREG(ip->mode))
		tolerate(mfs_read(ip, &tr, &n));
	if (S_ISLNK(ip->mode))
		tolerate(mfs_read_link(ip, target, sizeof(target), &n));
	mfs_put_inode(ip);
	return 0;
}

static void change(struct mfs *fs, struct mfs_inode *dir)
{
	struct mfs_new what = {.mode = S_IFREG | 0600};
	struct mfs_inode *ip;

	if (mfs_create(dir, name_of("new"), &what, &ip) == 0) {
		write_some(ip, 3000, 30 * 1024);
		mfs_put_inode(ip);
	}
	if (mfs_lookup(dir, name_of("file"), &ip) == 0) {
		if (S_ISREG(ip->mode)) {
			write_some(ip, 100, 2000);
			tolerate(mfs_truncate(ip, 9000));
		}
		if (!S_ISDIR(ip->mode))
			tolerate(mfs_unlink(dir, name_of("file"), ip));
		mfs_put_inode(ip);
	}
	tolerate(mfs_commit(fs));
}

static void use(struct memdev *d)
{
	struct walk w = {.budget = 100};
	struct mfs_inode *root, *dir;
	void *memory;

	if (memdev_mount(d, SLOTS, &w.fs, &memory) == 0 &&
	    mfs_get_inode(w.fs, MFS_ROOT_INO, &root) == 0) {
		w.dir = root;
		tolerate(mfs_read_dir(root, 0, visit, &w));
		change(w.fs, root);
		if (mfs_lookup(root, name_of("dir"), &dir) == 0) {
			if (S_ISDIR(dir->mode)) {
				w.dir = dir;
				tolerate(mfs_read_dir(dir, 0, visit, &w));
				change(w.fs, dir);
			}
			mfs_put_inode(dir);
		}
		mfs_put_inode(root);
		tolerate(mfs_unmount(w.fs));
	}
	free(memory);
	memdev_drop_cache(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mfs_check_result result;
	struct memdev d;

	if (!sound_image)
		make_sound_image();
	memdev_init(&d, BLOCK_BYTES, BLOCKS);
	d.want_quiet = true;
	apply(&d, data, size);
	use(&d);
	if (memdev_check(&d, true, &result) == 0) {
		if (memdev_check(&d, false, &result) || result.problems)
			abort();
	}
	memdev_free(&d);
	return 0;
}
