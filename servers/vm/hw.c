/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's page tables as vm uses them: VMCTL with the frames for tables given on demand.
 * Frames given to a space are linked from it through frame.next until the kernel has given the
 * space up.
 */
#include <errno.h>
#include <string.h>
#include "vm.h"

/* One more zeroed frame for the tables of s; tables are what recovery needs, so they may dip into
 * the reserve. */
static int give_table(struct space *s)
{
	struct kvmctl v = {.space = s->number};
	uint32_t n = memory_dirty_page(FRAME_TABLE, FRAME_URGENT); /* the kernel clears it */

	if (n == FRAME_NONE)
		return -ENOMEM;
	v.pa = frame_pa(n);
	VM_ASSERT(k_vmctl(VMCTL_GIVE, &v) == 0);
	frame_of(n)->next = s->tables;
	s->tables = n;
	s->table_count++;
	return 0;
}

int hw_space_new(struct space *s)
{
	struct kvmctl v = {0};
	uint32_t root = memory_page(FRAME_TABLE, FRAME_URGENT);
	int r;

	if (root == FRAME_NONE)
		return -ENOMEM;
	v.pa = frame_pa(root);
	r = k_vmctl(VMCTL_SPACE_NEW, &v);
	if (r < 0) {
		frame_unref(root);
		return r;
	}
	s->number = (uint32_t)r;
	s->tables = root;
	s->table_count = 1;
	return 0;
}

void hw_space_free(struct space *s)
{
	struct kvmctl v = {.space = s->number};
	uint32_t n = s->tables;

	VM_ASSERT(k_vmctl(VMCTL_SPACE_FREE, &v) == 0);
	while (n != FRAME_NONE) {
		uint32_t next = frame_of(n)->next;

		frame_of(n)->next = FRAME_NONE;
		frame_unref(n);
		n = next;
	}
	s->tables = FRAME_NONE;
	s->table_count = 0;
}

int hw_map(struct space *s, const struct hw_run *run)
{
	uint64_t done = 0;
	int r;

	while (done < run->pages) {
		struct kvmctl v = {.space = s->number,
		                   .va = run->va + ADDR_OF(done),
		                   .pa = run->pa + ADDR_OF(done),
		                   .pages = run->pages - done,
		                   .prot = run->prot};

		if (run->list != NULL) {
			v.list = run->list + done;
			r = k_vmctl(VMCTL_MAP_VEC, &v);
		} else {
			r = k_vmctl(VMCTL_MAP, &v);
		}
		if (r == -ENOTABLES) {
			r = give_table(s);
			if (r < 0)
				return r;
			continue;
		}
		VM_ASSERT(r > 0);
		done += (uint64_t)r;
	}
	return 0;
}

void hw_unmap(struct space *s, uint64_t va, uint64_t pages)
{
	struct kvmctl v = {.space = s->number, .va = va, .pages = pages};

	VM_ASSERT(k_vmctl(VMCTL_UNMAP, &v) >= 0);
}

void hw_protect(struct space *s, uint64_t va, uint64_t pages, uint32_t prot)
{
	struct kvmctl v = {.space = s->number, .va = va, .pages = pages, .prot = prot};

	VM_ASSERT(k_vmctl(VMCTL_PROTECT, &v) >= 0);
}

/* The process may have died since it faulted: then there is nothing to clear. */
void hw_clear_fault(endpoint_t ep, int result)
{
	struct kvmctl v = {.ep = ep, .result = result};

	if (k_vmctl(VMCTL_CLEAR_FAULT, &v) < 0)
		return;
}
