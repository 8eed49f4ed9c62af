/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading pages of files into the cache: VFS_FETCH to vfs by ASEND, its answer by ASEND.
 *
 *   free --fetch_start--> asked --VFS_FETCH reply--> free
 *
 * A fetch reads an aligned window of pages into frames that nobody else can see until the answer is
 * there; vfs writes into them through a grant. Bytes behind the end of the file stay zero. A page
 * that is not reached by the answer (file ends before it, or an error) is not cached, and who waits
 * for it gets an I/O error (SIGBUS).
 */
#include <errno.h>
#include "axolotl/vfs.h"
#include "sys/sys.h"
#include "vm.h"

#define FETCHES_MAX 64u
#define FETCH_PAGES 16u /* 64 KiB; a power of two */

struct fetch {
	struct object *object; /* NULL: free */
	uint64_t first;        /* page of the object */
	uint32_t count;
	uint32_t frame; /* contiguous */
	grant_t grant;
	uint32_t generation; /* ids of old answers do not fit */
};

static struct fetch fetches[FETCHES_MAX];

static uint32_t fetch_id(const struct fetch *f)
{
	return f->generation << 8 | (uint32_t)(f - fetches);
}

static struct fetch *find_fetch(const struct object *o, uint64_t page)
{
	for (unsigned i = 0; i < FETCHES_MAX; i++) {
		struct fetch *f = &fetches[i];

		if (f->object == o && page >= f->first && page < f->first + f->count)
			return f;
	}
	return NULL;
}

static struct fetch *free_fetch(void)
{
	for (unsigned i = 0; i < FETCHES_MAX; i++)
		if (fetches[i].object == NULL)
			return &fetches[i];
	return NULL;
}

/* The part of the window around need->page that is neither cached nor under way. */
static void choose_window(const struct need *need, uint64_t *first, uint64_t *end)
{
	struct object *o = need->object;
	uint64_t low = need->page & ~(uint64_t)(FETCH_PAGES - 1);
	uint64_t high = low + FETCH_PAGES;

	if (high > need->limit_pages)
		high = need->limit_pages;
	*first = need->page;
	*end = need->page + 1;
	while (*first > low && !pagemap_get(&o->pages, *first - 1) && !find_fetch(o, *first - 1))
		(*first)--;
	while (*end < high && !pagemap_get(&o->pages, *end) && !find_fetch(o, *end))
		(*end)++;
}

static int send_fetch(struct fetch *f)
{
	struct vfs_fetch req = {.id = fetch_id(f),
	                        .token = f->object->token,
	                        .offset = ADDR_OF(f->first),
	                        .len_bytes = ADDR_OF(f->count)};
	struct msg m;
	int err;

	f->grant = grant_direct(EP_VFS, frame_ptr(f->frame), req.len_bytes, GRANT_WRITE);
	if (f->grant == GRANT_INVALID)
		return -EAGAIN;
	req.grant = f->grant;
	msg_put(&m, VFS_FETCH, &req);
	err = sys_asend(EP_VFS, &m);
	if (err < 0)
		grant_revoke(f->grant);
	return err < 0 ? -EAGAIN : 0;
}

int fetch_start(const struct need *need)
{
	uint64_t first, end;
	struct fetch *f;

	if (find_fetch(need->object, need->page) != NULL)
		return 0;
	f = free_fetch();
	if (f == NULL)
		return -EAGAIN;
	choose_window(need, &first, &end);
	f->frame = memory_run((uint32_t)(end - first), FRAME_CACHE, 0);
	if (f->frame == FRAME_NONE) { /* RAM is short or in pieces: only what is needed */
		first = need->page;
		end = first + 1;
		f->frame = memory_page(FRAME_CACHE, FRAME_URGENT);
		if (f->frame == FRAME_NONE)
			return -ENOMEM;
	}
	f->first = first;
	f->count = (uint32_t)(end - first);
	f->object = need->object;
	f->generation = (f->generation + 1) & 0xffffff;
	if (send_fetch(f) < 0) {
		frame_unref_run(f->frame, f->count);
		f->object = NULL;
		return -EAGAIN;
	}
	f->object->fetches++;
	return 0;
}

/* Pages that were reached become cached; the others are given back. */
static void take_pages(struct fetch *f, uint64_t got_pages)
{
	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t n = f->frame + i;

		if (i >= got_pages || pagemap_set(&f->object->pages, f->first + i, n) < 0)
			frame_unref(n);
	}
}

void fetch_reply(const struct msg *m)
{
	struct need done = {0};
	struct vfs_rep rep;
	struct fetch *f;
	int result;

	msg_get(m, &rep);
	f = &fetches[rep.id & 0xff];
	if ((rep.id & 0xff) >= FETCHES_MAX || f->object == NULL || fetch_id(f) != rep.id) {
		sys_violation(m->source, VIOL_REQUEST, rep.id);
		return;
	}
	grant_revoke(f->grant);
	result = rep.result < 0 ? rep.result : 0;
	take_pages(f, result < 0 ? 0 : PAGE_OF(PAGE_UP((uint64_t)rep.result)));
	done.object = f->object;
	done.page = f->first;
	done.limit_pages = f->first + f->count;
	f->object->fetches--;
	f->object = NULL;
	wait_fetch_done(&done);
	object_drop_if_unused(done.object);
}
