/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * killloop: sends a signal to a guarded component, again and again, at times that a seed decides.
 *
 *   killloop -l LABEL -i MS [-j PERCENT] [-s SEED] [-n COUNT] [-d SECONDS] [-S SIGNAL] [-f FILE]
 *
 *   -i  mean interval; -j jitter, each interval is drawn from [i - j%, i + j%] (default 10)
 *   -n  so many signals, -d so many seconds (whichever comes first; default: until SIGTERM)
 *   -S  signal, default 9; 0 only looks the process up, which is the load of an undisturbed run
 *   -f  table with the columns LABEL and PID, default /proc/axolotl/services
 *
 * Callers: experiments and system tests, through the agent. The pid is looked up each time, because
 * a killed component comes back with a new one. Nothing is written before the end, so that the loop
 * disturbs only by its signals; then one line a signal (microseconds of CLOCK_MONOTONIC, pid,
 * errno) and one line "killed N of M".
 *
 * Exit status: 0; 1: the label was never found; 2: usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "random/random.h"

#define SHOTS_MAX     65536u
#define TABLE_BYTES   65536u
#define US_PER_S      1000000ll
#define LOOK_AHEAD_US 50000

struct shot {
	int64_t t_us;
	int pid;
	int error;
};

struct plan {
	const char *label;
	const char *table;
	int64_t interval_us;
	unsigned jitter_percent;
	uint64_t seed;
	unsigned count;
	int64_t duration_us;
	int signal;
};

static struct shot shots[SHOTS_MAX];
static char table_text[TABLE_BYTES];
static volatile sig_atomic_t has_ended;

static void on_end(int number)
{
	(void)number;
	has_ended = 1;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static bool read_table(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t fill = 0;
	ssize_t done = 1;

	if (fd < 0)
		return false;
	while (fill < sizeof(table_text) - 1 && done > 0) {
		done = read(fd, table_text + fill, sizeof(table_text) - 1 - fill);
		if (done > 0)
			fill += (size_t)done;
	}
	close(fd);
	table_text[fill] = '\0';
	return done >= 0 && fill != 0;
}

/* The word in column `column` of a line that is cut at `end`; its length through *length. */
static const char *word_at(const char *line, int column, size_t *length)
{
	for (;; column--) {
		line += strspn(line, " \t");
		*length = strcspn(line, " \t\n");
		if (column == 0 || *length == 0)
			return line;
		line += *length;
	}
}

static bool is_word(const char *word, size_t length, const char *wanted)
{
	return length == strlen(wanted) && memcmp(word, wanted, length) == 0;
}

static int column_of(const char *header, const char *name)
{
	size_t length;

	for (int column = 0;; column++) {
		const char *word = word_at(header, column, &length);

		if (length == 0)
			return -1;
		if (is_word(word, length, name))
			return column;
	}
}

/* The pid of the label now, or 0. */
static int find_pid(const struct plan *plan)
{
	size_t length;
	int label_column;
	int pid_column;

	if (!read_table(plan->table))
		return 0;
	label_column = column_of(table_text, "LABEL");
	pid_column = column_of(table_text, "PID");
	if (label_column < 0 || pid_column < 0)
		return 0;
	for (const char *line = strchr(table_text, '\n'); line != NULL; line = strchr(line, '\n')) {
		const char *word = word_at(++line, label_column, &length);

		if (is_word(word, length, plan->label))
			return (int)strtol(word_at(line, pid_column, &length), NULL, 10);
	}
	return 0;
}

static void sleep_until(int64_t t_us)
{
	struct timespec ts = {.tv_sec = t_us / US_PER_S, .tv_nsec = t_us % US_PER_S * 1000};

	while (!has_ended && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		continue;
}

/* A shot must hit at its moment, also when the drivers' clients are busy then. */
static void become_punctual(void)
{
	struct sched_param param = {.sched_priority = 1};

	/* musl's sched_setscheduler() does not make the call */
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param) != 0)
		perror("killloop: SCHED_FIFO");
}

static unsigned run(const struct plan *plan)
{
	uint64_t random = plan->seed;
	int64_t start_us = now_us();
	int64_t at_us = start_us;
	unsigned shot = 0;

	while (!has_ended && shot < plan->count) {
		int64_t spread_us = plan->interval_us * plan->jitter_percent / 100;
		int64_t ahead_us;

		/* On a machine that stood still for a while no bursts make up for what was missed. */
		if (now_us() - at_us > plan->interval_us)
			at_us = now_us();
		at_us += plan->interval_us - spread_us;
		if (spread_us > 0)
			at_us +=
				(int64_t)(random_splitmix(&random) % (uint64_t)(2 * spread_us + 1));
		if (at_us - start_us > plan->duration_us)
			break;
		/* Looking takes milliseconds and lets everything settle: not right before the shot. */
		ahead_us = (at_us - now_us()) / 4;
		sleep_until(at_us - (ahead_us < LOOK_AHEAD_US ? ahead_us : LOOK_AHEAD_US));
		shots[shot].pid = find_pid(plan);
		sleep_until(at_us);
		if (has_ended)
			break;
		shots[shot].t_us = now_us();
		if (shots[shot].pid <= 1)
			shots[shot].error = ESRCH;
		else if (kill(shots[shot].pid, plan->signal) != 0)
			shots[shot].error = errno;
		shot++;
	}
	return shot;
}

static int print_shots(unsigned count)
{
	unsigned good = 0;

	for (unsigned i = 0; i < count; i++) {
		printf("%lld %d %d\n", (long long)shots[i].t_us, shots[i].pid, shots[i].error);
		good += shots[i].error == 0;
	}
	printf("killed %u of %u\n", good, count);
	return count != 0 && good == 0 ? 1 : 0;
}

static bool parse(int argc, char **argv, struct plan *plan)
{
	int option;

	while ((option = getopt(argc, argv, "l:i:j:s:n:d:S:f:")) != -1) {
		switch (option) {
		case 'l': plan->label = optarg; break;
		case 'f': plan->table = optarg; break;
		case 'i': plan->interval_us = (int64_t)(strtod(optarg, NULL) * 1000); break;
		case 'j': plan->jitter_percent = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': plan->seed = strtoull(optarg, NULL, 10); break;
		case 'n': plan->count = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'd': plan->duration_us = (int64_t)(strtod(optarg, NULL) * 1e6); break;
		case 'S': plan->signal = (int)strtol(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return optind == argc && plan->label != NULL && plan->interval_us >= 1000 &&
	       plan->jitter_percent <= 100 && plan->count >= 1 && plan->count <= SHOTS_MAX &&
	       plan->duration_us > 0 && plan->signal >= 0 && plan->signal < 64;
}

int main(int argc, char **argv)
{
	struct plan plan = {.table = "/proc/axolotl/services",
	                    .jitter_percent = 10,
	                    .seed = 1,
	                    .count = SHOTS_MAX,
	                    .duration_us = 86400 * US_PER_S,
	                    .signal = SIGKILL};
	struct sigaction action = {.sa_handler = on_end};

	if (!parse(argc, argv, &plan)) {
		fprintf(stderr, "usage: killloop -l LABEL -i MS [-j PERCENT] [-s SEED] [-n COUNT]\n"
		                "                [-d SECONDS] [-S SIGNAL] [-f FILE]\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	become_punctual();
	return print_shots(run(&plan));
}
