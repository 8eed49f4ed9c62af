/* SPDX-License-Identifier: BSD-2-Clause */
/* wait4, waitid, status encodings, SIGCHLD, resource usage of children. */
#include <sys/resource.h>
#include <sys/times.h>
#include "abi.h"

static pid_t exiting_child(int code)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t pausing_child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void wait_without_children_is_echild(void)
{
	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(1, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, 0x100), EINVAL);
}

static void wait_picks_the_child_it_names(void)
{
	pid_t a = exiting_child(1), b = exiting_child(2);

	CHECK_EXIT(b, 2);
	CHECK_EXIT(a, 1);
}

static void nohang_does_not_wait(void)
{
	pid_t pid = pausing_child();

	CHECK(waitpid(pid, NULL, WNOHANG) == 0);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(WTERMSIG(wait_for(pid)) == SIGKILL);
}

static void death_by_signal_is_encoded(void)
{
	const int signals[] = {SIGHUP, SIGTERM, SIGKILL, SIGUSR1, SIGALRM, 40};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t pid = pausing_child();
		CHECK(kill(pid, signals[i]) == 0);
		int status = wait_for(pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
		CHECK(!WIFEXITED(status) && !WIFSTOPPED(status));
	}
}

static void group_wait_sees_only_its_group(void)
{
	pid_t a = pausing_child(), b = exiting_child(3);
	int status;

	CHECK(setpgid(a, a) == 0);
	CHECK(waitpid(-a, &status, WNOHANG) == 0);
	CHECK(waitpid(0, &status, 0) == b);
	CHECK_ERR(waitpid(0, &status, 0), ECHILD);
	kill(-a, SIGTERM);
	CHECK(waitpid(-a, &status, 0) == a);
}

static void stop_and_continue_are_reported_once(void)
{
	pid_t pid = pausing_child();
	int status;

	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid);
	CHECK(WIFCONTINUED(status));
	CHECK(waitpid(pid, &status, WCONTINUED | WNOHANG) == 0);
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void stopped_child_dies_by_sigkill(void)
{
	pid_t pid = pausing_child();
	int status;

	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	kill(pid, SIGTERM);
	sleep_us(20000);
	CHECK(waitpid(pid, &status, WNOHANG) == 0); /* TERM waits for CONT */
	kill(pid, SIGCONT);
	status = wait_for(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	pid = pausing_child();
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	kill(pid, SIGKILL);
	CHECK(WTERMSIG(wait_for(pid)) == SIGKILL);
}

static void waitid_fills_siginfo(void)
{
	pid_t pid = exiting_child(42);
	siginfo_t info;

	memset(&info, 0x55, sizeof(info));
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	CHECK(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 42);
	CHECK(info.si_signo == SIGCHLD);
	CHECK(waitid(P_ALL, 0, &info, WEXITED) == 0);
	CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
	pid = pausing_child();
	info.si_pid = 99;
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0);
	CHECK(info.si_pid == 0);
	kill(pid, SIGKILL);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
	CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
}

static volatile sig_atomic_t children, last_pid, last_status, last_code;

static void on_child(int signo, siginfo_t *info, void *uc)
{
	(void)signo;
	(void)uc;
	children++;
	last_pid = info->si_pid;
	last_status = info->si_status;
	last_code = info->si_code;
}

static void catch_children(int flags)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO | flags};

	a.sa_sigaction = on_child;
	CHECK(sigaction(SIGCHLD, &a, NULL) == 0);
}

static void sigchld_tells_which_child(void)
{
	pid_t pid;

	catch_children(0);
	pid = exiting_child(11);
	while (!children)
		sleep_us(1000);
	CHECK(last_pid == pid && last_status == 11 && last_code == CLD_EXITED);
	CHECK_EXIT(pid, 11);
}

static void nocldstop_hides_stops(void)
{
	pid_t pid;
	int status;

	catch_children(SA_NOCLDSTOP);
	pid = pausing_child();
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	sleep_us(10000);
	CHECK(children == 0);
	catch_children(0);
	kill(pid, SIGCONT);
	while (!children)
		sleep_us(1000);
	CHECK(last_code == CLD_CONTINUED);
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void ignored_sigchld_reaps_by_itself(void)
{
	signal(SIGCHLD, SIG_IGN);
	exiting_child(0);
	exiting_child(0);
	CHECK_ERR(wait(NULL), ECHILD);
}

static void nocldwait_reaps_and_signals(void)
{
	catch_children(SA_NOCLDWAIT);
	exiting_child(5);
	while (!children)
		sleep_us(1000);
	CHECK_ERR(wait(NULL), ECHILD);
}

static void nothing(int signo)
{
	(void)signo;
}

static void wait_is_interrupted_without_restart(void)
{
	pid_t child = pausing_child(), self = getpid(), killer;

	catch_signal(SIGUSR1, nothing, 0);
	killer = fork();
	if (killer == 0) {
		let_block();
		kill(self, SIGUSR1);
		_exit(0);
	}
	CHECK_ERR(waitpid(child, NULL, 0), EINTR);
	CHECK_EXIT(killer, 0);
	kill(child, SIGKILL);
	wait_for(child);
}

static void wait_restarts_with_sa_restart(void)
{
	pid_t child = pausing_child(), self = getpid(), killer;
	int status;

	catch_signal(SIGUSR1, nothing, SA_RESTART);
	killer = fork();
	if (killer == 0) {
		let_block();
		kill(self, SIGUSR1);
		let_block();
		kill(child, SIGTERM);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WTERMSIG(status) == SIGTERM);
	CHECK_EXIT(killer, 0);
}

static void burn(unsigned us)
{
	uint64_t end = now_us() + us;

	while (now_us() < end)
		continue;
}

static void usage_of_children_is_added_by_wait(void)
{
	struct rusage ru, children_ru;
	struct tms t;
	pid_t pid = fork();

	if (pid == 0) {
		burn(300000);
		_exit(0);
	}
	CHECK(wait4(pid, NULL, 0, &ru) == pid);
	CHECK(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec > 0 ||
	      ru.ru_utime.tv_usec + ru.ru_stime.tv_usec > 50000);
	CHECK(getrusage(RUSAGE_CHILDREN, &children_ru) == 0);
	CHECK(children_ru.ru_utime.tv_sec == ru.ru_utime.tv_sec);
	CHECK(ru.ru_maxrss > 0 && children_ru.ru_maxrss == ru.ru_maxrss);
	CHECK(getrusage(RUSAGE_SELF, &ru) == 0 && ru.ru_maxrss > 0);
	CHECK(times(&t) != (clock_t)-1);
	CHECK(t.tms_cutime + t.tms_cstime >= 5);
	CHECK_ERR(getrusage(77, &ru), EINVAL);
}

const struct row rows_wait[] = {
	{"wait_without_children_is_echild", wait_without_children_is_echild},
	{"wait_picks_the_child_it_names", wait_picks_the_child_it_names},
	{"nohang_does_not_wait", nohang_does_not_wait},
	{"death_by_signal_is_encoded", death_by_signal_is_encoded},
	{"group_wait_sees_only_its_group", group_wait_sees_only_its_group},
	{"stop_and_continue_are_reported_once", stop_and_continue_are_reported_once},
	{"stopped_child_dies_by_sigkill", stopped_child_dies_by_sigkill},
	{"waitid_fills_siginfo", waitid_fills_siginfo},
	{"sigchld_tells_which_child", sigchld_tells_which_child},
	{"nocldstop_hides_stops", nocldstop_hides_stops},
	{"ignored_sigchld_reaps_by_itself", ignored_sigchld_reaps_by_itself},
	{"nocldwait_reaps_and_signals", nocldwait_reaps_and_signals},
	{"wait_is_interrupted_without_restart", wait_is_interrupted_without_restart},
	{"wait_restarts_with_sa_restart", wait_restarts_with_sa_restart},
	{"usage_of_children_is_added_by_wait", usage_of_children_is_added_by_wait},
	{NULL, NULL},
};
