/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/virtio/vring.c lib/random/ */
/* Split virtqueues: chains go out and come back; a device that lies breaks the ring, not the driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "random/random.h"
#include "virtio/vring.h"

#define SIZE 16

static struct vring v;
static _Alignas(4096) uint8_t memory[4096];
static int cookies[SIZE];

static int setup(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	assert_true(vring_bytes(SIZE) <= sizeof(memory));
	vring_init(&v, SIZE, memory, 0x100000);
	return 0;
}

static bool add(unsigned pieces, void *cookie)
{
	struct vring_piece p[SIZE + 1];

	for (unsigned i = 0; i < pieces; i++)
		p[i] = (struct vring_piece){.bus = i, .len = i + 1, .is_written = i % 2};
	return vring_add(&v, p, pieces, cookie);
}

static void device_returns(uint32_t id, uint32_t len)
{
	v.used->ring[v.used->idx % SIZE] = (struct vring_used_elem){.id = id, .len = len};
	v.used->idx++;
}

static void parts_do_not_overlap(void **state)
{
	(void)state;
	assert_int_equal(v.avail_bus - v.desc_bus, SIZE * 16);
	assert_int_equal(v.avail_bus % 2, 0);
	assert_int_equal(v.used_bus % 4, 0);
	assert_true(v.used_bus >= v.avail_bus + 4 + SIZE * 2 + 2);
	assert_true(v.used_bus + 4 + SIZE * 8 + 2 <= v.desc_bus + vring_bytes(SIZE));
}

static void chains_are_linked_and_published(void **state)
{
	uint16_t head;

	(void)state;
	assert_true(add(3, &cookies[0]));
	assert_int_equal(v.avail->idx, 0);
	assert_true(vring_publish(&v));
	assert_int_equal(v.avail->idx, 1);
	head = v.avail->ring[0];
	assert_int_equal(v.desc[head].flags, VRING_DESC_NEXT);
	head = v.desc[head].next;
	assert_int_equal(v.desc[head].flags, VRING_DESC_NEXT | VRING_DESC_WRITE);
	head = v.desc[head].next;
	assert_int_equal(v.desc[head].flags, 0);
	v.used->flags = VRING_USED_NO_NOTIFY;
	assert_false(vring_publish(&v));
}

static void descriptors_come_back(void **state)
{
	uint32_t len, x = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned count = 0;

		while (add(1 + (random_lcg(&x) >> 20) % 5, &cookies[count]))
			count++;
		assert_true(count >= SIZE / 5);
		for (unsigned i = 0; i < count; i++)
			device_returns(v.avail->ring[(uint16_t)(v.next_avail - 1 - i) % SIZE], 7);
		for (unsigned i = 0; i < count; i++)
			assert_ptr_equal(vring_take(&v, &len), &cookies[count - 1 - i]);
		assert_null(vring_take(&v, &len));
		assert_int_equal(v.free_count, SIZE);
		assert_false(v.is_broken);
	}
}

static void lies_break_the_ring(void **state)
{
	uint32_t len;

	(void)state;
	add(2, &cookies[0]);
	device_returns(SIZE + 3, 0); /* no such descriptor */
	assert_null(vring_take(&v, &len));
	assert_true(v.is_broken);
	assert_false(add(1, &cookies[1]));
	setup(NULL);
	add(2, &cookies[0]);
	device_returns(5, 0); /* not out */
	assert_null(vring_take(&v, &len));
	assert_true(v.is_broken);
	setup(NULL);
	add(2, &cookies[0]);
	device_returns(0, 0);
	device_returns(0, 0); /* twice */
	assert_ptr_equal(vring_take(&v, &len), &cookies[0]);
	assert_null(vring_take(&v, &len));
	assert_true(v.is_broken);
	setup(NULL);
	add(2, &cookies[0]);
	v.used->idx = 1000; /* an index that jumps */
	assert_null(vring_take(&v, &len));
	assert_true(v.is_broken);
}

static uint16_t *used_event(void)
{
	return &v.avail->ring[SIZE];
}

static uint16_t *avail_event(void)
{
	return (uint16_t *)(void *)&v.used->ring[SIZE];
}

static void device_is_notified_when_the_index_passes_its_event(void **state)
{
	(void)state;
	v.has_event_idx = true;
	*avail_event() = 0; /* wants to know of the first one */
	assert_true(add(1, &cookies[0]));
	assert_true(vring_publish(&v));
	assert_true(add(1, &cookies[1]));
	assert_false(vring_publish(&v)); /* it has not asked again */
	*avail_event() = 4;
	for (int i = 2; i < 4; i++)
		assert_true(add(1, &cookies[i]));
	assert_false(vring_publish(&v));
	for (int i = 4; i < 6; i++)
		assert_true(add(1, &cookies[i]));
	assert_true(vring_publish(&v)); /* number 4 is among these */
	assert_false(vring_publish(&v));
}

static void interrupt_is_asked_for_ahead(void **state)
{
	uint32_t len;

	(void)state;
	v.has_event_idx = true;
	for (int i = 0; i < 4; i++)
		assert_true(add(1, &cookies[i]));
	assert_false(vring_arm(&v, 3));
	assert_int_equal(*used_event(), 2);
	device_returns(v.avail->ring[0], 0);
	device_returns(v.avail->ring[1], 0);
	assert_false(vring_arm(&v, 3));
	device_returns(v.avail->ring[2], 0);
	assert_true(vring_arm(&v, 3)); /* too late to ask: they are there */
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(vring_take(&v, &len), &cookies[i]);
	assert_false(vring_arm(&v, 1));
	assert_int_equal(*used_event(), 3);
}

static void interrupt_without_events_is_a_flag(void **state)
{
	uint32_t len;

	(void)state;
	assert_true(add(1, &cookies[0]));
	assert_false(vring_arm(&v, 5));
	assert_int_equal(v.avail->flags, 0);
	device_returns(v.avail->ring[0], 0);
	assert_true(vring_arm(&v, 5));
	assert_int_equal(v.avail->flags, VRING_AVAIL_NO_INTERRUPT);
	assert_ptr_equal(vring_take(&v, &len), &cookies[0]);
	assert_false(vring_arm(&v, 1));
	assert_int_equal(v.avail->flags, 0);
}

static void drained_ring_is_empty(void **state)
{
	unsigned seen = 0;
	void *cookie;

	(void)state;
	assert_null(vring_drain(&v));
	for (int i = 0; i < 5; i++)
		assert_true(add(3, &cookies[i]));
	while ((cookie = vring_drain(&v)) != NULL)
		seen |= 1u << ((int *)cookie - cookies);
	assert_int_equal(seen, 0x1f);
	assert_int_equal(v.free_count, SIZE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(parts_do_not_overlap),
		T(chains_are_linked_and_published),
		T(descriptors_come_back),
		T(lies_break_the_ring),
		T(device_is_notified_when_the_index_passes_its_event),
		T(interrupt_is_asked_for_ahead),
		T(interrupt_without_events_is_a_flag),
		T(drained_ring_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
