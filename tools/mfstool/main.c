/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mfstool: makes, fills, reads and checks images of the MINIX 3 file system on the host.
 *
 *   mfstool mkfs IMG [--size N[K|M|G]] [--block-size N] [--inodes N]
 *   mfstool populate IMG DIR     copies DIR's contents into the root of the image
 *   mfstool extract IMG DIR      copies everything in the image into the folder DIR
 *   mfstool ls IMG [PATH]        mode, links, size, name of one directory or file
 *   mfstool cat IMG PATH         content of a file
 *   mfstool check IMG [--repair] exit status 0: sound, 1: repaired, 4: problems left, 8: cannot
 * check
 */
#include "mfstool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage(void)
{
	fputs("usage: mfstool mkfs IMG [--size N[K|M|G]] [--block-size N] [--inodes N]\n"
	      "       mfstool populate|extract IMG DIR\n"
	      "       mfstool ls IMG [PATH]\n"
	      "       mfstool cat IMG PATH\n"
	      "       mfstool check IMG [--repair]\n",
	      stderr);
	return 2;
}

/* A number of bytes with an optional unit; 0: not a number. */
static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	unsigned shift = 0;

	if (*end == 'K')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (shift)
		end++;
	return *end || n > UINT64_MAX >> 30 ? 0 : n << shift;
}

static int format_image(int fd, struct mfs_format *format)
{
	struct mfs_geometry geo;
	struct mfs_image *image;
	const char *reason;
	int r;

	if (format->device_bytes && ftruncate(fd, (off_t)format->device_bytes) < 0)
		return complain(errno, "cannot set the size");
	r = mfs_image_size(fd, &format->device_bytes);
	if (r)
		return complain(r, "the size is unknown");
	if (mfs_plan_format(format, &geo, &reason))
		return complain(0, "%s", reason);
	r = mfs_image_open(fd, geo.block_size, &image);
	if (!r)
		r = mfs_format_device(&geo, mfs_image_io(image));
	if (!r)
		r = mfs_image_flush(image);
	mfs_image_close(image);
	return r ? complain(r, "cannot write the image") : 0;
}

static int command_mkfs(const char *path, int argc, char **argv)
{
	struct mfs_format format = {.block_size = 4096};
	int fd, r;

	for (int i = 0; i < argc; i += 2) {
		uint64_t n = i + 1 < argc ? parse_size(argv[i + 1]) : 0;

		if (n == 0)
			return usage();
		if (strcmp(argv[i], "--size") == 0)
			format.device_bytes = n;
		else if (strcmp(argv[i], "--block-size") == 0)
			format.block_size = n > UINT32_MAX ? 1 : (uint32_t)n;
		else if (strcmp(argv[i], "--inodes") == 0)
			format.inodes = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
		else
			return usage();
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return complain(errno, "%s", path);
	r = format_image(fd, &format);
	close(fd);
	return r;
}

static void print_inode(const struct mfs_inode *ip, struct mfs_name name)
{
	static const char types[] = "?pc?d?b?-?l?s???";

	printf("%c%04o %3u %10u %.*s\n", types[ip->mode >> 12], ip->mode & 07777u, ip->nlinks,
	       ip->size, (int)name.len, name.text);
}

static int list_entry(void *ctx, uint32_t ino, struct mfs_name name, uint32_t next)
{
	struct mfs_inode *ip;

	(void)next;
	if (mfs_get_inode(ctx, ino, &ip) == 0) {
		print_inode(ip, name);
		mfs_put_inode(ip);
	}
	return 0;
}

static int command_ls(struct volume *v, const char *path)
{
	struct mfs_inode *ip;
	int r = volume_find(v, path, &ip);

	if (r)
		return complain(r, "%s", path);
	if (S_ISDIR(ip->mode))
		r = mfs_read_dir(ip, 0, list_entry, v->fs);
	else
		print_inode(ip, (struct mfs_name){.text = path, .len = strlen(path)});
	mfs_put_inode(ip);
	return r ? complain(r, "%s", path) : 0;
}

static int print_content(void *ctx, const void *data, size_t len)
{
	return fwrite(data, 1, len, ctx) == len ? 0 : -EIO;
}

static int command_cat(struct volume *v, const char *path)
{
	struct mfs_inode *ip;
	int r = volume_find(v, path, &ip);

	if (r)
		return complain(r, "%s", path);
	r = S_ISREG(ip->mode) ? read_content(ip, print_content, stdout) : -EINVAL;
	mfs_put_inode(ip);
	return r ? complain(r, "%s", path) : 0;
}

static void print_problem(const char *what, uint32_t number)
{
	printf("%s %u\n", what, number);
}

static int run_check(int fd, bool want_repair, struct mfs_check_result *result)
{
	struct mfs_check check = {.want_repair = want_repair};
	struct mfs_geometry geo;
	struct mfs_image *image;
	const char *reason;
	int r = mfs_image_probe(fd, &geo, &check.device_bytes, &reason);

	if (r)
		return complain(0, "%s", reason);
	r = mfs_image_open(fd, geo.block_size, &image);
	if (r)
		return complain(r, "no memory for the cache");
	mfs_image_on_report(image, print_problem);
	check.io = mfs_image_io(image);
	check.block_size = geo.block_size;
	check.memory_bytes = (mfs_check_memory(&geo) + 15) & ~(size_t)15;
	check.memory = aligned_alloc(16, check.memory_bytes);
	r = check.memory ? mfs_check(&check, result) : -ENOMEM;
	if (!r && want_repair)
		r = mfs_image_flush(image);
	free(check.memory);
	mfs_image_close(image);
	return r ? complain(r, "the check was not finished") : 0;
}

static int command_check(const char *path, bool want_repair)
{
	struct mfs_check_result result = {.problems = 0};
	int fd = open(path, (want_repair ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	int r;

	if (fd < 0)
		return complain(errno, "%s", path) ? 8 : 0;
	r = run_check(fd, want_repair, &result);
	close(fd);
	if (r)
		return 8;
	printf("%u files, %u directories, %u zones in use, %u problems%s\n", result.files,
	       result.directories, result.zones_used, result.problems,
	       result.problems && want_repair ? ", repaired" : "");
	if (!result.problems)
		return 0;
	return want_repair ? 1 : 4;
}

static int with_volume(const char *command, const char *path, const char *arg)
{
	bool want_write = strcmp(command, "populate") == 0;
	struct volume v;
	int closed;
	int r = volume_open(&v, path, want_write);

	if (r)
		return r;
	if (want_write)
		r = command_populate(&v, arg);
	else if (strcmp(command, "extract") == 0)
		r = command_extract(&v, arg);
	else if (strcmp(command, "ls") == 0)
		r = command_ls(&v, arg);
	else
		r = command_cat(&v, arg);
	closed = volume_close(&v, want_write);
	return r ? r : closed;
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[1] : "";

	if (strcmp(command, "mkfs") == 0)
		return command_mkfs(argv[2], argc - 3, argv + 3);
	if (strcmp(command, "check") == 0 && argc == 3)
		return command_check(argv[2], false);
	if (strcmp(command, "check") == 0 && argc == 4 && strcmp(argv[3], "--repair") == 0)
		return command_check(argv[2], true);
	if (strcmp(command, "ls") == 0 && argc == 3)
		return with_volume(command, argv[2], "/");
	if (argc == 4 && (strcmp(command, "populate") == 0 || strcmp(command, "extract") == 0 ||
	                  strcmp(command, "ls") == 0 || strcmp(command, "cat") == 0))
		return with_volume(command, argv[2], argv[3]);
	return usage();
}
