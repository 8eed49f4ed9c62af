/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi -f SEED ROUNDS: random calls with random arguments to the process manager; abi -F: to all servers.
 * They are made by processes without privileges, which may die of it; nobody else may. Rounds run in
 * sessions of their own.
 */
#include <grp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "random/random.h"
#include "abi.h"

#define CALLS_A_ROUND 300
#define ROUND_S       10
#define NOBODY        65534

static const int numbers[] = {
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigpending,
	SYS_rt_sigtimedwait,
	SYS_rt_sigqueueinfo,
	SYS_rt_sigsuspend,
	SYS_sigaltstack,
	SYS_pause,
	SYS_nanosleep,
	SYS_getitimer,
	SYS_alarm,
	SYS_setitimer,
	SYS_clone,
	SYS_fork,
	SYS_vfork,
	SYS_wait4,
	SYS_kill,
	SYS_tkill,
	SYS_tgkill,
	SYS_uname,
	SYS_getrlimit,
	SYS_setrlimit,
	SYS_getrusage,
	SYS_sysinfo,
	SYS_times,
	SYS_syslog,
	SYS_setuid,
	SYS_setgid,
	SYS_setpgid,
	SYS_setsid,
	SYS_setreuid,
	SYS_setresuid,
	SYS_getgroups,
	SYS_setgroups,
	SYS_getpgid,
	SYS_getsid,
	SYS_capget,
	SYS_capset,
	SYS_personality,
	SYS_getpriority,
	SYS_setpriority,
	SYS_sched_setparam,
	SYS_sched_setscheduler,
	SYS_prctl,
	SYS_arch_prctl,
	SYS_adjtimex,
	SYS_settimeofday,
	SYS_sethostname,
	SYS_reboot,
	SYS_futex,
	SYS_sched_setaffinity,
	SYS_sched_getaffinity,
	SYS_timer_create,
	SYS_timer_settime,
	SYS_timer_gettime,
	SYS_timer_delete,
	SYS_clock_settime,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_waitid,
	SYS_set_robust_list,
	SYS_get_robust_list,
	SYS_prlimit64,
	SYS_getrandom,
	SYS_getcpu,
	SYS_set_tid_address,
	SYS_rt_tgsigqueueinfo,
	SYS_unshare,
	SYS_ioprio_set,
	SYS_gettid,
};

#define ALL_CALLS 450

static uint64_t state;
static bool is_all;

static uint64_t next_random(void)
{
	return random_xorshift(&state);
}

static char *area;

static long any_argument(void)
{
	static const long favourites[] = {0,  1,  -1, 2,          4,        8,        9,     15,
	                                  17, 31, 64, 0x7fffffff, 1l << 31, 1l << 47, -4096, 0x10};
	uint64_t r = next_random();

	switch (r % 5) {
	case 0: return favourites[(r >> 8) % (sizeof(favourites) / sizeof(favourites[0]))];
	case 1: return (long)(area + (r >> 8) % 8192);
	case 2: return (long)((r >> 8) % 128);
	case 3: return (long)getpid();
	default: return (long)next_random();
	}
}

static void on_tick(int signo)
{
	(void)signo;
}

static int any_number(void)
{
	uint64_t r = next_random();

	if (!is_all)
		return numbers[r % (sizeof(numbers) / sizeof(numbers[0]))];
	r %= ALL_CALLS;
	/* The end of the round is boring, and a stopped terminal hides the results. */
	return r == SYS_exit || r == SYS_exit_group || r == SYS_ioctl ? SYS_getpid : (int)r;
}

static void play(void)
{
	struct itimerval tick = {{0, 3000}, {0, 3000}};

	for (int fd = 3; fd < 64; fd++)
		close(fd);
	close(0);
	setsid();
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		_exit(99);
	area = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 4096; i++)
		area[i] = (char)next_random();
	for (int i = 0; i < CALLS_A_ROUND; i++) {
		int number = any_number();
		catch_signal(SIGALRM, on_tick, 0);
		setitimer(ITIMER_REAL, &tick, NULL);
		syscall(number, any_argument(), any_argument(), any_argument(), any_argument(),
		        any_argument(), any_argument());
	}
}

static void end_round(pid_t pid)
{
	for (int ms = 0; ms < ROUND_S * 1000; ms += 2) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			break;
		sleep_us(2000);
	}
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	pid = fork(); /* the players have left their session: end all of this user */
	if (pid == 0) {
		if (geteuid() == 0 && setuid(NOBODY) == 0)
			kill(-1, SIGKILL);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}

int fuzz(uint64_t seed, unsigned rounds, bool has_all)
{
	is_all = has_all;
	for (unsigned i = 0; i < rounds; i++) {
		pid_t pid = fork();
		if (pid < 0)
			return 1;
		if (pid == 0) {
			state = (seed + i) * 0x9e3779b97f4a7c15ull | 1;
			play();
			_exit(0);
		}
		end_round(pid);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
	printf("fuzz: %u rounds\n", rounds);
	return 0;
}
