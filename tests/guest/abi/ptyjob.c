/* SPDX-License-Identifier: BSD-2-Clause */
/* Job control through a pseudo-terminal: its session, foreground group, signals, hang-up. */
#include <pty.h>
#include "ends.h"

static int report; /* a pipe to the test */

static void tell(int signo)
{
	char c = (char)signo;

	if (write(report, &c, 1) != 1)
		_exit(9);
}

static int reported(int fd)
{
	char c = 0;

	CHECK(polled(fd, POLLIN, 5000) & POLLIN);
	CHECK(read(fd, &c, 1) == 1);
	return c;
}

/* A session leader with e's slave as terminal; it reports 'r' and runs fn. */
static pid_t start_leader(const struct ends *e, int p[2], void (*fn)(void))
{
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		report = p[1];
		CHECK(setsid() == getpid());
		CHECK(ioctl(e->slave, TIOCSCTTY, 0) == 0);
		CHECK(dup2(e->slave, 0) == 0);
		close(e->slave);
		close(e->master);
		close(p[0]);
		fn();
		_exit(0);
	}
	close(e->slave);
	close(p[1]);
	CHECK(reported(p[0]) == 'r');
	return pid;
}

static void catch_all(void)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGCONT};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		catch_signal(signals[i], tell, SA_RESTART);
	tell('r');
	for (;;)
		pause();
}

static void pty_keys_are_signals(void)
{
	struct ends e = ends_open();
	struct winsize size = {.ws_row = 10, .ws_col = 20};
	int p[2];
	pid_t pid = start_leader(&e, p, catch_all);

	CHECK(tcgetpgrp(e.master) == pid);
	put(e.master, "\003");
	CHECK(reported(p[0]) == SIGINT);
	expect(e.master, "^C");
	put(e.master, "\034");
	CHECK(reported(p[0]) == SIGQUIT);
	put(e.master, "\032");
	CHECK(reported(p[0]) == SIGTSTP);
	CHECK(ioctl(e.master, TIOCSWINSZ, &size) == 0);
	CHECK(reported(p[0]) == SIGWINCH);
	CHECK(ioctl(e.master, TIOCSWINSZ, &size) == 0); /* no change, no signal */
	CHECK(ioctl(e.master, TIOCSIG, SIGINT) == 0);
	CHECK(reported(p[0]) == SIGINT);
	CHECK_ERR(ioctl(e.master, TIOCSIG, SIGKILL), EINVAL);
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void pty_master_close_hangs_up(void)
{
	struct ends e = ends_open();
	int p[2], first, second;
	pid_t pid = start_leader(&e, p, catch_all);

	CHECK(close(e.master) == 0);
	first = reported(p[0]);
	second = reported(p[0]);
	CHECK((first == SIGHUP && second == SIGCONT) || (first == SIGCONT && second == SIGHUP));
	kill(pid, SIGKILL);
	wait_for(pid);
}

/* The foreground job stops, and the leader sees it and takes the terminal back. */
static void run_job(void)
{
	pid_t job = fork();
	int status;

	if (job == 0) {
		CHECK(setpgid(0, 0) == 0);
		catch_signal(SIGTTOU, SIG_IGN, 0);
		CHECK(tcsetpgrp(0, getpid()) == 0);
		tell('r');
		for (;;)
			pause();
	}
	CHECK(waitpid(job, &status, WUNTRACED) == job);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
	tell('s');
	catch_signal(SIGTTOU, SIG_IGN, 0);
	CHECK(tcsetpgrp(0, getpid()) == 0 && tcgetpgrp(0) == getpid());
	CHECK(kill(-job, SIGCONT) == 0 && kill(-job, SIGINT) == 0);
	CHECK(waitpid(job, &status, 0) == job && WIFSIGNALED(status));
}

static void pty_stops_the_foreground_job(void)
{
	struct ends e = ends_open();
	int p[2];
	pid_t pid = start_leader(&e, p, run_job);

	CHECK(tcgetpgrp(e.master) != pid);
	put(e.master, "\032");
	CHECK(reported(p[0]) == 's');
	CHECK_EXIT(pid, 0);
}

static void read_in_the_background(void)
{
	pid_t job = fork();
	int status;
	char c;

	if (job == 0) {
		CHECK(setpgid(0, 0) == 0);
		_exit(read(0, &c, 1) == 1 && c == 'x' ? 0 : 1);
	}
	tell('r');
	CHECK(waitpid(job, &status, WUNTRACED) == job);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
	catch_signal(SIGTTOU, SIG_IGN, 0);
	CHECK(tcsetpgrp(0, job) == 0);
	CHECK(kill(-job, SIGCONT) == 0);
	CHECK_EXIT(job, 0);
}

static void pty_background_read_stops(void)
{
	struct ends e = ends_open();
	int p[2];
	pid_t pid = start_leader(&e, p, read_in_the_background);

	put(e.master, "x\n");
	CHECK_EXIT(pid, 0);
}

/* A job outlives its session's leader, and keeps the slave. */
static void leave_a_job(void)
{
	char c;

	if (fork() == 0) {
		catch_signal(SIGHUP, tell, SA_RESTART);
		tell('r');
		if (read(0, &c, 1) == 1)
			tell(c);
		_exit(0);
	}
	sleep_us(100000);
}

static void pty_end_of_session_signals_its_job(void)
{
	struct ends e = ends_open();
	int p[2];
	char c;
	pid_t pid = start_leader(&e, p, leave_a_job);

	CHECK_EXIT(pid, 0);
	CHECK(reported(p[0]) == SIGHUP);
	put(e.master, "x\n");
	CHECK(reported(p[0]) == 'x');
	expect(e.master, "x\r\n");
	CHECK_ERR(read(e.master, &c, 1), EIO);
}

static void pty_forkpty_runs_a_program(void)
{
	char out[256];
	size_t got = 0;
	ssize_t n;
	int master;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	CHECK(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "tty; test -t 0 && echo yes > /dev/tty", (char *)NULL);
		_exit(1);
	}
	while (got < sizeof(out) - 1 && (n = read(master, out + got, sizeof(out) - 1 - got)) > 0)
		got += (size_t)n;
	out[got] = '\0';
	CHECK(strstr(out, "/dev/pts/") && strstr(out, "\r\nyes\r\n"));
	CHECK_EXIT(pid, 0);
}

static void pty_session_has_one_terminal(void)
{
	struct ends e = ends_open(), other = ends_open();
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(setsid() == getpid());
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		CHECK(open(e.name, O_RDWR) >= 0); /* becomes the terminal */
		CHECK(open("/dev/tty", O_RDWR) >= 0);
		CHECK(tcgetpgrp(e.slave) == getpid() && tcgetsid(e.slave) == getpid());
		CHECK_ERR(tcgetpgrp(other.slave), ENOTTY);
		CHECK_ERR(ioctl(other.slave, TIOCSCTTY, 0), EPERM);
		catch_signal(SIGHUP, SIG_IGN, 0);
		CHECK(ioctl(e.slave, TIOCNOTTY) == 0);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		CHECK(ioctl(other.slave, TIOCSCTTY, 0) == 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

const struct row rows_ptyjob[] = {
	{"pty_keys_are_signals", pty_keys_are_signals},
	{"pty_master_close_hangs_up", pty_master_close_hangs_up},
	{"pty_stops_the_foreground_job", pty_stops_the_foreground_job},
	{"pty_background_read_stops", pty_background_read_stops},
	{"pty_end_of_session_signals_its_job", pty_end_of_session_signals_its_job},
	{"pty_forkpty_runs_a_program", pty_forkpty_runs_a_program},
	{"pty_session_has_one_terminal", pty_session_has_one_terminal},
	{NULL, NULL},
};
