/* SPDX-License-Identifier: BSD-2-Clause */
/* fsync FILE...: returns when the data of each file is on its medium; 1 if that failed for any. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fsync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	int failed = fd < 0 || fsync(fd) != 0;

	if (failed)
		fprintf(stderr, "fsync: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: fsync FILE...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		failed |= fsync_path(argv[i]);
	return failed;
}
