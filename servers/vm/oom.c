/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When RAM is gone: the application that has most memory to itself is killed, and what it alone has is
 * freed at once, before pm has even heard of it, because pm may need memory to do its part. System
 * processes are never chosen; recovery and the trusted base go first.
 */
#include <signal.h>
#include "sys/sys.h"
#include "vm.h"

/* Pages that come back when s forgets them. */
static uint64_t own_pages(struct space *s)
{
	uint64_t page = 0, count = 0;
	struct pagemap_span span;

	for (; pagemap_span(&s->pages, page, UINT64_MAX, &span); page = span.first + span.count)
		for (uint32_t i = 0; i < span.count; i++)
			if (span.entries[i] != 0 && !frame_is_shared(span.entries[i] & PE_FRAME))
				count++;
	return count;
}

static struct space *choose_victim(uint64_t *pages)
{
	struct space *victim = NULL;

	*pages = 0;
	for (unsigned i = 0; i < NR_PROCS; i++) {
		struct space *s = space_nth(i);
		uint64_t own;

		if (s == NULL || s->is_system || s->is_dying || s->users == 0)
			continue;
		own = own_pages(s);
		if (own > *pages) {
			*pages = own;
			victim = s;
		}
	}
	return victim;
}

bool oom_relieve(void)
{
	uint64_t pages;
	struct space *s = choose_victim(&pages);
	endpoint_t ep;

	if (s == NULL)
		return false;
	s->is_dying = true;
	for (unsigned slot = 0; (ep = space_next_client(&slot, s)) != EP_NONE;) {
		if (k_kill(ep, SIGKILL) < 0)
			sys_log("process %d could not be killed\n", ep);
		else
			sys_log("out of memory: process %d is killed, %lu KiB are freed\n", ep,
			        pages * (PAGE_BYTES / 1024));
	}
	space_drop_pages(s, 0, VM_USER_TOP);
	return true;
}
