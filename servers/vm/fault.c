/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making pages present: demand zero, copy on write, pages of objects. For each page of a range:
 *
 *   no region, or not allowed                      -EFAULT
 *   entry there, no write or not on loan           as it is
 *   entry there, PE_COW, write, frame is ours alone  take it: clear PE_COW
 *   entry there, PE_COW, write, frame is shared    copy
 *   no entry, ANON                                 zeroed frame
 *   no entry, SHM                                  the object's frame, made on demand
 *   no entry, FILE                                 the object's frame on loan (shared: for good), a
 * copy for writing; not cached: -EINPROGRESS and *need
 *
 * A fault brings in more than was asked for (the aligned window around it) when that is cheap: what
 * an object has already, and, while RAM is plenty, zeroed frames.
 */
#include <errno.h>
#include <string.h>
#include "vm.h"

#define WINDOW_PAGES    16u /* of objects; a power of two */
#define WINDOW_ZERO     8u  /* of zeroed frames */
/* One request makes at most so many pages present; a longer copy faults again. */
#define RANGE_PAGES_MAX 1024u
#define POPULATE_PAGES  4096u
#define POPULATE_STEP   (1ul << 20)
#define PREFAULT_PAGES  1024u /* of a mapping whose pages are cached */
#define PREFAULT_COPIES 24u   /* writable parts up to this size are copied at once */

static uint64_t object_page(const struct region *r, uint64_t page)
{
	return PAGE_OF(r->offset) + (page - PAGE_OF(r->start));
}

static int set_entry(struct space *s, uint64_t page, uint32_t entry)
{
	int err = pagemap_set(&s->pages, page, entry);

	if (err < 0)
		frame_unref(entry & PE_FRAME);
	return err;
}

static unsigned urgency(const struct space *s)
{
	return s->is_system ? FRAME_URGENT : 0;
}

static int fill_zero(struct space *s, uint64_t page)
{
	uint32_t n = memory_page(FRAME_ANON, urgency(s));

	return n == FRAME_NONE ? -ENOMEM : set_entry(s, page, n);
}

/* A private copy of the first len bytes of a frame, the rest zero. Replaces the entry, if any. */
static int fill_copy(struct space *s, uint64_t page, uint32_t from, uint64_t len_bytes)
{
	uint32_t n = memory_dirty_page(FRAME_ANON, urgency(s));
	uint32_t old = pagemap_get(&s->pages, page);
	int err;

	if (n == FRAME_NONE)
		return -ENOMEM;
	memory_copy(frame_ptr(n), frame_ptr(from));
	if (len_bytes < PAGE_BYTES)
		memset((uint8_t *)frame_ptr(n) + len_bytes, 0, PAGE_BYTES - len_bytes);
	err = set_entry(s, page, n);
	if (err == 0 && old != 0)
		frame_unref(old & PE_FRAME);
	return err;
}

static int break_loan(struct space *s, uint64_t page, uint32_t entry)
{
	uint32_t n = entry & PE_FRAME;

	if (frame_is_shared(n))
		return fill_copy(s, page, n, PAGE_BYTES);
	return pagemap_set(&s->pages, page, n);
}

static int fill_shm(struct space *s, const struct region *r, uint64_t page)
{
	struct object *o = object_nth(r->object);
	uint64_t opage = object_page(r, page);
	uint32_t n = pagemap_get(&o->pages, opage);

	if (opage >= o->limit_pages)
		return -EIO;
	if (n == 0) {
		n = memory_page(FRAME_ANON, urgency(s));
		if (n == FRAME_NONE)
			return -ENOMEM;
		if (pagemap_set(&o->pages, opage, n) < 0) {
			frame_unref(n);
			return -ENOMEM;
		}
	}
	frame_ref(n);
	return set_entry(s, page, n);
}

/* Bytes of the page that come from the file; the rest is zero in private memory. */
static uint64_t file_part(const struct region *r, uint64_t opage)
{
	uint64_t pos = ADDR_OF(opage);

	if (r->file_end <= pos)
		return 0;
	return r->file_end - pos < PAGE_BYTES ? r->file_end - pos : PAGE_BYTES;
}

static int fill_file(struct space *s, const struct region *r, uint64_t page, bool is_write)
{
	struct object *o = object_nth(r->object);
	uint64_t opage = object_page(r, page);
	uint64_t len = file_part(r, opage);
	uint32_t n;

	if (len == 0)
		return (r->flags & RF_BSS) ? fill_zero(s, page) : -EIO;
	n = pagemap_get(&o->pages, opage);
	if (n == 0)
		return -EINPROGRESS;
	if (r->flags & RF_SHARED) {
		frame_ref(n);
		return set_entry(s, page, n);
	}
	/* The last page of a writable segment: what follows it in the file must read as zero. */
	if ((r->flags & RF_BSS) && len < PAGE_BYTES && (r->prot & VMP_WRITE))
		return fill_copy(s, page, n, len);
	if (is_write)
		return fill_copy(s, page, n, PAGE_BYTES);
	frame_ref(n);
	return set_entry(s, page, n | PE_COW);
}

/* One page of r: 0, or why not. The hardware tables are not touched. */
static int fill_page(struct space *s, const struct region *r, uint64_t page, bool is_write)
{
	uint32_t entry = pagemap_get(&s->pages, page);

	if (entry != 0)
		return is_write && (entry & PE_COW) ? break_loan(s, page, entry) : 0;
	switch ((enum region_kind)r->kind) {
	case REGION_ANON: return fill_zero(s, page);
	case REGION_SHM: return fill_shm(s, r, page);
	case REGION_FILE: return fill_file(s, r, page, is_write);
	case REGION_PHYS: return 0;
	case REGION_DMA:
	case REGION_SAFEMAP: return -EFAULT; /* all present from the start, or revoked */
	}
	return -EFAULT;
}

static bool is_allowed(const struct region *r, unsigned access)
{
	if (access & ACCESS_FORCE)
		return true;
	if ((access & ACCESS_WRITE) && !(r->prot & VMP_WRITE))
		return false;
	if ((access & ACCESS_EXEC) && !(r->prot & VMP_EXEC))
		return false;
	return r->prot != 0;
}

/* Aligned window of `size` pages around [first, end), within r. */
static void widen(const struct region *r, uint64_t size, uint64_t *first, uint64_t *end)
{
	uint64_t low = *first & ~(size - 1), high = (*end + size - 1) & ~(size - 1);

	*first = low > PAGE_OF(r->start) ? low : PAGE_OF(r->start);
	*end = high < PAGE_OF(r->end) ? high : PAGE_OF(r->end);
}

/* Enters what the cache has of [first, end) where nothing is yet, leaf by leaf: an exec does this
 * for all pages of a program. Only pages that are wholly the file's: the last one of a writable
 * segment is a copy (fill_file). */
static int lend_cached(struct space *s, const struct region *r, uint64_t first, uint64_t end)
{
	struct object *o = object_nth(r->object);
	uint64_t delta = object_page(r, first) - first; /* modulo 2^64 */
	uint64_t whole =
		(r->prot & VMP_WRITE) ? PAGE_OF(r->file_end) : PAGE_OF(PAGE_UP(r->file_end));
	uint32_t flags = (r->flags & RF_SHARED) ? 0 : PE_COW;
	struct pagemap_span span;

	if (end + delta > whole)
		end = whole - delta;
	while (pagemap_span(&o->pages, first + delta, end + delta, &span)) {
		uint64_t page = span.first - delta, room = PAGEMAP_LEAF - page % PAGEMAP_LEAF;
		uint32_t *to = pagemap_make(&s->pages, page);
		int32_t count = 0;

		if (to == NULL)
			return -ENOMEM;
		if (span.count > room)
			span.count = (uint32_t)room;
		for (uint32_t i = 0; i < span.count; i++) {
			if (to[i] != 0 || span.entries[i] == 0)
				continue;
			frame_ref(span.entries[i]);
			to[i] = span.entries[i] | flags;
			count++;
		}
		pagemap_adjust(&s->pages, page, count);
		first = page + span.count;
	}
	return 0;
}

/* Fills what is cheap around what was asked for; errors only mean that less is filled. */
static void fill_around(struct space *s, const struct region *r, uint64_t *first, uint64_t *end)
{
	bool is_zero = r->kind == REGION_ANON ||
	               (r->kind == REGION_FILE && object_page(r, *first) >= PAGE_OF(r->file_end));

	if (r->kind == REGION_FILE && !is_zero) {
		widen(r, WINDOW_PAGES, first, end);
		if (lend_cached(s, r, *first, *end) < 0)
			return; /* what is there is shown all the same */
		return;
	}
	if ((!is_zero && r->kind != REGION_SHM) || !memory_is_plenty())
		return;
	widen(r, is_zero ? WINDOW_ZERO : WINDOW_PAGES, first, end);
	for (uint64_t page = *first; page < *end; page++)
		if (pagemap_get(&s->pages, page) == 0 && fill_page(s, r, page, false) == -ENOMEM)
			return;
}

static int present_part(struct space *s, const struct region *r, const struct access_range *a,
                        struct need *need)
{
	uint64_t first = PAGE_OF(a->addr), end = PAGE_OF(a->addr + a->len_bytes - 1) + 1;
	bool is_write = (a->access & ACCESS_WRITE) != 0;

	for (uint64_t page = first; page < end; page++) {
		int err = fill_page(s, r, page, is_write);

		if (err == -EINPROGRESS) {
			need->object = object_nth(r->object);
			need->page = object_page(r, page);
			need->limit_pages = PAGE_OF(PAGE_UP(r->file_end));
		}
		if (err < 0)
			return err;
	}
	fill_around(s, r, &first, &end);
	return space_show(s, r, first, end);
}

int space_make_present(struct space *s, const struct access_range *a, struct need *need)
{
	uint64_t addr = a->addr, end = a->addr + a->len_bytes;

	if (a->len_bytes == 0 || end < addr || end > VM_USER_TOP)
		return -EFAULT;
	if (end - PAGE_DOWN(addr) > ADDR_OF(RANGE_PAGES_MAX))
		end = PAGE_DOWN(addr) + ADDR_OF(RANGE_PAGES_MAX);
	while (addr < end) {
		const struct region *r = regions_find(&s->regions, addr);
		struct access_range part = {.addr = addr, .access = a->access};
		struct region copy;
		int err;

		if (r == NULL || !is_allowed(r, a->access))
			return -EFAULT;
		copy = *r;
		part.len_bytes = (end < copy.end ? end : copy.end) - addr;
		err = present_part(s, &copy, &part, need);
		if (err < 0)
			return err;
		addr += part.len_bytes;
	}
	return 0;
}

void space_prefault(struct space *s, const struct region *r)
{
	uint64_t first = PAGE_OF(r->start), end = PAGE_OF(r->end);
	bool is_small = r->file_end > r->offset &&
	                PAGE_OF(r->file_end - r->offset) < PREFAULT_COPIES && memory_is_plenty();
	bool want_copies = (r->prot & VMP_WRITE) && is_small;

	if (r->kind != REGION_FILE)
		return;
	/* Writable memory behind the file's part is touched soon, too: some of it at once. */
	if (end - first > PREFAULT_PAGES)
		end = first + PREFAULT_PAGES;
	if (lend_cached(s, r, first, end) < 0)
		return;
	for (uint64_t page = first; want_copies && page < end; page++) {
		bool is_bss = file_part(r, object_page(r, page)) == 0;

		if (is_bss && page - first >= PREFAULT_COPIES)
			break;
		if (fill_page(s, r, page, true) < 0)
			break;
	}
	if (space_show(s, r, first, end) < 0)
		return; /* the first access will try again */
}

void space_populate(struct space *s, uint64_t start, uint64_t end)
{
	uint64_t left = ADDR_OF(POPULATE_PAGES);
	struct need need;

	while (start < end && left > 0) {
		const struct region *r = regions_find(&s->regions, start);
		struct access_range a = {.addr = start};

		if (r == NULL || r->prot == 0)
			return;
		a.access = (r->prot & VMP_WRITE) ? ACCESS_WRITE : ACCESS_READ;
		a.len_bytes = (r->end < end ? r->end : end) - start;
		if (a.len_bytes > POPULATE_STEP)
			a.len_bytes = POPULATE_STEP;
		if (space_make_present(s, &a, &need) < 0)
			return; /* the rest comes on demand */
		start += a.len_bytes;
		left -= a.len_bytes < left ? a.len_bytes : left;
	}
}
