/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading, writing, positions, vectors, copies; directories. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "files.h"

#define BIG (3u << 20)

static uint8_t *pattern(size_t len)
{
	uint8_t *p = malloc(len);

	CHECK(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + i / 251);
	return p;
}

static void big_files_come_back_whole(void)
{
	uint8_t *out = pattern(BIG), *in = malloc(BIG);
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK(write(fd, out, BIG) == BIG && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(read(fd, in, BIG) == BIG && memcmp(in, out, BIG) == 0);
	CHECK(read(fd, in, 1) == 0);
	memset(in, 0, BIG);
	for (size_t at = 0; at < BIG; at += 100003) {
		size_t n = BIG - at < 100003 ? BIG - at : 100003;

		CHECK(pread(fd, in + at, n, (off_t)at) == (ssize_t)n);
	}
	CHECK(memcmp(in, out, BIG) == 0);
}

static void positions_move(void)
{
	char buf[8];
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK(write(fd, "0123456789", 10) == 10 && lseek(fd, 0, SEEK_CUR) == 10);
	CHECK(lseek(fd, -3, SEEK_END) == 7 && read(fd, buf, 8) == 3 && memcmp(buf, "789", 3) == 0);
	CHECK(lseek(fd, 2, SEEK_SET) == 2 && lseek(fd, 2, SEEK_CUR) == 4);
	CHECK(pwrite(fd, "x", 1, 0) == 1 && lseek(fd, 0, SEEK_CUR) == 4);
	CHECK(read(fd, buf, 1) == 1 && buf[0] == '4');
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 99), EINVAL);
	FAILS(pread(fd, buf, 1, -1), EINVAL);
}

static void holes_read_as_zeros(void)
{
	static char zeros[5000];
	char buf[5000];
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK(lseek(fd, 1000000, SEEK_SET) == 1000000 && write(fd, "end", 3) == 3);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 1000003);
	CHECK(pread(fd, buf, sizeof(buf), 500000) == sizeof(buf) &&
	      memcmp(buf, zeros, sizeof(buf)) == 0);
}

static void append_always_writes_at_the_end(void)
{
	int a = open("f", O_WRONLY | O_CREAT | O_APPEND, 0600), b = open("f", O_WRONLY | O_APPEND);

	CHECK(write(a, "one", 3) == 3 && write(b, "two", 3) == 3 && write(a, "three", 5) == 5);
	CHECK(lseek(a, 0, SEEK_SET) == 0 && write(a, "!", 1) == 1);
	CHECK(strcmp(get_file("f"), "onetwothree!") == 0);
	CHECK(lseek(a, 0, SEEK_CUR) == 12);
}

static void append_children(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 50; i++)
		CHECK(write(fd, "0123456789", 10) == 10);
}

static void appends_of_processes_do_not_mix(void)
{
	int fd = open("f", O_WRONLY | O_CREAT | O_APPEND, 0600);
	const char *p;

	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			append_children(&fd);
			_exit(0);
		}
	append_children(&fd);
	while (lseek(fd, 0, SEEK_END) < 2500)
		msleep(10);
	p = get_file("f");
	CHECK(strlen(p) == 2500);
	for (int i = 0; i < 2500; i++)
		CHECK(p[i] == '0' + i % 10);
}

static void vectors_scatter_and_gather(void)
{
	char a[3], b[4], c[8] = "";
	struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdefg", 5}};
	struct iovec in[3] = {{a, 3}, {b, 2}, {c, 8}};
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK(writev(fd, out, 3) == 7 && lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 3) == 7);
	CHECK(memcmp(a, "abc", 3) == 0 && memcmp(b, "de", 2) == 0 && memcmp(c, "fg", 2) == 0);
	CHECK(pwritev(fd, out, 1, 5) == 2 && preadv(fd, in, 1, 4) == 3 && memcmp(a, "eab", 3) == 0);
	FAILS(writev(fd, out, -1), EINVAL);
	FAILS(readv(fd, in, 5000), EINVAL);
}

static void large_vectors(void)
{
	uint8_t *out = pattern(200000), *in = malloc(200000);
	struct iovec v[20];
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < 20; i++)
		v[i] = (struct iovec){out + i * 10000, 10000};
	CHECK(writev(fd, v, 20) == 200000 && lseek(fd, 0, SEEK_SET) == 0);
	for (int i = 0; i < 20; i++)
		v[i].iov_base = in + i * 10000;
	CHECK(readv(fd, v, 20) == 200000 && memcmp(in, out, 200000) == 0);
}

static void descriptors_share_their_position(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), copy = dup(fd), other = open("f", O_RDWR);

	CHECK(write(fd, "abc", 3) == 3 && lseek(copy, 0, SEEK_CUR) == 3 &&
	      lseek(other, 0, SEEK_CUR) == 0);
}

static void sendfile_copies(void)
{
	uint8_t *out = pattern(100000);
	off_t at = 1000;
	int in = open("a", O_RDWR | O_CREAT, 0600), to = open("b", O_RDWR | O_CREAT, 0600), p[2];

	CHECK(write(in, out, 100000) == 100000);
	CHECK(sendfile(to, in, &at, 50000) == 50000 && at == 51000);
	CHECK(lseek(in, 0, SEEK_CUR) == 100000 && lseek(to, 0, SEEK_CUR) == 50000);
	CHECK(sendfile(to, in, &at, 100000) == 49000);
	CHECK(pipe(p) == 0 && lseek(in, 0, SEEK_SET) == 0);
	CHECK(sendfile(p[1], in, NULL, 1000) == 1000 && lseek(in, 0, SEEK_CUR) == 1000);
	FAILS(sendfile(99, in, NULL, 1), EBADF);
}

static void buffers_may_be_mapped_files(void)
{
	uint8_t *out = pattern(40000), *map;
	int a = open("a", O_RDWR | O_CREAT, 0600), b = open("b", O_RDWR | O_CREAT, 0600);
	char *p;

	CHECK(write(a, out, 40000) == 40000);
	map = mmap(NULL, 40000, PROT_READ | PROT_WRITE, MAP_PRIVATE, a, 0);
	CHECK(map != MAP_FAILED);
	CHECK(write(b, map, 40000) == 40000); /* pages that nobody has touched yet */
	CHECK(pread(b, map, 30000, 10000) == 30000 && memcmp(map, out + 10000, 30000) == 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, a, 0);
	CHECK(p != MAP_FAILED && open(p, O_RDONLY) == -1); /* a path in such a page */
}

static void zero_lengths(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK(write(fd, "", 0) == 0 && read(fd, NULL, 0) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == 0);
}

static void syncs_succeed(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_SYNC, 0600), p[2];

	CHECK(write(fd, "x", 1) == 1 && fsync(fd) == 0 && fdatasync(fd) == 0 && syncfs(fd) == 0);
	sync();
	CHECK(pipe(p) == 0);
	FAILS(fsync(p[0]), EINVAL);
	FAILS(fsync(99), EBADF);
	CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	CHECK(posix_fadvise(fd, 0, 0, 99) == EINVAL);
}

const struct test io_tests[] = {
	TEST(big_files_come_back_whole),
	TEST(positions_move),
	TEST(holes_read_as_zeros),
	TEST(append_always_writes_at_the_end),
	TEST(appends_of_processes_do_not_mix),
	TEST(vectors_scatter_and_gather),
	TEST(large_vectors),
	TEST(descriptors_share_their_position),
	TEST(sendfile_copies),
	TEST(buffers_may_be_mapped_files),
	TEST(zero_lengths),
	TEST(syncs_succeed),
	{NULL, NULL},
};

/* ---- directories ---- */

static int count_entries(DIR *d, const char *prefix)
{
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	return n;
}

static void readdir_lists_all_with_types(void)
{
	struct dirent *e;
	unsigned seen = 0;
	DIR *d;

	put_file("file", "");
	CHECK(mkdir("dir", 0755) == 0 && symlink("x", "link") == 0 && mkfifo("fifo", 0600) == 0);
	d = opendir(".");
	CHECK(d);
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, "file") == 0 && e->d_type == DT_REG)
			seen |= 1;
		if (strcmp(e->d_name, "dir") == 0 && e->d_type == DT_DIR)
			seen |= 2;
		if (strcmp(e->d_name, "link") == 0 && e->d_type == DT_LNK)
			seen |= 4;
		if (strcmp(e->d_name, "fifo") == 0 && e->d_type == DT_FIFO)
			seen |= 8;
		if (strcmp(e->d_name, ".") == 0 && e->d_type == DT_DIR)
			seen |= 16;
		if (strcmp(e->d_name, "..") == 0 && e->d_type == DT_DIR)
			seen |= 32;
	}
	CHECK(seen == 63);
}

static void many_entries_and_rewind(void)
{
	char name[32];
	DIR *d;

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "entry-number-%d", i);
		put_file(name, "");
	}
	d = opendir(".");
	CHECK(d && count_entries(d, "entry-") == 500);
	rewinddir(d);
	CHECK(count_entries(d, "entry-") == 500);
	for (int i = 0; i < 500; i += 2) {
		snprintf(name, sizeof(name), "entry-number-%d", i);
		CHECK(unlink(name) == 0);
	}
	rewinddir(d);
	CHECK(count_entries(d, "entry-") == 250);
}

static void removing_while_reading_misses_nothing(void)
{
	char name[32];
	struct dirent *e;
	DIR *d;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "e%d", i);
		put_file(name, "");
	}
	d = opendir(".");
	while ((e = readdir(d)))
		if (e->d_name[0] == 'e')
			CHECK(unlink(e->d_name) == 0);
	closedir(d);
	d = opendir(".");
	CHECK(count_entries(d, "e") == 0);
}

static void getdents_wants_directory_and_room(void)
{
	char buf[1024];
	int fd;

	put_file("f", "");
	fd = open("f", O_RDONLY);
	FAILS(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOTDIR);
	fd = open(".", O_RDONLY);
	FAILS(syscall(SYS_getdents64, fd, buf, 10), EINVAL);
	CHECK(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
	CHECK(syscall(SYS_getdents64, fd, buf, sizeof(buf)) == 0);
}

static void dev_and_proc_can_be_listed(void)
{
	DIR *d = opendir("/dev");

	CHECK(d && count_entries(d, "null") == 1);
	d = opendir("/proc");
	CHECK(d && count_entries(d, "self") == 1);
}

const struct test dir_tests[] = {
	TEST(readdir_lists_all_with_types),
	TEST(many_entries_and_rewind),
	TEST(removing_while_reading_misses_nothing),
	TEST(getdents_wants_directory_and_room),
	TEST(dev_and_proc_can_be_listed),
	{NULL, NULL},
};
