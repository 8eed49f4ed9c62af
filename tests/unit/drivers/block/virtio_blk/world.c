/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "random/random.h"
#include "virtio/virtio.h"
#include "world.h"

#define DISK_SECTORS CLIENT_SECTORS
#define CHAIN_NS     (MS / 2)

struct world world;

static const struct bserver_ops *ops;
static struct vring *ring; /* the driver's; NULL: it is not running */
static void *ring_memory, *headers;
static bool has_interrupt;

/* Chains that the device has taken. */
static struct chain {
	uint16_t head;
	uint64_t t_due;
	enum fate fate;
} chains[VRING_SIZE_MAX];
static unsigned chain_count;
static uint16_t taken;

uint32_t world_random(uint32_t below)
{
	return random_below(&world.random, below);
}

/* ---- lib/sys, lib/driver, lib/virtio ---- */

uint64_t now_ns(void)
{
	return world.now;
}

void *vm_alloc_dma(size_t len, unsigned flags, unsigned colour, uint64_t *pa)
{
	(void)flags;
	(void)colour;
	headers = calloc(1, len);
	*pa = (uintptr_t)headers;
	return headers;
}

int driver_attach(const struct driver_devices *d, unsigned *count)
{
	*count = 1;
	return d->start(0);
}

void pcidev_irq_done(struct pcidev *d)
{
	(void)d;
}

int virtio_start(struct virtio *v, uint64_t understood)
{
	v->features = understood & world.device.offered;
	return 0;
}

int virtio_route_irq(struct virtio *v, unsigned hook)
{
	(void)v;
	(void)hook;
	return 0;
}

int virtio_queue(struct virtio *v, unsigned index, unsigned size, struct vring *r)
{
	uint16_t n = world.device.ring_size < size ? world.device.ring_size : (uint16_t)size;

	(void)v;
	assert_int_equal(index, 0);
	ring_memory = aligned_alloc(4096, (vring_bytes(n) + 4095) & ~4095ull);
	memset(ring_memory, 0, vring_bytes(n));
	vring_init(r, n, ring_memory, (uintptr_t)ring_memory);
	ring = r;
	return 0;
}

int virtio_run(struct virtio *v)
{
	(void)v;
	return 0;
}

void virtio_notify(struct virtio *v, unsigned queue)
{
	(void)v;
	(void)queue;
}

unsigned virtio_clear_irq(struct virtio *v)
{
	(void)v;
	return 0;
}

uint64_t virtio_config(const struct virtio *v, unsigned offset, unsigned width)
{
	(void)v;
	(void)width;
	return offset == CFG_CAPACITY  ? DISK_SECTORS
	       : offset == CFG_SEG_MAX ? world.device.seg_max
	                               : 0;
}

/* ---- the device ---- */

static enum fate next_fate(void)
{
	struct device *d = &world.device;
	enum fate f;

	if (d->next_fate < d->fates)
		return d->fate[d->next_fate++];
	if (world_random(1000) >= d->fault_per_mille)
		return FATE_GOOD;
	f = (enum fate)world_random(FATE_SHORT + 1);
	return f == FATE_NEVER ? FATE_GOOD : f;
}

void fate(enum fate f, unsigned count)
{
	struct device *d = &world.device;

	while (count-- > 0) {
		assert_true(d->fates < 64);
		d->fate[d->fates++] = f;
	}
}

static void take_chains(void)
{
	while (ring != NULL && taken != ring->avail->idx) {
		enum fate f = next_fate();

		chains[chain_count++] = (struct chain){
			.head = ring->avail->ring[taken++ & (ring->size - 1)],
			.t_due = f == FATE_NEVER ? UINT64_MAX
		                                 : world.now + 1 + world_random(CHAIN_NS),
			.fate = f};
	}
	if (chain_count > world.device.most)
		world.device.most = chain_count;
}

static void put_used(uint32_t id, uint32_t len)
{
	ring->used->ring[ring->used->idx & (ring->size - 1)] =
		(struct vring_used_elem){.id = id, .len = len};
	ring->used->idx++;
}

/* Moves the data descriptors behind the header; returns bytes, and *status where the status goes. */
static uint32_t move(const struct header *h, const struct vring_desc *d, uint64_t limit,
                     uint8_t **status)
{
	uint8_t *cells = world.device.cells + h->sector * BLK_SECTOR;
	uint32_t done = 0;

	for (;; d = &ring->desc[d->next]) {
		uint8_t *at = (uint8_t *)(uintptr_t)d->addr;
		uint32_t n = d->len;

		if (!(d->flags & VRING_DESC_NEXT)) {
			assert_true(d->len == 1 && d->flags & VRING_DESC_WRITE);
			*status = at;
			return done;
		}
		assert_int_equal((d->flags & VRING_DESC_WRITE) != 0, h->type == T_IN);
		assert_true(h->sector * BLK_SECTOR + done + n <= DISK_SECTORS * BLK_SECTOR);
		n = done + n > limit ? (uint32_t)(limit - done) : n;
		if (h->type == T_IN)
			memcpy(at, cells + done, n);
		else
			memcpy(cells + done, at, n);
		done += n;
	}
}

static void end_chain(const struct chain *c)
{
	const struct vring_desc *d = &ring->desc[c->head];
	const struct header *h = (const struct header *)(uintptr_t)d->addr;
	uint64_t limit = c->fate == FATE_SHORT && h->type == T_IN ? 256 : UINT64_MAX;
	bool is_refused = c->fate == FATE_ERROR || c->fate == FATE_UNSUPPORTED;
	uint8_t *status = NULL;
	uint32_t bytes;

	assert_true(d->len == HEADER_BYTES && d->flags == VRING_DESC_NEXT);
	bytes = move(h, &ring->desc[d->next], is_refused ? 0 : limit, &status);
	*status = c->fate == FATE_ERROR ? S_IOERR : c->fate == FATE_UNSUPPORTED ? S_UNSUPP : S_OK;
	world.device.commands++;
	world.device.unflushed =
		h->type == T_FLUSH ? 0 : world.device.unflushed + (h->type == T_OUT);
	world.device.flushes += h->type == T_FLUSH;
	put_used(c->fate == FATE_BAD_ID ? 4711 : c->head, (h->type == T_IN ? bytes : 0) + 1);
	if (c->fate == FATE_TWICE)
		put_used(c->head, 1);
	has_interrupt |= c->fate != FATE_SILENT;
}

static void run_device(void)
{
	take_chains();
	for (unsigned i = 0; i < chain_count;) {
		struct chain c = chains[i];

		if (c.t_due > world.now) {
			i++;
			continue;
		}
		chains[i] = chains[--chain_count];
		end_chain(&c);
	}
}

/* ---- lib/blockdev ---- */

const struct server_half bserver_half;

void bserver_init(const struct bserver_config *c)
{
	ops = c->ops;
}

int bserver_publish(const char *name, unsigned unit)
{
	assert_string_equal(name, "vd0");
	assert_int_equal(unit, 0);
	return 0;
}

int bserver_status_text(char *buf, size_t len)
{
	(void)buf;
	(void)len;
	return 0;
}

/* ---- life and time ---- */

static void settle(void)
{
	uint64_t at;

	ops->flush_batch();
	run_device();
	if (has_interrupt) {
		has_interrupt = false;
		virtio_blk_driver.interrupt(1);
	} else if (world.alarm_at != 0 && world.now >= world.alarm_at) {
		world.alarm_at = 0;
		virtio_blk_driver.alarm(world.now);
	}
	at = virtio_blk_driver.next_alarm();
	if (at != 0 && (world.alarm_at == 0 || at < world.alarm_at))
		world.alarm_at = at;
}

void run(uint64_t ns)
{
	for (uint64_t end = world.now + ns; world.now < end; world.now += MS / 50)
		settle();
}

void run_until_idle(void)
{
	for (uint64_t end = world.now + 60 * SECOND; client.pending > 0;) {
		assert_true(world.now < end);
		run(chain_count > 0 && world.device.fault_per_mille == 0 ? MS / 10 : MS);
	}
}

void start_driver(void)
{
	const struct sys_init how = {.how = SYS_INIT_FIRST};

	world.alarm_at = 0;
	assert_int_equal(virtio_blk_driver.init(&how), 0);
}

void kill_driver(void)
{
	ring = NULL;
	chain_count = taken = 0;
	has_interrupt = false;
	free(ring_memory);
	free(headers);
	ring_memory = headers = NULL;
}

static void submit(struct bserver_request *r)
{
	ops->submit(r);
}

static bool has_cache(void)
{
	return (world.device.offered & F_FLUSH) != 0;
}

/* The device is the process: it reaches everything. */
static void lend(const void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
}

static void take_back(const void *memory)
{
	(void)memory;
}

static const struct client_world around = {.now = &world.now,
                                           .submit = submit,
                                           .wait = run_until_idle,
                                           .has_cache = has_cache,
                                           .lend = lend,
                                           .take_back = take_back,
                                           .element_bytes = ASK_SECTORS * BLK_SECTOR};

int set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	client_reset(&around);
	client.is_patient = true;
	world.now = SECOND;
	world.random = 1;
	world.device.ring_size = 256;
	world.device.seg_max = 126;
	world.device.offered = F_SEG_MAX | F_FLUSH;
	world.device.cells = calloc(DISK_SECTORS, BLK_SECTOR);
	start_driver();
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	kill_driver();
	free(world.device.cells);
	return 0;
}
