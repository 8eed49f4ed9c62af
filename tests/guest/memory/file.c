/* SPDX-License-Identifier: BSD-2-Clause */
/* Mappings of files: contents, ends, private copies, versions, and pages as buffers of system
 * calls. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "memory.h"

#define FILE_BYTES (40 * PAGE + 100)

static uint8_t byte_at(size_t pos, uint8_t version)
{
	return (uint8_t)(pos / PAGE * 3 + pos % 251 + version);
}

static void fill_file(int fd, uint8_t version)
{
	static uint8_t buf[FILE_BYTES];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = byte_at(i, version);
	CHECK(pwrite(fd, buf, sizeof(buf), 0) == (ssize_t)sizeof(buf));
}

/* A file with known contents that is gone when the process ends. */
static int make_file(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/memory.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && unlink(path) == 0);
	fill_file(fd, 0);
	return fd;
}

static uint8_t *map_fd(int fd, int prot, int flags, size_t offset)
{
	uint8_t *p = mmap(NULL, FILE_BYTES - offset, prot, flags, fd, (off_t)offset);

	CHECK(p != MAP_FAILED);
	return p;
}

static void contents_are_those_of_the_file(void)
{
	int fd = make_file();
	uint8_t *p = map_fd(fd, PROT_READ, MAP_PRIVATE, 0);
	uint8_t *q = map_fd(fd, PROT_READ, MAP_SHARED, 8 * PAGE);

	close(fd);
	for (size_t i = 0; i < FILE_BYTES; i += 97)
		CHECK(p[i] == byte_at(i, 0));
	for (size_t i = 8 * PAGE; i < FILE_BYTES; i += 97)
		CHECK(q[i - 8 * PAGE] == byte_at(i, 0));
	for (size_t i = FILE_BYTES; i % PAGE; i++)
		CHECK(p[i] == 0);
}

static void behind_the_end_is_sigbus(void)
{
	int fd = make_file();
	uint8_t *p = mmap(NULL, 60 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK(p != MAP_FAILED);
	CHECK(status_of(do_read, p + 40 * PAGE) == 0);
	CHECK(status_of(do_read, p + 41 * PAGE) == SIGBUS);
}

static void private_writes_stay_private(void)
{
	int fd = make_file();
	uint8_t *p = map_fd(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	uint8_t *q = map_fd(fd, PROT_READ, MAP_PRIVATE, 0);
	uint8_t byte;

	p[5 * PAGE] = 99;
	CHECK(q[5 * PAGE] == byte_at(5 * PAGE, 0) && p[5 * PAGE] == 99);
	CHECK(p[5 * PAGE + 1] == byte_at(5 * PAGE + 1, 0));
	CHECK(pread(fd, &byte, 1, 5 * PAGE) == 1 && byte == byte_at(5 * PAGE, 0));
	CHECK(status_of(do_write, p + 6 * PAGE) == 0 && p[6 * PAGE] == byte_at(6 * PAGE, 0));
}

static void new_mappings_see_new_contents(void)
{
	int fd = make_file();
	uint8_t *p = map_fd(fd, PROT_READ, MAP_PRIVATE, 0);

	CHECK(p[3 * PAGE] == byte_at(3 * PAGE, 0));
	CHECK(munmap(p, FILE_BYTES) == 0);
	fill_file(fd, 7);
	p = map_fd(fd, PROT_READ, MAP_PRIVATE, 0);
	CHECK(p[3 * PAGE] == byte_at(3 * PAGE, 7) && p[20 * PAGE] == byte_at(20 * PAGE, 7));
}

static void access_rights_of_the_file_hold(void)
{
	int fd = open("/bin/sh", O_RDONLY), wr;
	uint8_t *p;

	CHECK(fd >= 0);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && memcmp(p, "\177ELF", 4) == 0);
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == EACCES);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 1;
	wr = open("/tmp", O_RDONLY);
	CHECK(wr >= 0 && mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wr, 0) == MAP_FAILED &&
	      errno == ENODEV);
}

static void shared_writable_files_are_refused(void)
{
	int fd = make_file();

	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == ENODEV);
}

/* The kernel copies from and to pages that must first be read from a file. */
static void untouched_pages_work_as_buffers(void)
{
	int fd = make_file(), out = make_file();
	uint8_t *p = map_fd(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	uint8_t back[64];

	CHECK(pwrite(out, p + 10 * PAGE - 32, 64, 0) == 64);
	CHECK(pread(out, back, 64, 0) == 64);
	for (size_t i = 0; i < 64; i++)
		CHECK(back[i] == byte_at(10 * PAGE - 32 + i, 0));
	CHECK(pread(out, p + 20 * PAGE - 32, 64, 0) == 64);
	CHECK(memcmp(p + 20 * PAGE - 32, back, 64) == 0);
	CHECK(p[20 * PAGE + 32] == byte_at(20 * PAGE + 32, 0));
	CHECK(write(out, (void *)8, 5) == -1 && errno == EFAULT);
}

const struct test file_tests[] = {
	TEST(contents_are_those_of_the_file),  TEST(behind_the_end_is_sigbus),
	TEST(private_writes_stay_private),     TEST(new_mappings_see_new_contents),
	TEST(access_rights_of_the_file_hold),  OURS(shared_writable_files_are_refused),
	TEST(untouched_pages_work_as_buffers), {0},
};
