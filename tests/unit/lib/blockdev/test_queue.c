/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/blockdev/queue.c lib/blockdev/segments.c lib/arena/runs.c */
/* Request queue (order, ids, quarantine), contiguous segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "blockdev/client.h"
#include "blockdev/host.h"

#define IOS 64

static struct bqueue q;
static struct bdev_io ios[IOS];
static struct bdev units[2];

static int setup(void **state)
{
	(void)state;
	memset(ios, 0, sizeof(ios));
	bqueue_init(&q, 16);
	return 0;
}

static void add(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		ios[i].bdev = &units[i % 2];
		bqueue_add(&q, &ios[i]);
	}
}

static unsigned send_all(void)
{
	struct bdev_io *io;
	unsigned n = 0;

	while ((io = bqueue_next(&q, NULL)) != NULL) {
		bqueue_sent(&q, io, 100 + n);
		n++;
	}
	return n;
}

static void sends_no_more_than_slots(void **state)
{
	(void)state;
	add(0, 40);
	assert_int_equal(send_all(), 16);
	bqueue_remove(&q, &ios[3]);
	assert_ptr_equal(bqueue_next(&q, NULL), &ios[16]);
}

static void ids_match_once_and_never_again(void **state)
{
	uint32_t id;

	(void)state;
	add(0, 1);
	send_all();
	id = ios[0].id;
	assert_ptr_equal(bqueue_match(&q, id), &ios[0]);
	assert_null(bqueue_match(&q, id + 256));
	assert_null(bqueue_match(&q, id ^ 1));
	assert_null(bqueue_match(&q, 0));
	bqueue_remove(&q, &ios[0]);
	assert_null(bqueue_match(&q, id));
	bqueue_add(&q, &ios[0]);
	send_all();
	assert_int_not_equal(ios[0].id, id);
	assert_null(bqueue_match(&q, id));
}

static void replay_keeps_the_order_of_submission(void **state)
{
	struct bdev_io *io;
	unsigned i = 0;

	(void)state;
	add(0, 12);
	send_all();
	bqueue_remove(&q, &ios[0]);
	bqueue_remove(&q, &ios[5]);
	add(12, 14);
	assert_int_equal(bqueue_death(&q), 10);
	assert_null(bqueue_judge(&q, BDEV_BLAME_HARD, false));
	for (io = q.waiting.head; io != NULL; io = io->next, i++)
		if (io->next != NULL)
			assert_true(io->order < io->next->order);
	assert_int_equal(i, 12);
	assert_ptr_equal(q.waiting.head, &ios[1]);
	assert_int_equal(q.free_count, 16);
}

/* All that was sent dies with the server; returns how many were found guilty. */
static unsigned die(unsigned points, bool only_accused)
{
	unsigned count = 0;

	bqueue_death(&q);
	for (struct bdev_io *io = bqueue_judge(&q, points, only_accused); io != NULL; io = io->next)
		count++;
	assert_null(bqueue_judge(&q, points, only_accused)); /* once is enough */
	return count;
}

static void suspects_go_alone(void **state)
{
	(void)state;
	add(0, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send_all(), 3);
		assert_int_equal(die(BDEV_BLAME_HARD, false), 0);
	}
	assert_int_equal(q.suspects, 3);
	add(3, 4);
	assert_int_equal(send_all(), 1);
	assert_int_equal(die(BDEV_BLAME_HARD, false), 1);
	assert_int_equal(ios[0].state, IO_IDLE);
	assert_int_equal(q.suspects, 2);
	assert_int_equal(send_all(), 1);
	bqueue_remove(&q, &ios[1]); /* it was innocent */
	assert_int_equal(send_all(), 1);
	bqueue_remove(&q, &ios[2]);
	assert_int_equal(send_all(), 1);
	assert_int_equal(ios[3].state, IO_SENT);
}

static void deaths_from_outside_are_forgiven(void **state)
{
	(void)state;
	add(0, 2);
	for (unsigned i = 0; i < 12; i++) {
		assert_int_equal(send_all(), 2);
		assert_int_equal(die(0, false), 0);
	}
	assert_int_equal(q.suspects, 0);
	assert_int_equal(ios[0].deaths, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send_all(), 2);
		assert_int_equal(die(BDEV_BLAME_HARD, false), 0);
	}
	assert_int_equal(send_all(), 1);
	assert_int_equal(die(0, false), 0); /* alone, and innocent all the same */
	assert_int_equal(q.suspects, 2);
	assert_int_equal(send_all(), 1);
	assert_int_equal(die(BDEV_BLAME_HARD, false), 1);
	assert_int_equal(ios[0].state, IO_IDLE);
}

static void hangs_count_half(void **state)
{
	(void)state;
	add(0, 1);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(q.suspects, i >= 6);
		assert_int_equal(send_all(), 1);
		assert_int_equal(die(BDEV_BLAME_SOFT, false), 0);
	}
	assert_int_equal(send_all(), 1);
	assert_int_equal(die(BDEV_BLAME_SOFT, false), 1);
}

static void complaints_blame_those_that_they_name(void **state)
{
	(void)state;
	add(0, 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send_all(), 4);
		assert_int_equal(die(BDEV_BLAME_HARD, true), 0); /* another client's complaint */
		assert_int_equal(send_all(), 4);
		ios[2].is_accused = 1;
		assert_int_equal(die(BDEV_BLAME_HARD, true), 0);
	}
	assert_int_equal(q.suspects, 1);
	assert_int_equal(send_all(), 1);
	assert_int_equal(ios[2].state, IO_SENT);
	ios[0].is_accused = 1; /* it waits: nothing that happens now can be its doing */
	ios[2].is_accused = 1;
	assert_int_equal(die(BDEV_BLAME_HARD, true), 1);
	assert_int_equal(ios[2].state, IO_IDLE);
	assert_int_equal(ios[0].deaths, 0);
	assert_int_equal(send_all(), 3);
}

static void completed_ids_are_remembered(void **state)
{
	uint32_t id;

	(void)state;
	add(0, 1);
	send_all();
	id = ios[0].id;
	assert_false(bqueue_was_done(&q, id));
	assert_false(bqueue_was_done(&q, 0));
	bqueue_remove(&q, &ios[0]);
	assert_true(bqueue_was_done(&q, id));
	assert_false(bqueue_was_done(&q, id ^ 1u << 31));
	add(0, 1);
	send_all();
	bqueue_death(&q); /* unsent is not done */
	assert_false(bqueue_was_done(&q, ios[0].id));
}

static void deadlines_are_found_in_order(void **state)
{
	(void)state;
	add(0, 3);
	send_all(); /* 100, 101, 102 */
	assert_null(bqueue_overdue(&q, 99, 1000));
	assert_ptr_equal(bqueue_overdue(&q, 101, 1000), &ios[0]);
	assert_ptr_equal(bqueue_overdue(&q, 101, 1000), &ios[1]);
	assert_null(bqueue_overdue(&q, 101, 1000));
	assert_ptr_equal(bqueue_overdue(&q, 102, 1000), &ios[2]);
}

static void nothing_is_overdue_behind_a_flush(void **state)
{
	(void)state;
	add(0, 3);
	bqueue_sent(&q, &ios[0], 100);
	bqueue_sent(&q, &ios[1], 600); /* a FLUSH */
	bqueue_sent(&q, &ios[2], 101);
	assert_ptr_equal(bqueue_overdue(&q, 100, 1000), &ios[0]);
	assert_null(bqueue_overdue(&q, 500, 1000));
	bqueue_remove(&q, &ios[1]);
	bqueue_hurry(&q, 550);
	assert_ptr_equal(bqueue_overdue(&q, 550, 1000), &ios[2]);
}

/* The next FLUSH keeps its time, and so does what waits behind it. */
static void hurrying_ends_at_the_next_flush(void **state)
{
	(void)state;
	add(0, 3);
	ios[1].op = BLK_FLUSH;
	for (unsigned i = 0; i < 3; i++)
		bqueue_sent(&q, &ios[i], 1000);
	bqueue_hurry(&q, 500);
	assert_ptr_equal(bqueue_overdue(&q, 500, 2000), &ios[0]);
	assert_null(bqueue_overdue(&q, 999, 2000));
}

static void a_unit_moves_with_its_requests(void **state)
{
	static struct bqueue other;

	(void)state;
	bqueue_init(&other, 16);
	add(0, 10);
	bqueue_move(&q, &other, &units[1]);
	assert_int_equal(q.waiting.count, 5);
	assert_int_equal(other.waiting.count, 5);
	assert_ptr_equal(other.waiting.head, &ios[1]);
	assert_ptr_equal(other.waiting.tail, &ios[9]);
}

static void segments_join_what_is_contiguous(void **state)
{
	static struct bserver_session s;
	static struct bserver_request r;
	uint64_t bus[6] = {0x10000, 0x11000, 0x12000, 0x30000, 0x31000, 0x50000};
	uint16_t run[6];
	struct bserver_cursor c = {0};
	struct bserver_segment seg;

	(void)state;
	arena_runs(bus, run, 6);
	assert_int_equal(run[0], 3);
	assert_int_equal(run[4], 1);
	s.arenas.slots[0].map.bus = bus;
	s.arenas.slots[0].map.run = run;
	r.session = &s;
	r.element_count = 2;
	r.elements[0] = (struct bserver_element){.len_bytes = 4096, .offset = 0x800};
	r.elements[1] = (struct bserver_element){.len_bytes = 4 * 4096, .offset = 0x1800};
	assert_true(bserver_segment(&r, &c, 1u << 22, &seg));
	assert_int_equal(seg.bus, 0x10800);
	assert_int_equal(seg.len_bytes, 0x2800);
	assert_true(bserver_segment(&r, &c, 0x1000, &seg));
	assert_int_equal(seg.bus, 0x30000);
	assert_int_equal(seg.len_bytes, 0x1000);
	assert_true(bserver_segment(&r, &c, 1u << 22, &seg));
	assert_int_equal(seg.bus, 0x31000);
	assert_int_equal(seg.len_bytes, 0x1000);
	assert_true(bserver_segment(&r, &c, 1u << 22, &seg));
	assert_int_equal(seg.bus, 0x50000);
	assert_int_equal(seg.len_bytes, 0x800);
	assert_false(bserver_segment(&r, &c, 1u << 22, &seg));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(sends_no_more_than_slots),
		T(ids_match_once_and_never_again),
		T(replay_keeps_the_order_of_submission),
		T(suspects_go_alone),
		T(deaths_from_outside_are_forgiven),
		T(hangs_count_half),
		T(complaints_blame_those_that_they_name),
		T(completed_ids_are_remembered),
		T(deadlines_are_found_in_order),
		T(nothing_is_overdue_behind_a_flush),
		T(hurrying_ends_at_the_next_flush),
		T(a_unit_moves_with_its_requests),
		T(segments_join_what_is_contiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
