/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads, futexes, thread-directed signals. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "abi.h"

#define FUTEX_WAIT_OP       0
#define FUTEX_WAKE_OP_PLAIN 1
#define ROUNDS              2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int counter, stage;

static void *returns_its_argument(void *arg)
{
	return arg;
}

static void join_returns_the_result(void)
{
	pthread_t t;
	void *result = NULL;

	for (int i = 0; i < 50; i++) {
		CHECK(pthread_create(&t, NULL, returns_its_argument, &mutex) == 0);
		CHECK(pthread_join(t, &result) == 0);
		CHECK(result == &mutex);
	}
}

static void *adds(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter = counter + 1;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void mutex_excludes(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, adds, NULL) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(counter == 4 * ROUNDS);
}

static void *ping(void *arg)
{
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 500; i++) {
		while (stage != 1)
			pthread_cond_wait(&cond, &mutex);
		stage = 0;
		pthread_cond_broadcast(&cond);
	}
	pthread_mutex_unlock(&mutex);
	return arg;
}

static void condition_wakes_both_ways(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, ping, NULL) == 0);
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 500; i++) {
		stage = 1;
		pthread_cond_broadcast(&cond);
		while (stage != 0)
			pthread_cond_wait(&cond, &mutex);
	}
	pthread_mutex_unlock(&mutex);
	CHECK(pthread_join(t, NULL) == 0);
}

static void condition_times_out(void)
{
	struct timespec ts;
	uint64_t start = now_us();

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 50000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	pthread_mutex_lock(&mutex);
	CHECK(pthread_cond_timedwait(&cond, &mutex, &ts) == ETIMEDOUT);
	CHECK(now_us() - start >= 45000);
}

static void *sleeps_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void exit_ends_all_threads(void)
{
	pthread_t t;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 5; i++)
			CHECK(pthread_create(&t, NULL, sleeps_forever, NULL) == 0);
		exit(21);
	}
	CHECK_EXIT(pid, 21);
}

static void *ends_the_process(void *arg)
{
	exit(23);
	return arg;
}

static void thread_may_end_the_process(void)
{
	pthread_t t;
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(pthread_create(&t, NULL, ends_the_process, NULL) == 0);
		sleeps_forever(NULL);
	}
	CHECK_EXIT(pid, 23);
}

static void *execs(void *arg)
{
	execl("/bin/sh", "sh", "-c", "exit 31", (char *)NULL);
	return arg;
}

static void exec_from_a_thread_replaces_all(void)
{
	pthread_t t;
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(pthread_create(&t, NULL, sleeps_forever, NULL) == 0);
		CHECK(pthread_create(&t, NULL, execs, NULL) == 0);
		sleeps_forever(NULL);
	}
	CHECK_EXIT(pid, 31);
}

static void main_thread_may_leave_first(void)
{
	pthread_t t;
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(pthread_create(&t, NULL, ends_the_process, NULL) == 0);
		pthread_exit(NULL);
	}
	CHECK_EXIT(pid, 23);
}

static pthread_t target;
static volatile sig_atomic_t hits, is_target;

static void on_hit(int signo)
{
	(void)signo;
	hits++;
	is_target = pthread_equal(pthread_self(), target);
}

static void *waits_for_hit(void *arg)
{
	while (!hits)
		sleep_us(1000);
	return arg;
}

static void pthread_kill_hits_its_thread(void)
{
	catch_signal(SIGUSR1, on_hit, 0);
	CHECK(pthread_create(&target, NULL, waits_for_hit, NULL) == 0);
	CHECK(pthread_kill(target, SIGUSR1) == 0);
	CHECK(pthread_join(target, NULL) == 0);
	CHECK(hits == 1 && is_target);
}

static void process_signal_goes_to_an_open_thread(void)
{
	sigset_t set;

	catch_signal(SIGUSR1, on_hit, 0);
	CHECK(pthread_create(&target, NULL, waits_for_hit, NULL) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	kill(getpid(), SIGUSR1);
	CHECK(pthread_join(target, NULL) == 0);
	CHECK(hits == 1 && is_target);
}

static void *blocks_in_read(void *arg)
{
	char c;

	(void)!read(*(int *)arg, &c, 1);
	return NULL;
}

static void cancel_interrupts_a_read(void)
{
	int p[2] = {-1, -1};
	pthread_t t;
	void *result;

	CHECK(pipe(p) == 0);
	CHECK(pthread_create(&t, NULL, blocks_in_read, &p[0]) == 0);
	let_block();
	CHECK(pthread_cancel(t) == 0);
	CHECK(pthread_join(t, &result) == 0);
	CHECK(result == PTHREAD_CANCELED);
}

static void stop_stops_all_threads(void)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, before;
	pid_t pid;

	CHECK(shared != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		pthread_t t;
		CHECK(pthread_create(&t, NULL, sleeps_forever, NULL) == 0);
		for (;;)
			(*(volatile int *)shared)++;
	}
	sleep_us(20000);
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	sleep_us(5000);
	before = *(volatile int *)shared;
	sleep_us(20000);
	CHECK(*(volatile int *)shared == before);
	kill(pid, SIGKILL);
	wait_for(pid);
}

/* ---- bare futexes ---- */

static long futex(volatile int *word, int op, int value, const struct timespec *t)
{
	return syscall(SYS_futex, word, op, value, t, NULL, 0);
}

static void futex_compares_first(void)
{
	volatile int word = 5;
	struct timespec t = {0, 20000000};

	CHECK_ERR(futex(&word, FUTEX_WAIT_OP, 4, NULL), EAGAIN);
	CHECK_ERR(futex(&word, FUTEX_WAIT_OP, 5, &t), ETIMEDOUT);
	CHECK(futex(&word, FUTEX_WAKE_OP_PLAIN, 1, NULL) == 0);
	CHECK_ERR(futex((volatile int *)((uintptr_t)&word + 1), FUTEX_WAIT_OP, 5, NULL), EINVAL);
}

static void shared_futex_wakes_another_process(void)
{
	volatile int *word =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(word != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		while (*word == 0)
			futex(word, FUTEX_WAIT_OP, 0, NULL);
		_exit(*word);
	}
	let_block();
	*word = 9;
	CHECK(futex(word, FUTEX_WAKE_OP_PLAIN, 1, NULL) == 1);
	CHECK_EXIT(pid, 9);
}

static void robust_mutex_survives_its_owner(void)
{
	pthread_mutex_t *m =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	pid_t pid;

	CHECK(m != MAP_FAILED);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	CHECK(pthread_mutex_init(m, &a) == 0);
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(m);
		kill(getpid(), SIGKILL);
	}
	CHECK(WTERMSIG(wait_for(pid)) == SIGKILL);
	CHECK(pthread_mutex_lock(m) == EOWNERDEAD);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
	(void)signo;
	interrupted = 1;
}

static void futex_wait_is_interrupted(void)
{
	volatile int word = 0;
	pid_t self = getpid(), pid;

	catch_signal(SIGUSR1, on_interrupt, 0);
	pid = fork();
	if (pid == 0) {
		let_block();
		kill(self, SIGUSR1);
		_exit(0);
	}
	CHECK_ERR(futex(&word, FUTEX_WAIT_OP, 0, NULL), EINTR);
	CHECK_EXIT(pid, 0);
}

const struct row rows_thread[] = {
	{"join_returns_the_result", join_returns_the_result},
	{"mutex_excludes", mutex_excludes},
	{"condition_wakes_both_ways", condition_wakes_both_ways},
	{"condition_times_out", condition_times_out},
	{"exit_ends_all_threads", exit_ends_all_threads},
	{"thread_may_end_the_process", thread_may_end_the_process},
	{"exec_from_a_thread_replaces_all", exec_from_a_thread_replaces_all},
	{"main_thread_may_leave_first", main_thread_may_leave_first},
	{"pthread_kill_hits_its_thread", pthread_kill_hits_its_thread},
	{"process_signal_goes_to_an_open_thread", process_signal_goes_to_an_open_thread},
	{"cancel_interrupts_a_read", cancel_interrupts_a_read},
	{"stop_stops_all_threads", stop_stops_all_threads},
	{"futex_compares_first", futex_compares_first},
	{"shared_futex_wakes_another_process", shared_futex_wakes_another_process},
	{"robust_mutex_survives_its_owner", robust_mutex_survives_its_owner},
	{"futex_wait_is_interrupted", futex_wait_is_interrupted},
	{NULL, NULL},
};
