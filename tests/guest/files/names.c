/* SPDX-License-Identifier: BSD-2-Clause */
/* mkdir, link, unlink, rename and what names do; path walking. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "files.h"

static void mkdir_and_rmdir(void)
{
	struct stat st;

	CHECK(mkdir("d", 0777) == 0 && stat("d", &st) == 0);
	CHECK(st.st_mode == (S_IFDIR | 0755) && st.st_nlink == 2);
	FAILS(mkdir("d", 0777), EEXIST);
	CHECK(mkdir("d/e", 0700) == 0 && stat("d", &st) == 0 && st.st_nlink == 3);
	FAILS(rmdir("d"), ENOTEMPTY);
	CHECK(rmdir("d/e") == 0 && rmdir("d") == 0);
	FAILS(rmdir("d"), ENOENT);
	FAILS(mkdir("no/d", 0777), ENOENT);
	CHECK(mkdir("slash/", 0777) == 0 && rmdir("slash/") == 0);
}

static void rmdir_knows_dots_and_files(void)
{
	CHECK(mkdir("d", 0755) == 0);
	put_file("f", "");
	FAILS(rmdir("f"), ENOTDIR);
	FAILS(rmdir("d/."), EINVAL);
	FAILS(rmdir("d/.."), ENOTEMPTY);
	FAILS(unlink("d"), EISDIR);
	FAILS(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	CHECK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR) == 0);
}

static void hard_links_share_the_inode(void)
{
	struct stat a, b;

	put_file("a", "one");
	CHECK(link("a", "b") == 0 && stat("a", &a) == 0 && stat("b", &b) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_nlink == 2);
	put_file("b", "two");
	CHECK(strcmp(get_file("a"), "two") == 0);
	CHECK(unlink("a") == 0 && stat("b", &b) == 0 && b.st_nlink == 1);
	FAILS(link("b", "b"), EEXIST);
	FAILS(link("no", "c"), ENOENT);
	CHECK(mkdir("d", 0755) == 0);
	FAILS(link("d", "e"), EPERM);
	FAILS(link("b", "/dev/b"), EXDEV);
}

static void symlinks_are_read_and_followed(void)
{
	char buf[16] = "";
	struct stat st;

	put_file("f", "text");
	CHECK(symlink("f", "l") == 0 && lstat("l", &st) == 0);
	CHECK(S_ISLNK(st.st_mode) && st.st_size == 1);
	CHECK(readlink("l", buf, sizeof(buf)) == 1 && buf[0] == 'f');
	CHECK(strcmp(get_file("l"), "text") == 0);
	FAILS(readlink("f", buf, sizeof(buf)), EINVAL);
	CHECK(symlink("a long target", "l2") == 0 && readlink("l2", buf, 3) == 3 &&
	      memcmp(buf, "a l", 3) == 0);
	FAILS(symlink("x", "l"), EEXIST);
	CHECK(unlink("l") == 0 && access("f", F_OK) == 0);
	FAILS(symlink("", "e"), ENOENT);
}

static void link_loops_are_eloop(void)
{
	CHECK(symlink("b", "a") == 0 && symlink("a", "b") == 0);
	FAILS(open("a", O_RDONLY), ELOOP);
	FAILS(access("a/x", F_OK), ELOOP);
}

static void links_in_the_middle_of_paths(void)
{
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	put_file("d/e/f", "deep");
	CHECK(symlink("d", "l") == 0 && symlink("../d/e/", "d/up") == 0);
	CHECK(strcmp(get_file("l/e/f"), "deep") == 0);
	CHECK(strcmp(get_file("l/up/f"), "deep") == 0);
	CHECK(strcmp(get_file("l/up/../e/./f"), "deep") == 0);
	CHECK(strcmp(get_file(".//l///e/f"), "deep") == 0);
}

static void rename_replaces_files(void)
{
	struct stat old, new;
	int fd;

	put_file("a", "A");
	put_file("b", "B");
	fd = open("b", O_RDONLY);
	CHECK(stat("a", &old) == 0 && rename("a", "b") == 0 && stat("b", &new) == 0);
	CHECK(old.st_ino == new.st_ino &&strcmp(get_file("b"), "A") == 0);
	FAILS(access("a", F_OK), ENOENT);
	CHECK(fstat(fd, &old) == 0 && old.st_nlink == 0);
	FAILS(rename("a", "c"), ENOENT);
}

static void rename_of_directories(void)
{
	CHECK(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0 && mkdir("x", 0755) == 0);
	put_file("f", "");
	FAILS(rename("a", "a/b/c"), EINVAL);
	FAILS(rename("a", "f"), ENOTDIR);
	FAILS(rename("f", "x"), EISDIR);
	FAILS(rename("x", "a"), ENOTEMPTY);
	CHECK(rename("a", "x") == 0 && access("x/b", F_OK) == 0);
	CHECK(rename("x/b", "y") == 0 && access("y/../x", F_OK) == 0);
	FAILS(rename("x/.", "z"), EBUSY);
}

static void rename_of_two_names_of_one_file(void)
{
	put_file("a", "A");
	CHECK(link("a", "b") == 0 && rename("a", "b") == 0);
	CHECK(access("a", F_OK) == 0 && access("b", F_OK) == 0);
	CHECK(rename("a", "a") == 0);
}

static void rename_noreplace(void)
{
	put_file("a", "A");
	put_file("b", "B");
	FAILS(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 1), EEXIST);
	CHECK(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "c", 1) == 0);
}

static void user_in_sticky_dir(void *arg)
{
	(void)arg;
	FAILS(unlink("sticky/root"), EPERM);
	FAILS(rename("sticky/root", "sticky/x"), EPERM);
	CHECK(unlink("sticky/user") == 0);
}

static void sticky_directories_protect_others(void)
{
	CHECK(mkdir("sticky", 0777) == 0 && chmod("sticky", 01777) == 0);
	put_file("sticky/root", "");
	put_file("sticky/user", "");
	CHECK(chown("sticky/user", 1000, 1000) == 0);
	as_user(user_in_sticky_dir, NULL);
}

static void device_nodes_can_be_made(void)
{
	struct stat st;
	char c = 'x';
	int fd;

	CHECK(mknod("n", S_IFCHR | 0666, 0x103) == 0 && stat("n", &st) == 0);
	CHECK(S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	fd = open("n", O_RDWR);
	CHECK(fd >= 0 && read(fd, &c, 1) == 0 && write(fd, &c, 1) == 1);
	CHECK(mknod("s", S_IFSOCK | 0600, 0) == 0 && stat("s", &st) == 0 && S_ISSOCK(st.st_mode));
	FAILS(open("s", O_RDONLY), ENXIO);
	CHECK(mknod("r", 0600, 0) == 0 && stat("r", &st) == 0 && S_ISREG(st.st_mode));
}

const struct test name_tests[] = {
	TEST(mkdir_and_rmdir),
	TEST(rmdir_knows_dots_and_files),
	TEST(hard_links_share_the_inode),
	TEST(symlinks_are_read_and_followed),
	TEST(link_loops_are_eloop),
	TEST(links_in_the_middle_of_paths),
	TEST(rename_replaces_files),
	TEST(rename_of_directories),
	TEST(rename_of_two_names_of_one_file),
	TEST(rename_noreplace),
	TEST(sticky_directories_protect_others),
	TEST(device_nodes_can_be_made),
	{NULL, NULL},
};

/* ---- walking ---- */

static void names_have_a_limit(void)
{
	char name[300];
	struct statfs s;

	CHECK(statfs(".", &s) == 0 && s.f_namelen < 299);
	memset(name, 'n', sizeof(name));
	name[s.f_namelen] = '\0';
	FAILS(open(name, O_RDONLY), ENOENT);
	CHECK(open(name, O_CREAT | O_WRONLY, 0600) >= 0);
	name[s.f_namelen] = 'n';
	name[256] = '\0';
	FAILS(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
}

static void paths_have_a_limit(void)
{
	static char path[PATH_MAX + 10];

	memset(path, '/', sizeof(path));
	memcpy(path + PATH_MAX - 2, ".", 2);
	CHECK(access(path, F_OK) == 0);
	memset(path, '/', sizeof(path));
	memcpy(path + PATH_MAX, ".", 2);
	FAILS(access(path, F_OK), ENAMETOOLONG);
}

static void cwd_follows_chdir_and_rename(void)
{
	char start[PATH_MAX], buf[PATH_MAX], want[PATH_MAX + 8];

	CHECK(getcwd(start, sizeof(start)));
	CHECK(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0 && chdir("a/b") == 0);
	snprintf(want, sizeof(want), "%s/a/b", start);
	CHECK(getcwd(buf, sizeof(buf)) && strcmp(buf, want) == 0);
	CHECK(rename("../../a", "../../c") == 0);
	snprintf(want, sizeof(want), "%s/c/b", start);
	CHECK(getcwd(buf, sizeof(buf)) && strcmp(buf, want) == 0);
	CHECK(syscall(SYS_getcwd, buf, 4) == -1 && errno == ERANGE);
	CHECK(chdir("..") == 0 && rmdir("b") == 0 && chdir("/") == 0);
	CHECK(getcwd(buf, sizeof(buf)) && strcmp(buf, "/") == 0 && chdir("..") == 0);
	CHECK(getcwd(buf, sizeof(buf)) && strcmp(buf, "/") == 0);
}

static void a_removed_cwd_is_gone(void)
{
	char buf[PATH_MAX];

	CHECK(mkdir("d", 0755) == 0 && chdir("d") == 0 && rmdir("../d") == 0);
	CHECK(!getcwd(buf, sizeof(buf)) && errno == ENOENT);
	FAILS(open("f", O_CREAT | O_WRONLY, 0600), ENOENT);
	CHECK(chdir("..") == 0 || errno == ENOENT);
}

static void chdir_needs_a_directory(void)
{
	int fd;

	put_file("f", "");
	CHECK(mkdir("d", 0755) == 0);
	put_file("d/in", "");
	FAILS(chdir("f"), ENOTDIR);
	FAILS(chdir("no"), ENOENT);
	fd = open("d", O_RDONLY);
	CHECK(fchdir(fd) == 0 && access("in", F_OK) == 0);
	fd = open("in", O_RDONLY);
	FAILS(fchdir(fd), ENOTDIR);
}

static void in_chroot(void *arg)
{
	char buf[64];

	(void)arg;
	CHECK(chroot("jail") == 0 && chdir("/") == 0);
	CHECK(access("/f", F_OK) == 0 && access("/../../f", F_OK) == 0);
	FAILS(access("/dev/null", F_OK), ENOENT);
	CHECK(getcwd(buf, sizeof(buf)) && strcmp(buf, "/") == 0);
	CHECK(access("/abs", F_OK) == 0); /* an absolute link stays inside */
}

static void chroot_cannot_be_left(void)
{
	CHECK(mkdir("jail", 0755) == 0);
	put_file("jail/f", "");
	CHECK(symlink("/f", "jail/abs") == 0);
	CHECK(status_of(in_chroot, NULL) == 0);
	CHECK(access("/dev/null", F_OK) == 0);
}

static void mount_points_are_crossed_both_ways(void)
{
	struct stat root, dev, up;

	CHECK(stat("/", &root) == 0 && stat("/dev", &dev) == 0 && stat("/dev/..", &up) == 0);
	CHECK(root.st_dev != dev.st_dev && root.st_ino == up.st_ino && root.st_dev == up.st_dev);
	CHECK(access("/dev/../proc/../dev/null", F_OK) == 0);
	FAILS(rmdir("/dev"), EBUSY);
}

const struct test walk_tests[] = {
	TEST(names_have_a_limit),
	TEST(paths_have_a_limit),
	TEST(cwd_follows_chdir_and_rename),
	TEST(a_removed_cwd_is_gone),
	TEST(chdir_needs_a_directory),
	TEST(chroot_cannot_be_left),
	TEST(mount_points_are_crossed_both_ways),
	{NULL, NULL},
};
