/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of two for tests: both halves of the network protocol in one process (peers.h), the server
 * with a simulated network card.
 */
#ifndef TESTS_NETDEV_WORLD_H
#define TESTS_NETDEV_WORLD_H

#include "netdev/netdev.h"
#include "netdev/netserver.h"
#include "../peers/peers.h"

#define HELD_MAX 1024
#define WIRE_MAX 65536

enum card_mode { CARD_WORKS, CARD_HOLDS };

struct world {
	enum card_mode mode;
	unsigned room;    /* frames that the card takes at a time */
	unsigned rx_room; /* and buffers */
	struct nserver_tx *held[HELD_MAX];
	unsigned held_count;
	struct nserver_rx *buffers[HELD_MAX];
	unsigned buffer_count;
	uint32_t wire[WIRE_MAX]; /* first word behind the header of each frame that was sent */
	unsigned wire_count;
	unsigned accepted;                      /* frames that reached the card */
	uint32_t first_accepted, last_accepted; /* of this incarnation */
	bool is_out_of_order;
	struct net_info info;
	int info_result, conf_result;
	struct net_conf conf;
	unsigned confs, stops, batches;
	bool link_is_up;
	bool is_mute; /* does not give back on stop */
};
extern struct world world;

void world_reset(void);
void world_start_server(enum rs_cause cause); /* a new incarnation, published in ds */
void world_kill_server(void);
void world_run(void); /* messages, doorbells and idle calls until nothing happens any more */
void world_action(unsigned which); /* one of them: 0..WORLD_ACTIONS-1 */
#define WORLD_ACTIONS 8
void world_advance(uint64_t ns);                                /* time, then alarms, then run */
void world_release(unsigned first, unsigned count, int status); /* of the held frames; no run */
/* A frame of so many bytes arrives, `number` behind its header; false: no buffer. No run. */
bool world_receive(uint32_t number, unsigned bytes);
void world_link(bool is_up);

#endif
