/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: which process is in which, and regions and pages coming and going.
 *
 *   free --create--> empty --attach--> used (users > 0) --last detach--> free
 *
 * A table by process slot knows every process that is in one of our spaces, with its whole
 * endpoint, so a message about a dead incarnation finds nothing.
 */
#include <errno.h>
#include "sys/sys.h"
#include "vm.h"

/* Commitment may exceed RAM by half: most programs touch less than they ask for. */
#define COMMIT_PERCENT 150u

struct client {
	endpoint_t ep;
	struct space *space; /* NULL: slot is free */
};

static struct client clients[NR_PROCS];
static struct space spaces[NR_PROCS]; /* index: the kernel's number */
static uint64_t commit_pages;

struct space *space_of(endpoint_t ep)
{
	const struct client *c;

	if (ep < 0 || EP_SLOT(ep) >= NR_PROCS)
		return NULL;
	c = &clients[EP_SLOT(ep)];
	return c->ep == ep ? c->space : NULL;
}

struct space *space_nth(unsigned i)
{
	return spaces[i].is_used ? &spaces[i] : NULL;
}

/* The next process in s at or after *slot; EP_NONE at the end. */
endpoint_t space_next_client(unsigned *slot, const struct space *s)
{
	for (; *slot < NR_PROCS; (*slot)++)
		if (clients[*slot].space == s)
			return clients[(*slot)++].ep;
	return EP_NONE;
}

uint64_t commit_total(void)
{
	return commit_pages;
}

int commit_change(struct space *s, int64_t pages)
{
	uint64_t limit = (uint64_t)frame_counts.total * COMMIT_PERCENT / 100;

	if (pages > 0 && (commit_pages >= limit || (uint64_t)pages > limit - commit_pages))
		return -ENOMEM;
	commit_pages = (uint64_t)((int64_t)commit_pages + pages);
	if (s != NULL)
		s->commit_pages = (uint64_t)((int64_t)s->commit_pages + pages);
	return 0;
}

static void commit_return(struct space *s, uint64_t pages)
{
	VM_ASSERT(commit_change(s, -(int64_t)pages) == 0);
}

/* Private memory that may be written needs a frame of its own sooner or later. */
uint64_t region_commit_pages(const struct region *r)
{
	bool is_private = (r->kind == REGION_ANON || r->kind == REGION_FILE) &&
	                  !(r->flags & (RF_SHARED | RF_NOCOUNT));

	return is_private && (r->prot & VMP_WRITE) ? PAGE_OF(r->end - r->start) : 0;
}

int space_create(struct space **out)
{
	struct space fresh = {0};
	struct space *s;
	int r = hw_space_new(&fresh);

	if (r < 0)
		return r;
	VM_ASSERT(fresh.number < NR_PROCS && !spaces[fresh.number].is_used);
	s = &spaces[fresh.number];
	*s = fresh;
	s->is_used = true;
	r = special_map(s);
	if (r < 0) {
		space_destroy(s);
		return r;
	}
	*out = s;
	return 0;
}

static void drop_entries(struct space *s, uint64_t first, uint64_t end)
{
	struct pagemap_span span;

	while (pagemap_span(&s->pages, first, end, &span)) {
		int32_t gone = 0;

		for (uint32_t i = 0; i < span.count; i++) {
			if (span.entries[i] == 0)
				continue;
			frame_unref(span.entries[i] & PE_FRAME);
			span.entries[i] = 0;
			gone++;
		}
		first = span.first + span.count;
		pagemap_adjust(&s->pages, span.first, -gone);
	}
}

/* Undoes the counting of a region that goes. */
static void uncount_region(struct space *s, const struct region *r)
{
	uint64_t pages = PAGE_OF(r->end - r->start);

	commit_return(s, region_commit_pages(r));
	if (r->kind == REGION_FILE || r->kind == REGION_SHM)
		object_unuse(r->object, pages);
	if (r->kind == REGION_SAFEMAP)
		s->safemap_count--;
}

void space_destroy(struct space *s)
{
	VM_ASSERT(s->users == 0);
	drop_entries(s, 0, PAGE_OF(VM_USER_TOP));
	for (uint32_t i = 0; i < s->regions.count; i++)
		uncount_region(s, regions_at(&s->regions, i));
	regions_destroy(&s->regions);
	pagemap_destroy(&s->pages);
	hw_space_free(s);
	*s = (struct space){0};
}

int space_attach(endpoint_t ep, struct space *s)
{
	struct kvmctl v = {.ep = ep, .space = s->number};
	struct client *c = &clients[EP_SLOT(ep)];
	struct space *old = space_of(ep);
	int r = k_vmctl(VMCTL_SET_SPACE, &v);

	if (r < 0)
		return r;
	if (c->space != NULL && c->ep != ep) { /* pm forgot to say that it has ended */
		sys_log("process %d was replaced by %d without VM_EXIT\n", c->ep, ep);
		space_detach(c->ep);
	}
	*c = (struct client){ep, s};
	s->users++;
	if (old != NULL && --old->users == 0)
		space_destroy(old);
	return 0;
}

/* The kernel has forgotten ep already (CLEAR), so nothing runs in a space without users. */
void space_detach(endpoint_t ep)
{
	struct space *s = space_of(ep);

	if (s == NULL)
		return;
	clients[EP_SLOT(ep)] = (struct client){0};
	if (--s->users == 0)
		space_destroy(s);
}

int space_prepare(struct space *s, const struct region *r)
{
	int err = regions_reserve(&s->regions, 3);

	return err < 0 ? err : commit_change(s, (int64_t)region_commit_pages(r));
}

void space_add_region(struct space *s, const struct region *r)
{
	if (r->kind == REGION_FILE || r->kind == REGION_SHM)
		object_use(r->object, PAGE_OF(r->end - r->start));
	if (r->kind == REGION_SAFEMAP)
		s->safemap_count++;
	regions_insert(&s->regions, r);
}

static bool is_cut(const struct space *s, uint64_t addr)
{
	const struct region *r = regions_find(&s->regions, addr);

	return r != NULL && r->start != addr &&
	       (r->kind == REGION_DMA || r->kind == REGION_SAFEMAP || r->kind == REGION_PHYS);
}

bool space_may_cut(const struct space *s, uint64_t start, uint64_t end)
{
	return !is_cut(s, start) && !is_cut(s, end);
}

void space_drop_pages(struct space *s, uint64_t start, uint64_t end)
{
	hw_unmap(s, start, PAGE_OF(end - start));
	drop_entries(s, PAGE_OF(start), PAGE_OF(end));
}

void space_unmap(struct space *s, uint64_t start, uint64_t end)
{
	uint32_t i;

	if (regions_is_free(&s->regions, start, end))
		return;
	regions_split(&s->regions, start);
	regions_split(&s->regions, end);
	i = regions_search(&s->regions, start);
	while (i < s->regions.count && regions_at(&s->regions, i)->start < end) {
		struct region r = *regions_at(&s->regions, i);

		regions_remove(&s->regions, i);
		space_drop_pages(s, r.start, r.end);
		uncount_region(s, &r);
	}
}
