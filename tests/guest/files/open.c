/* SPDX-License-Identifier: BSD-2-Clause */
/* open and its flags. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "files.h"

static void creates_with_mode_and_umask(void)
{
	struct stat st;
	int fd;

	umask(027);
	fd = open("f", O_RDWR | O_CREAT, 0666);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK(st.st_mode == (S_IFREG | 0640) && st.st_size == 0 && st.st_nlink == 1);
}

static void excl_refuses_existing_names(void)
{
	put_file("f", "x");
	CHECK(symlink("nowhere", "l") == 0);
	FAILS(open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	FAILS(open("l", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	CHECK(open("g", O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0);
}

static void creat_follows_dangling_links(void)
{
	CHECK(symlink("target", "l") == 0);
	CHECK(open("l", O_CREAT | O_WRONLY, 0600) >= 0);
	CHECK(access("target", F_OK) == 0);
}

static void truncates_only_when_asked(void)
{
	put_file("f", "hello");
	CHECK(close(open("f", O_WRONLY)) == 0);
	CHECK(strcmp(get_file("f"), "hello") == 0);
	CHECK(close(open("f", O_WRONLY | O_TRUNC)) == 0);
	CHECK(strcmp(get_file("f"), "") == 0);
}

static void directories_open_for_reading_only(void)
{
	char c;
	int fd;

	CHECK(mkdir("d", 0755) == 0);
	FAILS(open("d", O_RDWR), EISDIR);
	FAILS(open("d", O_WRONLY), EISDIR);
	FAILS(open("d", O_RDONLY | O_CREAT, 0600), EISDIR);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	FAILS(read(fd, &c, 1), EISDIR);
	put_file("f", "");
	FAILS(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
}

static void missing_parts_are_enoent_or_enotdir(void)
{
	put_file("f", "");
	FAILS(open("no", O_RDONLY), ENOENT);
	FAILS(open("no/f", O_CREAT | O_WRONLY, 0600), ENOENT);
	FAILS(open("f/x", O_RDONLY), ENOTDIR);
	FAILS(open("f/", O_RDONLY), ENOTDIR);
	FAILS(open("", O_RDONLY), ENOENT);
	FAILS(open("no/", O_CREAT | O_WRONLY, 0600), EISDIR);
}

static void nofollow_refuses_links(void)
{
	put_file("f", "");
	CHECK(symlink("f", "l") == 0);
	FAILS(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK(open("f", O_RDONLY | O_NOFOLLOW) >= 0);
}

static void access_modes_are_enforced(void)
{
	char c = 'x';
	int r, w;

	put_file("f", "abc");
	r = open("f", O_RDONLY);
	w = open("f", O_WRONLY);
	FAILS(write(r, &c, 1), EBADF);
	FAILS(read(w, &c, 1), EBADF);
	FAILS(ftruncate(r, 0), EINVAL);
}

static void user_opens(void *arg)
{
	(void)arg;
	CHECK(open("public", O_RDONLY) >= 0);
	FAILS(open("public", O_WRONLY), EACCES);
	FAILS(open("private", O_RDONLY), EACCES);
	FAILS(open("closed/f", O_RDONLY), EACCES);
	CHECK(mkdir("locked/x", 0755) == -1 && errno == EACCES);
	CHECK(open("new", O_CREAT | O_WRONLY, 0400) >= 0); /* the mode is for later opens */
	FAILS(open("new", O_WRONLY), EACCES);
	CHECK(open("group", O_RDONLY) >= 0);
}

static void permissions_bind_users(void)
{
	put_file("public", "");
	put_file("private", "");
	put_file("group", "");
	CHECK(chmod("private", 0600) == 0 && chmod("group", 0640) == 0 &&
	      chown("group", 0, 1000) == 0);
	CHECK(mkdir("closed", 0700) == 0 && mkdir("locked", 0755) == 0);
	put_file("closed/f", "");
	as_user(user_opens, NULL);
	CHECK(open("private", O_RDWR) >= 0); /* root may */
}

static void descriptors_are_the_lowest_free(void)
{
	int a, b;

	put_file("f", "");
	a = open("f", O_RDONLY);
	b = open("f", O_RDONLY);
	CHECK(b == a + 1 && close(a) == 0);
	CHECK(open("f", O_RDONLY) == a);
	FAILS(close(200), EBADF);
	FAILS(close(-1), EBADF);
}

static void path_descriptors_only_name(void)
{
	char c;
	int fd;

	put_file("f", "");
	fd = open("f", O_PATH);
	CHECK(fd >= 0);
	CHECK(read(fd, &c, 1) == -1);
	CHECK(mkdir("d", 0755) == 0);
	put_file("d/x", "in d");
	fd = open("d", O_PATH | O_DIRECTORY);
	CHECK(fd >= 0 && openat(fd, "x", O_RDONLY) >= 0);
}

static void openat_is_relative_to_its_directory(void)
{
	int d, fd;

	CHECK(mkdir("d", 0755) == 0);
	d = open("d", O_RDONLY);
	fd = openat(d, "f", O_CREAT | O_WRONLY, 0644);
	CHECK(fd >= 0 && access("d/f", F_OK) == 0);
	FAILS(openat(fd, "g", O_RDONLY), ENOTDIR);
	FAILS(openat(99, "g", O_RDONLY), EBADF);
	CHECK(openat(99, "/dev/null", O_RDONLY) >= 0);
}

static void unlinked_files_live_until_closed(void)
{
	char buf[8] = "";
	struct stat st;
	int fd;

	put_file("f", "still");
	fd = open("f", O_RDWR);
	CHECK(unlink("f") == 0);
	FAILS(access("f", F_OK), ENOENT);
	CHECK(read(fd, buf, 5) == 5 && strcmp(buf, "still") == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
	CHECK(write(fd, "more", 4) == 4 && lseek(fd, 0, SEEK_END) == 9);
	put_file("f", "new one");
	CHECK(pread(fd, buf, 5, 0) == 5 && memcmp(buf, "still", 5) == 0);
}

const struct test open_tests[] = {
	TEST(creates_with_mode_and_umask),
	TEST(excl_refuses_existing_names),
	TEST(creat_follows_dangling_links),
	TEST(truncates_only_when_asked),
	TEST(directories_open_for_reading_only),
	TEST(missing_parts_are_enoent_or_enotdir),
	TEST(nofollow_refuses_links),
	TEST(access_modes_are_enforced),
	TEST(permissions_bind_users),
	TEST(descriptors_are_the_lowest_free),
	TEST(path_descriptors_only_name),
	TEST(openat_is_relative_to_its_directory),
	TEST(unlinked_files_live_until_closed),
	{NULL, NULL},
};
