/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscriptions of the data store: see dstable.h. Private entries are never announced.
 */
#include <string.h>
#include "axolotl/errno.h"
#include "dstable_impl.h"

static struct dstable_subscriber *find_subscriber(struct dstable *t, endpoint_t ep)
{
	for (unsigned i = 0; i < DSTABLE_SUBSCRIBERS_MAX; i++) {
		if (t->subscribers[i].ep == ep)
			return &t->subscribers[i];
	}
	return NULL;
}

static bool is_changed(const struct dstable_subscriber *s, unsigned entry)
{
	return (s->changed[entry / 64] >> (entry % 64) & 1) != 0;
}

static bool wants(const struct dstable_subscriber *s, const struct dstable_entry *e)
{
	for (unsigned i = 0; i < s->pattern_count; i++) {
		if (pattern_match(&s->patterns[i], e->key))
			return true;
	}
	return false;
}

static void set_changed(struct dstable_subscriber *s, unsigned entry)
{
	s->changed[entry / 64] |= 1ull << (entry % 64);
	s->want_notify = true;
}

void dstable_mark_changed(struct dstable *t, const struct dstable_entry *e)
{
	for (unsigned i = 0; i < DSTABLE_SUBSCRIBERS_MAX && !e->is_private; i++) {
		struct dstable_subscriber *s = &t->subscribers[i];

		if (s->ep != EP_NONE && wants(s, e))
			set_changed(s, (unsigned)(e - t->entries));
	}
}

void dstable_bury(struct dstable *t, struct dstable_entry *e)
{
	if (e->state != DSTABLE_DELETED)
		return;
	for (unsigned i = 0; i < DSTABLE_SUBSCRIBERS_MAX; i++) {
		if (t->subscribers[i].ep != EP_NONE &&
		    is_changed(&t->subscribers[i], (unsigned)(e - t->entries)))
			return;
	}
	e->state = DSTABLE_FREE;
}

int dstable_subscribe(struct dstable *t, const struct dstable_who *who, const char *pattern)
{
	struct dstable_subscriber *s = find_subscriber(t, who->ep);
	struct pattern compiled;
	int r = pattern_compile(&compiled, pattern);

	if (r != 0)
		return r;
	if (s == NULL)
		s = find_subscriber(t, EP_NONE);
	if (s == NULL || (s->ep != EP_NONE && s->pattern_count == DSTABLE_PATTERNS_MAX))
		return -ENOSPC;
	if (s->ep == EP_NONE)
		memset(s, 0, sizeof(*s));
	s->ep = who->ep;
	s->patterns[s->pattern_count++] = compiled;
	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++) {
		const struct dstable_entry *e = &t->entries[i];

		if (e->state == DSTABLE_LIVE && !e->is_private && pattern_match(&compiled, e->key))
			set_changed(s, i);
	}
	return 0;
}

void dstable_check(struct dstable *t, const struct dstable_who *who, struct ds_change *change)
{
	struct dstable_subscriber *s = find_subscriber(t, who->ep);

	memset(change, 0, sizeof(*change));
	change->result = -ENOENT;
	for (unsigned i = 0; s != NULL && i < DSTABLE_ENTRIES_MAX; i++) {
		struct dstable_entry *e = &t->entries[i];

		if (!is_changed(s, i))
			continue;
		s->changed[i / 64] &= ~(1ull << (i % 64));
		change->result = e->type;
		memcpy(change->key, e->key, sizeof(change->key));
		change->value = e->value;
		if (e->state == DSTABLE_DELETED && e->type != DS_LABEL) {
			/* ds.h: a deleted entry that is no label is an empty string */
			change->result = DS_STR;
			memset(&change->value, 0, sizeof(change->value));
		}
		dstable_bury(t, e);
		return;
	}
}

void dstable_unsubscribe(struct dstable *t, endpoint_t ep)
{
	struct dstable_subscriber *s = ep >= 0 ? find_subscriber(t, ep) : NULL;

	if (s == NULL)
		return;
	s->ep = EP_NONE;
	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++)
		dstable_bury(t, &t->entries[i]);
}

endpoint_t dstable_subscriber(const struct dstable *t, unsigned i)
{
	return t->subscribers[i].ep;
}

endpoint_t dstable_next_notify(struct dstable *t)
{
	for (unsigned i = 0; i < DSTABLE_SUBSCRIBERS_MAX; i++) {
		struct dstable_subscriber *s = &t->subscribers[i];

		if (s->ep != EP_NONE && s->want_notify) {
			s->want_notify = false;
			return s->ep;
		}
	}
	return EP_NONE;
}
