/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll and select. The files of one call stay referenced while it waits, so that a descriptor that
 * another thread closes is no danger. Sets are static arrays in a pool: there are as many as calls
 * can be polling at a time.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include "ready.h"

#define POLLS_MAX NR_PROCS

struct item {
	struct file *file; /* NULL: not open */
	int fd;
	short events, revents;
};

struct poll_set {
	bool in_use;
	unsigned count;
	struct item items[FDS_MAX];
};

static struct poll_set sets[POLLS_MAX];

static struct poll_set *alloc_set(void)
{
	for (unsigned i = 0; i < POLLS_MAX; i++) {
		if (sets[i].in_use)
			continue;
		sets[i].in_use = true;
		sets[i].count = 0;
		return &sets[i];
	}
	return NULL;
}

static void free_set(struct poll_set *s)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->items[i].file)
			file_unref(s->items[i].file);
	s->in_use = false;
}

static void add_item(struct call *c, struct poll_set *s, int fd, short events)
{
	struct item *it = &s->items[s->count++];

	it->fd = fd;
	it->events = events;
	it->revents = 0;
	it->file = fd >= 0 ? file_get(c, fd) : NULL;
}

static struct file *file_of(const struct ready_set *rs, unsigned i)
{
	const struct poll_set *s = rs->ctx;

	return s->items[i].file;
}

static int scan(struct call *c, const struct ready_set *rs)
{
	struct poll_set *s = rs->ctx;
	int n = 0;

	for (unsigned i = 0; i < s->count; i++) {
		struct item *it = &s->items[i];

		if (it->fd < 0)
			continue;
		if (!it->file)
			it->revents = POLLNVAL;
		else
			it->revents = (short)file_poll(
				c, it->file, (unsigned short)it->events | POLLERR | POLLHUP);
		n += it->revents != 0;
	}
	return n;
}

static int wait_set(struct call *c, struct poll_set *s, uint64_t deadline_ns)
{
	struct ready_set rs = {.ctx = s, .count = s->count, .file = file_of, .scan = scan};

	return ready_wait(c, &rs, deadline_ns);
}

/* ---- poll ---- */

static int load_pollfds(struct call *c, struct poll_set *s, uint64_t ufds, unsigned count)
{
	struct pollfd pfd;

	for (unsigned i = 0; i < count; i++) {
		if (user_read(c, &pfd, ufds + i * sizeof(pfd), sizeof(pfd)) != 0)
			return -EFAULT;
		add_item(c, s, pfd.fd, pfd.events);
	}
	return 0;
}

static int store_pollfds(struct call *c, const struct poll_set *s, uint64_t ufds)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct pollfd pfd = {s->items[i].fd, s->items[i].events, s->items[i].revents};

		if (user_write(c, ufds + i * sizeof(pfd), &pfd, sizeof(pfd)) != 0)
			return -EFAULT;
	}
	return 0;
}

static int64_t do_poll(struct call *c, uint64_t deadline_ns)
{
	uint64_t ufds = c->args[0];
	struct poll_set *s;
	int r, n;

	if (c->args[1] > FDS_MAX)
		return -EINVAL;
	s = alloc_set();
	if (!s)
		return -ENOMEM;
	n = load_pollfds(c, s, ufds, (unsigned)c->args[1]);
	if (!n)
		n = wait_set(c, s, deadline_ns);
	if (n >= 0) {
		r = store_pollfds(c, s, ufds);
		n = r ? r : n;
	}
	free_set(s);
	return n;
}

int64_t sys_poll(struct call *c)
{
	return do_poll(c, deadline_from_ms((int)c->args[2]));
}

int64_t sys_ppoll(struct call *c)
{
	uint64_t deadline_ns;
	int64_t r = deadline_from_timespec(c, c->args[2], &deadline_ns);

	if (!r)
		r = ready_mask_begin(c, c->args[3], c->args[4]);
	return r ? r : ready_mask_end(c, c->args[3], do_poll(c, deadline_ns));
}

/* ---- select ---- */

#define IN_EVENTS  (POLLIN | POLLRDNORM | POLLHUP | POLLERR)
#define OUT_EVENTS (POLLOUT | POLLWRNORM | POLLERR)

struct bitmaps {
	uint64_t in[FDS_MAX / 64], out[FDS_MAX / 64], ex[FDS_MAX / 64];
};

static int load_map(struct call *c, uint64_t *map, uint64_t umap, unsigned nfds)
{
	unsigned bytes = (nfds + 63) / 64 * 8;

	memset(map, 0, FDS_MAX / 8);
	return umap && bytes ? user_read(c, map, umap, bytes) : 0;
}

static int store_map(struct call *c, const uint64_t *map, uint64_t umap, unsigned nfds)
{
	unsigned bytes = (nfds + 63) / 64 * 8;

	return umap && bytes ? user_write(c, umap, map, bytes) : 0;
}

static bool bit(const uint64_t *map, unsigned fd)
{
	return map[fd / 64] >> fd % 64 & 1;
}

static int load_set(struct call *c, struct poll_set *s, const struct bitmaps *b, unsigned nfds)
{
	for (unsigned fd = 0; fd < nfds; fd++) {
		short events = 0;

		if (bit(b->in, fd))
			events |= POLLIN | POLLRDNORM;
		if (bit(b->out, fd))
			events |= POLLOUT | POLLWRNORM;
		if (bit(b->ex, fd))
			events |= POLLPRI;
		if (!events)
			continue;
		add_item(c, s, (int)fd, events);
		if (!s->items[s->count - 1].file)
			return -EBADF;
	}
	return 0;
}

/* What is ready, as bitmaps again; number of bits. */
static int result_maps(const struct poll_set *s, struct bitmaps *b)
{
	struct bitmaps old = *b;
	int n = 0;

	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < s->count; i++) {
		const struct item *it = &s->items[i];
		unsigned fd = (unsigned)it->fd;
		uint64_t mask = 1ull << fd % 64;

		if (bit(old.in, fd) && (it->revents & IN_EVENTS)) {
			b->in[fd / 64] |= mask;
			n++;
		}
		if (bit(old.out, fd) && (it->revents & OUT_EVENTS)) {
			b->out[fd / 64] |= mask;
			n++;
		}
		if (bit(old.ex, fd) && (it->revents & POLLPRI)) {
			b->ex[fd / 64] |= mask;
			n++;
		}
	}
	return n;
}

static int64_t do_select(struct call *c, uint64_t deadline_ns)
{
	unsigned nfds = c->args[0] > FDS_MAX ? FDS_MAX : (unsigned)c->args[0];
	struct bitmaps b;
	struct poll_set *s;
	int n = 0;

	if ((int)c->args[0] < 0)
		return -EINVAL;
	if (load_map(c, b.in, c->args[1], nfds) || load_map(c, b.out, c->args[2], nfds) ||
	    load_map(c, b.ex, c->args[3], nfds))
		return -EFAULT;
	s = alloc_set();
	if (!s)
		return -ENOMEM;
	n = load_set(c, s, &b, nfds);
	if (!n)
		n = wait_set(c, s, deadline_ns);
	if (n >= 0)
		n = result_maps(s, &b);
	free_set(s);
	if (n >= 0 &&
	    (store_map(c, b.in, c->args[1], nfds) || store_map(c, b.out, c->args[2], nfds) ||
	     store_map(c, b.ex, c->args[3], nfds)))
		return -EFAULT;
	return n;
}

int64_t sys_pselect6(struct call *c)
{
	uint64_t deadline_ns, mask[2] = {0}; /* address and length of a signal mask */
	int64_t r = deadline_from_timespec(c, c->args[4], &deadline_ns);

	if (!r && c->args[5])
		r = user_read(c, mask, c->args[5], sizeof(mask));
	if (!r)
		r = ready_mask_begin(c, mask[0], mask[1]);
	return r ? r : ready_mask_end(c, mask[0], do_select(c, deadline_ns));
}

int64_t sys_select(struct call *c)
{
	uint64_t utv = c->args[4], deadline_ns = 0;
	struct timeval tv;
	int64_t n;

	if (utv) {
		if (user_read(c, &tv, utv, sizeof(tv)) != 0)
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_sec > INT32_MAX)
			return -EINVAL;
		deadline_ns = tv.tv_sec || tv.tv_usec
		                      ? deadline_after((uint64_t)tv.tv_sec * 1000000000u +
		                                       (uint64_t)tv.tv_usec * 1000u)
		                      : DEADLINE_NOW;
	}
	n = do_select(c, deadline_ns);
	if (utv && deadline_ns != DEADLINE_NOW && n >= 0) { /* Linux writes back what is left */
		uint64_t now = now_ns(), left = deadline_ns > now ? deadline_ns - now : 0;

		tv.tv_sec = (time_t)(left / 1000000000u);
		tv.tv_usec = (suseconds_t)(left % 1000000000u / 1000u);
		if (user_write(c, utv, &tv, sizeof(tv)) != 0)
			return -EFAULT;
	}
	return n;
}
