/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets, their blocks, and files that are on their way. Everything comes from pools of fixed size.
 *
 * Files of a message that is thrown away are closed from a list and not at once: closing one can
 * throw away the queue of another socket, and that the next one's.
 */
#include <string.h>
#include "unix.h"

static struct block blocks[BLOCKS_MAX];
static struct packet packets[PACKETS_MAX];
static struct rights rights_pool[RIGHTS_MAX];
static struct block *free_blocks;
static struct packet *free_packets;
static unsigned fresh_blocks, fresh_packets; /* from here on never used */
static unsigned blocks_left = BLOCKS_MAX;
static struct rights *doomed; /* to be closed */
static bool is_closing;

static unsigned blocks_for(uint32_t len)
{
	return (len + BLOCK_DATA - 1) / BLOCK_DATA;
}

static struct block *take_block(void)
{
	struct block *b = free_blocks;

	if (b)
		free_blocks = b->next;
	else
		b = &blocks[fresh_blocks++];
	blocks_left--;
	return b;
}

struct packet *packet_new(uint32_t len)
{
	struct packet *p = free_packets;
	struct block **end;

	if (blocks_for(len) > blocks_left || (!p && fresh_packets == PACKETS_MAX))
		return NULL;
	if (p)
		free_packets = p->next;
	else
		p = &packets[fresh_packets++];
	*p = (struct packet){.len = len};
	end = &p->blocks;
	for (unsigned n = blocks_for(len); n > 0; n--) {
		*end = take_block();
		end = &(*end)->next;
	}
	*end = NULL;
	return p;
}

void packet_free(struct packet *p)
{
	while (p->blocks) {
		struct block *b = p->blocks;

		p->blocks = b->next;
		b->next = free_blocks;
		free_blocks = b;
		blocks_left++;
	}
	rights_drop(p->rights);
	p->next = free_packets;
	free_packets = p;
}

/* ---- copies ---- */

/* One step: what is contiguous on both sides, at most `left`. */
static uint32_t step_of(const struct xfer *x, uint32_t at, uint32_t left)
{
	uint32_t n = BLOCK_DATA - at % BLOCK_DATA;

	n = n < left ? n : left;
	return x->cur.len < n ? (uint32_t)x->cur.len : n;
}

int64_t packet_fill(struct call *c, struct packet *p, struct xfer *x)
{
	struct block *b = p->blocks;
	uint32_t done = 0;

	while (done < p->len) {
		uint32_t n;
		int r = xfer_next(c, x);

		if (r <= 0)
			return r ? r : -EFAULT; /* the vector has shrunk meanwhile */
		n = step_of(x, done, p->len - done);
		r = io_get(c, &x->cur, b->data + done % BLOCK_DATA, n);
		if (r)
			return r;
		io_advance(&x->cur, n);
		done += n;
		if (done % BLOCK_DATA == 0)
			b = b->next;
	}
	return done;
}

int64_t packet_drain(struct call *c, const struct packet *p, uint32_t offset, struct xfer *x)
{
	const struct block *b = p->blocks;
	uint32_t at = offset;

	for (uint32_t skip = offset / BLOCK_DATA; skip > 0; skip--)
		b = b->next;
	while (at < p->len) {
		uint32_t n;
		int r = xfer_next(c, x);

		if (r == 0)
			break;
		if (r > 0) {
			n = step_of(x, at, p->len - at);
			r = io_put(c, &x->cur, b->data + at % BLOCK_DATA, n);
		}
		if (r)
			return at > offset ? (int64_t)(at - offset) : r;
		io_advance(&x->cur, n);
		at += n;
		if (at % BLOCK_DATA == 0)
			b = b->next;
	}
	return at - offset;
}

/* ---- queues ---- */

void queue_add(struct unix_sock *s, struct packet *p)
{
	if (p->rights)
		flight_begin(p->rights);
	p->next = NULL;
	*s->end = p;
	s->end = &p->next;
	s->packets++;
	s->bytes += p->len + PACKET_COST;
}

void queue_remove_first(struct unix_sock *s)
{
	struct packet *p = s->first;

	s->first = p->next;
	if (!s->first)
		s->end = &s->first;
	s->packets--;
	s->bytes -= p->len - p->taken + PACKET_COST;
	packet_free(p);
}

void queue_drop_all(struct unix_sock *s)
{
	while (s->first)
		queue_remove_first(s);
}

/* ---- files ---- */

static struct rights *new_rights(void)
{
	for (unsigned i = 0; i < RIGHTS_MAX; i++) {
		struct rights *r = &rights_pool[i];

		if (r->in_use)
			continue;
		r->in_use = true;
		r->in_flight = false;
		r->count = 0;
		return r;
	}
	return NULL;
}

int rights_take(struct call *c, const struct control *ct, struct rights **out)
{
	struct rights *r = new_rights();

	if (!r)
		return -ETOOMANYREFS;
	for (unsigned i = 0; i < ct->fds_count; i++) {
		struct file *f = file_get(c, ct->fds[i]);

		if (!f) {
			rights_drop(r);
			return -EBADF;
		}
		r->files[r->count++] = f;
	}
	*out = r;
	return 0;
}

struct rights *rights_copy(const struct rights *from)
{
	struct rights *r = new_rights();

	if (!r)
		return NULL;
	for (r->count = 0; r->count < from->count; r->count++) {
		r->files[r->count] = from->files[r->count];
		file_ref(r->files[r->count]);
	}
	return r;
}

void rights_drop(struct rights *r)
{
	if (!r)
		return;
	flight_end(r);
	r->next = doomed;
	doomed = r;
	if (is_closing)
		return;
	is_closing = true;
	while (doomed) {
		r = doomed;
		doomed = r->next;
		for (unsigned i = 0; i < r->count; i++)
			file_unref(r->files[i]);
		r->in_use = false;
	}
	is_closing = false;
}

void rights_install(struct call *c, struct rights *r, struct control_out *o, bool cloexec)
{
	unsigned room = control_fds_room(o, r->count), count = 0;
	int32_t fds[RIGHTS_FDS_MAX];

	while (count < room) {
		int fd;

		file_ref(r->files[count]);
		fd = file_install(c, r->files[count], cloexec); /* gives the reference back */
		if (fd < 0)
			break;
		fds[count++] = fd;
	}
	if (count < r->count)
		o->is_truncated = true;
	control_put_fds(o, fds, count);
	rights_drop(r);
}
