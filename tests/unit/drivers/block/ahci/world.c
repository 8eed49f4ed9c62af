/* SPDX-License-Identifier: BSD-2-Clause */
/* Time, and the part of lib/blockdev and lib/sys that the driver sees: see world.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

#define CALL_NS 50u /* that now_ns() takes */

struct world world;

static const struct bserver_ops *ops;

/* ---- lib/sys ---- */

uint64_t now_ns(void)
{
	return world.now += CALL_NS;
}

void sys_log(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(world.log, sizeof(world.log), fmt, args);
	va_end(args);
	if (getenv("AHCI_LOG") != NULL)
		print_message("%llu us: %s", (unsigned long long)world.now / 1000, world.log);
}

/* ---- lib/blockdev ---- */

const struct server_half bserver_half;

void bserver_init(const struct bserver_config *c)
{
	assert_true(c->wants_bus);
	ops = c->ops;
}

int bserver_publish(const char *name, unsigned unit)
{
	char expected[16];

	snprintf(expected, sizeof(expected), "sata%u", unit);
	assert_string_equal(name, expected);
	world.is_published[unit] = true;
	world.publishes++;
	return 0;
}

int bserver_unpublish(const char *name)
{
	world.is_published[name[4] - '0'] = false;
	world.unpublishes++;
	return 0;
}

void bserver_units_changed(void)
{
	world.changes++;
}

void bserver_forget_opens(unsigned unit)
{
	if (unit != 0)
		return;
	world.forgotten++;
	world.is_open = false;
}

int bserver_status_text(char *buf, size_t len)
{
	return snprintf(buf, len, "accepted=0\n");
}

/* ---- the component's callbacks ---- */

static void settle(void)
{
	do {
		ops->flush_batch();
		machine_rearm();
	} while (machine_serve());
}

static void submit(struct bserver_request *r)
{
	ops->submit(r);
	machine_rearm();
}

int world_info(struct blk_info *info)
{
	return ops->info(0, info);
}

void world_expect_status(const char *line)
{
	char text[1000];
	int n = ops->status(0, text, sizeof(text));

	assert_in_range(n, 1, sizeof(text) - 1);
	if (strstr(text, line) == NULL)
		fail_msg("no %s in the status:\n%s", line, text);
}

bool world_is_ready(void)
{
	struct blk_info info;

	return world_info(&info) == 0;
}

bool world_is_gone(void)
{
	struct blk_info info;

	return world_info(&info) == -ENXIO;
}

bool world_open(void)
{
	bool is_there = world_is_ready();

	world.is_open |= is_there;
	return world.is_open && is_there;
}

bool world_is_idle(void)
{
	return client.pending == 0;
}

/* ---- time ---- */

static bool step(uint64_t end)
{
	uint64_t next;

	settle();
	next = machine_next();
	if (next == 0 || next > end)
		next = end;
	if (next > world.now)
		world.now = next;
	settle();
	return world.now < end;
}

void world_run(uint64_t ns)
{
	uint64_t end = world.now + ns;

	while (step(end))
		;
}

void world_run_until(bool (*is_so)(void))
{
	uint64_t end = world.now + 60 * SECOND;

	settle();
	while (!is_so())
		if (!step(end))
			fail_msg("nothing happens any more");
}

void world_start(void)
{
	assert_int_equal(machine_start_driver(false), 0);
	world_run_until(world_is_ready);
}

void world_restart(void)
{
	machine_kill_driver();
	client_driver_died();
	world.is_open = false;
	assert_int_equal(machine_start_driver(true), 0);
	settle();
}

static void wait(void)
{
	world_run_until(world_is_idle);
}

static bool has_cache(void)
{
	return world.disk.has_cache;
}

_Static_assert(CLIENT_SECTORS == SIM_SECTORS, "the client knows the whole disk");

static const struct client_world around = {.now = &world.now,
                                           .submit = submit,
                                           .wait = wait,
                                           .has_cache = has_cache,
                                           .lend = sim_allow,
                                           .take_back = sim_forbid,
                                           .element_bytes = 16 * BLK_SECTOR};

int world_set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	memset(&machine, 0, sizeof(machine));
	world.now = SECOND;
	sim_start(&world.now, 1);
	sim_disk_make(&world.disk, "A1", SIM_SECTORS);
	sim_disk_make(&world.other, "B2", SIM_SECTORS);
	sim_plug(0, &world.disk);
	client_reset(&around);
	return 0;
}

int world_tear_down(void **state)
{
	(void)state;
	machine_kill_driver();
	sim_disk_free(&world.disk);
	sim_disk_free(&world.other);
	return 0;
}
