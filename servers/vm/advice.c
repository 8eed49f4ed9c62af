/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madvise, msync, mlock, mincore. There is no swap, so locking is bringing in; there are no
 * writable shared mappings of files, so msync has nothing to do.
 */
#include <errno.h>
#include <sys/mman.h>
#include "vm.h"

#define MADV_LAST       25
#define MADV_HWPOISON_  100
#define MADV_SOFT_OFFL_ 101

/* Page-aligned, mapped range: *end behind it. */
static int check_range(const struct linux_request *rq, uint64_t *end)
{
	uint64_t addr = rq->args[0], len = PAGE_UP(rq->args[1]);

	if (addr % PAGE_BYTES || len < rq->args[1])
		return -EINVAL;
	if (addr >= VM_USER_TOP || len > VM_USER_TOP - addr)
		return -ENOMEM;
	*end = addr + len;
	return regions_is_covered(&rq->space->regions, addr, *end) ? 0 : -ENOMEM;
}

/* Private pages are forgotten: memory reads as zero again, files as the file is. */
static void forget_pages(struct space *s, uint64_t addr, uint64_t end)
{
	for (uint32_t i = regions_search(&s->regions, addr); i < s->regions.count; i++) {
		const struct region *r = regions_at(&s->regions, i);
		uint64_t from = r->start > addr ? r->start : addr;
		uint64_t to = r->end < end ? r->end : end;

		if (r->start >= end)
			break;
		if (r->kind == REGION_ANON || r->kind == REGION_FILE || r->kind == REGION_SHM)
			space_drop_pages(s, from, to);
	}
}

int64_t linux_madvise(const struct linux_request *rq)
{
	uint64_t advice = rq->args[2], end;
	int err = check_range(rq, &end);

	if (err == -EINVAL ||
	    (advice > MADV_LAST && advice != MADV_HWPOISON_ && advice != MADV_SOFT_OFFL_))
		return -EINVAL;
	if (advice > MADV_LAST)
		return -EPERM;
	if (err == 0 && advice == MADV_DONTNEED && rq->args[1] > 0)
		forget_pages(rq->space, rq->args[0], end);
	return err;
}

int64_t linux_msync(const struct linux_request *rq)
{
	uint64_t flags = rq->args[2], end;

	if ((flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	return check_range(rq, &end);
}

int64_t linux_mlock(const struct linux_request *rq)
{
	uint64_t addr = PAGE_DOWN(rq->args[0]), end;
	struct linux_request aligned = *rq;
	int err;

	aligned.args[0] = addr;
	aligned.args[1] = rq->args[1] + (rq->args[0] - addr);
	err = check_range(&aligned, &end);
	if (err == 0)
		space_populate(rq->space, addr, end);
	return err;
}

int64_t linux_munlock(const struct linux_request *rq)
{
	(void)rq;
	return 0;
}

int64_t linux_mlockall(const struct linux_request *rq)
{
	uint64_t known = MCL_CURRENT | MCL_FUTURE | 4;

	return rq->args[0] == 0 || (rq->args[0] & ~known) ? -EINVAL : 0;
}

static uint8_t is_resident(struct space *s, uint64_t page)
{
	const struct region *r = regions_find(&s->regions, ADDR_OF(page));

	if (pagemap_get(&s->pages, page) != 0)
		return 1;
	if (r == NULL || r->object == 0 || (r->kind != REGION_FILE && r->kind != REGION_SHM))
		return 0;
	return pagemap_get(&object_nth(r->object)->pages,
	                   PAGE_OF(r->offset) + (page - PAGE_OF(r->start))) != 0;
}

int64_t linux_mincore(const struct linux_request *rq)
{
	uint8_t chunk[256];
	uint64_t end, page, to = rq->args[2];
	int err = check_range(rq, &end);
	unsigned n = 0;

	for (page = PAGE_OF(rq->args[0]); err == 0 && page < PAGE_OF(end); page++) {
		chunk[n++] = is_resident(rq->space, page);
		if (n < sizeof(chunk) && page + 1 < PAGE_OF(end))
			continue;
		err = space_copy_out(rq->space, to, chunk, n);
		to += n;
		n = 0;
	}
	return err == -ENOTREADY || err == -EIO ? -EFAULT : err;
}
