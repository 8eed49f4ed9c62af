/* SPDX-License-Identifier: BSD-2-Clause */
/* What is ready: answers to SOCK_POLL, the SOCK_READY that is owed, and the state word that vfs reads instead of
 * asking (sock.h). */
#include <poll.h>
#include "sys/sys.h"
#include "answer.h"
#include "sock_impl.h"

#define ALWAYS (POLLERR | POLLHUP)

static uint32_t word_of(struct sock *s, uint32_t events)
{
	uint32_t kib = s->ops->too_much_kib ? s->ops->too_much_kib(s) : 0;

	return SOCK_WORD_EVENTS(events) | (kib <= UINT16_MAX ? kib << 16 : 0);
}

static bool write_word(struct sock *s, uint32_t word)
{
	s->word.told = word;
	return k_safecopy_to(s->owner, s->word.grant, s->word.offset, &word, sizeof(word)) == 0;
}

void ready_changed(struct sock *s)
{
	struct sock_event e = {.handle = s->handle};
	uint32_t events, word;

	if (s->is_closing || (s->wanted == 0 && !s->word.is_used))
		return;
	events = s->ops->poll(s);
	word = word_of(s, events);
	/* If its owner has taken the memory away, it does not look at it either. */
	if (s->word.is_used && word != s->word.told)
		s->word.is_used = write_word(s, word);
	e.events = events & s->wanted;
	if (e.events == 0)
		return;
	s->wanted = 0;
	answer(s->owner, SOCK_READY, &e, sizeof(e));
}

int ready_poll(struct sock *s, const struct request *r, struct sock_rep *rep)
{
	uint32_t events = s->ops->poll(s), ready = events & (r->q.arg | ALWAYS);

	if (r->q.len_bytes == sizeof(uint32_t)) {
		s->word = (struct sock_word){.grant = r->q.grant, .offset = r->q.grant_offset};
		s->word.is_used = write_word(s, word_of(s, events));
		rep->value = s->word.is_used ? SOCK_WATCHED : 0;
	}
	if (!ready)
		s->wanted |= r->q.arg | ALWAYS;
	return (int)ready;
}
