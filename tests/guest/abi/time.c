/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, sleeps, timers. */
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include "abi.h"

static volatile sig_atomic_t count;
static siginfo_t seen;

static void note(int signo)
{
	(void)signo;
	count++;
}

static void note_info(int signo, siginfo_t *info, void *uc)
{
	(void)uc;
	seen = *info;
	note(signo);
}

static void burn_until(volatile sig_atomic_t *flag, unsigned limit_us)
{
	uint64_t end = now_us() + limit_us;

	while (!*flag && now_us() < end)
		continue;
}

static void clocks_run_forward(void)
{
	const clockid_t ids[] = {CLOCK_REALTIME,           CLOCK_MONOTONIC,
	                         CLOCK_BOOTTIME,           CLOCK_MONOTONIC_RAW,
	                         CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct timespec a, b;
		CHECK(clock_gettime(ids[i], &a) == 0);
		for (volatile int n = 0; n < 100000; n++)
			continue;
		CHECK(clock_gettime(ids[i], &b) == 0);
		CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
	}
	CHECK_ERR(clock_gettime(77, &(struct timespec){0}), EINVAL);
}

static void call_and_vdso_agree(void)
{
	struct timespec a, b, c;

	for (int i = 0; i < 1000; i++) {
		CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
		CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &b) == 0);
		CHECK(clock_gettime(CLOCK_MONOTONIC, &c) == 0);
		CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
		CHECK(c.tv_sec > b.tv_sec || (c.tv_sec == b.tv_sec && c.tv_nsec >= b.tv_nsec));
	}
}

static void wall_clocks_agree(void)
{
	struct timeval tv;
	time_t t;

	CHECK(syscall(SYS_gettimeofday, &tv, NULL) == 0);
	t = (time_t)syscall(SYS_time, NULL);
	CHECK(t == tv.tv_sec || t == tv.tv_sec + 1);
	CHECK(time(NULL) - t <= 1);
	CHECK(t > 1700000000);
}

static void sleeps_last_long_enough(void)
{
	const long us[] = {1, 500, 3000, 20000, 100000};

	for (size_t i = 0; i < sizeof(us) / sizeof(us[0]); i++) {
		struct timespec ts = {0, us[i] * 1000};
		uint64_t start = now_us(), took;
		CHECK(nanosleep(&ts, NULL) == 0);
		took = now_us() - start;
		CHECK(took >= (uint64_t)us[i]);
		CHECK(took < (uint64_t)us[i] + 400000);
	}
	CHECK_ERR(nanosleep(&(struct timespec){0, 1000000000}, NULL), EINVAL);
	CHECK_ERR(nanosleep(&(struct timespec){-1, 0}, NULL), EINVAL);
}

static void absolute_sleeps_end_at_their_time(void)
{
	struct timespec ts, now;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	ts.tv_nsec += 50000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	CHECK(now.tv_sec > ts.tv_sec || (now.tv_sec == ts.tv_sec && now.tv_nsec >= ts.tv_nsec));
	ts = (struct timespec){0, 1}; /* in the past */
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
}

static void alarm_tells_what_was_left(void)
{
	CHECK(alarm(100) == 0);
	CHECK(alarm(0) == 100);
	CHECK(alarm(0) == 0);
}

static void alarm_comes_after_its_time(void)
{
	uint64_t start = now_us();

	catch_signal(SIGALRM, note, 0);
	CHECK(alarm(1) == 0);
	while (!count)
		pause();
	CHECK(now_us() - start >= 1000000);
}

static void interval_timer_repeats(void)
{
	struct itimerval v = {{0, 10000}, {0, 10000}}, old;

	catch_signal(SIGALRM, note, SA_RESTART);
	CHECK(setitimer(ITIMER_REAL, &v, NULL) == 0);
	while (count < 5)
		pause();
	CHECK(getitimer(ITIMER_REAL, &old) == 0);
	CHECK(old.it_interval.tv_usec == 10000 && old.it_value.tv_usec <= 10000);
	v = (struct itimerval){{0, 0}, {0, 0}};
	CHECK(setitimer(ITIMER_REAL, &v, &old) == 0);
	CHECK(old.it_value.tv_usec > 0);
	count = 0;
	sleep_us(40000);
	CHECK(count == 0);
	v.it_value.tv_usec = 1000000;
	CHECK_ERR(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	CHECK_ERR(getitimer(5, &old), EINVAL);
}

static void hasty_timers_leave_time_for_others(void)
{
	struct itimerval v = {{0, 1}, {0, 1}};
	struct itimerspec pv = {{0, 1}, {0, 1}};
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	pid_t pids[4];
	timer_t id;

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			catch_signal(SIGALRM, note, SA_RESTART);
			catch_signal(SIGUSR1, note, SA_RESTART);
			CHECK(setitimer(ITIMER_REAL, &v, NULL) == 0);
			CHECK(timer_create(CLOCK_MONOTONIC, &e, &id) == 0);
			CHECK(timer_settime(id, 0, &pv, NULL) == 0);
			for (;;)
				pause();
		}
	}
	sleep_us(200000);
	burn_until(&count, 20000);
	for (int i = 0; i < 4; i++) {
		CHECK(kill(pids[i], SIGKILL) == 0);
		CHECK(WTERMSIG(wait_for(pids[i])) == SIGKILL);
	}
}

static void cpu_timers_count_cpu_time(void)
{
	struct itimerval v = {{0, 0}, {0, 50000}};

	catch_signal(SIGVTALRM, note, 0);
	CHECK(setitimer(ITIMER_VIRTUAL, &v, NULL) == 0);
	sleep_us(150000);
	CHECK(count == 0);
	burn_until(&count, 5000000);
	CHECK(count == 1);
	count = 0;
	catch_signal(SIGPROF, note, 0);
	CHECK(setitimer(ITIMER_PROF, &v, NULL) == 0);
	burn_until(&count, 5000000);
	CHECK(count == 1);
}

static void timers_are_not_inherited_but_survive_exec(void)
{
	struct itimerval v = {{0, 0}, {0, 300000}};
	pid_t pid = fork();

	if (pid == 0) {
		setitimer(ITIMER_REAL, &v, NULL);
		if (fork() == 0) {
			getitimer(ITIMER_REAL, &v);
			_exit(v.it_value.tv_usec == 0 ? 0 : 1);
		}
		int status;
		if (wait(&status) < 0 || status != 0)
			_exit(1);
		execl("/bin/sh", "sh", "-c", "sleep 5; exit 2", (char *)NULL);
		_exit(3);
	}
	CHECK(WTERMSIG(wait_for(pid)) == SIGALRM);
}

static void posix_timer_brings_its_value(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec v = {{0, 0}, {0, 20000000}};
	struct sigaction a = {.sa_flags = SA_SIGINFO};
	timer_t id;

	a.sa_sigaction = note_info;
	CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
	e.sigev_value.sival_int = 4711;
	CHECK(timer_create(CLOCK_MONOTONIC, &e, &id) == 0);
	CHECK(timer_settime(id, 0, &v, NULL) == 0);
	CHECK(timer_gettime(id, &v) == 0);
	CHECK(v.it_value.tv_nsec > 0 && v.it_value.tv_nsec <= 20000000);
	while (!count)
		pause();
	CHECK(seen.si_code == SI_TIMER && seen.si_value.sival_int == 4711);
	CHECK(timer_delete(id) == 0);
	CHECK(timer_delete(id) != 0);
}

static void blocked_posix_timer_counts_overruns(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec v = {{0, 5000000}, {0, 5000000}};
	sigset_t set;
	siginfo_t info;
	timer_t id;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &e, &id) == 0);
	CHECK(timer_settime(id, 0, &v, NULL) == 0);
	sleep_us(60000);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
	CHECK(timer_getoverrun(id) >= 5);
	CHECK(timer_delete(id) == 0);
}

static void sysinfo_is_plausible(void)
{
	struct sysinfo s;

	CHECK(sysinfo(&s) == 0);
	CHECK(s.totalram > 0 && s.freeram <= s.totalram && s.procs > 0 && s.mem_unit > 0);
}

const struct row rows_time[] = {
	{"clocks_run_forward", clocks_run_forward},
	{"call_and_vdso_agree", call_and_vdso_agree},
	{"wall_clocks_agree", wall_clocks_agree},
	{"sleeps_last_long_enough", sleeps_last_long_enough},
	{"absolute_sleeps_end_at_their_time", absolute_sleeps_end_at_their_time},
	{"alarm_tells_what_was_left", alarm_tells_what_was_left},
	{"alarm_comes_after_its_time", alarm_comes_after_its_time},
	{"interval_timer_repeats", interval_timer_repeats},
	{"hasty_timers_leave_time_for_others", hasty_timers_leave_time_for_others},
	{"cpu_timers_count_cpu_time", cpu_timers_count_cpu_time},
	{"timers_are_not_inherited_but_survive_exec", timers_are_not_inherited_but_survive_exec},
	{"posix_timer_brings_its_value", posix_timer_brings_its_value},
	{"blocked_posix_timer_counts_overruns", blocked_posix_timer_counts_overruns},
	{"sysinfo_is_plausible", sysinfo_is_plausible},
	{NULL, NULL},
};
