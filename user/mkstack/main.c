/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkstack: formats the media of a storage stack: superblocks of mirrors, superblocks and sums of
 * checksum filters, and optionally what stands on top.
 *
 *   mkstack [-n] [-f] [-c IMAGE] EXPR [NAME=PATH]...
 *
 *   -n  write nothing, only print how many bytes the volume would have
 *   -f  format media that are not blank: erases them
 *   -c  content of the top volume (a file system image); the rest of it is zero
 *
 * Callers: people in the guest (media are /dev/NAME), and axo on the host (NAME=PATH names image
 * files): it is an ordinary static program, and runs in both. Nothing is ever formatted by another
 * component. Exit status: 0 done, 1 refused or failed, 2 usage.
 */
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct wish {
	bool is_dry;
	bool is_forced;
	const char *image;
};

static struct volume_set set;
static uint8_t content[VOLUME_CHUNK * VOLUME_SECTOR];

static bool is_zero(const uint8_t *bytes, size_t size_bytes)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size_bytes - 1) == 0;
}

/* Copies the image onto the top volume; what is zero is there already. */
static int copy_content(const char *path, char why[192])
{
	struct volume *top = &set.volumes[0];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t sector = 0;
	ssize_t count = -1;
	int error = 0;

	if (fd < 0) {
		snprintf(why, 192, "%s: %s", path, strerror(errno));
		return -errno;
	}
	while (error == 0 && (count = read(fd, content, sizeof(content))) > 0) {
		size_t sectors = ((size_t)count + VOLUME_SECTOR - 1) / VOLUME_SECTOR;

		memset(content + count, 0, sectors * VOLUME_SECTOR - (size_t)count);
		if (!is_zero(content, sectors * VOLUME_SECTOR))
			error = volume_write(top, sector, (uint32_t)sectors, content);
		sector += sectors;
	}
	close(fd);
	if (count < 0)
		error = -EIO;
	if (error == -EFBIG)
		snprintf(why, 192, "%s is larger than the volume: %llu sectors", path,
		         (unsigned long long)top->sectors);
	else if (error != 0)
		snprintf(why, 192, "%s: %s", path, strerror(-error));
	return error;
}

static int parse_expression(const char *text)
{
	struct stack_error error;

	if (stack_parse(text, &set.stack, &error) == 0)
		return 0;
	fprintf(stderr, "mkstack: %s\n         %*s^ column %u: %s\n", text,
	        (int)(error.column > 0 ? error.column - 1 : 0), "", error.column, error.message);
	return -EINVAL;
}

static int format(const struct volume_paths *paths, const struct wish *wish)
{
	const struct volume *used;
	char why[192] = "";
	int error = volume_open(&set, paths, why);

	if (error == 0)
		error = volume_plan(&set, why);
	used = error == 0 && !wish->is_forced && !wish->is_dry ? volume_find_used(&set) : NULL;
	if (used != NULL) {
		snprintf(why, sizeof(why), "%s is not blank; -f erases it", used->path);
		error = -EEXIST;
	}
	if (error == 0 && !wish->is_dry)
		error = volume_format(&set, why);
	if (error == 0 && !wish->is_dry && wish->image != NULL)
		error = copy_content(wish->image, why);
	if (error == 0 && !wish->is_dry && (error = volume_sync(&set)) != 0)
		snprintf(why, sizeof(why), "media cannot be synchronised: %s", strerror(-error));
	if (error != 0)
		fprintf(stderr, "mkstack: %s\n", why);
	else
		printf("%llu\n", (unsigned long long)set.volumes[0].sectors * VOLUME_SECTOR);
	volume_close(&set);
	return error != 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct volume_paths paths;
	struct wish wish = {0};
	int option;

	while ((option = getopt(argc, argv, "nfc:")) != -1) {
		if (option == 'n') {
			wish.is_dry = true;
		} else if (option == 'f') {
			wish.is_forced = true;
		} else if (option == 'c') {
			wish.image = optarg;
		} else {
			optind = argc;
			break;
		}
	}
	if (optind >= argc) {
		fprintf(stderr, "usage: mkstack [-n] [-f] [-c IMAGE] EXPR [NAME=PATH]...\n"
		                "prints the size of the volume in bytes\n");
		return 2;
	}
	if (parse_expression(argv[optind]) != 0)
		return 2;
	paths = (struct volume_paths){.count = (unsigned)(argc - optind - 1),
	                              .words = argv + optind + 1};
	return format(&paths, &wish);
}
