/* SPDX-License-Identifier: BSD-2-Clause */
/* fork, vfork, exec, exit, identities, limits. */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include "abi.h"

static volatile int shared_word;

static void fork_copies_memory(void)
{
	pid_t pid;

	shared_word = 1;
	pid = fork();
	if (pid == 0) {
		CHECK(shared_word == 1);
		shared_word = 2;
		_exit(getppid() > 0 ? 5 : 6);
	}
	CHECK_EXIT(pid, 5);
	CHECK(shared_word == 1);
}

static void child_knows_its_parent(void)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		_exit(getppid() == self && getpid() != self ? 0 : 1);
	CHECK_EXIT(pid, 0);
}

static void descriptors_share_their_offset(void)
{
	char name[] = "/tmp/abiXXXXXX";
	int fd = mkstemp(name);
	pid_t pid;

	CHECK(fd >= 0);
	unlink(name);
	CHECK(write(fd, "abcdef", 6) == 6);
	pid = fork();
	if (pid == 0)
		_exit(lseek(fd, 2, SEEK_SET) == 2 ? 0 : 1);
	CHECK_EXIT(pid, 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 2);
}

static void exit_status_is_eight_bits(void)
{
	const int codes[] = {0, 1, 127, 255, 256 + 3};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		pid_t pid = fork();
		if (pid == 0)
			syscall(SYS_exit_group, codes[i]);
		CHECK_EXIT(pid, codes[i] & 0xff);
	}
}

static void vfork_shares_memory_until_exit(void)
{
	pid_t pid;

	shared_word = 0;
	pid = vfork();
	if (pid == 0) {
		shared_word = 7; /* NOLINT(clang-analyzer-unix.Vfork): this is what is tested */
		_exit(3);
	}
	CHECK(shared_word == 7);
	CHECK_EXIT(pid, 3);
}

static void spawn_tells_that_exec_failed(void)
{
	char *argv[] = {"nothing", NULL};
	pid_t pid;
	int r = posix_spawn(&pid, "/no/such/file", NULL, NULL, argv, argv + 1);

	CHECK(r == ENOENT);
}

static void spawn_runs_a_program(void)
{
	char *argv[] = {"sh", "-c", "exit 9", NULL};
	pid_t pid;

	CHECK(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, argv + 3) == 0);
	CHECK_EXIT(pid, 9);
}

static void exec_keeps_pid_and_closes_cloexec(void)
{
	int p[2] = {-1, -1}, fd;
	char out[64] = {0}, script[64];
	pid_t pid;

	CHECK(pipe(p) == 0);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		(void)snprintf(script, sizeof(script),
		               "echo $$; exec 2>/dev/null; exec 0<&%d || exit 4", fd);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(99);
	}
	CHECK(read(p[0], out, sizeof(out) - 1) > 0);
	CHECK(strtol(out, NULL, 10) == pid);
	CHECK(WEXITSTATUS(wait_for(pid)) != 0);
}

static void caught(int signo)
{
	(void)signo;
}

static void exec_resets_handlers_and_keeps_ignored(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		catch_signal(SIGUSR1, caught, 0);
		signal(SIGUSR2, SIG_IGN);
		execl("/bin/sh", "sh", "-c", "kill -USR2 $$; kill -USR1 $$; exit 8", (char *)NULL);
		_exit(99);
	}
	int status = wait_for(pid);
	CHECK(WIFSIGNALED(status));
	CHECK(WTERMSIG(status) == SIGUSR1);
}

static void exec_keeps_mask_and_pending(void)
{
	sigset_t set;
	pid_t pid = fork();

	if (pid == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGTERM);
		execl("/bin/sh", "sh", "-c", "exit 6", (char *)NULL);
		_exit(99);
	}
	CHECK_EXIT(pid, 6);
}

static void orphans_go_to_the_subreaper(void)
{
	int p[2] = {-1, -1};
	pid_t self, pid, reported = 0;

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	CHECK(pipe(p) == 0);
	self = getpid();
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			pid_t parent;
			while ((parent = getppid()) != self)
				sleep_us(1000);
			_exit(write(p[1], &parent, sizeof(parent)) == sizeof(parent) ? 4 : 5);
		}
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK(read(p[0], &reported, sizeof(reported)) == sizeof(reported));
	CHECK(reported == self);
	int status;
	CHECK(wait(&status) > 0);
	CHECK(WEXITSTATUS(status) == 4);
}

static volatile sig_atomic_t got;

static void note(int signo)
{
	got = signo;
}

static void death_of_the_parent_is_a_signal(void)
{
	int ready[2] = {-1, -1}, out[2] = {-1, -1};
	char c;
	pid_t pid;

	CHECK(pipe(ready) == 0 && pipe(out) == 0);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			catch_signal(SIGUSR1, note, 0);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			CHECK(write(ready[1], "x", 1) == 1);
			while (!got)
				sleep_us(1000);
			CHECK(write(out[1], "d", 1) == 1);
			_exit(0);
		}
		CHECK(read(ready[0], &c, 1) == 1);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK(read(out[0], &c, 1) == 1);
}

static void name_is_kept_in_15_bytes(void)
{
	char name[17] = {0};

	CHECK(prctl(PR_SET_NAME, "a-name-that-is-too-long") == 0);
	CHECK(prctl(PR_GET_NAME, name) == 0);
	CHECK(!strcmp(name, "a-name-that-is-"));
}

static void limits_can_only_be_raised_to_the_maximum(void)
{
	struct rlimit r = {10, 20};

	CHECK(setrlimit(RLIMIT_CORE, &r) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &r) == 0);
	CHECK(r.rlim_cur == 10 && r.rlim_max == 20);
	r.rlim_cur = 30;
	CHECK_ERR(setrlimit(RLIMIT_CORE, &r), EINVAL);
	CHECK_ERR(getrlimit(99, &r), EINVAL);
}

static void limits_are_inherited(void)
{
	struct rlimit r = {77, 88};
	pid_t pid;

	CHECK(setrlimit(RLIMIT_CORE, &r) == 0);
	pid = fork();
	if (pid == 0)
		_exit(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur == 77 ? 0 : 1);
	CHECK_EXIT(pid, 0);
}

static void nice_only_goes_up_for_users(void)
{
	errno = 0;
	CHECK(getpriority(PRIO_PROCESS, 0) != -1 || errno == 0);
	CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
	CHECK(getpriority(PRIO_PROCESS, 0) == 5);
	CHECK(setpriority(PRIO_PROCESS, 0, 100) == 0);
	CHECK(getpriority(PRIO_PROCESS, 0) == 19);
	CHECK_ERR(getpriority(7, 0), EINVAL);
	CHECK_ERR(setpriority(PRIO_PROCESS, 1 << 21, 1), ESRCH);
}

static void user_cannot_become_root_again(void)
{
	pid_t pid;

	if (geteuid() != 0)
		return;
	pid = fork();
	if (pid == 0) {
		gid_t groups[2] = {7, 8}, back[4];
		CHECK(setgroups(2, groups) == 0);
		CHECK(getgroups(4, back) == 2 && back[1] == 8);
		CHECK(setresgid(100, 100, 100) == 0);
		CHECK(setresuid(1000, 1000, 1000) == 0);
		CHECK(getuid() == 1000 && geteuid() == 1000 && getegid() == 100);
		CHECK_ERR(setuid(0), EPERM);
		CHECK_ERR(kill(getppid(), SIGTERM), EPERM);
		CHECK_ERR(setgroups(1, groups), EPERM);
		CHECK_ERR(sethostname("x", 1), EPERM);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

static void effective_id_can_be_swapped_back(void)
{
	uid_t r, e, s;
	pid_t pid;

	if (geteuid() != 0)
		return;
	pid = fork();
	if (pid == 0) {
		CHECK(setresuid(0, 1000, 0) == 0);
		CHECK(getresuid(&r, &e, &s) == 0 && r == 0 && e == 1000 && s == 0);
		CHECK(seteuid(0) == 0);
		CHECK(geteuid() == 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

static void uname_is_linux_enough(void)
{
	struct utsname u;

	CHECK(uname(&u) == 0);
	CHECK(!strcmp(u.sysname, "Linux"));
	CHECK(!strcmp(u.machine, "x86_64"));
	CHECK(strtol(u.release, NULL, 10) >= 4);
}

static void clone_refuses_nonsense(void)
{
	CHECK_ERR(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

static void clone_stores_the_tid(void)
{
	int32_t parent_tid = 0;
	volatile int32_t child_tid = 0;
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0,
	                           &parent_tid, &child_tid, 0);

	if (pid == 0)
		_exit(child_tid == syscall(SYS_getpid) ? 0 : 1);
	CHECK(pid > 0 && parent_tid == pid);
	CHECK(child_tid == 0);
	CHECK_EXIT(pid, 0);
}

static void a_hundred_children_come_and_go(void)
{
	pid_t pids[100];

	for (int i = 0; i < 100; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(i);
	}
	for (int i = 99; i >= 0; i--)
		CHECK_EXIT(pids[i], i);
	CHECK_ERR(wait(NULL), ECHILD);
}

static void affinity_names_this_cpu(void)
{
	cpu_set_t set;
	unsigned cpu = 99;

	CPU_ZERO(&set);
	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	CHECK(CPU_COUNT(&set) >= 1);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
	CHECK(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && CPU_ISSET(cpu, &set));
	CHECK(sched_yield() == 0);
}

static int set_policy(int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &param); /* musl's does nothing */
}

static void realtime_is_for_root(void)
{
	struct sched_param param = {.sched_priority = 0};
	pid_t pid;

	if (geteuid() != 0)
		return;
	CHECK_ERR(set_policy(SCHED_FIFO, 0), EINVAL);
	CHECK_ERR(set_policy(SCHED_RR, 100), EINVAL);
	CHECK_ERR(set_policy(SCHED_OTHER, 1), EINVAL);
	CHECK(set_policy(SCHED_FIFO, 10) == 0);
	CHECK(syscall(SYS_sched_getscheduler, 0) == SCHED_FIFO);
	pid = fork();
	if (pid == 0) {
		CHECK(syscall(SYS_sched_getparam, 0, &param) == 0 && param.sched_priority == 10);
		CHECK(set_policy(SCHED_OTHER, 0) == 0);
		CHECK(setuid(65534) == 0);
		CHECK_ERR(set_policy(SCHED_FIFO, 1), EPERM);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK(set_policy(SCHED_OTHER, 0) == 0);
	CHECK(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
}

static void random_bytes_differ(void)
{
	unsigned char a[300], b[300];

	CHECK(syscall(SYS_getrandom, a, sizeof(a), 0) == sizeof(a));
	CHECK(syscall(SYS_getrandom, b, sizeof(b), 0) == sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK_ERR(syscall(SYS_getrandom, a, 8, 0x100), EINVAL);
}

const struct row rows_process[] = {
	{"fork_copies_memory", fork_copies_memory},
	{"child_knows_its_parent", child_knows_its_parent},
	{"descriptors_share_their_offset", descriptors_share_their_offset},
	{"exit_status_is_eight_bits", exit_status_is_eight_bits},
	{"vfork_shares_memory_until_exit", vfork_shares_memory_until_exit},
	{"spawn_tells_that_exec_failed", spawn_tells_that_exec_failed},
	{"spawn_runs_a_program", spawn_runs_a_program},
	{"exec_keeps_pid_and_closes_cloexec", exec_keeps_pid_and_closes_cloexec},
	{"exec_resets_handlers_and_keeps_ignored", exec_resets_handlers_and_keeps_ignored},
	{"exec_keeps_mask_and_pending", exec_keeps_mask_and_pending},
	{"orphans_go_to_the_subreaper", orphans_go_to_the_subreaper},
	{"death_of_the_parent_is_a_signal", death_of_the_parent_is_a_signal},
	{"name_is_kept_in_15_bytes", name_is_kept_in_15_bytes},
	{"limits_can_only_be_raised_to_the_maximum", limits_can_only_be_raised_to_the_maximum},
	{"limits_are_inherited", limits_are_inherited},
	{"nice_only_goes_up_for_users", nice_only_goes_up_for_users},
	{"user_cannot_become_root_again", user_cannot_become_root_again},
	{"effective_id_can_be_swapped_back", effective_id_can_be_swapped_back},
	{"uname_is_linux_enough", uname_is_linux_enough},
	{"clone_refuses_nonsense", clone_refuses_nonsense},
	{"clone_stores_the_tid", clone_stores_the_tid},
	{"a_hundred_children_come_and_go", a_hundred_children_come_and_go},
	{"affinity_names_this_cpu", affinity_names_this_cpu},
	{"realtime_is_for_root", realtime_is_for_root},
	{"random_bytes_differ", random_bytes_differ},
	{NULL, NULL},
};
