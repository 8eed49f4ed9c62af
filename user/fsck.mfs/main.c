/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsck.mfs [-f] [-n | -y | -p] DEVICE: checks a MINIX 3 file system that is not mounted; with -y
 * (or -p) repairs it. Without -f, a file system that was unmounted cleanly is not looked at.
 *
 * Exit status as of other fsck programs: 0 sound, 1 repaired, 4 problems left, 8 the check failed,
 * 16 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/image.h"
#include "fs/mfs.h"

enum {
	STATUS_SOUND = 0,
	STATUS_REPAIRED = 1,
	STATUS_LEFT = 4,
	STATUS_FAILED = 8,
	STATUS_USAGE = 16
};
enum { REPORTS_MAX = 50 };

static unsigned reports;

static int usage(void)
{
	fputs("usage: fsck.mfs [-f] [-n | -y | -p] DEVICE\n", stderr);
	return STATUS_USAGE;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "fsck.mfs: %s: %s\n", what, strerror(-error));
	return STATUS_FAILED;
}

static void print_problem(const char *what, uint32_t number)
{
	reports++;
	if (reports <= REPORTS_MAX)
		printf("%s %u\n", what, number);
	else if (reports == REPORTS_MAX + 1)
		printf("... and more\n");
}

static int run(struct mfs_check *check, const struct mfs_geometry *geo, int fd,
               struct mfs_check_result *result)
{
	struct mfs_image *image;
	int r = mfs_image_open(fd, geo->block_size, &image);

	if (r)
		return r;
	mfs_image_on_report(image, print_problem);
	check->io = mfs_image_io(image);
	check->block_size = geo->block_size;
	check->memory_bytes = (mfs_check_memory(geo) + 15) & ~(size_t)15;
	check->memory = aligned_alloc(16, check->memory_bytes);
	r = check->memory ? mfs_check(check, result) : -ENOMEM;
	if (!r && check->want_repair)
		r = mfs_image_flush(image);
	if (!r && check->want_repair && fsync(fd) < 0)
		r = -errno;
	free(check->memory);
	mfs_image_close(image);
	return r;
}

static int check_device(int fd, bool want_repair, bool is_forced)
{
	struct mfs_check check = {.want_repair = want_repair};
	struct mfs_check_result result = {.problems = 0};
	struct mfs_geometry geo;
	const char *reason;
	int r = mfs_image_probe(fd, &geo, &check.device_bytes, &reason);

	if (r) {
		fprintf(stderr, "fsck.mfs: %s\n", reason);
		return STATUS_FAILED;
	}
	if (geo.was_clean && !is_forced) {
		printf("clean\n");
		return STATUS_SOUND;
	}
	r = run(&check, &geo, fd, &result);
	if (r)
		return fail("the check was not finished", r);
	printf("%u files, %u directories, %u of %u zones in use, %u problems%s\n", result.files,
	       result.directories, result.zones_used, geo.zones - geo.first_zone, result.problems,
	       result.problems && want_repair ? ", repaired" : "");
	if (!result.problems)
		return STATUS_SOUND;
	return want_repair ? STATUS_REPAIRED : STATUS_LEFT;
}

int main(int argc, char **argv)
{
	bool want_repair = false, is_forced = false;
	int option, fd, status;

	while ((option = getopt(argc, argv, "fnyp")) != -1) {
		if (option == '?')
			return usage();
		if (option == 'f')
			is_forced = true;
		else
			want_repair = option != 'n';
	}
	if (argc - optind != 1)
		return usage();
	if (want_repair && mfs_image_is_mounted(argv[optind]))
		return fail(argv[optind], -EBUSY);
	fd = open(argv[optind], (want_repair ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return fail(argv[optind], -errno);
	status = check_device(fd, want_repair, is_forced);
	if (close(fd) < 0 && status <= STATUS_REPAIRED)
		status = fail("closing failed", -errno);
	return status;
}
