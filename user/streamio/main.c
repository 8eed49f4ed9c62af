/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * streamio: sequential reading or writing of a file, timed by its own clock.
 *
 *   streamio [-b BYTES] [-d SECONDS] [-h] FILE               reads: passes over FILE
 *   streamio [-b BYTES] [-d SECONDS] -w TILE -n COUNT FILE   writes: COUNT times TILE, then fsync
 *
 *   -b  bytes of one call (default 1 MiB); -d: passes until so many seconds are over (default: one)
 *   -h  SHA-1 of each pass, which must not differ from that of the first
 *
 * Callers: experiments; busybox's dd tells no times, and its sha1sum is the slowest part of any
 * pipe. Output: a line for each pass, "bytes=N seconds=S [sha1=HEX]". Exit status: 0; 1 passes
 * differ; 2 usage; 3 an I/O error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/sha.h>

#define BLOCK_MAX (4u << 20)
#define TILE_MAX  (16u << 20)

struct job {
	const char *path;
	const char *tile_path;
	size_t block_bytes;
	double duration_s;
	unsigned count;
	bool want_sum;

	size_t tile_bytes;
	uint64_t bytes; /* of the pass */
	uint8_t sum[SHA_DIGEST_LENGTH];
};

static uint8_t block[BLOCK_MAX];
static uint8_t tile[TILE_MAX];

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int fail(const char *what)
{
	fprintf(stderr, "streamio: %s: %s\n", what, strerror(errno));
	return 3;
}

static int read_pass(struct job *job)
{
	int fd = open(job->path, O_RDONLY | O_CLOEXEC);
	SHA_CTX sha;
	ssize_t done;

	if (fd < 0)
		return fail(job->path);
	SHA1_Init(&sha);
	while ((done = read(fd, block, job->block_bytes)) > 0) {
		if (job->want_sum)
			SHA1_Update(&sha, block, (size_t)done);
		job->bytes += (uint64_t)done;
	}
	SHA1_Final(job->sum, &sha);
	if (done < 0) {
		close(fd);
		return fail(job->path);
	}
	close(fd);
	return 0;
}

static int write_tile(const struct job *job, int fd)
{
	for (size_t at = 0; at < job->tile_bytes;) {
		size_t left = job->tile_bytes - at;
		ssize_t done =
			write(fd, tile + at, left < job->block_bytes ? left : job->block_bytes);

		if (done <= 0)
			return -1;
		at += (size_t)done;
	}
	return 0;
}

static int write_pass(struct job *job)
{
	int fd = open(job->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int result = 0;

	if (fd < 0)
		return fail(job->path);
	for (unsigned i = 0; i < job->count && result == 0; i++)
		result = write_tile(job, fd);
	if (result != 0 || fsync(fd) != 0) {
		close(fd);
		return fail(job->path);
	}
	job->bytes = (uint64_t)job->count * job->tile_bytes;
	return close(fd) == 0 ? 0 : fail(job->path);
}

static int read_tile(struct job *job)
{
	int fd = open(job->tile_path, O_RDONLY | O_CLOEXEC);
	ssize_t done = 0;

	if (fd < 0)
		return fail(job->tile_path);
	while (job->tile_bytes < TILE_MAX &&
	       (done = read(fd, tile + job->tile_bytes, TILE_MAX - job->tile_bytes)) > 0)
		job->tile_bytes += (size_t)done;
	close(fd);
	return done < 0 || job->tile_bytes == 0 ? fail(job->tile_path) : 0;
}

static void print_pass(const struct job *job, double seconds)
{
	printf("bytes=%llu seconds=%.6f", (unsigned long long)job->bytes, seconds);
	if (job->want_sum) {
		printf(" sha1=");
		for (size_t i = 0; i < sizeof(job->sum); i++)
			printf("%02x", job->sum[i]);
	}
	printf("\n");
	fflush(stdout);
}

static int run(struct job *job)
{
	uint8_t first[SHA_DIGEST_LENGTH];
	double end_s = now_s() + job->duration_s;
	bool has_differed = false;
	bool is_first = true;

	do {
		double start_s = now_s();
		int status;

		job->bytes = 0;
		status = job->tile_path != NULL ? write_pass(job) : read_pass(job);
		if (status != 0)
			return status;
		print_pass(job, now_s() - start_s);
		if (is_first)
			memcpy(first, job->sum, sizeof(first));
		has_differed = has_differed || memcmp(first, job->sum, sizeof(first)) != 0;
		is_first = false;
	} while (now_s() < end_s);
	return has_differed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct job job = {.block_bytes = 1u << 20};
	int option;
	int status;

	while ((option = getopt(argc, argv, "b:d:hw:n:")) != -1) {
		switch (option) {
		case 'b': job.block_bytes = strtoul(optarg, NULL, 10); break;
		case 'd': job.duration_s = strtod(optarg, NULL); break;
		case 'h': job.want_sum = true; break;
		case 'w': job.tile_path = optarg; break;
		case 'n': job.count = (unsigned)strtoul(optarg, NULL, 10); break;
		default: optind = argc; break;
		}
	}
	if (optind + 1 != argc || job.block_bytes == 0 || job.block_bytes > BLOCK_MAX ||
	    (job.tile_path != NULL) != (job.count != 0)) {
		fprintf(stderr, "usage: streamio [-b BYTES] [-d SECONDS] [-h] FILE\n"
		                "       streamio [-b BYTES] [-d SECONDS] -w TILE -n COUNT FILE\n");
		return 2;
	}
	job.path = argv[optind];
	status = job.tile_path != NULL ? read_tile(&job) : 0;
	return status != 0 ? status : run(&job);
}
