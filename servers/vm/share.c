/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of system processes that is not just memory: for DMA, of devices, of one another.
 *
 * A SAFEMAP region shares the grantor's frames by reference: they outlive the grantor until the
 * mapper unmaps them or the grant is revoked. It remembers the grant it was made from (the one
 * given to the mapper; mappings made through a grant that was passed on are revoked by who passed
 * it on). These regions come and go as a whole, because the kernel may have used large pages for
 * them.
 */
#include <errno.h>
#include "sys/sys.h"
#include "vm.h"

#define LARGE_BYTES (2ul << 20)
#define LARGE_PAGES 512u
#define SHARE_MAX   (1ul << 30)

/* An address that is congruent to `skew` modulo 2 MiB; 0: no room. */
static uint64_t place_congruent(struct space *s, uint64_t len_bytes, uint64_t skew)
{
	uint64_t addr = mmap_place(s, 0, len_bytes + LARGE_BYTES);

	if (addr == 0)
		return 0;
	return addr + ((skew - addr) & (LARGE_BYTES - 1));
}

static uint64_t place_dma(struct space *s, uint64_t len_bytes, uint32_t colour, uint64_t pa)
{
	if (colour != 0)
		return place_congruent(s, len_bytes, ADDR_OF(colour % LARGE_PAGES));
	if (len_bytes >= LARGE_BYTES)
		return place_congruent(s, len_bytes, pa);
	return mmap_place(s, 0, len_bytes);
}

/* Enters `count` contiguous frames into the pages of s; takes over one reference of each. */
static int enter_run(struct space *s, uint64_t addr, uint32_t frame, uint32_t count)
{
	uint64_t page = PAGE_OF(addr);
	uint32_t left = count;

	while (left > 0) {
		uint32_t room = PAGEMAP_LEAF - (uint32_t)(page % PAGEMAP_LEAF);
		uint32_t n = left < room ? left : room;
		uint32_t *to = pagemap_make(&s->pages, page);

		if (to == NULL) {
			frame_unref_run(frame, left);
			return -ENOMEM;
		}
		for (uint32_t i = 0; i < n; i++)
			to[i] = frame + i;
		pagemap_adjust(&s->pages, page, (int32_t)n);
		page += n;
		frame += n;
		left -= n;
	}
	return 0;
}

/* Adds r, whose pages have been entered (err tells), and shows it; on any error it is all undone.
 */
static int finish_region(struct space *s, const struct region *r, int err)
{
	if (err == 0)
		err = space_show(s, r, PAGE_OF(r->start), PAGE_OF(r->end));
	if (err < 0)
		space_unmap(s, r->start, r->end);
	return err;
}

void share_alloc_dma(const struct msg *m, struct vm_rep *rep)
{
	struct region r = {
		.prot = VMP_READ | VMP_WRITE, .max_prot = VMP_READ | VMP_WRITE, .kind = REGION_DMA};
	struct space *s = space_of(m->source);
	struct vm_alloc req;
	uint32_t frame;
	uint64_t len;

	msg_get(m, &req);
	len = PAGE_UP(req.len_bytes);
	rep->result = -EINVAL;
	if (s == NULL || len == 0 || len > SHARE_MAX || (req.flags & ~VM_DMA_BELOW_4G))
		return;
	rep->result = -ENOMEM;
	do
		frame = memory_run((uint32_t)PAGE_OF(len), FRAME_DMA,
		                   (req.flags & VM_DMA_BELOW_4G ? FRAME_BELOW_4G : 0) |
		                           FRAME_URGENT);
	while (frame == FRAME_NONE && frame_counts.free < PAGE_OF(len) && oom_relieve());
	if (frame == FRAME_NONE)
		return;
	r.start = place_dma(s, len, req.colour, frame_pa(frame));
	r.end = r.start + len;
	if (r.start == 0 || space_prepare(s, &r) < 0) {
		frame_unref_run(frame, (uint32_t)PAGE_OF(len));
		return;
	}
	space_add_region(s, &r);
	rep->result = finish_region(s, &r, enter_run(s, r.start, frame, (uint32_t)PAGE_OF(len)));
	if (rep->result < 0)
		return;
	rep->value = r.start;
	rep->value2 = frame_pa(frame);
}

void share_map_phys(const struct msg *m, struct vm_rep *rep)
{
	struct space *s = space_of(m->source);
	struct kvmctl check = {.ep = m->source};
	struct vm_map_phys req;
	struct region r = {.kind = REGION_PHYS};
	uint64_t skew;

	msg_get(m, &req);
	skew = req.pa % PAGE_BYTES;
	rep->result = -EINVAL;
	if (s == NULL || req.len_bytes == 0 || req.len_bytes > SHARE_MAX ||
	    (req.prot & ~(VMP_READ | VMP_WRITE | VMP_UC)) || !(req.prot & VMP_READ))
		return;
	check.pa = req.pa - skew;
	check.len_bytes = PAGE_UP(req.len_bytes + skew);
	rep->result = k_vmctl(VMCTL_MEM_CHECK, &check);
	if (rep->result < 0)
		return;
	r.start = check.len_bytes >= LARGE_BYTES ? place_congruent(s, check.len_bytes, check.pa)
	                                         : mmap_place(s, 0, check.len_bytes);
	r.end = r.start + check.len_bytes;
	r.offset = check.pa;
	r.prot = r.max_prot = req.prot & (VMP_READ | VMP_WRITE);
	r.flags = (req.prot & VMP_UC) ? RF_UC : 0;
	rep->result = r.start == 0 ? -ENOMEM : space_prepare(s, &r);
	if (rep->result < 0)
		return;
	space_add_region(s, &r);
	rep->result = finish_region(s, &r, 0);
	rep->value = r.start + skew;
}

/* Whether all pages are there and none is on loan: the usual case, arenas that are in use. */
static bool is_all_owned(struct space *s, uint64_t first, uint64_t end)
{
	struct pagemap_span span;

	while (first < end) {
		if (!pagemap_span(&s->pages, first, end, &span) || span.first != first)
			return false;
		for (uint32_t i = 0; i < span.count; i++)
			if (span.entries[i] == 0 || (span.entries[i] & PE_COW))
				return false;
		first += span.count;
	}
	return true;
}

/* The grantor's pages, present and not on loan where it can write: both must see the same. */
static int make_grantor_present(struct space *g, uint64_t addr, uint64_t len_bytes)
{
	uint64_t end = addr + len_bytes;

	if (is_all_owned(g, PAGE_OF(addr), PAGE_OF(end)))
		return 0;
	while (addr < end) {
		const struct region *r = regions_find(&g->regions, addr);
		struct access_range a = {.addr = addr, .access = ACCESS_READ};
		struct need need;
		int err;

		if (r == NULL || r->kind == REGION_PHYS)
			return -EFAULT;
		if (r->prot & VMP_WRITE)
			a.access = ACCESS_WRITE;
		a.len_bytes = (r->end < end ? r->end : end) - addr;
		if (a.len_bytes > LARGE_BYTES)
			a.len_bytes = LARGE_BYTES;
		err = space_make_present(g, &a, &need);
		if (err < 0)
			return err == -EINPROGRESS ? -ENOTREADY : err;
		addr += a.len_bytes;
	}
	return 0;
}

/* One leaf of the mapper's entries: the grantor's frames, one more reference each. */
static int enter_span(struct space *s, uint64_t page, const struct pagemap_span *from,
                      bool is_write)
{
	uint32_t *to = pagemap_make(&s->pages, page);
	uint32_t i;

	if (to == NULL)
		return -ENOMEM;
	for (i = 0; i < from->count; i++) {
		uint32_t entry = from->entries[i];

		if (entry == 0 || ((entry & PE_COW) && is_write))
			break;
		frame_ref(entry & PE_FRAME);
		to[i] = entry;
	}
	pagemap_adjust(&s->pages, page, (int32_t)i);
	return i == from->count ? 0 : -EFAULT;
}

static int enter_grant(struct space *s, const struct region *r, struct space *g, uint64_t from)
{
	uint64_t page = PAGE_OF(r->start), source = PAGE_OF(from);
	uint64_t source_end = source + PAGE_OF(r->end - r->start);
	struct pagemap_span span;

	while (source < source_end) {
		uint32_t room = PAGEMAP_LEAF - (uint32_t)(page % PAGEMAP_LEAF);
		int err;

		if (!pagemap_span(&g->pages, source, source_end, &span) || span.first != source)
			return -EFAULT;
		if (span.count > room)
			span.count = room;
		err = enter_span(s, page, &span, (r->prot & VMP_WRITE) != 0);
		if (err < 0)
			return err;
		page += span.count;
		source += span.count;
	}
	return 0;
}

static int check_safemap(const struct msg *m, const struct vm_safemap *req, struct kvmctl *v)
{
	*v = (struct kvmctl){.ep = m->source,
	                     .va = req->offset,
	                     .pages = PAGE_OF(req->len_bytes),
	                     .prot = req->prot,
	                     .len_bytes = req->len_bytes,
	                     .grantor = req->grantor,
	                     .grant = req->grant};
	if (req->len_bytes == 0 || req->len_bytes % PAGE_BYTES || req->len_bytes > SHARE_MAX ||
	    (req->prot & ~(VMP_READ | VMP_WRITE)) || req->prot == 0)
		return -EINVAL;
	return k_vmctl(VMCTL_GRANT_CHECK, v);
}

void share_safemap(const struct msg *m, struct vm_rep *rep)
{
	struct space *s = space_of(m->source), *g;
	struct region r = {.kind = REGION_SAFEMAP};
	struct vm_safemap req;
	struct kvmctl root;
	uint32_t first;

	msg_get(m, &req);
	rep->result = check_safemap(m, &req, &root);
	if (rep->result < 0)
		return;
	g = space_of(root.ep);
	rep->result = -EFAULT;
	if (s == NULL || g == NULL || root.va % PAGE_BYTES)
		return;
	rep->result = make_grantor_present(g, root.va, req.len_bytes);
	if (rep->result < 0)
		return;
	first = pagemap_get(&g->pages, PAGE_OF(root.va)) & PE_FRAME;
	r.start = req.len_bytes >= LARGE_BYTES ? place_congruent(s, req.len_bytes, frame_pa(first))
	                                       : mmap_place(s, 0, req.len_bytes);
	r.end = r.start + req.len_bytes;
	r.object = (uint32_t)req.grantor;
	r.offset = (uint32_t)req.grant;
	r.prot = r.max_prot = (uint8_t)req.prot;
	rep->result = r.start == 0 ? -ENOMEM : space_prepare(s, &r);
	if (rep->result < 0)
		return;
	space_add_region(s, &r);
	rep->result = finish_region(s, &r, enter_grant(s, &r, g, root.va));
	rep->value = r.start;
}

void share_unmap(const struct msg *m, struct vm_rep *rep)
{
	struct space *s = space_of(m->source);
	const struct region *r;
	struct vm_unmap req;
	uint64_t start, end;

	msg_get(m, &req);
	rep->result = -EINVAL;
	r = s == NULL ? NULL : regions_find(&s->regions, req.addr);
	start = PAGE_DOWN(req.addr);
	end = PAGE_UP(req.addr + req.len_bytes);
	if (r == NULL || r->start != start || r->end != end || (r->flags & RF_SPECIAL) ||
	    (r->kind != REGION_DMA && r->kind != REGION_PHYS && r->kind != REGION_SAFEMAP))
		return;
	space_unmap(s, start, end); /* exactly one region: nothing is split */
	rep->result = 0;
}

static void revoke_in(struct space *s, endpoint_t grantor, grant_t grant)
{
	uint32_t i = 0;

	while (i < s->regions.count) {
		struct region r = *regions_at(&s->regions, i);

		if (r.kind == REGION_SAFEMAP && r.object == (uint32_t)grantor &&
		    r.offset == (uint32_t)grant)
			space_unmap(s, r.start, r.end);
		else
			i++;
	}
}

void share_revoke(const struct msg *m, struct vm_rep *rep)
{
	struct vm_revoke req;

	msg_get(m, &req);
	rep->result = 0;
	for (unsigned i = 0; i < NR_PROCS; i++) {
		struct space *s = space_nth(i);

		if (s != NULL && s->safemap_count > 0)
			revoke_in(s, m->source, req.grant);
	}
}
