/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll. An interest list names files without holding them: the last close of a file takes it out
 * of every list. Edge triggering compares the file's queue counter with that of the last report.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include "lock.h"
#include "ready.h"

#define EPOLLS_MAX 64u
#define ITEMS_MAX  4096u

struct item {
	struct item *next; /* of its epoll, or free */
	struct file *file;
	int fd;
	uint32_t events;
	uint64_t data;
	uint32_t seen_wakes;
	bool is_armed; /* not yet reported (EPOLLET), not disabled (EPOLLONESHOT) */
};

struct epoll {
	uint32_t refs;
	struct item *items;
	unsigned count;
};

static struct epoll epolls[EPOLLS_MAX];
static struct item items[ITEMS_MAX];
static struct item *free_items;
static unsigned never_used;
static const struct file_ops epoll_ops;

static struct item *alloc_item(void)
{
	struct item *it = free_items;

	if (it)
		free_items = it->next;
	else if (never_used < ITEMS_MAX)
		it = &items[never_used++];
	return it;
}

static void remove_item(struct epoll *ep, struct item **link)
{
	struct item *it = *link;

	*link = it->next;
	ep->count--;
	it->file->epolls--;
	it->next = free_items;
	free_items = it;
}

void epoll_file_closed(const struct file *f)
{
	for (unsigned i = 0; i < EPOLLS_MAX; i++) {
		struct item **link = &epolls[i].items;

		if (!epolls[i].refs)
			continue;
		while (*link) {
			if ((*link)->file == f)
				remove_item(&epolls[i], link);
			else
				link = &(*link)->next;
		}
	}
}

/* What an item has to report now; 0: nothing. */
static uint32_t item_events(struct call *c, struct item *it)
{
	uint32_t wanted = it->events & 0x0fffffff, got;

	if (!it->is_armed && (it->events & EPOLLONESHOT))
		return 0;
	/* Also when there is no edge: what was reported may have been used up, and a driver or server tells of a
	 * change only who has asked. */
	got = file_poll(c, it->file, wanted | POLLERR | POLLHUP);
	/* It tells only when nothing of what it was asked for held: ask for the rest alone, or an edge of
	 * reading is missed while writing is possible. */
	if ((it->events & EPOLLET) && got && (wanted & ~got & (POLLIN | POLLOUT)))
		(void)file_poll(c, it->file, wanted & ~got);
	if (!it->is_armed && (it->events & EPOLLET) && it->file->wq &&
	    it->file->wq->wakes == it->seen_wakes)
		return 0;
	return got & (wanted | POLLERR | POLLHUP);
}

static void reported(struct item *it)
{
	if (it->file->wq)
		it->seen_wakes = it->file->wq->wakes;
	if (it->events & (EPOLLET | EPOLLONESHOT))
		it->is_armed = false;
}

/* ---- waiting ---- */

struct waiting {
	struct epoll *ep;
	unsigned max;
	uint64_t uevents;
};

static struct file *file_of(const struct ready_set *rs, unsigned i)
{
	const struct waiting *w = rs->ctx;
	const struct item *it = w->ep->items;

	while (it && i-- > 0)
		it = it->next;
	return it ? it->file : NULL;
}

static int scan(struct call *c, const struct ready_set *rs)
{
	const struct waiting *w = rs->ctx;
	unsigned n = 0;

	/* A driver may be asked and the list change meanwhile: the file is held, the list begun
	 * anew. */
	for (struct item *it = w->ep->items; it && n < w->max; it = it->next) {
		struct file *f = it->file;
		uint32_t events;
		struct epoll_event ev;

		file_ref(f);
		events = item_events(c, it);
		file_unref(f);
		if (it->file != f)
			return 0;
		if (!events)
			continue;
		ev.events = events;
		ev.data.u64 = it->data;
		if (user_write(c, w->uevents + n * sizeof(ev), &ev, sizeof(ev)) != 0)
			return n ? (int)n : -EFAULT;
		reported(it);
		n++;
	}
	return (int)n;
}

static struct epoll *epoll_of(struct file *f)
{
	return f->ops == &epoll_ops ? f->obj : NULL;
}

static int64_t do_wait(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	struct waiting w = {.max = (unsigned)c->args[2], .uevents = c->args[1]};
	struct ready_set rs = {.ctx = &w, .file = file_of, .scan = scan};
	int64_t r;

	if (!f)
		return -EBADF;
	w.ep = epoll_of(f);
	if (!w.ep || (int)c->args[2] <= 0) {
		r = -EINVAL;
	} else {
		rs.count = w.ep->count;
		r = ready_wait(c, &rs, deadline_from_ms((int)c->args[3]));
	}
	file_unref(f);
	return r;
}

int64_t sys_epoll_wait(struct call *c)
{
	return do_wait(c);
}

int64_t sys_epoll_pwait(struct call *c)
{
	int r = ready_mask_begin(c, c->args[4], c->args[5]);

	return r ? r : ready_mask_end(c, c->args[4], do_wait(c));
}

/* ---- control ---- */

static int add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct item *it;

	if (f->ops == &regular_ops)
		return -EPERM;
	it = alloc_item();
	if (!it)
		return -ENOSPC;
	*it = (struct item){.next = ep->items, .file = f, .fd = fd, .is_armed = true};
	it->events = ev->events;
	it->data = ev->data.u64;
	ep->items = it;
	ep->count++;
	f->epolls++;
	return 0;
}

static int control(struct epoll *ep, struct file *f, const uint64_t *args,
                   const struct epoll_event *ev)
{
	struct item **link = &ep->items;
	int fd = (int)args[2];

	while (*link && ((*link)->file != f || (*link)->fd != fd))
		link = &(*link)->next;
	switch ((int)args[1]) {
	case EPOLL_CTL_ADD: return *link ? -EEXIST : add(ep, f, fd, ev);
	case EPOLL_CTL_DEL:
		if (!*link)
			return -ENOENT;
		remove_item(ep, link);
		return 0;
	case EPOLL_CTL_MOD:
		if (!*link)
			return -ENOENT;
		(*link)->events = ev->events;
		(*link)->data = ev->data.u64;
		(*link)->is_armed = true;
		return 0;
	default: return -EINVAL;
	}
}

int64_t sys_epoll_ctl(struct call *c)
{
	struct file *epf = file_get(c, (int)c->args[0]), *f = file_get(c, (int)c->args[2]);
	struct epoll_event ev = {0};
	int64_t r = 0;

	if (!epf || !f)
		r = -EBADF;
	else if (!epoll_of(epf) || f == epf || epoll_of(f))
		r = -EINVAL;
	else if ((int)c->args[1] != EPOLL_CTL_DEL && user_read(c, &ev, c->args[3], sizeof(ev)) != 0)
		r = -EFAULT;
	if (!r)
		r = control(epoll_of(epf), f, c->args, &ev);
	if (epf)
		file_unref(epf);
	if (f)
		file_unref(f);
	return r;
}

static unsigned epoll_poll(struct call *c, struct file *f, unsigned wanted)
{
	const struct epoll *ep = f->obj;

	for (struct item *it = ep->items; it; it = it->next)
		if (item_events(c, it))
			return POLLIN & wanted;
	return 0;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->obj;

	while (ep->items)
		remove_item(ep, &ep->items);
	ep->refs = 0;
}

static const struct file_ops epoll_ops = {.poll = epoll_poll, .release = epoll_release};

static int64_t create(struct call *c, bool cloexec)
{
	struct file *f;

	for (unsigned i = 0; i < EPOLLS_MAX; i++) {
		if (epolls[i].refs)
			continue;
		f = file_new(&epoll_ops, O_RDWR);
		if (!f)
			return -ENFILE;
		epolls[i] = (struct epoll){.refs = 1};
		f->obj = &epolls[i];
		return file_install(c, f, cloexec);
	}
	return -ENFILE;
}

int64_t sys_epoll_create(struct call *c)
{
	return (int)c->args[0] <= 0 ? -EINVAL : create(c, false);
}

int64_t sys_epoll_create1(struct call *c)
{
	return c->args[0] & ~(uint64_t)EPOLL_CLOEXEC ? -EINVAL
	                                             : create(c, c->args[0] & EPOLL_CLOEXEC);
}
