/* SPDX-License-Identifier: BSD-2-Clause */
/* The six primitives: blocking, order, death of a partner, deadlock, replies. */
#include "ktest.h"

#define PING 0x900u

static void send_one(long type)
{
	struct msg m = {.type = (uint32_t)type};

	CHECK(ipc_send(EP_VM, &m) == 0);
}

static void send_is_received(void)
{
	endpoint_t c = child_start(send_one, PING, 0);
	struct msg m;

	CHECK(receive(EP_ANY, &m) == IPC_SEND);
	CHECK(m.source == c && m.type == PING);
}

static void echo(long arg)
{
	struct msg m;

	while (arg-- > 0) {
		CHECK(ipc_receive(EP_ANY, &m) == IPC_SENDREC);
		m.type |= MSG_REPLY;
		m.body.words[0]++;
		CHECK(ipc_nbsend(m.source, &m) == 0);
	}
}

static void sendrec_gets_its_reply(void)
{
	endpoint_t c = child_start(echo, 3, 0);

	for (uint64_t i = 0; i < 3; i++) {
		struct msg m = {.type = PING, .body.words = {i}};

		CHECK(ipc_sendrec(c, &m) == 0);
		CHECK(m.source == c && m.type == (PING | MSG_REPLY) && m.body.words[0] == i + 1);
	}
}

/* Sends an ASEND and a NOTIFY before the reply: neither may end the SENDREC. */
static void tease(long arg)
{
	static struct asend_slot slot;
	struct msg m;

	(void)arg;
	CHECK(ipc_receive(EP_ANY, &m) == IPC_SENDREC);
	slot = (struct asend_slot){.flags = AMF_VALID, .dst = EP_VM, .cookie = 1};
	slot.m.type = PING | MSG_REPLY;
	slot.m.body.words[0] = 666;
	CHECK(ipc_asend(&slot, 1) == 0);
	CHECK(ipc_notify(EP_VM) == 0);
	m.type |= MSG_REPLY;
	m.body.words[0] = 7;
	CHECK(ipc_nbsend(EP_VM, &m) == 0);
}

static void async_never_ends_a_sendrec(void)
{
	endpoint_t c = child_start(tease, 0, 0);
	struct msg m = {.type = PING};

	CHECK(ipc_sendrec(c, &m) == 0);
	CHECK(m.body.words[0] == 7);
	CHECK(receive(EP_ANY, &m) == IPC_NOTIFY);
	CHECK(receive(EP_ANY, &m) == IPC_ASEND && m.body.words[0] == 666);
}

static void silent(long arg)
{
	(void)arg;
	child_park();
}

static void nbsend_does_not_wait(void)
{
	endpoint_t c = child_start(silent, 0, 0);
	struct msg m = {.type = PING};

	CHECK(ipc_nbsend(c, &m) == -ENOTREADY);
}

static void notifications_merge(void)
{
	endpoint_t c = child_start(silent, 0, 0);
	struct msg m;

	CHECK(ipc_notify(c) == 0 && ipc_notify(c) == 0);
	CHECK(ipc_notify(EP_VM) == 0 && ipc_notify(EP_VM) == 0);
	CHECK(receive(EP_VM, &m) == IPC_NOTIFY);
	CHECK(k_setalarm(clock_read() + 1000000) == 0);
	CHECK(receive(EP_ANY, &m) == IPC_NOTIFY && m.source == EP_CLOCK);
}

static volatile uint32_t rung;

static void ring_back(long arg)
{
	struct msg m;

	(void)arg;
	for (;;) {
		CHECK(ipc_receive(EP_VM, &m) == IPC_NOTIFY);
		CHECK(ipc_notify(EP_VM) == 0);
		rung++;
	}
}

/* Rings, and waits until the child has rung back. */
static void make_ring(endpoint_t child)
{
	uint32_t before = rung;

	CHECK(ipc_notify(child) == 0);
	wait_for_change(&rung, before);
}

static void a_doorbell_that_rings_all_the_time_waits_its_turn(void)
{
	endpoint_t c[3];
	unsigned count[3] = {0};
	struct msg m;

	for (unsigned i = 0; i < 3; i++)
		c[i] = child_start(ring_back, 0, 0);
	for (unsigned i = 0; i < 3; i++)
		make_ring(c[i]);
	for (unsigned n = 0; n < 9; n++) {
		CHECK(receive(EP_ANY, &m) == IPC_NOTIFY);
		for (unsigned i = 0; i < 3; i++)
			count[i] += m.source == c[i];
		make_ring(m.source);
	}
	CHECK(count[0] == 3 && count[1] == 3 && count[2] == 3);
}

static void call_and_record(long dst)
{
	struct msg m = {.type = PING};
	int r = ipc_sendrec((endpoint_t)dst, &m);

	m = (struct msg){.type = 1, .body.words = {(uint64_t)r}};
	CHECK(ipc_send(EP_VM, &m) == 0);
}

static void death_wakes_those_who_wait(void)
{
	endpoint_t server = child_start(silent, 0, 0);
	endpoint_t client = child_start(call_and_record, server, 0);
	struct msg m;

	CHECK(k_setalarm(clock_read() + 2000000) == 0);
	CHECK(receive(EP_CLOCK, &m) == IPC_NOTIFY); /* the client is blocked now */
	CHECK(k_kill(server, 9) == 0);
	CHECK(receive(client, &m) == IPC_SEND);
	CHECK((int)m.body.words[0] == -EDEADSRCDST);
	m.type = PING;
	CHECK(ipc_nbsend(server, &m) == -EDEADSRCDST);
	child_end(server);
	CHECK(ipc_nbsend(server, &m) == -EDEADSRCDST);
}

static endpoint_t ring_next[3];
static void call_next(long i)
{
	struct msg m = {.type = PING};
	int r;

	CHECK(ipc_receive(EP_VM, &m) == IPC_SEND);
	m.type = PING;
	r = ipc_sendrec(ring_next[i], &m);
	m = (struct msg){.type = 1, .body.words = {(uint64_t)r}};
	CHECK(ipc_send(EP_VM, &m) == 0);
}

static void cycles_are_refused(void)
{
	endpoint_t c[3];
	struct msg m;

	for (long i = 0; i < 3; i++)
		c[i] = child_start(call_next, i, 0);
	for (unsigned i = 0; i < 3; i++)
		ring_next[i] = c[(i + 1) % 3];
	for (unsigned i = 0; i < 3; i++) {
		m = (struct msg){.type = PING};
		CHECK(ipc_send(c[i], &m) == 0);
	}
	CHECK(receive(EP_ANY, &m) == IPC_SEND);
	CHECK((int)m.body.words[0] == -ELOCKED);
}

static struct asend_slot many[8];
static void send_async(long count)
{
	for (long i = 0; i < count; i++) {
		/* slots are filled from the back, so only the cookies give the order */
		struct asend_slot *s = &many[count - 1 - i];

		*s = (struct asend_slot){
			.flags = AMF_VALID, .dst = EP_VM, .cookie = (uint64_t)i + 1};
		s->m.type = PING;
		s->m.body.words[0] = (uint64_t)i;
	}
	CHECK(ipc_asend(many, (unsigned)count) == 0);
}

static void async_messages_keep_their_order(void)
{
	struct msg m;

	child_start(send_async, 8, 0);
	for (uint64_t i = 0; i < 8; i++)
		CHECK(receive(EP_ANY, &m) == IPC_ASEND && m.body.words[0] == i);
	CHECK((many[0].flags & AMF_DONE) && many[0].status == 0);
}

static volatile uint32_t told;

static void ask_and_wait(long unused)
{
	static struct asend_slot s;
	struct msg m;

	(void)unused;
	s = (struct asend_slot){.flags = AMF_VALID, .dst = EP_VM, .cookie = 1, .m.type = PING};
	CHECK(ipc_asend_receive(&s, 1, EP_ANY, &m) == IPC_NBSEND);
	CHECK(s.flags & AMF_DONE && s.status == 0);
	told = (uint32_t)m.body.words[0];
}

/* Who is woken by the message finds its sender waiting. */
static void a_receive_can_send_first(void)
{
	endpoint_t c = child_start(ask_and_wait, 0, 0);
	struct msg m;

	CHECK(receive(EP_ANY, &m) == IPC_ASEND && m.source == c && m.type == PING);
	m.body.words[0] = 5;
	CHECK(ipc_nbsend(c, &m) == 0);
	wait_for_change(&told, 0);
	CHECK(told == 5);
}

static void async_to_the_dead_is_answered(void)
{
	static struct asend_slot s;
	endpoint_t c = child_start(silent, 0, 0);

	child_end(c);
	s = (struct asend_slot){.flags = AMF_VALID, .dst = c, .cookie = 1};
	CHECK(ipc_asend(&s, 1) == 0);
	CHECK((s.flags & AMF_DONE) && s.status == -EDEADSRCDST);
}

static void receive_from_one_leaves_others(void)
{
	endpoint_t a = child_start(send_one, 1, 0), b = child_start(send_one, 2, 0);
	struct msg m;

	CHECK(receive(b, &m) == IPC_SEND && m.type == 2);
	CHECK(receive(a, &m) == IPC_SEND && m.type == 1);
}

static void busy(long unused)
{
	(void)unused;
	for (;;)
		__asm__ volatile("pause");
}

static void alarms_come_in_time(void)
{
	uint64_t start = clock_read();
	struct msg m;

	CHECK(k_setalarm(start + 3000000) == 0);
	CHECK(receive(EP_ANY, &m) == IPC_NOTIFY && m.source == EP_CLOCK);
	CHECK(clock_read() - start >= 3000000);
	CHECK(clock_read() - start < 100000000);
}

/* At once when nobody has work, in time when somebody has. */
static void idle_alarms_come_early(void)
{
	uint64_t start = clock_read();
	struct msg m;

	CHECK(k_setalarm_idle(start + 5000000000) == 0);
	CHECK(receive(EP_ANY, &m) == IPC_NOTIFY && m.source == EP_CLOCK);
	CHECK(clock_read() - start < 2500000000);
	child_start(busy, 0, 0);
	start = clock_read();
	CHECK(k_setalarm_idle(start + 20000000) == 0);
	CHECK(receive(EP_ANY, &m) == IPC_NOTIFY && m.source == EP_CLOCK);
	CHECK(clock_read() - start >= 20000000);
	CHECK(k_setalarm_idle(clock_read() + 5000000000) == 0);
	CHECK(k_setalarm(0) == 0); /* cancelled: a child is still heard */
	child_start(send_one, 3, 0);
	CHECK(receive(EP_ANY, &m) == IPC_SEND && m.type == 3);
}

const struct ktest ipc_tests[] = {
	{"send_is_received", send_is_received},
	{"sendrec_gets_its_reply", sendrec_gets_its_reply},
	{"async_never_ends_a_sendrec", async_never_ends_a_sendrec},
	{"nbsend_does_not_wait", nbsend_does_not_wait},
	{"notifications_merge", notifications_merge},
	{"a_doorbell_that_rings_waits_its_turn", a_doorbell_that_rings_all_the_time_waits_its_turn},
	{"death_wakes_those_who_wait", death_wakes_those_who_wait},
	{"cycles_are_refused", cycles_are_refused},
	{"async_messages_keep_their_order", async_messages_keep_their_order},
	{"a_receive_can_send_first", a_receive_can_send_first},
	{"async_to_the_dead_is_answered", async_to_the_dead_is_answered},
	{"receive_from_one_leaves_others", receive_from_one_leaves_others},
	{"alarms_come_in_time", alarms_come_in_time},
	{"idle_alarms_come_early", idle_alarms_come_early},
	{NULL, NULL},
};
