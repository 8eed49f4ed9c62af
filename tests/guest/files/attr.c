/* SPDX-License-Identifier: BSD-2-Clause */
/* chmod, chown, times, truncate, access, statfs. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>
#include "files.h"

static struct stat st;

static void chmod_changes_permissions_only(void)
{
	int fd;

	put_file("f", "");
	CHECK(chmod("f", 04751) == 0 && stat("f", &st) == 0 && st.st_mode == (S_IFREG | 04751));
	fd = open("f", O_RDONLY);
	CHECK(fchmod(fd, 0600) == 0 && fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 0600));
	CHECK(fchmodat(AT_FDCWD, "f", 0644, 0) == 0);
	FAILS(chmod("no", 0644), ENOENT);
}

static void chown_clears_set_id_bits(void)
{
	put_file("f", "");
	CHECK(chmod("f", 06755) == 0 && chown("f", 1000, 1000) == 0 && stat("f", &st) == 0);
	CHECK(st.st_uid == 1000 && st.st_gid == 1000 && st.st_mode == (S_IFREG | 0755));
	CHECK(chown("f", (uid_t)-1, 7) == 0 && stat("f", &st) == 0 && st.st_uid == 1000 &&
	      st.st_gid == 7);
	CHECK(symlink("f", "l") == 0 && lchown("l", 5, 5) == 0 && lstat("l", &st) == 0 &&
	      st.st_uid == 5);
	CHECK(stat("f", &st) == 0 && st.st_uid == 1000);
}

static void user_changes(void *arg)
{
	struct timespec ts[2] = {{1, 0}, {1, 0}};

	(void)arg;
	FAILS(chmod("root", 0777), EPERM);
	FAILS(chown("user", 0, 0), EPERM);
	FAILS(utimensat(AT_FDCWD, "root", ts, 0), EPERM);
	FAILS(utimensat(AT_FDCWD, "root", NULL, 0), EACCES);
	FAILS(truncate("root", 0), EACCES);
	CHECK(chmod("user", 0700) == 0 && utimensat(AT_FDCWD, "user", ts, 0) == 0);
}

static void only_owners_change_attributes(void)
{
	put_file("root", "x");
	put_file("user", "x");
	CHECK(chown("user", 1000, 1000) == 0);
	as_user(user_changes, NULL);
}

static void times_are_set_and_omitted(void)
{
	struct timespec ts[2] = {{1000000000, 0}, {1100000000, 0}};
	struct utimbuf ut = {5, 6};
	time_t now = time(NULL);
	int fd;

	put_file("f", "");
	CHECK(utimensat(AT_FDCWD, "f", ts, 0) == 0 && stat("f", &st) == 0);
	CHECK(st.st_atime == 1000000000 && st.st_mtime == 1100000000);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	CHECK(utimensat(AT_FDCWD, "f", ts, 0) == 0 && stat("f", &st) == 0);
	CHECK(st.st_atime == 1000000000 && st.st_mtime >= now && st.st_mtime <= now + 10);
	CHECK(utime("f", &ut) == 0 && stat("f", &st) == 0 && st.st_atime == 5 && st.st_mtime == 6);
	fd = open("f", O_RDONLY);
	CHECK(futimens(fd, NULL) == 0 && fstat(fd, &st) == 0 && st.st_mtime >= now);
	ts[0].tv_nsec = 1000000000;
	FAILS(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
}

static void writing_changes_mtime_and_size(void)
{
	struct utimbuf ut = {5, 6};
	int fd;

	put_file("f", "abc");
	CHECK(utime("f", &ut) == 0);
	fd = open("f", O_WRONLY | O_APPEND);
	CHECK(write(fd, "def", 3) == 3 && stat("f", &st) == 0);
	CHECK(st.st_size == 6 && st.st_mtime > 6);
}

static void truncate_shrinks_and_grows(void)
{
	int fd;

	put_file("f", "abcdef");
	CHECK(truncate("f", 3) == 0 && strcmp(get_file("f"), "abc") == 0);
	fd = open("f", O_RDWR);
	CHECK(ftruncate(fd, 10000) == 0 && fstat(fd, &st) == 0 && st.st_size == 10000);
	CHECK(ftruncate(fd, 4) == 0 && memcmp(get_file("f"), "abc\0", 4) == 0);
	FAILS(truncate("f", -1), EINVAL);
	FAILS(truncate("/tmp", 0), EISDIR);
}

static void user_asks(void *arg)
{
	(void)arg;
	CHECK(access("f", R_OK) == 0);
	FAILS(access("f", W_OK), EACCES);
	FAILS(access("f", X_OK), EACCES);
	FAILS(access("no", F_OK), ENOENT);
	FAILS(access("f", 64), EINVAL);
}

static void access_answers_for_real_ids(void)
{
	put_file("f", "");
	as_user(user_asks, NULL);
	CHECK(access("f", R_OK | W_OK) == 0);
	FAILS(access("f", X_OK), EACCES); /* even for root: nobody may execute it */
	CHECK(chmod("f", 0100) == 0 && access("f", X_OK) == 0);
}

static void statfs_describes_the_file_system(void)
{
	struct statfs s;
	int fd = open(".", O_RDONLY);

	CHECK(statfs(".", &s) == 0 && s.f_blocks > 0 && s.f_bsize >= 512 && s.f_namelen >= 60);
	CHECK(fstatfs(fd, &s) == 0 && s.f_bfree <= s.f_blocks);
	FAILS(statfs("no", &s), ENOENT);
}

static void fstat_knows_all_kinds(void)
{
	int p[2];

	CHECK(pipe(p) == 0 && fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	CHECK(stat(".", &st) == 0 && S_ISDIR(st.st_mode) && st.st_blksize > 0);
	FAILS(fstat(99, &st), EBADF);
	CHECK(fstatat(p[0], "", &st, AT_EMPTY_PATH) == 0 && S_ISFIFO(st.st_mode));
}

static void statx_agrees_with_stat(void)
{
	struct {
		uint32_t mask, blksize;
		uint64_t attributes;
		uint32_t nlink, uid, gid;
		uint16_t mode, spare;
		uint64_t ino, size;
		uint64_t rest[28];
	} x;

	put_file("f", "12345");
	CHECK(stat("f", &st) == 0);
	CHECK(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &x) == 0);
	CHECK(x.ino == st.st_ino && x.size == 5 && x.mode == st.st_mode && x.nlink == 1);
}

static void new_files_in_setgid_directories(void)
{
	CHECK(mkdir("d", 0755) == 0 && chown("d", 0, 1000) == 0 && chmod("d", 02755) == 0);
	put_file("d/f", "");
	CHECK(stat("d/f", &st) == 0 && st.st_gid == 1000);
	CHECK(mkdir("d/e", 0755) == 0 && stat("d/e", &st) == 0);
	CHECK(st.st_gid == 1000 && (st.st_mode & S_ISGID));
}

/* 512 bytes are the unit; a file system may need more for its own blocks, but not as much as the hole. */
static void holes_take_no_room(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	blkcnt_t one;

	CHECK(ftruncate(fd, 1 << 20) == 0 && fstat(fd, &st) == 0 && st.st_blocks == 0);
	CHECK(pwrite(fd, "x", 1, 512 << 10) == 1 && fsync(fd) == 0 && fstat(fd, &st) == 0);
	one = st.st_blocks;
	CHECK(one > 0 && one <= 64 && st.st_size == 1 << 20);
	CHECK(pwrite(fd, "x", 1, 800 << 10) == 1 && fsync(fd) == 0 && fstat(fd, &st) == 0);
	CHECK(st.st_blocks > one);
	CHECK(ftruncate(fd, 600 << 10) == 0 && fstat(fd, &st) == 0 && st.st_blocks == one);
	CHECK(ftruncate(fd, 0) == 0 && fstat(fd, &st) == 0 && st.st_blocks == 0);
}

const struct test attr_tests[] = {
	TEST(chmod_changes_permissions_only),
	TEST(chown_clears_set_id_bits),
	TEST(only_owners_change_attributes),
	TEST(times_are_set_and_omitted),
	TEST(writing_changes_mtime_and_size),
	TEST(truncate_shrinks_and_grows),
	TEST(access_answers_for_real_ids),
	TEST(statfs_describes_the_file_system),
	TEST(fstat_knows_all_kinds),
	TEST(statx_agrees_with_stat),
	TEST(new_files_in_setgid_directories),
	TEST(holes_take_no_room),
	{NULL, NULL},
};
