/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scrubbing: a fiber that walks the whole medium on all replicas, at a limited rate, and heals what it
 * finds. One pass when somebody asks for it, or one after the other (argument scrub=RATE).
 *
 *     idle, done, stopped --start--> running --end--> done (or again, from the start)
 *                            ^          | \--stop--> stopped
 *                            \----------/ the filter is killed: its successor goes on
 *
 * State kept over a restart, in ds ("scrub.<unit>"): state, position and what was found, written after
 * each chunk. So a killed filter goes on where it was, and STATUS says how often that happened; what
 * was mended in the last, unfinished chunk is done, but not counted again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "checksum.h"

#define RATE_DEFAULT (32ull << 20)
#define RATE_MIN     4096u

enum scrub_state { SCRUB_IDLE, SCRUB_RUNNING, SCRUB_DONE, SCRUB_STOPPED, SCRUB_STATES };
static const char *const names[SCRUB_STATES] = {"idle", "running", "done", "stopped"};

static struct saved {
	uint64_t state;    /* enum scrub_state */
	uint64_t position; /* next group */
	uint64_t rate;
	uint64_t interrupted, rounds, unreadable, differing;
	struct check_found found;
} now;
static bool is_forever, is_idle, is_loaded;
static struct fiber *worker;

static void key_of(char key[DS_KEY_MAX])
{
	snprintf(key, DS_KEY_MAX, "scrub.%.*s", DS_KEY_MAX - 7, filter_unit());
}

static void save(void)
{
	char key[DS_KEY_MAX];

	key_of(key);
	if (ds_save(key, &now, sizeof(now)) != 0)
		sys_log("scrub: its position was not saved\n");
}

static void load(void)
{
	char key[DS_KEY_MAX];
	struct saved before;

	key_of(key);
	is_loaded = true;
	if (!filter_is_restart() || ds_load(key, &before, sizeof(before)) != (int)sizeof(before) ||
	    before.state >= SCRUB_STATES || before.position > check_group_count())
		return;
	now = before;
	if (now.state == SCRUB_RUNNING) {
		now.interrupted++;
		sys_log("scrub: goes on at group %llu\n", (unsigned long long)now.position);
	}
}

/* ---- the walk ---- */

static void scrub_chunk(uint32_t count)
{
	struct check c = {.first = now.position,
	                  .count = count,
	                  .replicas =
	                          medium.replicas > 1 ? UINT32_MAX >> (32 - medium.replicas) : 0};

	check_groups(&c);
	for (uint32_t i = 0; i < count; i++) {
		unsigned long long group = c.first + i;

		if ((c.bad >> i & 1) != 0) {
			if (check_mend(group, 0, &now.found) == 0)
				continue;
			now.unreadable++;
			sys_log("scrub: group %llu cannot be read\n", group);
		} else if ((c.differing >> i & 1) != 0) {
			now.differing++;
			sys_log("scrub: replicas of group %llu are good and differ\n", group);
		}
	}
}

static void end_round(void)
{
	now.rounds++;
	if (is_forever) {
		now.position = 0;
		return;
	}
	now.state = SCRUB_DONE;
	sys_log("scrub: done, %llu sectors corrupt, %llu healed, %llu lost\n",
	        (unsigned long long)now.found.corrupt, (unsigned long long)now.found.healed,
	        (unsigned long long)now.found.lost);
}

static uint64_t group_bytes(void)
{
	return (medium.codec.layout.n + 1ull) * SUM_SECTOR * medium.replicas;
}

/* At most what a second is for. */
static uint32_t next_chunk(void)
{
	uint64_t left = check_group_count() - now.position, second = now.rate / group_bytes();
	uint64_t count = left < check_most() ? left : check_most();

	if (count > second)
		count = second > 0 ? second : 1;
	return (uint32_t)count;
}

static void work(void *arg)
{
	(void)arg;
	for (;;) {
		uint64_t first;
		uint32_t count;

		while (now.state != SCRUB_RUNNING || !medium.is_running) {
			is_idle = true;
			(void)fiber_wait();
		}
		first = now.position;
		count = next_chunk();
		scrub_chunk(count);
		if (now.state != SCRUB_RUNNING || now.position != first)
			continue; /* stopped meanwhile, and perhaps started again */
		now.position += count;
		if (now.position >= check_group_count())
			end_round();
		save();
		filter_sleep(count * group_bytes() * 1000000000ull / now.rate);
	}
}

static void wake(void)
{
	if (!is_idle || now.state != SCRUB_RUNNING || !medium.is_running)
		return;
	is_idle = false;
	fiber_wake(worker, 0);
}

int scrub_start(void)
{
	worker = fiber_start(work, NULL);
	return worker != NULL ? 0 : -ENOMEM;
}

void scrub_run(uint64_t bytes_per_second)
{
	load();
	is_forever = bytes_per_second > 0;
	if (is_forever && (now.state == SCRUB_IDLE || now.state == SCRUB_DONE))
		now = (struct saved){.state = SCRUB_RUNNING, .rate = bytes_per_second};
	wake();
}

/* ---- control ---- */

static int start(uint64_t rate)
{
	if (!is_loaded)
		return -EAGAIN;
	if (now.state == SCRUB_RUNNING)
		return -EBUSY;
	now = (struct saved){.state = SCRUB_RUNNING, .rate = rate};
	save();
	wake();
	return 0;
}

static int stop(void)
{
	if (now.state != SCRUB_RUNNING)
		return -EINVAL;
	now.state = SCRUB_STOPPED;
	save();
	return 0;
}

/* "scrub start [BYTES_PER_SECOND]", "scrub stop", "scrub status" */
int scrub_control(const char *command, char *buf, size_t len)
{
	static const char start_word[] = "scrub start";
	int r = -EINVAL;

	if (strncmp(command, start_word, sizeof(start_word) - 1) == 0) {
		const char *text = command + sizeof(start_word) - 1;
		char *end = NULL;
		uint64_t rate = *text == ' ' ? strtoull(text + 1, &end, 10) : RATE_DEFAULT;

		if ((end == NULL ? *text : *end) == '\0' && rate >= RATE_MIN)
			r = start(rate);
	} else if (strcmp(command, "scrub stop") == 0) {
		r = stop();
	} else if (strcmp(command, "scrub status") == 0) {
		r = 0;
	}
	return r != 0 ? r : scrub_status(buf, len);
}

int scrub_status(char *buf, size_t len)
{
	int n = snprintf(
		buf, len,
		"scrub=%s\nscrub_group=%llu\nscrub_groups=%llu\nscrub_rate=%llu\n"
		"scrub_corrupt=%llu\nscrub_healed=%llu\nscrub_lost=%llu\nscrub_unreadable=%llu\n"
		"scrub_differing=%llu\nscrub_interrupted=%llu\nscrub_rounds=%llu\n",
		names[now.state], (unsigned long long)now.position,
		(unsigned long long)(medium.is_running ? check_group_count() : 0),
		(unsigned long long)now.rate, (unsigned long long)now.found.corrupt,
		(unsigned long long)now.found.healed, (unsigned long long)now.found.lost,
		(unsigned long long)now.unreadable, (unsigned long long)now.differing,
		(unsigned long long)now.interrupted, (unsigned long long)now.rounds);

	return n < 0 || (size_t)n >= len ? 0 : n;
}
