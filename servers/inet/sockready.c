/* SPDX-License-Identifier: BSD-2-Clause */
/* What is ready: answers to SOCK_POLL, the SOCK_READY that is owed, and the state word that vfs reads instead of
 * asking (sock.h). */
#include <poll.h>
#include "sys/sys.h"
#include "answer.h"
#include "sock_impl.h"

#define ALWAYS (POLLERR | POLLHUP)

static bool write_word(const struct sock *s, uint32_t events)
{
	return k_safecopy_to(s->owner, s->word.grant, s->word.offset, &events, sizeof(events)) == 0;
}

static void tell_word(struct sock *s, uint32_t events)
{
	if (!s->word.is_used || events == s->word.told)
		return;
	s->word.told = events;
	/* Its owner has taken the memory away: then it does not look at it either. */
	if (!write_word(s, events))
		s->word.is_used = false;
}

void ready_changed(struct sock *s)
{
	struct sock_event e = {.handle = s->handle};
	uint32_t events;

	if (s->is_closing || (s->wanted == 0 && !s->word.is_used))
		return;
	events = s->ops->poll(s);
	tell_word(s, events);
	e.events = events & s->wanted;
	if (e.events == 0)
		return;
	s->wanted = 0;
	answer(s->owner, SOCK_READY, &e, sizeof(e));
}

static bool watch(struct sock *s, const struct sock_req *q, uint32_t events)
{
	if (q->grant == GRANT_INVALID || q->len_bytes != sizeof(uint32_t))
		return false;
	s->word = (struct sock_word){.grant = q->grant, .offset = q->grant_offset, .told = events};
	s->word.is_used = write_word(s, events);
	return s->word.is_used;
}

int ready_poll(struct sock *s, const struct request *r, struct sock_rep *rep)
{
	uint32_t events = s->ops->poll(s), ready = events & (r->q.arg | ALWAYS);

	if (watch(s, &r->q, events))
		rep->value = SOCK_WATCHED;
	if (!ready)
		s->wanted |= r->q.arg | ALWAYS;
	return (int)ready;
}
