/* SPDX-License-Identifier: BSD-2-Clause */
/* See ends.h. */
#include <stdlib.h>
#include <string.h>
#include "blockdev/client.h"
#include "blockdev/host.h"
#include "tests/unit/lib/blockdev/ends.h"
#include "tests/unit/lib/peers/peers.h"

void ends_reset(const char *key)
{
	for (unsigned i = 0; i <= BDEV_SERVERS_MAX; i++)
		free(bdev_servers[i].region);
	memset(bdev_servers, 0, sizeof(bdev_servers));
	memset(bdev_units, 0, sizeof(bdev_units));
	bdev_servers[0].is_used = true;
	bdev_servers[0].ep = EP_NONE;
	bdev_servers[0].region_grant = GRANT_INVALID;
	for (int i = 0; i < BLK_ARENAS_MAX; i++)
		bdev_arena_drop(i);
	memset(&bdev_count, 0, sizeof(bdev_count));
	peers_reset(key);
}

void ends_free_sessions(void)
{
	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX; i++)
		for (unsigned a = 0; a < BLK_ARENAS_MAX; a++) {
			free(bserver_sessions[i].arenas.slots[a].map.bus);
			free(bserver_sessions[i].arenas.slots[a].map.run);
		}
}

bool ends_pass_changes(void)
{
	struct ds_change c;
	bool any = false;

	while (peers_change(&c))
		any |= bdev_ds_change(&c);
	return any;
}

bool ends_serve(void)
{
	struct msg m;
	bool any = false;

	while (peers_for_server(&m)) {
		any = true;
		bserver_message(&m, IPC_ASEND);
	}
	if (peers_rings_server())
		any = bserver_doorbell(PEERS_CLIENT) || any;
	return any;
}

bool ends_run_client(void)
{
	struct msg m;
	bool any = false;

	while (peers_for_client(&m)) {
		any = true;
		bdev_message(&m);
	}
	if (peers_rings_client())
		any = bdev_doorbell(peers.server) || any;
	bdev_idle();
	return any;
}
