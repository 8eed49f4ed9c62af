/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iocheck: mixed random reads and writes of a file or a block device, every byte checked.
 *
 *   iocheck [-s MIB] [-b BYTES] [-r PERCENT] [-d SECONDS] [-n STEPS] [-S SEED] [-f STEPS] FILE
 *
 *   -s  size (default 16 MiB); -b block (4096); -r share of reads (30); -f steps between fsyncs (64)
 *   -n  so many steps, -d so many seconds, whichever comes first (default 10000 steps)
 *
 * Callers: experiments and system tests, while drivers and filters are being killed. Model: a
 * generation for each block, 0 = never written; the content of a block follows from seed, block and
 * generation, so each read tells which version it saw. At the end: fsync, and all blocks are read
 * again. Output: one line of key=value words.
 *
 * Exit status: 0 all right, 1 wrong data, 2 usage, 3 an I/O error.
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
#include "random/random.h"

#define BLOCK_MAX   (1u << 20)
#define BLOCKS_MAX  (1u << 20)
#define WRONG_SHOWN 8

struct check {
	const char *path;
	uint64_t size_bytes;
	uint32_t block_bytes;
	unsigned read_percent;
	double duration_s;
	uint64_t steps;
	uint64_t seed;
	uint64_t sync_steps;

	int fd;
	uint32_t blocks;
	uint64_t random;
	uint64_t reads, writes, syncs, wrong, errors;
};

static uint32_t generations[BLOCKS_MAX];
static uint64_t words[BLOCK_MAX / 8];
static uint64_t expected[BLOCK_MAX / 8];

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What a block holds: its number and generation, then numbers that follow from both. */
static void fill(const struct check *c, uint32_t block, uint64_t *out)
{
	uint32_t generation = generations[block];
	uint64_t state = c->seed ^ (uint64_t)block << 32 ^ generation;

	if (generation == 0) {
		memset(out, 0, c->block_bytes);
		return;
	}
	out[0] = (uint64_t)block << 32 | generation;
	for (uint32_t i = 1; i < c->block_bytes / 8; i++)
		out[i] = random_splitmix(&state);
}

static void report_error(struct check *c, const char *what, uint32_t block)
{
	if (c->errors++ < WRONG_SHOWN)
		fprintf(stderr, "iocheck: %s of block %u: %s\n", what, block, strerror(errno));
}

static void write_block(struct check *c, uint32_t block)
{
	ssize_t done;

	generations[block]++;
	fill(c, block, words);
	done = pwrite(c->fd, words, c->block_bytes, (off_t)block * c->block_bytes);
	if (done != (ssize_t)c->block_bytes)
		report_error(c, "write", block);
	c->writes++;
}

static void read_block(struct check *c, uint32_t block)
{
	ssize_t done = pread(c->fd, words, c->block_bytes, (off_t)block * c->block_bytes);

	c->reads++;
	if (done != (ssize_t)c->block_bytes) {
		report_error(c, "read", block);
		return;
	}
	fill(c, block, expected);
	if (memcmp(words, expected, c->block_bytes) == 0)
		return;
	if (c->wrong++ < WRONG_SHOWN)
		fprintf(stderr,
		        "iocheck: block %u: expected generation %u, found block %u generation %u\n",
		        block, generations[block], (unsigned)(words[0] >> 32), (unsigned)words[0]);
}

static void sync_file(struct check *c)
{
	c->syncs++;
	if (fsync(c->fd) != 0)
		report_error(c, "fsync", 0);
}

/* Blocks that were never written have to exist and to be zero. */
static bool prepare(struct check *c)
{
	c->blocks = (uint32_t)(c->size_bytes / c->block_bytes);
	c->fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (c->fd < 0)
		return false;
	memset(words, 0, c->block_bytes);
	for (uint32_t block = 0; block < c->blocks; block++)
		if (pwrite(c->fd, words, c->block_bytes, (off_t)block * c->block_bytes) !=
		    (ssize_t)c->block_bytes)
			return false;
	return fsync(c->fd) == 0;
}

static void run(struct check *c)
{
	double end_s = now_s() + c->duration_s;

	for (uint64_t step = 1; step <= c->steps && now_s() < end_s; step++) {
		uint32_t block = (uint32_t)(random_splitmix(&c->random) % c->blocks);

		if (random_splitmix(&c->random) % 100 < c->read_percent)
			read_block(c, block);
		else
			write_block(c, block);
		if (step % c->sync_steps == 0)
			sync_file(c);
	}
}

static void verify_all(struct check *c)
{
	sync_file(c);
	close(c->fd);
	c->fd = open(c->path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0) {
		report_error(c, "open", 0);
		return;
	}
	for (uint32_t block = 0; block < c->blocks; block++)
		read_block(c, block);
}

static bool parse(int argc, char **argv, struct check *c)
{
	int option;

	while ((option = getopt(argc, argv, "s:b:r:d:n:S:f:")) != -1) {
		switch (option) {
		case 's': c->size_bytes = strtoull(optarg, NULL, 10) << 20; break;
		case 'b': c->block_bytes = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'r': c->read_percent = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'd': c->duration_s = strtod(optarg, NULL); break;
		case 'n': c->steps = strtoull(optarg, NULL, 10); break;
		case 'S': c->seed = strtoull(optarg, NULL, 10); break;
		case 'f': c->sync_steps = strtoull(optarg, NULL, 10); break;
		default: return false;
		}
	}
	if (optind + 1 != argc || c->block_bytes < 16 || c->block_bytes > BLOCK_MAX ||
	    c->block_bytes % 8 != 0 || c->size_bytes < c->block_bytes ||
	    c->size_bytes / c->block_bytes > BLOCKS_MAX || c->read_percent > 100 ||
	    c->sync_steps == 0)
		return false;
	c->path = argv[optind];
	c->random = c->seed;
	return true;
}

int main(int argc, char **argv)
{
	struct check c = {.size_bytes = 16u << 20,
	                  .block_bytes = 4096,
	                  .read_percent = 30,
	                  .duration_s = 1e9,
	                  .steps = 10000,
	                  .seed = 1,
	                  .sync_steps = 64};
	double start_s;

	if (!parse(argc, argv, &c)) {
		fprintf(stderr, "usage: iocheck [-s MIB] [-b BYTES] [-r PERCENT] [-d SECONDS]\n"
		                "               [-n STEPS] [-S SEED] [-f STEPS] FILE\n");
		return 2;
	}
	if (!prepare(&c)) {
		fprintf(stderr, "iocheck: %s: %s\n", c.path, strerror(errno));
		return 3;
	}
	start_s = now_s();
	run(&c);
	verify_all(&c);
	printf("reads=%llu writes=%llu syncs=%llu wrong=%llu errors=%llu seconds=%.3f\n",
	       (unsigned long long)c.reads, (unsigned long long)c.writes,
	       (unsigned long long)c.syncs, (unsigned long long)c.wrong,
	       (unsigned long long)c.errors, now_s() - start_s);
	if (c.wrong != 0)
		return 1;
	return c.errors != 0 ? 3 : 0;
}
