/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers, masks, queues, EINTR and SA_RESTART, stacks. */
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include "abi.h"

static volatile sig_atomic_t count, last, depth, deepest;

static void note(int signo)
{
	count++;
	last = signo;
}

static void handler_runs_before_kill_returns(void)
{
	catch_signal(SIGUSR1, note, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(count == 1 && last == SIGUSR1);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(count == 2);
}

static siginfo_t seen;

static void note_info(int signo, siginfo_t *info, void *uc)
{
	(void)uc;
	seen = *info;
	note(signo);
}

static void catch_info(int signo, int flags)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO | flags};

	a.sa_sigaction = note_info;
	CHECK(sigaction(signo, &a, NULL) == 0);
}

static void siginfo_names_the_sender(void)
{
	pid_t self = getpid(), pid;

	catch_info(SIGUSR1, 0);
	pid = fork();
	if (pid == 0)
		_exit(kill(self, SIGUSR1) == 0 ? 0 : 1);
	while (!count)
		sleep_us(1000);
	CHECK(seen.si_signo == SIGUSR1 && seen.si_code == SI_USER);
	CHECK(seen.si_pid == pid && seen.si_uid == getuid());
	CHECK_EXIT(pid, 0);
}

static void queued_values_arrive_in_order(void)
{
	union sigval v;
	sigset_t set, old;

	catch_info(SIGRTMIN + 1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	for (int i = 0; i < 4; i++) {
		v.sival_int = 100 + i;
		CHECK(sigqueue(getpid(), SIGRTMIN + 1, v) == 0);
	}
	CHECK(count == 0);
	for (int i = 0; i < 4; i++) {
		siginfo_t info;
		CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 1);
		CHECK(info.si_value.sival_int == 100 + i && info.si_code == SI_QUEUE);
	}
	v.sival_int = 7;
	CHECK(sigqueue(getpid(), SIGRTMIN + 1, v) == 0);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(count == 1 && seen.si_value.sival_int == 7);
}

static void blocked_signal_waits_and_merges(void)
{
	sigset_t set, pending;

	catch_signal(SIGUSR1, note, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK(count == 0);
	CHECK(sigpending(&pending) == 0);
	CHECK(sigismember(&pending, SIGUSR1) == 1 && sigismember(&pending, SIGUSR2) == 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(count == 1);
}

static void ignoring_drops_what_is_pending(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL); /* would end the process */
}

static void nest(int signo)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (count++ == 0)
		raise(signo);
	depth--;
}

static void handler_blocks_its_signal(void)
{
	catch_signal(SIGUSR1, nest, 0);
	raise(SIGUSR1);
	CHECK(count == 2 && deepest == 1);
}

static void nodefer_lets_it_nest(void)
{
	catch_signal(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	CHECK(count == 2 && deepest == 2);
}

static void resethand_restores_the_default(void)
{
	struct sigaction a;

	catch_signal(SIGUSR1, note, (int)SA_RESETHAND);
	raise(SIGUSR1);
	CHECK(count == 1);
	CHECK(sigaction(SIGUSR1, NULL, &a) == 0);
	CHECK(a.sa_handler == SIG_DFL);
}

static void kill_and_stop_cannot_be_caught(void)
{
	struct sigaction a = {.sa_flags = 0};
	sigset_t all, now;

	a.sa_handler = note;
	CHECK_ERR(sigaction(SIGKILL, &a, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &a, NULL), EINVAL);
	CHECK(sigaction(SIGKILL, NULL, &a) == 0);
	sigfillset(&all);
	CHECK(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
	CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
	CHECK(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP) &&
	      sigismember(&now, SIGTERM));
}

/* ---- interrupted calls ---- */

/* Sends `signo` to the caller after a while, and closes or writes to fd after another one. */
static pid_t disturb(int signo, int fd)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		let_block();
		kill(self, signo);
		let_block();
		if (fd >= 0 && write(fd, "z", 1) != 1)
			_exit(1);
		_exit(0);
	}
	return pid;
}

static void pipe_read_is_interrupted(void)
{
	int p[2] = {-1, -1};
	char c;
	pid_t pid;

	CHECK(pipe(p) == 0);
	catch_signal(SIGUSR1, note, 0);
	pid = disturb(SIGUSR1, -1);
	CHECK_ERR(read(p[0], &c, 1), EINTR);
	CHECK(count == 1);
	CHECK_EXIT(pid, 0);
}

static void pipe_read_restarts(void)
{
	int p[2] = {-1, -1};
	char c = 0;
	pid_t pid;

	CHECK(pipe(p) == 0);
	catch_signal(SIGUSR1, note, SA_RESTART);
	pid = disturb(SIGUSR1, p[1]);
	CHECK(read(p[0], &c, 1) == 1);
	CHECK(c == 'z' && count == 1);
	CHECK_EXIT(pid, 0);
}

static void pipe_write_returns_what_it_wrote(void)
{
	static char big[200000];
	int p[2] = {-1, -1};
	ssize_t n;
	pid_t pid;

	CHECK(pipe(p) == 0);
	catch_signal(SIGUSR1, note, 0);
	pid = disturb(SIGUSR1, -1);
	n = write(p[1], big, sizeof(big));
	CHECK(n > 0 && n < (ssize_t)sizeof(big));
	CHECK_EXIT(pid, 0);
}

static void poll_never_restarts(void)
{
	struct pollfd fd = {.events = POLLIN};
	int p[2] = {-1, -1};
	pid_t pid;

	CHECK(pipe(p) == 0);
	fd.fd = p[0];
	catch_signal(SIGUSR1, note, SA_RESTART);
	pid = disturb(SIGUSR1, -1);
	CHECK_ERR(poll(&fd, 1, 5000), EINTR);
	CHECK_EXIT(pid, 0);
}

static void ppoll_opens_the_mask(void)
{
	struct pollfd fd = {.events = POLLIN};
	struct timespec limit = {5, 0};
	sigset_t block, none, now;
	int p[2] = {-1, -1};

	CHECK(pipe(p) == 0);
	fd.fd = p[0];
	catch_signal(SIGUSR1, note, 0);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
	raise(SIGUSR1);
	CHECK(count == 0);
	CHECK_ERR(ppoll(&fd, 1, &limit, &none), EINTR);
	CHECK(count == 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(sigismember(&now, SIGUSR1));
}

static void nanosleep_tells_the_rest(void)
{
	struct timespec want = {5, 0}, rest = {0, 0};
	pid_t pid;

	catch_signal(SIGUSR1, note, SA_RESTART);
	pid = disturb(SIGUSR1, -1);
	CHECK_ERR(nanosleep(&want, &rest), EINTR);
	CHECK(rest.tv_sec == 4 && rest.tv_nsec > 0);
	CHECK_EXIT(pid, 0);
}

static void ignored_signal_does_not_interrupt(void)
{
	struct timespec want = {0, 100000000};
	pid_t pid;

	signal(SIGUSR1, SIG_IGN);
	pid = disturb(SIGUSR1, -1);
	CHECK(nanosleep(&want, NULL) == 0);
	CHECK_EXIT(pid, 0);
}

static void stop_and_continue_do_not_end_a_sleep(void)
{
	struct timespec want = {0, 300000000};
	uint64_t start = now_us(), took;
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(nanosleep(&want, NULL) == 0);
		took = now_us() - start;
		_exit(took >= 300000 && took < 2000000 ? 0 : 1);
	}
	sleep_us(50000);
	kill(pid, SIGSTOP);
	sleep_us(50000);
	kill(pid, SIGCONT);
	CHECK_EXIT(pid, 0);
}

static void stopped_reader_does_not_take_data(void)
{
	int p[2] = {-1, -1}, back[2] = {-1, -1}, status;
	char c = 0;
	pid_t pid;

	CHECK(pipe(p) == 0 && pipe(back) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(read(p[0], &c, 1) == 1);
		CHECK(write(back[1], &c, 1) == 1);
		_exit(0);
	}
	let_block();
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	let_block();
	CHECK(write(p[1], "q", 1) == 1);
	let_block();
	CHECK(read(p[0], &c, 1) == 1 && c == 'q');
	kill(pid, SIGCONT);
	CHECK(write(p[1], "r", 1) == 1);
	CHECK(read(back[0], &c, 1) == 1 && c == 'r');
	CHECK_EXIT(pid, 0);
}

static void pause_ends_by_a_handler(void)
{
	pid_t pid;

	catch_signal(SIGUSR1, note, SA_RESTART);
	pid = disturb(SIGUSR1, -1);
	CHECK_ERR(pause(), EINTR);
	CHECK_EXIT(pid, 0);
}

static void sigsuspend_is_atomic(void)
{
	sigset_t block, open, now;

	catch_signal(SIGUSR1, note, 0);
	sigemptyset(&open);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK(count == 0);
	CHECK_ERR(sigsuspend(&open), EINTR);
	CHECK(count == 1);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
}

static void sigtimedwait_times_out(void)
{
	struct timespec t = {0, 30000000};
	sigset_t set;
	siginfo_t info;
	uint64_t start = now_us();
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_ERR(sigtimedwait(&set, &info, &t), EAGAIN);
	CHECK(now_us() - start >= 30000);
	pid = disturb(SIGUSR2, -1);
	t.tv_sec = 5;
	CHECK(sigtimedwait(&set, &info, &t) == SIGUSR2);
	CHECK(info.si_pid == pid);
	CHECK_EXIT(pid, 0);
}

/* ---- pipes ---- */

static void broken_pipe_is_a_signal(void)
{
	int p[2] = {-1, -1};

	CHECK(pipe(p) == 0);
	close(p[0]);
	catch_signal(SIGPIPE, note, 0);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
	CHECK(count == 1 && last == SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
}

/* ---- targets ---- */

static void null_signal_only_checks(void)
{
	CHECK(kill(getpid(), 0) == 0);
	CHECK_ERR(kill(1 << 20, 0), ESRCH);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(-(1 << 20), 0), ESRCH);
	CHECK_ERR((int)syscall(SYS_tgkill, getpid(), -1, 0), EINVAL);
}

static void group_signal_reaches_all_members(void)
{
	pid_t pids[3];

	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			for (;;)
				pause();
	}
	for (int i = 0; i < 3; i++)
		CHECK(setpgid(pids[i], pids[0]) == 0);
	CHECK(kill(-pids[0], SIGTERM) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(WTERMSIG(wait_for(pids[i])) == SIGTERM);
	CHECK_ERR(kill(-pids[0], SIGTERM), ESRCH);
}

static void many_signals_in_both_directions(void)
{
	pid_t parent = getpid(), pid;
	sigset_t block, open;

	catch_signal(SIGUSR1, note, SA_RESTART);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, &open);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 200; i++) {
			while (count <= i)
				sigsuspend(&open);
			kill(parent, SIGUSR1);
		}
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		kill(pid, SIGUSR1);
		while (count <= i)
			sigsuspend(&open);
	}
	CHECK_EXIT(pid, 0);
}

const struct row rows_signal[] = {
	{"handler_runs_before_kill_returns", handler_runs_before_kill_returns},
	{"siginfo_names_the_sender", siginfo_names_the_sender},
	{"queued_values_arrive_in_order", queued_values_arrive_in_order},
	{"blocked_signal_waits_and_merges", blocked_signal_waits_and_merges},
	{"ignoring_drops_what_is_pending", ignoring_drops_what_is_pending},
	{"handler_blocks_its_signal", handler_blocks_its_signal},
	{"nodefer_lets_it_nest", nodefer_lets_it_nest},
	{"resethand_restores_the_default", resethand_restores_the_default},
	{"kill_and_stop_cannot_be_caught", kill_and_stop_cannot_be_caught},
	{"pipe_read_is_interrupted", pipe_read_is_interrupted},
	{"pipe_read_restarts", pipe_read_restarts},
	{"pipe_write_returns_what_it_wrote", pipe_write_returns_what_it_wrote},
	{"poll_never_restarts", poll_never_restarts},
	{"ppoll_opens_the_mask", ppoll_opens_the_mask},
	{"nanosleep_tells_the_rest", nanosleep_tells_the_rest},
	{"ignored_signal_does_not_interrupt", ignored_signal_does_not_interrupt},
	{"stop_and_continue_do_not_end_a_sleep", stop_and_continue_do_not_end_a_sleep},
	{"stopped_reader_does_not_take_data", stopped_reader_does_not_take_data},
	{"pause_ends_by_a_handler", pause_ends_by_a_handler},
	{"sigsuspend_is_atomic", sigsuspend_is_atomic},
	{"sigtimedwait_times_out", sigtimedwait_times_out},
	{"broken_pipe_is_a_signal", broken_pipe_is_a_signal},
	{"null_signal_only_checks", null_signal_only_checks},
	{"group_signal_reaches_all_members", group_signal_reaches_all_members},
	{"many_signals_in_both_directions", many_signals_in_both_directions},
	{NULL, NULL},
};
