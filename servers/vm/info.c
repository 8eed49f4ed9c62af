/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What procfs and the tests ask: totals, figures of a process, text of /proc/PID/maps. The asker's
 * buffer is written through its own space (a kernel copy by vm must not fault).
 */
#include <errno.h>
#include <stdio.h>
#include "axolotl/timepage.h"
#include "sys/sys.h"
#include "vm.h"

struct writer {
	const struct msg *m;
	const struct vm_info *req;
	uint64_t pos;
};

/* Appends to the asker's grant: the kernel checks the grant, the copy is ours. */
static int write_grant(struct writer *w, const void *bytes, uint64_t len_bytes)
{
	struct kvmctl v = {.ep = EP_VM,
	                   .va = w->pos,
	                   .pages = 0, /* to copy, not to map */
	                   .prot = VMP_WRITE,
	                   .len_bytes = len_bytes,
	                   .grantor = w->m->source,
	                   .grant = w->req->grant};
	struct space *s;
	int err;

	if (len_bytes > w->req->len_bytes || w->pos > w->req->len_bytes - len_bytes)
		return -ENOSPC;
	err = k_vmctl(VMCTL_GRANT_CHECK, &v);
	if (err < 0)
		return err;
	s = space_of(v.ep);
	if (s == NULL)
		return -EFAULT;
	w->pos += len_bytes;
	return space_copy_out(s, v.va, bytes, len_bytes);
}

static uint64_t shared_pages(void)
{
	uint64_t pages = 0;

	for (uint32_t i = 1; i <= object_count(); i++)
		if (object_is(i, OBJECT_SHM))
			pages += object_nth(i)->pages.used;
	return pages;
}

void info_mem(const struct msg *m, struct vm_rep *rep)
{
	struct vm_info req;
	struct writer w = {m, &req, 0};
	struct vm_meminfo info = {
		.total_bytes = ADDR_OF(frame_counts.total),
		.free_bytes = ADDR_OF(frame_counts.free),
		.cached_bytes = ADDR_OF(frame_counts.by_kind[FRAME_CACHE]),
		.tables_bytes = ADDR_OF(frame_counts.by_kind[FRAME_TABLE] +
	                                frame_counts.by_kind[FRAME_META]),
		.anon_bytes = ADDR_OF(frame_counts.by_kind[FRAME_ANON]),
		.shared_bytes = ADDR_OF(shared_pages()),
	};

	msg_get(m, &req);
	rep->result = write_grant(&w, &info, sizeof(info));
}

static void add_region(struct vm_procinfo *info, struct space *s, const struct region *r)
{
	uint64_t len = r->end - r->start, page = PAGE_OF(r->start);
	uint32_t entry;

	info->virtual_bytes += len;
	if (r->flags & RF_STACK)
		info->stack_bytes += len;
	else if (r->prot & VMP_EXEC)
		info->text_bytes += len;
	else if (r->prot & VMP_WRITE)
		info->data_bytes += len;
	if (r->kind == REGION_PHYS)
		return;
	while (pagemap_next(&s->pages, &page, PAGE_OF(r->end), &entry)) {
		info->resident_bytes += PAGE_BYTES;
		page++;
	}
}

void info_proc(const struct msg *m, struct vm_rep *rep)
{
	struct vm_info req;
	struct writer w = {m, &req, 0};
	struct vm_procinfo info = {0};
	struct space *s;

	msg_get(m, &req);
	s = space_of(req.ep);
	rep->result = -ESRCH;
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->regions.count; i++)
		add_region(&info, s, regions_at(&s->regions, i));
	info.minor_faults = s->minor_faults;
	info.major_faults = s->major_faults;
	info.brk_start = s->brk_start;
	info.brk_end = s->brk_end;
	rep->result = write_grant(&w, &info, sizeof(info));
}

static const char *name_of(const struct region *r)
{
	if (r->flags & RF_STACK)
		return "[stack]";
	if (r->flags & RF_HEAP)
		return "[heap]";
	if (r->start == VDSO_VA && (r->flags & RF_SPECIAL))
		return "[vdso]";
	if (r->start == TIME_PAGE_VA && (r->flags & RF_SPECIAL))
		return "[vvar]";
	return r->flags & RF_SYSV ? "/SYSV" : "";
}

/* One line as Linux writes it; vm knows files only by number, so paths are missing. */
static int format_region(char *line, size_t len, const struct region *r)
{
	uint64_t inode = r->kind == REGION_FILE || r->kind == REGION_SHM ? r->object : 0;
	uint64_t offset = r->kind == REGION_FILE || r->kind == REGION_SHM ? r->offset : 0;

	return snprintf(line, len, "%08lx-%08lx %c%c%c%c %08lx 00:00 %lu %s\n", r->start, r->end,
	                r->prot & VMP_READ ? 'r' : '-', r->prot & VMP_WRITE ? 'w' : '-',
	                r->prot & VMP_EXEC ? 'x' : '-', r->flags & RF_SHARED ? 's' : 'p', offset,
	                inode, name_of(r));
}

void info_maps(const struct msg *m, struct vm_rep *rep)
{
	struct vm_info req;
	struct writer w = {m, &req, 0};
	struct space *s;
	char line[128];

	msg_get(m, &req);
	s = space_of(req.ep);
	rep->result = s == NULL ? -ESRCH : 0;
	for (uint32_t i = 0; rep->result == 0 && i < s->regions.count; i++) {
		int n = format_region(line, sizeof(line), regions_at(&s->regions, i));

		rep->result = write_grant(&w, line, (uint64_t)n);
	}
	if (rep->result == 0 || rep->result == -ENOSPC)
		rep->result = (int32_t)w.pos;
}
