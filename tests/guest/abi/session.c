/* SPDX-License-Identifier: BSD-2-Clause */
/* Process groups, sessions, orphaned groups. */
#include "abi.h"

static void setsid_makes_a_session(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(setsid() == getpid());
		CHECK(getsid(0) == getpid() && getpgrp() == getpid());
		CHECK_ERR(setsid(), EPERM);
		CHECK_ERR(setpgid(0, 0), EPERM);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

static void group_leader_cannot_setsid(void)
{
	CHECK(getpgrp() == getpid());
	CHECK_ERR(setsid(), EPERM);
}

static void parent_moves_child_until_it_execs(void)
{
	int p[2] = {-1, -1}, go[2] = {-1, -1};
	char c;
	pid_t pid;

	CHECK(pipe(p) == 0 && pipe(go) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		CHECK(read(go[0], &c, 1) == 1);
		execl("/bin/sh", "sh", "-c", "echo x; sleep 10", (char *)NULL);
		_exit(1);
	}
	CHECK(setpgid(pid, pid) == 0);
	CHECK(getpgid(pid) == pid);
	CHECK(setpgid(pid, getpgrp()) == 0);
	CHECK(write(go[1], "g", 1) == 1);
	CHECK(read(p[0], &c, 1) == 1);
	CHECK_ERR(setpgid(pid, pid), EACCES);
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void setpgid_refuses_strangers(void)
{
	CHECK_ERR(setpgid(1, 0), ESRCH);
	CHECK_ERR(setpgid(0, 1 << 20), EPERM);
	CHECK_ERR(setpgid(0, -5), EINVAL);
	CHECK_ERR(getpgid(1 << 20), ESRCH);
	CHECK_ERR(getsid(1 << 20), ESRCH);
}

static void member_of_another_session_cannot_be_moved(void)
{
	int p[2] = {-1, -1};
	char c;
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		setsid();
		CHECK(write(p[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(p[0], &c, 1) == 1);
	CHECK_ERR(setpgid(pid, getpgrp()), EPERM);
	kill(pid, SIGKILL);
	wait_for(pid);
}

static int out_fd;

static void tell(int signo)
{
	char c = signo == SIGHUP ? 'H' : 'C';

	if (write(out_fd, &c, 1) != 1)
		_exit(9);
}

/* A stopped member loses its last watcher: it gets SIGHUP and SIGCONT. */
static void orphaned_stopped_group_is_hung_up(void)
{
	int p[2] = {-1, -1}, ready[2] = {-1, -1};
	char got[2] = {0};
	pid_t leader;

	CHECK(pipe(p) == 0 && pipe(ready) == 0);
	out_fd = p[1];
	leader = fork();
	if (leader == 0) {
		setsid();
		pid_t child = fork();
		if (child == 0) {
			setpgid(0, 0);
			catch_signal(SIGHUP, tell, 0);
			catch_signal(SIGCONT, tell, 0);
			CHECK(write(ready[1], "r", 1) == 1);
			kill(getpid(), SIGSTOP);
			_exit(0);
		}
		int status;
		CHECK(read(ready[0], got, 1) == 1);
		CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
		_exit(0);
	}
	CHECK_EXIT(leader, 0);
	CHECK(read(p[0], &got[0], 1) == 1);
	CHECK(read(p[0], &got[1], 1) == 1);
	CHECK((got[0] == 'H' && got[1] == 'C') || (got[0] == 'C' && got[1] == 'H'));
}

static void tstp_does_not_stop_an_orphaned_group(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setsid(); /* its only member has a parent in another session */
		raise(SIGTSTP);
		raise(SIGTTIN);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void tstp_stops_a_watched_group(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setpgid(0, 0);
		raise(SIGTSTP);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
	kill(pid, SIGCONT);
	CHECK_EXIT(pid, 7);
}

const struct row rows_session[] = {
	{"setsid_makes_a_session", setsid_makes_a_session},
	{"group_leader_cannot_setsid", group_leader_cannot_setsid},
	{"parent_moves_child_until_it_execs", parent_moves_child_until_it_execs},
	{"setpgid_refuses_strangers", setpgid_refuses_strangers},
	{"member_of_another_session_cannot_be_moved", member_of_another_session_cannot_be_moved},
	{"orphaned_stopped_group_is_hung_up", orphaned_stopped_group_is_hung_up},
	{"tstp_does_not_stop_an_orphaned_group", tstp_does_not_stop_an_orphaned_group},
	{"tstp_stops_a_watched_group", tstp_stops_a_watched_group},
	{NULL, NULL},
};
