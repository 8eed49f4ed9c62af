/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk of the tests of lib/blockdev: see world.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "blockdev/client.h"
#include "blockdev/host.h"
#include "tests/unit/lib/blockdev/ends.h"
#include "world.h"

struct world world;

/* ---- the disk ---- */

static int disk_info(unsigned unit, struct blk_info *info)
{
	if (unit != 0)
		return -ENXIO;
	*info = (struct blk_info){.sectors = DISK_SECTORS - world.fewer_sectors,
	                          .physical_sector_bytes = 512,
	                          .max_bytes = BLK_REQUEST_MAX,
	                          .max_elements = BLK_ELEMENTS_MAX,
	                          .queue_depth = 32,
	                          .replicas = 2,
	                          .flags = world.info_flags};
	return world.info_result;
}

static int disk_open(unsigned unit, unsigned access)
{
	(void)unit;
	(void)access;
	world.opens++;
	return 0;
}

static void disk_close(unsigned unit)
{
	(void)unit;
	world.closes++;
}

static void disk_submit(struct bserver_request *r)
{
	uint64_t at = r->sector * BLK_SECTOR;

	world.order[world.submitted++ % 4096] = r->sector;
	if (world.mode == DISK_HOLDS) {
		world.held[world.held_count++] = r;
		return;
	}
	for (unsigned i = 0; i < r->element_count && world.mode == DISK_WORKS; i++) {
		if (r->op == BLK_READ)
			memcpy(r->elements[i].ptr, world.disk + at, r->elements[i].len_bytes);
		else
			memcpy(world.disk + at, r->elements[i].ptr, r->elements[i].len_bytes);
		at += r->elements[i].len_bytes;
	}
	if (r->op == BLK_SYNC) {
		r->next_sector = r->sector + r->sectors;
		r->next_sectors = r->next_sector < DISK_SECTORS ? 8 : 0;
		r->next_replicas = 3;
	}
	if (world.want_lie) {
		world.want_lie = false;
		bserver_complete_lying(r, world.lie);
		return;
	}
	bserver_complete(r, world.mode == DISK_WORKS ? 0 : -EIO);
}

static const struct bserver_ops disk_ops = {
	.info = disk_info, .open = disk_open, .close = disk_close, .submit = disk_submit};

/* ---- time and death ---- */

void world_reset(void)
{
	memset(&world, 0, sizeof(world));
	ends_reset("blk.d0");
}

void world_start_server(void)
{
	struct bserver_config c = {.ops = &disk_ops, .maps_arenas = true};

	memset(bserver_sessions, 0, sizeof(bserver_sessions));
	world.held_count = 0;
	peers_new_server();
	bserver_init(&c);
	if (bserver_publish("d0", 0) != 0)
		abort();
	peers_tell_server(world.cause);
}

void world_kill_server(void)
{
	ends_free_sessions();
	peers_kill_server();
}

void world_remove_label(void)
{
	world_kill_server();
	peers_tell_server(CAUSE_NONE);
}

static bool step(void)
{
	bool any = ends_pass_changes();

	any |= ends_serve();
	if (peers.server != EP_NONE)
		bserver_idle();
	any |= ends_run_client();
	return any || !peers_are_quiet();
}

void world_run(void)
{
	while (step())
		;
}

void world_advance(uint64_t ns)
{
	peers.now += ns;
	bdev_alarm(peers.now);
	world_run();
}

void world_release_held(unsigned count, int status)
{
	for (unsigned i = 0; i < count; i++)
		bserver_complete(world.held[i], status);
	world.held_count -= count;
	for (unsigned i = 0; i < world.held_count; i++)
		world.held[i] = world.held[i + count];
	world_run();
}
