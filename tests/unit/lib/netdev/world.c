/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network card of the tests of lib/netdev: see world.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "netdev/client.h"
#include "netdev/host.h"
#include "world.h"

struct world world;

static int card_info(unsigned unit, struct net_info *info)
{
	if (unit != 0)
		return -ENXIO;
	*info = world.info;
	return world.info_result;
}

static int card_configure(unsigned unit, const struct net_conf *conf)
{
	struct net_link link = {.is_up = world.link_is_up, .speed_mbit = 1000};

	world.conf = *conf;
	world.confs++;
	nserver_link(unit, &link);
	return world.conf_result;
}

static void send_now(struct nserver_tx *t, int status)
{
	uint32_t number = 0;

	nserver_tx_copy(t, NET_FRAME_MIN, &number, sizeof(number));
	if (status == 0)
		world.wire[world.wire_count++ % WIRE_MAX] = number;
	nserver_tx_done(t, status);
}

static bool card_tx(struct nserver_tx *t)
{
	uint32_t number = 0;

	if (world.held_count >= world.room)
		return false;
	nserver_tx_copy(t, NET_FRAME_MIN, &number, sizeof(number));
	world.is_out_of_order |= world.accepted > 0 && number <= world.last_accepted;
	if (world.accepted++ == 0)
		world.first_accepted = number;
	world.last_accepted = number;
	if (world.mode == CARD_WORKS)
		send_now(t, 0);
	else
		world.held[world.held_count++] = t;
	return true;
}

static bool card_rx(struct nserver_rx *r)
{
	if (world.buffer_count >= world.rx_room)
		return false;
	world.buffers[world.buffer_count++] = r;
	return true;
}

static void card_stop(unsigned unit)
{
	unsigned frames = world.held_count, buffers = world.buffer_count;

	(void)unit;
	world.stops++;
	if (world.is_mute)
		return;
	world.held_count = world.buffer_count = 0;
	for (unsigned i = 0; i < frames; i++)
		nserver_tx_done(world.held[i], -ENETDOWN);
	for (unsigned i = 0; i < buffers; i++)
		nserver_rx_done(world.buffers[i], -ECANCELED, 0);
}

static void card_flush(void)
{
	world.batches++;
}

static const struct nserver_ops card_ops = {.info = card_info,
                                            .configure = card_configure,
                                            .stop = card_stop,
                                            .tx = card_tx,
                                            .rx = card_rx,
                                            .flush_batch = card_flush};

void world_release(unsigned first, unsigned count, int status)
{
	struct nserver_tx *released[HELD_MAX];

	for (unsigned i = 0; i < count; i++)
		released[i] = world.held[first + i];
	world.held_count -= count;
	for (unsigned i = first; i < world.held_count; i++)
		world.held[i] = world.held[i + count];
	for (unsigned i = 0; i < count; i++)
		send_now(released[i], status);
}

bool world_receive(uint32_t number, unsigned bytes)
{
	struct nserver_rx *r;

	if (world.buffer_count == 0)
		return false;
	r = world.buffers[0];
	world.buffer_count--;
	for (unsigned i = 0; i < world.buffer_count; i++)
		world.buffers[i] = world.buffers[i + 1];
	memcpy((uint8_t *)r->buffer.ptr + NET_FRAME_MIN, &number, sizeof(number));
	nserver_rx_done(r, (int)bytes, 0);
	return true;
}

void world_link(bool is_up)
{
	struct net_link link = {.is_up = is_up, .speed_mbit = is_up ? 1000 : 0};

	world.link_is_up = is_up;
	nserver_link(0, &link);
}

/* ---- time and death ---- */

static void free_maps(void)
{
	for (unsigned i = 0; i < NET_UNITS_MAX; i++)
		for (unsigned a = 0; a < NET_ARENAS_MAX; a++) {
			free(nserver_units[i].session.arenas.slots[a].map.bus);
			free(nserver_units[i].session.arenas.slots[a].map.run);
		}
	memset(nserver_units, 0, sizeof(nserver_units));
}

void world_reset(void)
{
	static const struct net_info info = {.name = "n0",
	                                     .mac = {2, 0, 0, 0, 0, 1},
	                                     .mtu = 1500,
	                                     .tx_depth = 64,
	                                     .rx_depth = 64,
	                                     .tx_elements = NET_ELEMENTS_MAX,
	                                     .offloads = NET_OFFLOAD_TX_CSUM,
	                                     .tso_max_bytes = 0};

	for (unsigned i = 0; i < NETDEV_MAX; i++)
		free(netdev_units[i].region);
	memset(netdev_units, 0, sizeof(netdev_units));
	memset(&world, 0, sizeof(world));
	for (int i = 0; i < NET_ARENAS_MAX; i++)
		netdev_arena_drop(i);
	free_maps();
	world.info = info;
	world.room = world.rx_room = HELD_MAX;
	world.link_is_up = true;
	peers_reset("net.n0");
}

void world_start_server(enum rs_cause cause)
{
	struct nserver_config c = {.ops = &card_ops, .maps_arenas = true};

	free_maps();
	world.held_count = world.buffer_count = world.accepted = 0;
	peers_new_server();
	nserver_init(&c);
	if (nserver_publish("n0", 0) != 0)
		abort();
	peers_tell_server(cause);
}

void world_kill_server(void)
{
	peers_kill_server();
}

/* ---- who runs ---- */

void world_action(unsigned which)
{
	struct ds_change c;
	struct msg m;

	if (which == 0 && peers_change(&c))
		netdev_ds_change(&c);
	else if (which == 1 && peers_for_server(&m))
		nserver_message(&m, IPC_ASEND);
	else if (which == 2 && peers_rings_server())
		nserver_doorbell(PEERS_CLIENT);
	else if (which == 3 && peers.server != EP_NONE)
		nserver_idle();
	else if (which == 4 && peers_for_client(&m))
		netdev_message(&m);
	else if (which == 5 && peers_rings_client())
		netdev_doorbell(peers.server);
	else if (which == 6)
		netdev_idle();
	else if (which == 7)
		netdev_alarm(peers.now);
}

void world_run(void)
{
	struct msg m;
	bool any;

	do {
		struct ds_change c;

		any = false;
		while (peers_change(&c))
			any |= netdev_ds_change(&c);
		while (peers_for_server(&m))
			any |= nserver_message(&m, IPC_ASEND);
		if (peers_rings_server())
			any |= nserver_doorbell(PEERS_CLIENT);
		if (peers.server != EP_NONE)
			nserver_idle();
		while (peers_for_client(&m))
			any |= netdev_message(&m);
		if (peers_rings_client())
			any |= netdev_doorbell(peers.server);
		netdev_idle();
	} while (any || !peers_are_quiet());
}

void world_advance(uint64_t ns)
{
	peers.now += ns;
	netdev_alarm(peers.now);
	world_run();
}
