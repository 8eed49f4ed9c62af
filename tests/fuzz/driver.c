/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutation driver for the fuzzers of this folder, linked with each of them.
 *
 * A fuzzer defines LLVMFuzzerTestOneInput(data, size), as for libFuzzer, and returns 0. The driver
 * runs the inputs named on the command line, then mutations of them (or of nothing) until --runs or
 * --seconds is used up. Everything follows from --seed. The input that is running is kept in the
 * --artifact file (8 bytes of length, then the bytes) through a shared mapping, so it survives
 * whatever the sanitizer does to the process; tests/fuzz/run cuts it down to the bytes of the
 * input.
 *
 * With input files and neither --runs nor --seconds it runs just those files: that repeats a
 * failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX_BYTES 65536u
#define CORPUS_MAX      1024u
#define MUTATIONS_MAX   8u

struct input {
	uint8_t *bytes;
	size_t size_bytes;
};

static struct input corpus[CORPUS_MAX];
static size_t corpus_count;
static uint64_t rng_state;

/* xorshift64*: small, seeded, good enough to pick mutations. */
static uint64_t random_u64(void)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return rng_state * 0x2545f4914f6cdd1dull;
}

static size_t random_below(size_t limit)
{
	return limit == 0 ? 0 : (size_t)(random_u64() % limit);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint8_t *map_artifact(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	void *at;

	if (fd < 0 || ftruncate(fd, INPUT_MAX_BYTES + 8) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	at = mmap(NULL, INPUT_MAX_BYTES + 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return at;
}

static void run_input(uint8_t *artifact, const uint8_t *bytes, size_t size_bytes)
{
	uint64_t length = size_bytes;
	/* An exact heap copy, so that the sanitizer sees a read past the end. */
	uint8_t *copy = malloc(size_bytes == 0 ? 1 : size_bytes);

	if (copy == NULL)
		abort();
	if (size_bytes != 0)
		memcpy(copy, bytes, size_bytes);
	if (artifact != NULL) {
		memcpy(artifact, &length, sizeof(length));
		memcpy(artifact + 8, bytes, size_bytes);
	}
	if (LLVMFuzzerTestOneInput(copy, size_bytes) != 0)
		abort();
	free(copy);
}

static void mutate_value(uint8_t *bytes, size_t size_bytes)
{
	static const uint64_t edges[] = {0,           1,           2,         0x7f,      0x80,
	                                 0xff,        0x7fff,      0x8000,    0xffff,    0x7fffffff,
	                                 0x80000000u, 0xffffffffu, INT64_MAX, UINT64_MAX};
	uint64_t value = edges[random_below(sizeof(edges) / sizeof(edges[0]))];
	size_t width = (size_t)1 << random_below(4);

	if (size_bytes < width)
		return;
	memcpy(bytes + random_below(size_bytes - width + 1), &value, width);
}

static size_t mutate_length(uint8_t *bytes, size_t size_bytes)
{
	size_t pos = random_below(size_bytes + 1);
	size_t count = 1 + random_below(16);

	if (random_below(2) == 0) { /* cut a piece out */
		if (count > size_bytes - pos)
			count = size_bytes - pos;
		memmove(bytes + pos, bytes + pos + count, size_bytes - pos - count);
		return size_bytes - count;
	}
	if (count > INPUT_MAX_BYTES - size_bytes)
		return size_bytes;
	memmove(bytes + pos + count, bytes + pos, size_bytes - pos);
	for (size_t i = 0; i < count; i++)
		bytes[pos + i] = (uint8_t)random_u64();
	return size_bytes + count;
}

/* Copies a piece of another corpus entry over this one. */
static size_t mutate_splice(uint8_t *bytes, size_t size_bytes)
{
	const struct input *other;
	size_t from, count, pos;

	if (corpus_count == 0)
		return size_bytes;
	other = &corpus[random_below(corpus_count)];
	from = random_below(other->size_bytes);
	count = random_below(other->size_bytes - from + 1);
	pos = random_below(size_bytes + 1);
	if (count > INPUT_MAX_BYTES - pos)
		count = INPUT_MAX_BYTES - pos;
	memcpy(bytes + pos, other->bytes + from, count);
	return pos + count > size_bytes ? pos + count : size_bytes;
}

static size_t mutate(uint8_t *bytes, size_t size_bytes)
{
	size_t rounds = 1 + random_below(MUTATIONS_MAX);

	for (size_t i = 0; i < rounds; i++) {
		switch (random_below(6)) {
		case 0:
			if (size_bytes != 0)
				bytes[random_below(size_bytes)] ^= (uint8_t)(1u << random_below(8));
			break;
		case 1:
			if (size_bytes != 0)
				bytes[random_below(size_bytes)] = (uint8_t)random_u64();
			break;
		case 2: mutate_value(bytes, size_bytes); break;
		case 3: size_bytes = mutate_length(bytes, size_bytes); break;
		case 4: size_bytes = mutate_splice(bytes, size_bytes); break;
		case 5:
			if (size_bytes != 0 && random_below(8) == 0)
				size_bytes = random_below(size_bytes);
			break;
		}
	}
	return size_bytes;
}

static void load_input(const char *path)
{
	struct input *input = &corpus[corpus_count];
	FILE *file = fopen(path, "rb");

	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	if (corpus_count == CORPUS_MAX) {
		fclose(file);
		return;
	}
	input->bytes = malloc(INPUT_MAX_BYTES);
	if (input->bytes == NULL)
		abort();
	input->size_bytes = fread(input->bytes, 1, INPUT_MAX_BYTES, file);
	fclose(file);
	corpus_count++;
}

/* Starts from a corpus entry or from random bytes. */
static void fuzz_once(uint8_t *artifact, uint8_t *work)
{
	size_t size_bytes;

	if (corpus_count != 0 && random_below(16) != 0) {
		const struct input *seed = &corpus[random_below(corpus_count)];

		size_bytes = seed->size_bytes;
		memcpy(work, seed->bytes, size_bytes);
	} else {
		size_bytes = random_below((size_t)1 << (1 + random_below(13)));
		for (size_t i = 0; i < size_bytes; i++)
			work[i] = (uint8_t)random_u64();
	}
	run_input(artifact, work, mutate(work, size_bytes));
}

struct options {
	uint64_t runs;
	int64_t seconds;
	uint64_t seed;
	const char *artifact_path;
};

static void parse_options(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strncmp(argv[i], "--", 2) != 0) {
			load_input(argv[i]);
			continue;
		}
		if (strcmp(argv[i], "--runs") == 0) {
			options->runs = strtoull(value, NULL, 0);
		} else if (strcmp(argv[i], "--seconds") == 0) {
			options->seconds = strtoll(value, NULL, 0);
		} else if (strcmp(argv[i], "--seed") == 0) {
			options->seed = strtoull(value, NULL, 0);
		} else if (strcmp(argv[i], "--artifact") == 0) {
			options->artifact_path = value;
		} else {
			fprintf(stderr,
			        "usage: %s [--runs N] [--seconds N] [--seed N] [--artifact FILE] "
			        "[INPUT...]\n",
			        argv[0]);
			exit(2);
		}
		i++;
	}
}

int main(int argc, char **argv)
{
	struct options options = {.seed = 1};
	uint8_t *artifact = NULL;
	uint8_t *work = malloc(INPUT_MAX_BYTES);
	uint64_t count = 0;
	int64_t end_ms;

	if (work == NULL)
		abort();
	parse_options(argc, argv, &options);
	rng_state = options.seed * 2654435761u + 0x9e3779b97f4a7c15ull;
	if (options.artifact_path != NULL)
		artifact = map_artifact(options.artifact_path);
	for (size_t i = 0; i < corpus_count; i++)
		run_input(artifact, corpus[i].bytes, corpus[i].size_bytes);
	end_ms = options.seconds == 0 ? INT64_MAX : now_ms() + options.seconds * 1000;
	if (options.runs == 0 && options.seconds == 0)
		options.runs = corpus_count != 0 ? 0 : 1;
	else if (options.runs == 0)
		options.runs = UINT64_MAX;
	while (count < options.runs && now_ms() < end_ms) {
		fuzz_once(artifact, work);
		count++;
	}
	printf("%llu inputs, %zu from files, seed %llu\n", (unsigned long long)count, corpus_count,
	       (unsigned long long)options.seed);
	for (size_t i = 0; i < corpus_count; i++)
		free(corpus[i].bytes);
	free(work);
	return 0;
}
