/* SPDX-License-Identifier: BSD-2-Clause */
/* The way down: staging memory as the lower unit's arena, and transfers between the two. */
#include <string.h>
#include "arena/arena.h"
#include "checksum.h"

static struct staging pages;
static uint8_t *base;
static int arena;

/* Fibers that wait for staging memory, first come first served. */
static struct waiting {
	struct fiber *fiber;
	uint32_t pages;
} queue[REQUESTS_MAX + 4];
static unsigned queue_count;

int staging_setup(void)
{
	uint64_t pa;

	/* Contiguous memory makes a large request one DMA segment; any other works too. */
	base = vm_alloc_dma(STAGING_BYTES, 0, 0, &pa);
	if (base == NULL) {
		base = arena_pages(STAGING_BYTES);
		if (base == NULL)
			return -ENOMEM;
	}
	staging_init(&pages, STAGING_BYTES / PAGE_BYTES);
	arena = bdev_arena(base, STAGING_BYTES, false);
	return arena < 0 ? arena : 0;
}

uint8_t *staging_take(uint32_t sectors)
{
	uint32_t count = (uint32_t)((sectors * (size_t)SUM_SECTOR + PAGE_BYTES - 1) / PAGE_BYTES);
	int first = queue_count == 0 ? staging_alloc(&pages, count) : -1;

	while (first < 0) {
		SYS_ASSERT(queue_count < sizeof(queue) / sizeof(queue[0]));
		queue[queue_count++] = (struct waiting){fiber_self(), count};
		first = (int)fiber_wait();
	}
	return base + (size_t)first * PAGE_BYTES;
}

void staging_give(uint8_t *memory)
{
	staging_free(&pages, (int)((size_t)(memory - base) / PAGE_BYTES));
	while (queue_count > 0) {
		struct waiting w = queue[0];
		int first = staging_alloc(&pages, w.pages);

		if (first < 0)
			return;
		queue_count--;
		memmove(queue, queue + 1, queue_count * sizeof(queue[0]));
		fiber_wake(w.fiber, first);
	}
}

static void make_io(const struct extent *e, struct lower_io *o)
{
	o->element = (struct blk_element){.offset = (uint64_t)(e->memory - base),
	                                  .len_bytes = e->sectors * SUM_SECTOR,
	                                  .arena = (uint16_t)arena};
	o->io.sector = e->sector;
	o->io.sectors = e->sectors;
	o->io.element_count = 1;
	o->io.elements = &o->element;
}

int lower_transfer(const struct extent *e, enum blk_op op, uint8_t flags, uint8_t replica)
{
	struct lower_io o = {.io = {.op = (uint8_t)op, .flags = flags, .replica = replica}};

	make_io(e, &o);
	return bdev_io_wait(medium.lower, &o.io);
}

void lower_submit(struct filter_gate *g, const struct extent *e, struct lower_io *o)
{
	make_io(e, o);
	filter_submit(g, medium.lower, &o->io);
}
