/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our view of physical memory: maps RAM and the boot archive into our own space (RAM_VA), sets up
 * the frame allocator, and hands out zeroed frames, giving up cached pages when RAM is short.
 *
 * Start-up order matters: page tables for our own space need zeroed frames, and we cannot touch RAM
 * before it is mapped. So the first tables are pages of our own BSS, which the kernel has zeroed
 * and nobody uses; what they map is cleared and used as tables for the rest.
 */
#include <errno.h>
#include <string.h>
#include "vm.h"

#define RESERVE_SHARE 64u   /* of all frames, 1/64 is kept for recovery ... */
#define RESERVE_MAX   1024u /* ... but at most so many */
#define RECLAIM_BATCH 64u
#define GIB           (1ul << 30)
#define BOOT_TABLES   8u /* top to leaf twice, and two more */

static uint8_t boot_tables[BOOT_TABLES][PAGE_BYTES] __attribute__((aligned(4096)));
static unsigned boot_tables_used;
/* RAM that is mapped and can be cleared for more tables: [next, end). */
static uint64_t spare_next, spare_end;

static void give_own_table(void)
{
	struct kvmctl v = {0};

	if (spare_next < spare_end) {
		memset((uint8_t *)RAM_VA + spare_next, 0, PAGE_BYTES);
		v.pa = spare_next;
		spare_next += PAGE_BYTES;
	} else {
		VM_ASSERT(boot_tables_used < BOOT_TABLES);
		v.va = (uint64_t)boot_tables[boot_tables_used++];
		VM_ASSERT(k_vmctl(VMCTL_QUERY, &v) == 0);
		v.va = 0;
	}
	VM_ASSERT(k_vmctl(VMCTL_GIVE, &v) == 0);
}

static void map_ram(uint64_t pa, uint64_t len_bytes, uint32_t prot)
{
	uint64_t end = pa + len_bytes;

	while (pa < end) {
		struct kvmctl v = {
			.va = RAM_VA + pa, .pa = pa, .pages = PAGE_OF(end - pa), .prot = prot};
		int r = k_vmctl(VMCTL_MAP, &v);

		if (r == -ENOTABLES) {
			give_own_table();
			continue;
		}
		VM_ASSERT(r > 0);
		pa += ADDR_OF(r);
	}
}

static unsigned largest_range(const struct boot_info *boot)
{
	unsigned best = 0;

	for (unsigned i = 1; i < boot->free_count; i++)
		if (boot->free[i].len_bytes > boot->free[best].len_bytes)
			best = i;
	return best;
}

/* The part of a range that the first tables can certainly map: within one GiB. */
static void map_first_part(const struct boot_range *r)
{
	uint64_t end = r->base + r->len_bytes;
	uint64_t border = (r->base / GIB + 1) * GIB;

	if (end > border)
		end = border;
	map_ram(r->base, end - r->base, VMP_READ | VMP_WRITE);
	spare_next = r->base;
	spare_end = end;
}

static void add_frames(const struct boot_info *boot, unsigned first_range, uint64_t used_end)
{
	for (unsigned i = 0; i < boot->free_count; i++) {
		uint64_t base = boot->free[i].base;
		uint64_t end = base + boot->free[i].len_bytes;

		if (i == first_range)
			base = used_end;
		frame_add_range((uint32_t)PAGE_OF(base), (uint32_t)PAGE_OF(end - base));
	}
}

void memory_init(const struct boot_info *boot)
{
	uint32_t count = (uint32_t)PAGE_OF(PAGE_UP(boot->phys_top));
	uint64_t table_bytes = PAGE_UP(count * sizeof(struct frame));
	unsigned first = largest_range(boot);
	uint64_t table_pa, reserve;

	VM_ASSERT(boot->free_count > 0 && boot->free_count <= BOOT_RANGES_MAX);
	VM_ASSERT(boot->phys_top <= (uint64_t)PE_FRAME << PAGE_SHIFT);
	map_first_part(&boot->free[first]);
	for (unsigned i = 0; i < boot->free_count; i++)
		map_ram(boot->free[i].base, boot->free[i].len_bytes, VMP_READ | VMP_WRITE);
	map_ram(boot->archive_pa, PAGE_UP(boot->archive_bytes), VMP_READ);
	VM_ASSERT(spare_next + table_bytes < boot->free[first].base + boot->free[first].len_bytes);
	table_pa = spare_next;
	memset((uint8_t *)RAM_VA + table_pa, 0, table_bytes);
	frame_init((struct frame *)(RAM_VA + table_pa), count, (uint8_t *)RAM_VA);
	add_frames(boot, first, table_pa + table_bytes);
	reserve = frame_counts.total / RESERVE_SHARE;
	frame_set_reserve(reserve < RESERVE_MAX ? (uint32_t)reserve : RESERVE_MAX);
}

/* Plain 64-bit stores: under emulation `rep stos`, which memset uses, is ten times slower. The
 * empty asm keeps the compiler from turning the loop back into memset. */
static void clear_pages(void *at, uint64_t pages)
{
	uint64_t *p = at, *end = p + pages * (PAGE_BYTES / sizeof(*p));

	for (; p < end; p += 8) {
		__asm__ volatile("" : "+r"(p));
		p[0] = p[1] = p[2] = p[3] = 0;
		p[4] = p[5] = p[6] = p[7] = 0;
	}
}

void memory_copy(void *to, const void *from)
{
	uint64_t *d = to;
	const uint64_t *s = from, *end = s + PAGE_BYTES / sizeof(*s);

	for (; s < end; s += 4, d += 4) {
		uint64_t a = s[0], b = s[1], c = s[2], e = s[3];

		__asm__ volatile("" : "+r"(d));
		d[0] = a;
		d[1] = b;
		d[2] = c;
		d[3] = e;
	}
}

uint32_t memory_dirty_page(enum frame_kind kind, unsigned flags)
{
	uint32_t n = frame_alloc(0, kind, flags);

	if (n == FRAME_NONE && object_reclaim(RECLAIM_BATCH) > 0)
		n = frame_alloc(0, kind, flags);
	return n;
}

uint32_t memory_page(enum frame_kind kind, unsigned flags)
{
	uint32_t n = memory_dirty_page(kind, flags);

	if (n != FRAME_NONE)
		clear_pages(frame_ptr(n), 1);
	return n;
}

uint32_t memory_run(uint32_t count, enum frame_kind kind, unsigned flags)
{
	uint32_t n = frame_alloc_run(count, kind, flags);

	while (n == FRAME_NONE && object_reclaim(count < RECLAIM_BATCH ? RECLAIM_BATCH : count) > 0)
		n = frame_alloc_run(count, kind, flags);
	if (n != FRAME_NONE)
		clear_pages(frame_ptr(n), count);
	return n;
}

bool memory_is_plenty(void)
{
	return frame_counts.free > frame_counts.total / 8 + frame_counts.reserve;
}
