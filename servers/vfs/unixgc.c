/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets that are on their way inside one another. A socket whose only references come from messages
 * that nobody can receive any more would stay for ever. The collector finds them:
 *
 *     roots     sockets whose file has more references than messages hold
 *     reached   from a root's queue (a listener's: and from the queues of connections not yet
 *               accepted), the sockets in the messages there
 *     garbage   on its way, and not reached: its queue is thrown away, which closes them all
 *
 * It runs before vfs waits again, if a local socket lost a reference while others are on their way.
 */
#include "unix.h"

static unsigned flying; /* sockets in messages, counted once for each message */
static bool is_wanted;
static struct unix_sock *to_visit;

static void count_flight(struct rights *r, bool is_begin)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct unix_sock *s = unix_of(r->files[i]);

		if (!s)
			continue;
		s->in_flight = is_begin ? s->in_flight + 1 : s->in_flight - 1;
		flying = is_begin ? flying + 1 : flying - 1;
	}
	r->in_flight = is_begin;
}

void flight_begin(struct rights *r)
{
	count_flight(r, true);
}

void flight_end(struct rights *r)
{
	if (r->in_flight)
		count_flight(r, false);
}

void unix_dropped(struct file *f)
{
	(void)f;
	is_wanted = flying > 0;
}

static void mark(struct unix_sock *s)
{
	if (s->is_marked)
		return;
	s->is_marked = true;
	s->mark_next = to_visit;
	to_visit = s;
}

static void visit(const struct unix_sock *s)
{
	for (const struct packet *p = s->first; p; p = p->next)
		for (unsigned i = 0; p->rights && i < p->rights->count; i++) {
			struct unix_sock *inner = unix_of(p->rights->files[i]);

			if (inner)
				mark(inner);
		}
	for (struct unix_sock *e = s->accept_first; e; e = e->accept_next)
		mark(e);
}

static void mark_all(void)
{
	to_visit = NULL;
	for (unsigned i = 0; i < UNIX_SOCKS_MAX; i++) {
		struct unix_sock *s = &unix_socks[i];

		s->is_marked = false;
	}
	for (unsigned i = 0; i < UNIX_SOCKS_MAX; i++) {
		struct unix_sock *s = &unix_socks[i];

		if (s->state != UNIX_FREE && s->file && s->file->refs > s->in_flight)
			mark(s);
	}
	while (to_visit) {
		const struct unix_sock *s = to_visit;

		to_visit = s->mark_next;
		visit(s);
	}
}

/* Everything unmarked that is on its way, and what waits at its door. */
static void sweep(void)
{
	for (unsigned i = 0; i < UNIX_SOCKS_MAX; i++) {
		struct unix_sock *s = &unix_socks[i];

		if (s->state == UNIX_FREE || s->is_marked || !s->file || s->in_flight == 0)
			continue;
		file_ref(s->file); /* throwing its queue away may be the end of it */
		queue_drop_all(s);
		for (struct unix_sock *e = s->accept_first; e; e = e->accept_next)
			queue_drop_all(e);
		file_unref(s->file);
	}
}

void unix_idle(void)
{
	if (!is_wanted)
		return;
	is_wanted = false;
	if (flying == 0)
		return;
	mark_all();
	sweep();
	is_wanted = false; /* what the sweep itself dropped is no reason to look again */
}
