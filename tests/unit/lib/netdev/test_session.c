/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/netdev/ lib/arena/ lib/unitname/ lib/ring/ring.c tests/unit/lib/netdev/world.c
 *       tests/unit/lib/peers/peers.c */
/* Both halves of the network protocol against each other: frames, deaths, replay, configurations, lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "netdev/client.h"
#include "netdev/host.h"
#include "ring/net_region.h"
#include "world.h"

#define FRAMES  600
#define BUFFERS 64
#define PAGES   256

static uint8_t *memory;
static int arena;
static struct netdev *dev;
static struct netdev_tx frames[FRAMES];
static struct netdev_rx buffers[BUFFERS];
static unsigned done_count, done_times[FRAMES], events[8], filled_count, canceled;
static int done_status[FRAMES];
static uint32_t filled[4096];
static int filled_bytes;
static bool reposts;

static void done(struct netdev_tx *t, int status)
{
	unsigned i = (unsigned)(t - frames);

	done_count++;
	done_times[i]++;
	done_status[i] = status;
}

static void on_filled(struct netdev_rx *r, int bytes, unsigned flags)
{
	(void)flags;
	if (bytes < 0) {
		canceled++;
		return;
	}
	filled_bytes = bytes;
	memcpy(&filled[filled_count++ % 4096], memory + r->buffer.offset + NET_FRAME_MIN, 4);
	if (reposts)
		assert_int_equal(netdev_post(dev, r), 0);
}

static void on_event(void *ctx, struct netdev *d, enum netdev_event what)
{
	(void)ctx;
	(void)d;
	events[what]++;
}

static const struct netdev_events handlers = {.event = on_event};

static int setup(void **state)
{
	(void)state;
	world_reset();
	memset(frames, 0, sizeof(frames));
	memset(done_times, 0, sizeof(done_times));
	memset(events, 0, sizeof(events));
	done_count = filled_count = canceled = 0;
	reposts = true;
	memory = aligned_alloc(PAGE_BYTES, PAGES * PAGE_BYTES);
	memset(memory, 0, PAGES * PAGE_BYTES);
	arena = netdev_arena(memory, PAGES * PAGE_BYTES, false);
	assert_true(arena >= 0);
	dev = netdev_open("n0", &handlers, NULL);
	assert_non_null(dev);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_reset();
	free(memory);
	return 0;
}

/* Frame i: 60 bytes, its number behind the header. Buffers are in the first half of the arena. */
static struct netdev_tx *make(unsigned i)
{
	uint64_t offset = PAGES / 2 * PAGE_BYTES + i * 64;
	uint32_t number = i + 1;

	memcpy(memory + offset + NET_FRAME_MIN, &number, sizeof(number));
	frames[i] = (struct netdev_tx){.desc = {.elements = 1,
	                                        .inline_elements = {{.offset = offset,
	                                                             .len_bytes = 60,
	                                                             .arena = (uint16_t)arena}}},
	                               .done = done};
	return &frames[i];
}

static void send_frames(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		assert_int_equal(netdev_send(dev, make(i)), 0);
}

static void post_buffers(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		buffers[i] = (struct netdev_rx){.buffer = {.offset = i * 2048ull,
		                                           .len_bytes = 2048,
		                                           .arena = (uint16_t)arena},
		                                .filled = on_filled};
		assert_int_equal(netdev_post(dev, &buffers[i]), 0);
	}
}

static void start(void)
{
	world_start_server(CAUSE_NONE);
	world_run();
}

static void restart(enum rs_cause cause)
{
	world_kill_server();
	world_start_server(cause);
	world_run();
}

static void comes_up_when_server_appears(void **state)
{
	(void)state;
	world_run();
	assert_false(netdev_is_up(dev));
	assert_null(netdev_info(dev));
	start();
	assert_true(netdev_is_up(dev));
	assert_int_equal(events[NDEV_UP], 1);
	assert_int_equal(events[NDEV_LINK], 1);
	assert_true(netdev_link(dev)->is_up);
	assert_int_equal(netdev_info(dev)->mtu, 1500);
	assert_int_equal(peers.events[EV_REOPEN], 0);
}

static void frames_go_both_ways(void **state)
{
	(void)state;
	start();
	post_buffers(8);
	send_frames(0, 3);
	world_run();
	assert_int_equal(done_count, 3);
	assert_int_equal(done_status[2], 0);
	assert_int_equal(world.wire_count, 3);
	assert_int_equal(world.wire[2], 3);
	assert_true(world_receive(77, 90));
	world_run();
	assert_int_equal(filled_count, 1);
	assert_int_equal(filled[0], 77);
	assert_int_equal(filled_bytes, 90);
	assert_int_equal(world.buffer_count, 8);
}

static void long_element_lists_use_rows(void **state)
{
	struct net_element elements[20];
	struct netdev_tx *t = make(0);

	(void)state;
	start();
	for (unsigned i = 0; i < 20; i++)
		elements[i] =
			(struct net_element){.offset = t->desc.inline_elements[0].offset + i * 3,
		                             .len_bytes = 3,
		                             .arena = (uint16_t)arena};
	t->desc.elements = 20;
	t->elements = elements;
	assert_int_equal(netdev_send(dev, t), 0);
	world_run();
	assert_int_equal(done_count, 1);
	assert_int_equal(world.wire[0], 1);
}

static void more_frames_than_slots_all_go(void **state)
{
	(void)state;
	send_frames(0, 300); /* before there is a server */
	start();
	send_frames(300, FRAMES);
	world_run();
	assert_int_equal(done_count, FRAMES);
	assert_int_equal(world.wire_count, FRAMES);
	assert_false(world.is_out_of_order);
	assert_int_equal(peers.violations + peers.complaints, 0);
}

static void a_full_card_gets_the_rest_later(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	world.room = 4;
	world.rx_room = 2;
	start();
	post_buffers(8);
	send_frames(0, 20);
	world_run();
	assert_int_equal(world.held_count, 4);
	assert_int_equal(world.buffer_count, 2);
	for (unsigned i = 0; i < 20; i++) {
		world_release(0, 1, 0);
		world_run();
	}
	assert_int_equal(done_count, 20);
	assert_false(world.is_out_of_order);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(world_receive(i, 60));
		world_run();
	}
	assert_int_equal(filled_count, 20);
	assert_int_equal(world.buffer_count, 2);
}

static void replays_in_order_before_anything_new(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	post_buffers(8);
	send_frames(0, 20);
	world_run();
	world_release(2, 3, 0); /* frames 3, 4, 5 */
	world_run();
	assert_int_equal(done_count, 3);
	world_kill_server();
	send_frames(20, 22);
	world_run();
	world.mode = CARD_WORKS;
	world.wire_count = 0;
	world_start_server(CAUSE_SIGNAL);
	world_run();
	assert_int_equal(done_count, 22);
	assert_int_equal(world.wire_count, 19);
	assert_int_equal(world.wire[0], 1);
	assert_int_equal(world.wire[2], 6);
	assert_int_equal(world.wire[18], 22);
	assert_int_equal(world.buffer_count, 8);
	assert_int_equal(events[NDEV_LOST], 1);
	assert_int_equal(events[NDEV_BACK], 1);
	assert_int_equal(events[NDEV_LINK], 1); /* only the first */
	assert_int_equal(peers.events[EV_REOPEN], 1);
	assert_int_equal(peers.last_args[EV_REPLAY], 19); /* found dead when a frame was sent */
	assert_int_equal(peers.events[EV_RECOVERED], 1);
}

static void configurations_are_replayed(void **state)
{
	struct net_conf conf = {.mode = NET_MODE_PROMISCUOUS, .offloads = UINT32_MAX};

	(void)state;
	start();
	assert_int_equal(world.confs, 1);
	netdev_set_conf(dev, &conf);
	world_run();
	assert_int_equal(world.confs, 2);
	assert_int_equal(world.conf.mode, NET_MODE_PROMISCUOUS);
	assert_int_equal(world.conf.offloads, NET_OFFLOAD_TX_CSUM); /* of those it has */
	netdev_set_conf(dev, &conf);
	world_run();
	assert_int_equal(world.confs, 2); /* nothing new */
	restart(CAUSE_SIGNAL);
	assert_int_equal(world.confs, 3);
	assert_int_equal(world.conf.mode, NET_MODE_PROMISCUOUS);
	conf.mode = NET_MODE_ALLMULTI; /* sent, and not answered when the server dies */
	netdev_set_conf(dev, &conf);
	conf.mode = 0;
	netdev_set_conf(dev, &conf);
	restart(CAUSE_SIGNAL);
	assert_int_equal(world.confs, 5); /* pending first, then wanted */
	assert_int_equal(world.conf.mode, 0);
	assert_true(netdev_is_up(dev));
}

static void another_card_is_a_new_interface(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	post_buffers(4);
	send_frames(0, 5);
	world_run();
	world.info.mac[5] = 2;
	restart(CAUSE_SIGNAL);
	assert_int_equal(events[NDEV_CHANGED], 1);
	assert_int_equal(events[NDEV_BACK], 0);
	assert_int_equal(done_count, 5);
	assert_int_equal(done_status[0], -ENETDOWN);
	assert_int_equal(world.buffer_count, 4);
	assert_int_equal(netdev_info(dev)->mac[5], 2);
}

static void a_link_that_is_slow_to_return_is_not_told(void **state)
{
	(void)state;
	start();
	world.link_is_up = false;
	restart(CAUSE_SIGNAL);
	assert_int_equal(events[NDEV_BACK], 1);
	assert_true(netdev_link(dev)->is_up);
	world_link(true);
	world_run();
	assert_int_equal(events[NDEV_LINK], 1);
	world.link_is_up = false;
	restart(CAUSE_SIGNAL);
	world_advance(NETDEV_LINK_GRACE_NS + 1000);
	assert_int_equal(events[NDEV_LINK], 2);
	assert_false(netdev_link(dev)->is_up);
	world_link(true);
	world_run();
	assert_int_equal(events[NDEV_LINK], 3);
}

static void nothing_is_overdue_without_a_link(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	world_link(false);
	send_frames(0, 1);
	world_run();
	world_advance(10 * NETDEV_DEADLINE_NS);
	assert_int_equal(peers.complaints, 0);
	world_link(true);
	world_run();
	world_advance(NETDEV_DEADLINE_NS / 2);
	assert_int_equal(peers.complaints, 0);
	world_advance(NETDEV_DEADLINE_NS);
	assert_int_equal(peers.complaints, 1);
	assert_int_equal(peers.last_rule, RULE_N1);
	assert_int_equal(done_count, 0);
}

static void a_poisonous_frame_is_dropped(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	send_frames(0, 1);
	world_run();
	for (unsigned i = 0; i < 10; i++)
		restart(CAUSE_SIGNAL); /* not its fault */
	assert_int_equal(done_count, 0);
	for (unsigned i = 0; i < NETDEV_KILLER_DEATHS; i++)
		restart(CAUSE_EXCEPTION);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], -EIO);
	assert_int_equal(peers.events[EV_QUARANTINE], 1);
}

static void absent_server_fails_frames_in_the_end(void **state)
{
	(void)state;
	start();
	world_kill_server();
	send_frames(0, 3);
	world_run();
	world_advance(NETDEV_OFFLINE_NS / 2);
	assert_int_equal(done_count, 0);
	assert_true(netdev_link(dev)->is_up);
	world_advance(NETDEV_OFFLINE_NS);
	assert_int_equal(done_count, 3);
	assert_int_equal(done_status[0], -ENETDOWN);
	assert_false(netdev_link(dev)->is_up);
}

static void a_deleted_name_is_told(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	send_frames(0, 1);
	world_run();
	assert_int_equal(nserver_unpublish("n0"), 0);
	world_run();
	assert_int_equal(events[NDEV_GONE], 1);
	assert_int_equal(done_status[0], -ENETDOWN);
	send_frames(1, 2);
	world_run();
	assert_int_equal(done_count, 2);
	assert_int_equal(nserver_publish("n0", 0), 0);
	world_run();
	assert_true(netdev_is_up(dev));
}

static void a_refusal_is_told_and_tried_again(void **state)
{
	(void)state;
	world.info_result = -ENXIO;
	start();
	assert_int_equal(events[NDEV_REFUSED], 1);
	world_advance(1100000000);
	assert_int_equal(events[NDEV_REFUSED], 1); /* once */
	world.info_result = 0;
	world_advance(1100000000);
	assert_true(netdev_is_up(dev));
	assert_int_equal(events[NDEV_UP], 1);
}

static void an_unknown_unit_is_waited_for(void **state)
{
	(void)state;
	world.info_result = -EAGAIN;
	start();
	world_advance(5 * NETDEV_DEADLINE_NS);
	assert_int_equal(peers.complaints, 0);
	world.info_result = 0;
	nserver_units_changed();
	world_run();
	assert_true(netdev_is_up(dev));
}

static struct net_rep attach_stranger(void)
{
	struct net_attach req = {.id = 9, .slots = 256, .region_bytes = net_region_bytes(256)};
	struct net_rep rep;
	struct msg m;

	msg_put(&m, NET_ATTACH, &req);
	m.source = PEERS_STRANGER;
	nserver_message(&m, IPC_ASEND);
	msg_get(&peers.to_stranger, &rep);
	return rep;
}

static void a_second_client_has_to_wait(void **state)
{
	(void)state;
	start();
	assert_int_equal(attach_stranger().result, -EBUSY);
	assert_true(netdev_is_up(dev));
	netdev_close(dev);
	world_run();
	assert_int_equal(attach_stranger().result, -EFAULT); /* it has granted nothing */
	assert_false(nserver_units[0].session.is_used);
}

static void closing_waits_for_the_card(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	world.is_mute = true;
	start();
	post_buffers(4);
	send_frames(0, 3);
	world_run();
	netdev_close(dev);
	dev = netdev_open("n0", &handlers, NULL);
	assert_non_null(dev);
	world_run();
	assert_int_equal(world.stops, 1);
	assert_int_equal(done_count + canceled, 0);
	assert_false(netdev_is_up(dev));
	world.held_count = 0;
	for (unsigned i = 0; i < 3; i++)
		nserver_tx_done(world.held[i], -ENETDOWN);
	for (unsigned i = 0; i < 4; i++)
		nserver_rx_done(world.buffers[i], -ECANCELED, 0);
	world.buffer_count = 0;
	world_run();
	assert_int_equal(done_count, 3);
	assert_int_equal(done_status[0], -ECANCELED);
	assert_int_equal(canceled, 4);
	assert_true(netdev_is_up(dev));
}

static void closing_survives_a_death(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	post_buffers(4);
	send_frames(0, 3);
	world_run();
	netdev_close(dev);
	world_kill_server();
	world_start_server(CAUSE_SIGNAL);
	world_run();
	assert_int_equal(done_count, 3);
	assert_int_equal(canceled, 4);
	for (unsigned i = 0; i < NETDEV_MAX; i++)
		assert_false(netdev_units[i].is_used);
}

static void closing_while_attaching_ends_the_session(void **state)
{
	(void)state;
	world_start_server(CAUSE_NONE);
	world_action(0);
	world_action(0);
	assert_int_equal(dev->state, NETDEV_ATTACHING);
	netdev_close(dev);
	world_run();
	assert_false(nserver_units[0].session.is_used);
	assert_false(dev->is_used);
}

static void invented_completions_are_complained_about(void **state)
{
	struct net_tx_done tx = {.id = 0x12345678};
	struct net_rx_done rx = {.id = 0x12345678, .len_bytes = 60};

	(void)state;
	world.mode = CARD_HOLDS;
	start();
	send_frames(0, 1);
	world_run();
	assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_N3);
	assert_int_equal(ring_push(&nserver_units[0].session.rx.done, &rx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_N3);
	tx.id = frames[0].entry.id;
	tx.reserved[3] = 1;
	assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_R4);
	assert_int_equal(peers.complaints, 3);
	assert_int_equal(done_count, 0);
	world_release(0, 1, 0);
	world_run();
	assert_int_equal(done_count, 1);
	tx.reserved[3] = 0; /* a second time */
	assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_N3);
	assert_int_equal(done_count, 1);
}

static void wrong_lengths_are_complained_about(void **state)
{
	static const uint32_t lengths[] = {0, 13, 2049, UINT32_MAX};

	(void)state;
	start();
	post_buffers(4);
	world_run();
	for (unsigned i = 0; i < 4; i++) {
		struct net_rx_done rx = {.id = buffers[i].entry.id, .len_bytes = lengths[i]};

		assert_int_equal(ring_push(&nserver_units[0].session.rx.done, &rx), 0);
		peers.last_rule = RULE_NONE;
		netdev_doorbell(peers.server);
		assert_int_equal(peers.last_rule, RULE_N2);
	}
	assert_int_equal(filled_count, 0);
	restart(CAUSE_COMPLAINT);
	assert_int_equal(world.buffer_count, 4); /* none is lost */
}

static void complaints_of_one_session_are_few(void **state)
{
	struct net_tx_done tx = {.id = 7};

	(void)state;
	start();
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
		netdev_doorbell(peers.server);
	}
	assert_int_equal(peers.complaints, 8);
	assert_int_equal(dev->count.violations, 100);
}

static void pieces_are_handed_up_when_complete(void **state)
{
	struct nserver_rx *pieces[2];

	(void)state;
	reposts = false;
	start();
	post_buffers(4);
	world_run();
	memcpy(pieces, world.buffers, sizeof(pieces));
	nserver_rx_done(pieces[0], 2048, NET_RX_MORE);
	world_run();
	assert_int_equal(filled_count, 0);
	nserver_rx_done(pieces[1], 1, 0);
	world_run();
	assert_int_equal(filled_count, 2);
	world.buffer_count = 0;
	nserver_rx_done(world.buffers[2], 2048, NET_RX_MORE);
	world_run();
	restart(CAUSE_SIGNAL); /* the rest will never come */
	assert_int_equal(filled_count, 2);
	assert_int_equal(world.buffer_count, 2);
}

static void a_jumping_completion_index_ends_the_session(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	send_frames(0, 1);
	world_run();
	nserver_units[0].session.tx.done.shared->produced += 1000;
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_R4);
	assert_false(netdev_is_up(dev));
	world.mode = CARD_WORKS;
	restart(CAUSE_COMPLAINT);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
}

static void a_jumping_request_index_drops_the_client(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	start();
	post_buffers(3);
	send_frames(0, 2);
	world_run();
	dev->tx_ring.shared->produced += 5000;
	nserver_doorbell(PEERS_CLIENT);
	assert_int_equal(peers.violations, 1);
	assert_int_equal(world.stops, 1);
	assert_false(nserver_units[0].session.is_used);
}

static void malformed_descriptors_are_refused(void **state)
{
	struct net_tx d = {.id = 1, .elements = 1};
	struct netdev_tx *t;

	(void)state;
	start();
	t = make(0);
	t->desc.inline_elements[0].len_bytes = 13;
	assert_int_equal(netdev_send(dev, t), -EINVAL);
	t->desc.inline_elements[0].len_bytes = 1515;
	assert_int_equal(netdev_send(dev, t), -EINVAL);
	t = make(0);
	t->desc.elements = 4;
	assert_int_equal(netdev_send(dev, t), -EINVAL);
	t = make(0);
	t->desc.flags = NET_TX_CSUM; /* not switched on */
	assert_int_equal(netdev_send(dev, t), -EINVAL);
	/* The server does not rely on that. */
	d.inline_elements[0] = (struct net_element){.offset = UINT64_MAX - 10, .len_bytes = 60};
	assert_int_equal(ring_push(&dev->tx_ring, &d), 0);
	nserver_doorbell(PEERS_CLIENT);
	assert_int_equal(world.accepted, 0);
	assert_int_equal(nserver_units[0].count.tx_dropped, 1);
}

static void conf_switches_offloads_on_for_what_follows(void **state)
{
	struct net_conf conf = {.offloads = NET_OFFLOAD_TX_CSUM};
	struct netdev_tx *t;

	(void)state;
	start();
	netdev_set_conf(dev, &conf);
	t = make(0);
	t->desc.flags = NET_TX_CSUM;
	t->desc.csum_start = 34;
	t->desc.csum_offset = 16;
	assert_int_equal(netdev_send(dev, t), 0);
	world_run();
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status[0], 0);
}

/* ---- a server that dies at random moments ---- */

static uint64_t seed;

static unsigned roll(unsigned sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 20) % sides;
}

static void random_event(unsigned *sent, uint32_t *received)
{
	unsigned which = roll(40);

	if (which < 24) {
		world_action(roll(WORLD_ACTIONS));
	} else if (which < 30 && *sent < FRAMES) {
		unsigned to = *sent + 1 + roll(8);

		to = to < FRAMES ? to : FRAMES;
		send_frames(*sent, to);
		*sent = to;
	} else if (which < 34 && peers.server != EP_NONE && world.held_count > 0) {
		unsigned first = roll(world.held_count);

		world_release(first, 1 + roll(world.held_count - first), 0);
	} else if (which < 38 && peers.server != EP_NONE) {
		*received += world_receive(*received + 1, 14 + 4 + roll(1000));
	} else if (which == 38 && peers.server != EP_NONE && roll(4) == 0) {
		world_kill_server();
	} else if (which == 39 && peers.server == EP_NONE) {
		world_start_server(CAUSE_SIGNAL);
		world.mode = roll(2) ? CARD_HOLDS : CARD_WORKS;
		world.room = 1 + roll(64);
		world.rx_room = 1 + roll(64);
	}
}

static void check_random_run(unsigned sent)
{
	static bool was_sent[FRAMES];

	memset(was_sent, 0, sizeof(was_sent));
	for (unsigned i = 0; i < world.wire_count; i++)
		was_sent[world.wire[i] - 1] = true;
	for (unsigned i = 0; i < sent; i++) {
		assert_true(was_sent[i]);
		assert_int_equal(done_times[i], 1);
		assert_int_equal(done_status[i], 0);
	}
	assert_false(world.is_out_of_order);
	for (unsigned i = 1; i < filled_count && i < 4096; i++)
		assert_true(filled[i] > filled[i - 1]); /* some are lost, none comes twice */
	assert_int_equal(dev->rx.waiting.count + dev->rx.sent.count, 32);
	assert_int_equal(peers.complaints + peers.violations, 0);
}

static void each_frame_survives_random_deaths(void **state)
{
	(void)state;
	for (unsigned run = 0; run < 60; run++) {
		unsigned sent = 0;
		uint32_t received = 0;

		if (run > 0) {
			teardown(NULL);
			setup(NULL);
		}
		seed = 0x9e3779b97f4a7c15ull + run;
		world.mode = CARD_HOLDS;
		post_buffers(32);
		while (sent < FRAMES)
			random_event(&sent, &received);
		if (peers.server == EP_NONE)
			world_start_server(CAUSE_SIGNAL);
		world.mode = CARD_WORKS;
		world.room = world.rx_room = HELD_MAX;
		for (unsigned i = 0; i < 3; i++) {
			world_run();
			world_release(0, world.held_count, 0);
		}
		world_run();
		check_random_run(sent);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(comes_up_when_server_appears),
		T(frames_go_both_ways),
		T(long_element_lists_use_rows),
		T(more_frames_than_slots_all_go),
		T(a_full_card_gets_the_rest_later),
		T(replays_in_order_before_anything_new),
		T(configurations_are_replayed),
		T(another_card_is_a_new_interface),
		T(a_link_that_is_slow_to_return_is_not_told),
		T(nothing_is_overdue_without_a_link),
		T(a_poisonous_frame_is_dropped),
		T(absent_server_fails_frames_in_the_end),
		T(a_deleted_name_is_told),
		T(a_refusal_is_told_and_tried_again),
		T(an_unknown_unit_is_waited_for),
		T(a_second_client_has_to_wait),
		T(closing_waits_for_the_card),
		T(closing_survives_a_death),
		T(closing_while_attaching_ends_the_session),
		T(invented_completions_are_complained_about),
		T(wrong_lengths_are_complained_about),
		T(complaints_of_one_session_are_few),
		T(pieces_are_handed_up_when_complete),
		T(a_jumping_completion_index_ends_the_session),
		T(a_jumping_request_index_drops_the_client),
		T(malformed_descriptors_are_refused),
		T(conf_switches_offloads_on_for_what_follows),
		T(each_frame_survives_random_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
