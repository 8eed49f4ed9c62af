/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load through lib/blockdev: sequential reads, and reads and verified writes while the server dies
 * again and again (by a complaint to rs, which this component's policy must allow).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev/blockdev.h"
#include "random/random.h"
#include "blocktest.h"

#define DEPTH         8
#define BLOCK_BYTES   (1u << 20)
#define RUN_NS        3000000000ull
#define KILL_EVERY_NS 200000000ull

static struct bdev *bdev;
static uint8_t *memory;
static int arena;
static struct bdev_io ios[DEPTH];
static struct blk_element elements[DEPTH];
static uint64_t expected[DEPTH]; /* verify: what was written there last */
static bool is_writing[DEPTH];
static uint64_t next_sector, bytes_done, worst_ns, seed = 88172645463325252ull;
static unsigned errors, mismatches, running, opened;
static bool is_stopping, is_verify;

static uint64_t random64(void)
{
	return random_xorshift(&seed);
}

static void fill(unsigned i, uint64_t value)
{
	uint64_t *words = (uint64_t *)(void *)(memory + (size_t)i * BLOCK_BYTES);

	for (unsigned n = 0; n < BLOCK_BYTES / 8; n++)
		words[n] = value + n;
}

static bool matches(unsigned i, uint64_t value)
{
	const uint64_t *words = (const uint64_t *)(const void *)(memory + (size_t)i * BLOCK_BYTES);

	for (unsigned n = 0; n < BLOCK_BYTES / 8; n++)
		if (words[n] != value + n)
			return false;
	return true;
}

static void submit(unsigned i);

static void done(struct bdev_io *io)
{
	unsigned i = (unsigned)(io - ios);
	uint64_t took = io->t_done_ns - io->t_submit_ns;

	running--;
	if (took > worst_ns)
		worst_ns = took;
	if (io->status != 0)
		errors++;
	else
		bytes_done += BLOCK_BYTES;
	if (is_verify && !is_writing[i] && io->status == 0 && !matches(i, expected[i]))
		mismatches++;
	if (!is_stopping)
		submit(i);
}

/* verify: each lane owns one block of the disk and alternates between writing and reading it. */
static void submit(unsigned i)
{
	uint64_t sectors = bdev_info(bdev)->sectors, block = BLOCK_BYTES / BLK_SECTOR;

	elements[i] = (struct blk_element){.offset = (uint64_t)i * BLOCK_BYTES,
	                                   .len_bytes = BLOCK_BYTES,
	                                   .arena = (uint16_t)arena};
	is_writing[i] = is_verify && !is_writing[i];
	ios[i] = (struct bdev_io){.op = is_writing[i] ? BLK_WRITE : BLK_READ,
	                          .element_count = 1,
	                          .sectors = (uint32_t)block,
	                          .elements = &elements[i],
	                          .done = done};
	if (is_verify) {
		ios[i].sector = i * block;
		if (is_writing[i])
			fill(i, expected[i] = random64());
		else
			memset(memory + (size_t)i * BLOCK_BYTES, 0, BLOCK_BYTES);
	} else {
		ios[i].sector = next_sector;
		next_sector = next_sector + 2 * block > sectors ? 0 : next_sector + block;
	}
	if (bdev_submit(bdev, &ios[i]) != 0)
		errors++;
	else
		running++;
}

static void was_opened(void *ctx, struct bdev *b, int status)
{
	(void)ctx;
	(void)b;
	if (status == 0)
		opened++;
}

static void report(uint64_t took_ns, unsigned kills)
{
	struct bdev_stats s;

	bdev_get_stats(&s);
	tester_say("blocktest: %llu MiB in %llu ms = %llu MB/s, depth %u; worst request %llu us\n",
	           (unsigned long long)(bytes_done >> 20), (unsigned long long)(took_ns / 1000000),
	           (unsigned long long)(bytes_done * 1000 / (took_ns + 1)), DEPTH,
	           (unsigned long long)(worst_ns / 1000));
	tester_say("blocktest: kills %u, deaths %llu, replayed %llu, errors %u, mismatches %u, "
	           "violations %llu, overdue %llu\n",
	           kills, (unsigned long long)s.deaths, (unsigned long long)s.replayed, errors,
	           mismatches, (unsigned long long)s.violations, (unsigned long long)s.overdue);
}

/* ---- recovery times, from the kernel's event log ---- */

#define EVENTS_READ 512

static void print_phases(const struct event *e, unsigned from, unsigned to)
{
	static const char *const names[EV_KINDS] = {
		[EV_DEATH] = "death",     [EV_DETECT] = "detect", [EV_SILENCE] = "silence",
		[EV_RESTART] = "restart", [EV_READY] = "ready",   [EV_PUBLISH] = "publish",
		[EV_REOPEN] = "reopen",   [EV_REPLAY] = "replay", [EV_RECOVERED] = "recovered"};

	for (unsigned i = from; i <= to; i++)
		if (e[i].kind < EV_KINDS && names[e[i].kind] != NULL)
			tester_say("blocktest:   %-9s %s %llu us\n", names[e[i].kind], e[i].label,
			           (unsigned long long)((e[i].t_ns - e[from].t_ns) / 1000));
}

/* From the death of the server to the first good completion after it. */
static void report_recoveries(void)
{
	static struct event events[EVENTS_READ];
	uint64_t seq = 1, worst = 0, total = 0, took;
	unsigned count = 0, death = EVENTS_READ;

	for (int got = EVENTS_READ; got > 0; seq = events[got - 1].seq + 1) {
		got = k_getinfo(KINFO_EVENTS, events, sizeof(events), seq);
		if (got <= 0)
			break;
		for (int i = 0; i < got; i++) {
			if (strcmp(events[i].label, test_unit.label) != 0)
				continue;
			if (events[i].kind == EV_DEATH)
				death = (unsigned)i;
			if (events[i].kind != EV_RECOVERED || death >= (unsigned)i)
				continue;
			took = events[i].t_ns - events[death].t_ns;
			total += took;
			worst = took > worst ? took : worst;
			if (count++ == 2)
				print_phases(events, death, (unsigned)i);
			death = EVENTS_READ;
		}
		death = EVENTS_READ;
	}
	if (count > 0)
		tester_say("blocktest: %u recoveries: mean %llu us, worst %llu us\n", count,
		           (unsigned long long)(total / count / 1000),
		           (unsigned long long)(worst / 1000));
}

/* ---- latency at depth 1 ---- */

static void run_depth_one(void)
{
	uint64_t start, best = UINT64_MAX, total = 0;
	unsigned count = 500;

	is_stopping = true;
	for (unsigned n = 0; n < count; n++) {
		elements[0] = (struct blk_element){.len_bytes = 4096, .arena = (uint16_t)arena};
		ios[0] = (struct bdev_io){.op = BLK_READ,
		                          .element_count = 1,
		                          .sectors = 8,
		                          .sector =
		                                  (random64() % (bdev_info(bdev)->sectors / 8)) * 8,
		                          .elements = &elements[0],
		                          .done = done};
		start = now_ns();
		running++;
		if (bdev_submit(bdev, &ios[0]) != 0)
			return;
		while (running > 0)
			tester_wait(1000000000ull);
		start = now_ns() - start;
		total += start;
		best = start < best ? start : best;
	}
	tester_say("blocktest: 4 KiB at depth 1: best %llu us, mean %llu us\n",
	           (unsigned long long)(best / 1000), (unsigned long long)(total / count / 1000));
	is_stopping = false;
	bytes_done = worst_ns = 0;
}

void stress_run(const char *mode)
{
	static const struct bdev_events events = {.opened = was_opened};
	bool is_kill = strcmp(mode, "read") != 0;
	uint64_t start, next_kill;
	unsigned kills = 0;

	is_verify = strcmp(mode, "verify") == 0;
	memory = aligned_alloc(PAGE_BYTES, DEPTH * BLOCK_BYTES);
	SYS_ASSERT(memory != NULL);
	memset(memory, 0, DEPTH * BLOCK_BYTES);
	arena = bdev_arena(memory, DEPTH * BLOCK_BYTES, false);
	bdev = bdev_open(test_unit.name, BLK_ACCESS_READ | (is_verify ? BLK_ACCESS_WRITE : 0),
	                 &events, NULL);
	SYS_ASSERT(bdev != NULL && arena >= 0);
	while (opened == 0)
		tester_wait(100000000ull);
	if (!is_kill)
		run_depth_one();
	start = now_ns();
	next_kill = start + KILL_EVERY_NS;
	for (unsigned i = 0; i < DEPTH; i++)
		submit(i);
	while (now_ns() - start < RUN_NS) {
		tester_wait(10000000ull);
		if (!is_kill || now_ns() < next_kill)
			continue;
		next_kill += KILL_EVERY_NS;
		kills++;
		bdev_complain(bdev, RULE_B8, NULL, mode, strlen(mode));
	}
	is_stopping = true;
	start = now_ns() - start;
	while (running > 0)
		tester_wait(100000000ull);
	report(start, kills);
	report_recoveries();
}
