/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals: names, both ends, modes, blocking, limits. Sessions are in ptyjob.c. */
#include <dirent.h>
#include <limits.h>
#include <pty.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include "ends.h"

#define PAIRS_TRIED 80
#define CYCLES      300
#define BULK        300000

struct ends ends_open(void)
{
	struct ends e = {.slave = -1};

	e.master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(e.master >= 0);
	CHECK(grantpt(e.master) == 0 && unlockpt(e.master) == 0);
	CHECK(ptsname_r(e.master, e.name, sizeof(e.name)) == 0);
	e.slave = open(e.name, O_RDWR | O_NOCTTY);
	CHECK(e.slave >= 0);
	return e;
}

void ends_close(const struct ends *e)
{
	CHECK(close(e->slave) == 0 && close(e->master) == 0);
}

void set_raw(int fd)
{
	struct termios t;

	CHECK(tcgetattr(fd, &t) == 0);
	cfmakeraw(&t);
	CHECK(tcsetattr(fd, TCSANOW, &t) == 0);
}

void put(int fd, const char *text)
{
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

void expect(int fd, const char *text)
{
	size_t len = strlen(text), got = 0;
	char buf[256];

	CHECK(len < sizeof(buf));
	while (got < len) {
		ssize_t n = read(fd, buf + got, len - got);

		CHECK(n > 0);
		got += (size_t)n;
	}
	buf[len] = '\0';
	if (strcmp(buf, text) != 0)
		printf("  got \"%s\", not \"%s\"\n", buf, text);
	CHECK(strcmp(buf, text) == 0);
}

unsigned polled(int fd, unsigned events, int ms)
{
	struct pollfd p = {.fd = fd, .events = (short)events};

	CHECK(poll(&p, 1, ms) >= 0);
	return (unsigned short)p.revents;
}

/* ---- names ---- */

static bool is_listed(const char *name)
{
	DIR *dir = opendir("/dev/pts");
	struct dirent *d;
	bool found = false;

	CHECK(dir);
	while ((d = readdir(dir)))
		found = found || !strcmp(d->d_name, strrchr(name, '/') + 1);
	closedir(dir);
	return found;
}

static void pty_slave_has_a_name(void)
{
	struct ends e = ends_open();
	struct stat st;
	unsigned number;
	char buf[64];

	CHECK(ioctl(e.master, TIOCGPTN, &number) == 0);
	CHECK(stat(e.name, &st) == 0 && S_ISCHR(st.st_mode) && (st.st_mode & 0600) == 0600);
	CHECK(major(st.st_rdev) == 136 && minor(st.st_rdev) == number && st.st_uid == geteuid());
	CHECK(isatty(e.slave) && isatty(e.master));
	CHECK(ttyname_r(e.slave, buf, sizeof(buf)) == 0 && !strcmp(buf, e.name));
	CHECK(is_listed(e.name));
	CHECK_ERR(ioctl(e.slave, TIOCGPTN, &number), ENOTTY);
	CHECK(fstat(e.master, &st) == 0 && major(st.st_rdev) == 5 && minor(st.st_rdev) == 2);
	ends_close(&e);
	CHECK(!is_listed(e.name));
	CHECK_ERR(open(e.name, O_RDWR), ENOENT);
}

static void pty_directory_is_walked(void)
{
	struct ends e = ends_open();
	char cwd[PATH_MAX];
	int fd;

	CHECK(chdir("/dev/pts") == 0 && getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/dev/pts"));
	fd = open(strrchr(e.name, '/') + 1, O_RDWR | O_NOCTTY);
	CHECK(fd >= 0 && close(fd) == 0);
	fd = open("../null", O_RDWR);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(open("none", O_RDWR | O_CREAT, 0600) == -1);
	ends_close(&e);
}

static void pty_is_locked_at_first(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), locked = 0, fd;
	char name[32];

	CHECK(master >= 0 && ptsname_r(master, name, sizeof(name)) == 0);
	CHECK(ioctl(master, TIOCGPTLCK, &locked) == 0 && locked != 0);
	CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
	CHECK(unlockpt(master) == 0);
	CHECK(ioctl(master, TIOCGPTLCK, &locked) == 0 && locked == 0);
	fd = open(name, O_RDWR | O_NOCTTY);
	CHECK(fd >= 0);
	put(fd, "x");
	expect(master, "x");
	locked = 1;
	CHECK(ioctl(master, TIOCSPTLCK, &locked) == 0);
	CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
}

static void pty_openpty_sets_both_ends(void)
{
	struct winsize size = {.ws_row = 31, .ws_col = 97}, seen;
	struct termios t, u;
	int master, slave;
	char name[64];

	CHECK(openpty(&master, &slave, name, NULL, &size) == 0);
	CHECK(ioctl(slave, TIOCGWINSZ, &seen) == 0 && seen.ws_row == 31 && seen.ws_col == 97);
	CHECK(tcgetattr(slave, &t) == 0);
	CHECK((t.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));
	t.c_lflag &= ~(tcflag_t)ECHO;
	CHECK(tcsetattr(slave, TCSADRAIN, &t) == 0);
	CHECK(tcgetattr(master, &u) == 0 && !(u.c_lflag & ECHO)); /* the master's are the slave's */
	size.ws_col = 40;
	CHECK(ioctl(master, TIOCSWINSZ, &size) == 0);
	CHECK(ioctl(slave, TIOCGWINSZ, &seen) == 0 && seen.ws_col == 40);
	CHECK(ioctl(master, TIOCGWINSZ, &seen) == 0 && seen.ws_col == 40);
}

/* ---- data ---- */

static void pty_edits_lines_and_echoes(void)
{
	struct ends e = ends_open();
	char buf[64];
	int n = 0;

	put(e.master, "hellp\177o\n");
	expect(e.slave, "hello\n");
	expect(e.master, "hellp\b \bo\r\n");
	put(e.slave, "a\nb");
	expect(e.master, "a\r\nb");
	put(e.master, "half");
	CHECK(polled(e.slave, POLLIN, 0) == 0);
	CHECK(ioctl(e.slave, FIONREAD, &n) == 0 && n == 0);
	put(e.master, "\004");
	CHECK(polled(e.slave, POLLIN, 1000) == POLLIN);
	CHECK(ioctl(e.slave, FIONREAD, &n) == 0 && n >= 4);
	CHECK(read(e.slave, buf, sizeof(buf)) == 4 && !memcmp(buf, "half", 4));
	put(e.master, "\004");
	CHECK(read(e.slave, buf, sizeof(buf)) == 0);
	expect(e.master, "half");
	ends_close(&e);
}

static void pty_raw_carries_every_byte(void)
{
	struct ends e = ends_open();
	unsigned char out[256], in[256];
	ssize_t got = 0;

	set_raw(e.slave);
	for (int i = 0; i < 256; i++)
		out[i] = (unsigned char)i;
	for (int way = 0; way < 2; way++) {
		int from = way ? e.master : e.slave, to = way ? e.slave : e.master;

		CHECK(write(from, out, 256) == 256);
		for (got = 0; got < 256;) {
			ssize_t n = read(to, in + got, sizeof(in) - (size_t)got);

			CHECK(n > 0);
			got += n;
		}
		CHECK(got == 256 && !memcmp(in, out, 256));
	}
	ends_close(&e);
}

/* More than any ring holds: the writer waits, and nothing is lost. */
static void bulk(int from, int to)
{
	static unsigned char buf[BULK];
	ssize_t got = 0;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < BULK; i++)
			buf[i] = (unsigned char)(i * 7 + i / 251);
		_exit(write(from, buf, BULK) == BULK ? 0 : 1);
	}
	let_block();
	while (got < BULK) {
		ssize_t n = read(to, buf + got, (size_t)(BULK - got));

		CHECK(n > 0);
		got += n;
	}
	for (int i = 0; i < BULK; i++)
		CHECK(buf[i] == (unsigned char)(i * 7 + i / 251));
	CHECK_EXIT(pid, 0);
}

static void pty_bulk_waits_for_its_reader(void)
{
	struct ends e = ends_open();

	set_raw(e.slave);
	bulk(e.slave, e.master);
	bulk(e.master, e.slave);
	ends_close(&e);
}

static void pty_output_counts_as_sent(void)
{
	struct ends e = ends_open();
	int n = -1;

	put(e.slave, "abc");
	CHECK(tcdrain(e.slave) == 0); /* the master has not read it */
	CHECK(polled(e.master, POLLIN, 1000) == POLLIN);
	CHECK(ioctl(e.master, FIONREAD, &n) == 0 && n == 3);
	CHECK(tcflush(e.slave, TCOFLUSH) == 0);
	put(e.master, "typed\n");
	CHECK(tcflush(e.slave, TCIFLUSH) == 0);
	CHECK(polled(e.slave, POLLIN, 0) == 0);
	CHECK_ERR(tcflush(e.master, 77), EINVAL);
	ends_close(&e);
}

/* ---- waiting ---- */

static void pty_nonblocking_ends(void)
{
	struct ends e = ends_open();
	char buf[8];

	CHECK(fcntl(e.master, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	CHECK(fcntl(e.slave, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	CHECK_ERR(read(e.master, buf, 8), EAGAIN);
	CHECK_ERR(read(e.slave, buf, 8), EAGAIN);
	CHECK(polled(e.master, POLLIN | POLLOUT, 0) == POLLOUT);
	CHECK(polled(e.slave, POLLIN | POLLOUT, 0) == POLLOUT);
	put(e.slave, "x");
	CHECK(polled(e.master, POLLIN, 1000) == POLLIN);
	expect(e.master, "x");
	put(e.master, "y\n");
	CHECK(polled(e.slave, POLLIN, 1000) == POLLIN);
	expect(e.slave, "y\n");
	ends_close(&e);
}

static void pty_select_wakes(void)
{
	struct ends e = ends_open();
	struct timeval tv = {.tv_sec = 5};
	fd_set in;
	pid_t pid = fork();

	if (pid == 0) {
		let_block();
		put(e.slave, "late");
		_exit(0);
	}
	FD_ZERO(&in);
	FD_SET(e.master, &in);
	CHECK(select(e.master + 1, &in, NULL, NULL, &tv) == 1 && FD_ISSET(e.master, &in));
	expect(e.master, "late");
	CHECK_EXIT(pid, 0);
	ends_close(&e);
}

static void ignore(int signo)
{
	(void)signo;
}

static void pty_read_is_interrupted(void)
{
	struct ends e = ends_open();
	struct itimerval soon = {.it_value = {.tv_usec = 50000}};
	char c;

	catch_signal(SIGALRM, ignore, 0);
	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	CHECK_ERR(read(e.master, &c, 1), EINTR);
	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	CHECK_ERR(read(e.slave, &c, 1), EINTR);
	put(e.slave, "z"); /* nothing was taken by those */
	expect(e.master, "z");
	ends_close(&e);
}

static void pty_timed_read_ends(void)
{
	struct ends e = ends_open();
	struct termios t;
	char c;

	set_raw(e.slave);
	CHECK(tcgetattr(e.slave, &t) == 0);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 1;
	CHECK(tcsetattr(e.slave, TCSANOW, &t) == 0);
	CHECK(read(e.slave, &c, 1) == 0);
	ends_close(&e);
}

/* ---- closing ---- */

static void pty_master_sees_the_slave_go(void)
{
	struct ends e = ends_open();
	char c;

	put(e.slave, "last");
	CHECK(close(e.slave) == 0);
	CHECK(polled(e.master, POLLIN, 0) & POLLHUP);
	expect(e.master, "last");
	CHECK_ERR(read(e.master, &c, 1), EIO);
	CHECK_ERR(read(e.master, &c, 1), EIO);
	e.slave = open(e.name, O_RDWR | O_NOCTTY); /* as long as the master is there */
	CHECK(e.slave >= 0);
	CHECK(!(polled(e.master, POLLIN, 0) & POLLHUP));
	put(e.slave, "again");
	expect(e.master, "again");
	ends_close(&e);
}

static void pty_slave_close_ends_a_read(void)
{
	struct ends e = ends_open();
	char c;
	pid_t pid = fork();

	if (pid == 0) {
		close(e.slave);
		errno = 0;
		_exit(read(e.master, &c, 1) == -1 && errno == EIO ? 0 : 1);
	}
	let_block();
	CHECK(close(e.slave) == 0);
	CHECK_EXIT(pid, 0);
}

static void pty_slave_sees_the_master_go(void)
{
	struct ends e = ends_open();
	char c;
	pid_t pid = fork();

	if (pid == 0) { /* blocked while it happens: 0 or EIO, as it comes */
		close(e.master);
		_exit(read(e.slave, &c, 1) <= 0 ? 0 : 1);
	}
	let_block();
	CHECK(close(e.master) == 0);
	CHECK_EXIT(pid, 0);
	CHECK(read(e.slave, &c, 1) == 0);
	CHECK_ERR(write(e.slave, "x", 1), EIO);
	CHECK_ERR(tcgetpgrp(e.slave), EIO);
	CHECK((polled(e.slave, POLLIN, 0) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP));
	CHECK(close(e.slave) == 0);
}

/* Here there are 64 pairs; where there are more, the row's own limit ends it. */
static void pty_pairs_come_and_go(void)
{
	static struct ends e[PAIRS_TRIED];
	int n;

	for (int round = 0; round < 2; round++) {
		for (n = 0; n < PAIRS_TRIED; n++) {
			int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);

			if (fd < 0) {
				CHECK(errno == ENOSPC);
				break;
			}
			close(fd); /* the same one again, whole */
			e[n] = ends_open();
		}
		CHECK(n >= 60);
		for (int i = 0; i < n; i++) {
			put(e[i].slave, e[i].name);
			expect(e[i].master, e[i].name);
		}
		for (int i = 0; i < n; i++)
			ends_close(&e[i]);
	}
	for (int i = 0; i < CYCLES; i++) {
		struct ends one = ends_open();

		ends_close(&one);
	}
}

const struct row rows_pty[] = {
	{"pty_slave_has_a_name", pty_slave_has_a_name},
	{"pty_directory_is_walked", pty_directory_is_walked},
	{"pty_is_locked_at_first", pty_is_locked_at_first},
	{"pty_openpty_sets_both_ends", pty_openpty_sets_both_ends},
	{"pty_edits_lines_and_echoes", pty_edits_lines_and_echoes},
	{"pty_raw_carries_every_byte", pty_raw_carries_every_byte},
	{"pty_bulk_waits_for_its_reader", pty_bulk_waits_for_its_reader},
	{"pty_output_counts_as_sent", pty_output_counts_as_sent},
	{"pty_nonblocking_ends", pty_nonblocking_ends},
	{"pty_select_wakes", pty_select_wakes},
	{"pty_read_is_interrupted", pty_read_is_interrupted},
	{"pty_timed_read_ends", pty_timed_read_ends},
	{"pty_master_sees_the_slave_go", pty_master_sees_the_slave_go},
	{"pty_slave_close_ends_a_read", pty_slave_close_ends_a_read},
	{"pty_slave_sees_the_master_go", pty_slave_sees_the_master_go},
	{"pty_pairs_come_and_go", pty_pairs_come_and_go},
	{NULL, NULL},
};
