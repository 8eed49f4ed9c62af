/* SPDX-License-Identifier: BSD-2-Clause */
/* brk, mprotect, mremap: changes of mappings that exist. All check everything before they change.
 */
#include <errno.h>
#include <sys/mman.h>
#include "vm.h"

#define HEAP_AHEAD   (4 * PAGE_BYTES)
#define MREMAP_KNOWN (MREMAP_MAYMOVE | MREMAP_FIXED)

static bool is_user_range(uint64_t addr, uint64_t len_bytes)
{
	return addr % PAGE_BYTES == 0 && addr < VM_USER_TOP && len_bytes <= VM_USER_TOP - addr;
}

static int grow_heap(struct space *s, uint64_t from, uint64_t to)
{
	struct region r = {.start = from,
	                   .end = to,
	                   .prot = VMP_READ | VMP_WRITE,
	                   .max_prot = VMP_READ | VMP_WRITE | VMP_EXEC,
	                   .kind = REGION_ANON,
	                   .flags = RF_HEAP};
	int err;

	if (!regions_is_free(&s->regions, from, to))
		return -ENOMEM;
	err = space_prepare(s, &r);
	if (err < 0)
		return err;
	space_add_region(s, &r);
	if (to - from <= HEAP_AHEAD && memory_is_plenty()) /* it is touched at once */
		space_populate(s, from, to);
	return 0;
}

/* As Linux: the new break, or on any failure the old one. */
int64_t linux_brk(const struct linux_request *rq)
{
	struct space *s = rq->space;
	uint64_t want = rq->args[0];
	uint64_t old_end = PAGE_UP(s->brk_end), new_end = PAGE_UP(want);

	if (want < s->brk_start || want >= VM_INTERP_BASE)
		return (int64_t)s->brk_end;
	if (new_end > old_end && grow_heap(s, old_end, new_end) < 0)
		return (int64_t)s->brk_end;
	if (new_end < old_end) {
		if (regions_reserve(&s->regions, 2) < 0)
			return (int64_t)s->brk_end;
		space_unmap(s, new_end, old_end);
	}
	s->brk_end = want;
	return (int64_t)want;
}

/* Whether every region of the range may get prot, and how the commitment changes. */
static int check_protect(struct space *s, uint64_t addr, uint64_t end, uint32_t prot)
{
	int64_t change = 0;

	if (!regions_is_covered(&s->regions, addr, end))
		return -ENOMEM;
	for (uint32_t i = regions_search(&s->regions, addr); i < s->regions.count; i++) {
		const struct region *r = regions_at(&s->regions, i);
		struct region old, new;

		if (r->start >= end)
			break;
		if (prot & ~(uint32_t)r->max_prot)
			return -EACCES;
		old = *r;
		old.start = r->start > addr ? r->start : addr;
		old.end = r->end < end ? r->end : end;
		new = old;
		new.prot = (uint8_t)prot;
		change += (int64_t)region_commit_pages(&new) - (int64_t)region_commit_pages(&old);
	}
	return commit_change(s, change);
}

/* Hardware: taking rights away must happen now, giving them happens where pages are present. */
static void apply_protect(struct space *s, const struct region *r)
{
	if (r->kind == REGION_PHYS || r->kind == REGION_DMA || r->kind == REGION_SAFEMAP) {
		hw_protect(s, r->start, PAGE_OF(r->end - r->start),
		           r->prot | ((r->flags & RF_UC) ? VMP_UC : 0));
		return;
	}
	if (r->prot & VMP_WRITE) /* pages on loan stay read-only: entry by entry */
		hw_protect(s, r->start, PAGE_OF(r->end - r->start), r->prot & ~VMP_WRITE);
	else
		hw_protect(s, r->start, PAGE_OF(r->end - r->start), r->prot);
	if ((r->prot & VMP_WRITE) && space_show(s, r, PAGE_OF(r->start), PAGE_OF(r->end)) < 0)
		return; /* faults will do it */
}

int64_t linux_mprotect(const struct linux_request *rq)
{
	struct space *s = rq->space;
	uint64_t addr = rq->args[0], end = addr + PAGE_UP(rq->args[1]);
	uint32_t prot = (uint32_t)rq->args[2];
	int err;

	if (rq->args[1] == 0 && addr % PAGE_BYTES == 0)
		return 0;
	if (!is_user_range(addr, PAGE_UP(rq->args[1])) || end == addr ||
	    (prot & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC)))
		return -EINVAL;
	if ((prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		return -EACCES; /* W^X */
	if (!space_may_cut(s, addr, end))
		return -EINVAL;
	err = regions_reserve(&s->regions, 2);
	if (err == 0)
		err = check_protect(s, addr, end, prot);
	if (err < 0)
		return err;
	regions_split(&s->regions, end);
	for (uint32_t i = regions_split(&s->regions, addr); i < s->regions.count; i++) {
		struct region *r = regions_at(&s->regions, i);

		if (r->start >= end)
			break;
		if (r->prot == prot)
			continue;
		r->prot = (uint8_t)prot;
		apply_protect(s, r);
	}
	regions_merge(&s->regions, addr, end);
	return 0;
}

/* Takes the pages of [from, from + len) over to `to`. Memory for the map was checked by doing: what
 * cannot be entered is given up, so it is only done when leaves can be had. */
static int move_pages(struct space *s, uint64_t from, uint64_t to, uint64_t len_bytes)
{
	uint64_t page = PAGE_OF(from), end = PAGE_OF(from + len_bytes);
	uint32_t entry;

	hw_unmap(s, from, PAGE_OF(len_bytes));
	while (pagemap_next(&s->pages, &page, end, &entry)) {
		uint64_t target = page - PAGE_OF(from) + PAGE_OF(to);

		if (pagemap_set(&s->pages, target, entry) < 0)
			return -ENOMEM;
		pagemap_clear(&s->pages, page);
		page++;
	}
	return 0;
}

/* The whole of old is one region: the new one has the same meaning at `to`, and new_len. */
static int64_t move_region(struct space *s, const struct region *old, uint64_t to, uint64_t new_len)
{
	struct region r = *old;
	uint64_t old_len = old->end - old->start;
	uint64_t kept = old_len < new_len ? old_len : new_len;
	int err;

	r.start = to;
	r.end = to + new_len;
	r.flags &= (uint8_t)~RF_HEAP;
	err = regions_reserve(&s->regions, 6);
	if (err == 0)
		err = space_prepare(s, &r);
	if (err < 0)
		return err;
	space_unmap(s, r.start, r.end);
	space_add_region(s, &r);
	err = move_pages(s, old->start, to, kept);
	if (err < 0) { /* put back what has been moved: those leaves exist still */
		VM_ASSERT(move_pages(s, to, old->start, kept) == 0);
		space_unmap(s, r.start, r.end);
		return err;
	}
	space_unmap(s, old->start, old->end);
	if (space_show(s, &r, PAGE_OF(r.start), PAGE_OF(r.end)) < 0)
		return (int64_t)to; /* faults will do it */
	return (int64_t)to;
}

static int64_t grow_in_place(struct space *s, const struct region *r, uint64_t extra)
{
	struct region more = *r;
	int err;

	more.start = r->end;
	more.end = r->end + extra;
	if (r->kind == REGION_FILE || r->kind == REGION_SHM)
		more.offset = r->offset + (r->end - r->start);
	if (more.end > VM_USER_TOP || !regions_is_free(&s->regions, more.start, more.end))
		return -ENOMEM;
	err = space_prepare(s, &more);
	if (err == 0)
		space_add_region(s, &more);
	return err;
}

static int64_t check_mremap(const struct linux_request *rq, struct region *old)
{
	uint64_t addr = rq->args[0], old_len = PAGE_UP(rq->args[1]), new_len = PAGE_UP(rq->args[2]);
	const struct region *r = regions_find(&rq->space->regions, addr);
	uint32_t flags = (uint32_t)rq->args[3];

	if (!is_user_range(addr, old_len) || new_len == 0 || new_len > VM_USER_TOP ||
	    old_len == 0 || (flags & ~(uint32_t)MREMAP_KNOWN) ||
	    ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	if (r == NULL || addr + old_len > r->end)
		return -EFAULT;
	if (r->kind != REGION_ANON && r->kind != REGION_FILE && r->kind != REGION_SHM)
		return -EINVAL;
	*old = *r;
	if (r->kind != REGION_ANON)
		old->offset += addr - r->start;
	old->start = addr;
	old->end = addr + old_len;
	return 0;
}

int64_t linux_mremap(const struct linux_request *rq)
{
	struct space *s = rq->space;
	uint64_t new_len = PAGE_UP(rq->args[2]), to;
	uint32_t flags = (uint32_t)rq->args[3];
	struct region old;
	int64_t err = check_mremap(rq, &old);

	if (err < 0)
		return err;
	if (flags & MREMAP_FIXED) {
		to = rq->args[4];
		if (!is_user_range(to, new_len) || (to < old.end && old.start < to + new_len) ||
		    !space_may_cut(s, to, to + new_len))
			return -EINVAL;
		return move_region(s, &old, to, new_len);
	}
	if (new_len <= old.end - old.start) {
		err = regions_reserve(&s->regions, 2);
		if (err == 0 && old.start + new_len < old.end)
			space_unmap(s, old.start + new_len, old.end);
		return err < 0 ? err : (int64_t)old.start;
	}
	if (grow_in_place(s, &old, new_len - (old.end - old.start)) == 0)
		return (int64_t)old.start;
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	to = mmap_place(s, 0, new_len);
	return to ? move_region(s, &old, to, new_len) : -ENOMEM;
}
