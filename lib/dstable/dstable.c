/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the data store: see dstable.h. Every change ends in mark_changed(), which sets a bit
 * for each subscriber concerned. Subscriptions are in subscribe.c.
 */
#include <stdio.h>
#include <string.h>
#include "axolotl/errno.h"
#include "dstable_impl.h"

void dstable_init(struct dstable *t)
{
	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < DSTABLE_SUBSCRIBERS_MAX; i++)
		t->subscribers[i].ep = EP_NONE;
}

/* Printable, no blanks, terminated. */
static bool key_valid(const char key[DS_KEY_MAX])
{
	size_t len = strnlen(key, DS_KEY_MAX);

	for (size_t i = 0; i < len; i++) {
		if (key[i] <= ' ' || key[i] > '~')
			return false;
	}
	return len > 0 && len < DS_KEY_MAX;
}

/* What `who` means by a key: its own private entry first, then the public one. */
static struct dstable_entry *find(const struct dstable *t, const struct dstable_who *who,
                                  const char *key, bool want_private)
{
	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++) {
		const struct dstable_entry *e = &t->entries[i];

		if (e->state == DSTABLE_LIVE && e->is_private == want_private &&
		    strcmp(e->key, key) == 0 &&
		    (!want_private || strcmp(e->owner, who->label) == 0))
			return (struct dstable_entry *)(uintptr_t)e;
	}
	return NULL;
}

static struct dstable_entry *find_visible(const struct dstable *t, const struct dstable_who *who,
                                          const char *key)
{
	struct dstable_entry *e = find(t, who, key, true);

	return e != NULL ? e : find(t, who, key, false);
}

/* ---- publishing: check everything, then change ---- */

static int check_value(const struct dstable_who *who, const struct ds_req *req)
{
	switch ((enum ds_type)(req->type_flags & 0xff)) {
	case DS_U32: return 0;
	case DS_STR: return strnlen(req->value.str, DS_VALUE_MAX) < DS_VALUE_MAX ? 0 : -EINVAL;
	case DS_MEM: return req->value.mem.len_bytes <= DS_MEM_MAX ? 0 : -EINVAL;
	case DS_LABEL:
		if (!who->is_rs)
			return -EPERM;
		return strlen(req->key) < LABEL_MAX && req->value.label.ep >= 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int check_publish(const struct dstable_who *who, const struct ds_req *req,
                         const struct dstable_entry *old)
{
	uint32_t type = req->type_flags & 0xff;

	if ((req->type_flags & ~(0xffu | DS_PRIVATE | DS_OVERWRITE)) != 0)
		return -EINVAL;
	if (old == NULL)
		return check_value(who, req);
	if (strcmp(old->owner, who->label) != 0 || (old->type == DS_LABEL && !who->is_rs))
		return -EPERM;
	if ((req->type_flags & DS_OVERWRITE) == 0)
		return -EEXIST;
	return old->type == type ? check_value(who, req) : -EINVAL;
}

static unsigned count_owned(const struct dstable *t, const char *owner)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++)
		count += t->entries[i].state == DSTABLE_LIVE &&
		         strcmp(t->entries[i].owner, owner) == 0;
	return count;
}

/* A free slot; for a public key, its own tombstone is preferred, so that nobody sees it twice. */
static struct dstable_entry *find_slot(struct dstable *t, const struct ds_req *req)
{
	struct dstable_entry *found = NULL;

	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++) {
		struct dstable_entry *e = &t->entries[i];

		if (e->state == DSTABLE_DELETED && (req->type_flags & DS_PRIVATE) == 0 &&
		    strcmp(e->key, req->key) == 0)
			return e;
		if (e->state == DSTABLE_FREE && found == NULL)
			found = e;
	}
	return found;
}

static int take_mem(struct dstable *t)
{
	for (int i = 0; i < DSTABLE_MEMS_MAX; i++) {
		if (!t->mem_used[i]) {
			t->mem_used[i] = true;
			return i;
		}
	}
	return -ENOSPC;
}

static int new_entry(struct dstable *t, const struct dstable_who *who, const struct ds_req *req,
                     struct dstable_entry **out)
{
	struct dstable_entry *e = find_slot(t, req);
	bool is_mem = (req->type_flags & 0xff) == DS_MEM;
	int mem = 0;

	if (e == NULL || (!who->is_rs && count_owned(t, who->label) >= DSTABLE_OWNED_MAX))
		return -ENOSPC;
	if (is_mem)
		mem = take_mem(t);
	if (mem < 0)
		return mem;
	memset(e, 0, sizeof(*e));
	e->state = DSTABLE_LIVE;
	e->type = (uint8_t)(req->type_flags & 0xff);
	e->is_private = (req->type_flags & DS_PRIVATE) != 0;
	e->mem = (uint8_t)mem;
	memcpy(e->key, req->key, strlen(req->key));
	snprintf(e->owner, sizeof(e->owner), "%s", who->label);
	if (e->type == DS_LABEL)
		e->value.label.ep = EP_NONE;
	*out = e;
	return 0;
}

static bool value_differs(const struct dstable *t, const struct dstable_entry *e,
                          const struct ds_req *req, const void *mem)
{
	switch ((enum ds_type)e->type) {
	case DS_U32: return e->value.u32 != req->value.u32;
	case DS_STR: return strcmp(e->value.str, req->value.str) != 0;
	case DS_MEM:
		return e->value.mem.len_bytes != req->value.mem.len_bytes ||
		       memcmp(t->mems[e->mem], mem, req->value.mem.len_bytes) != 0;
	case DS_LABEL: return e->value.label.ep != req->value.label.ep;
	}
	return false;
}

static void set_value(struct dstable *t, struct dstable_entry *e, const struct ds_req *req,
                      const void *mem)
{
	endpoint_t old = e->value.label.ep;

	memset(&e->value, 0, sizeof(e->value));
	switch ((enum ds_type)e->type) {
	case DS_U32: e->value.u32 = req->value.u32; break;
	case DS_STR: memcpy(e->value.str, req->value.str, strlen(req->value.str)); break;
	case DS_MEM:
		e->value.mem.grant = GRANT_INVALID;
		e->value.mem.len_bytes = req->value.mem.len_bytes;
		memcpy(t->mems[e->mem], mem, req->value.mem.len_bytes);
		break;
	case DS_LABEL:
		e->value.label.ep = req->value.label.ep;
		e->value.label.old = old;
		e->value.label.cause = req->value.label.cause;
		break;
	}
}

int dstable_publish(struct dstable *t, const struct dstable_who *who, const struct ds_req *req,
                    const void *mem)
{
	struct dstable_entry *e;
	bool is_new;
	int r;

	if (!key_valid(req->key))
		return -EINVAL;
	e = find(t, who, req->key, (req->type_flags & DS_PRIVATE) != 0);
	is_new = e == NULL;
	r = check_publish(who, req, e);
	if (r == 0 && is_new)
		r = new_entry(t, who, req, &e);
	if (r != 0)
		return r;
	if (!is_new && !value_differs(t, e, req, mem))
		return 0;
	set_value(t, e, req, mem);
	dstable_mark_changed(t, e);
	if (e->type == DS_LABEL) /* the incarnation before is gone */
		dstable_unsubscribe(t, e->value.label.old);
	return 0;
}

/* ---- reading ---- */

int dstable_retrieve(const struct dstable *t, const struct dstable_who *who,
                     const struct ds_req *req, struct ds_rep *rep)
{
	const struct dstable_entry *e = key_valid(req->key) ? find_visible(t, who, req->key) : NULL;

	memset(rep, 0, sizeof(*rep));
	if (e == NULL || e->type != (req->type_flags & 0xff)) {
		rep->result = -ENOENT;
		return -ENOENT;
	}
	memcpy(rep->key, e->key, sizeof(rep->key));
	rep->value = e->value;
	return 0;
}

const void *dstable_mem(const struct dstable *t, const struct dstable_who *who, const char *key)
{
	const struct dstable_entry *e = find_visible(t, who, key);

	return e != NULL && e->type == DS_MEM ? t->mems[e->mem] : NULL;
}

const char *dstable_name_of(const struct dstable *t, endpoint_t ep)
{
	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++) {
		const struct dstable_entry *e = &t->entries[i];

		if (e->state == DSTABLE_LIVE && e->type == DS_LABEL && e->value.label.ep == ep)
			return e->key;
	}
	return NULL;
}

static int print_entry(const struct dstable_entry *e, char *buf, size_t len)
{
	switch ((enum ds_type)e->type) {
	case DS_U32: return snprintf(buf, len, "%s u32 %u\n", e->key, e->value.u32);
	case DS_STR: return snprintf(buf, len, "%s str %s\n", e->key, e->value.str);
	case DS_MEM: return snprintf(buf, len, "%s mem %u\n", e->key, e->value.mem.len_bytes);
	case DS_LABEL: return snprintf(buf, len, "%s label %d\n", e->key, e->value.label.ep);
	}
	return 0;
}

size_t dstable_list(const struct dstable *t, char *buf, size_t len)
{
	size_t used = 0;

	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++) {
		const struct dstable_entry *e = &t->entries[i];
		int n;

		if (e->state != DSTABLE_LIVE || e->is_private)
			continue;
		n = print_entry(e, buf + used, len - used);
		if (n < 0 || (size_t)n >= len - used)
			break;
		used += (size_t)n;
	}
	return used;
}

/* ---- deleting ---- */

static void delete_entry(struct dstable *t, struct dstable_entry *e)
{
	if (e->type == DS_MEM)
		t->mem_used[e->mem] = false;
	if (e->type == DS_LABEL) {
		e->value.label.old = e->value.label.ep;
		e->value.label.ep = EP_NONE;
		dstable_unsubscribe(t, e->value.label.old);
	} else {
		memset(&e->value, 0, sizeof(e->value));
	}
	e->state = DSTABLE_DELETED;
	dstable_mark_changed(t, e);
	dstable_bury(t, e);
}

int dstable_delete(struct dstable *t, const struct dstable_who *who, const char *key)
{
	struct dstable_entry *e = key_valid(key) ? find_visible(t, who, key) : NULL;

	if (e == NULL)
		return -ENOENT;
	if (strcmp(e->owner, who->label) != 0 && !who->is_rs)
		return -EPERM;
	delete_entry(t, e);
	return 0;
}

unsigned dstable_delete_owner(struct dstable *t, const char *owner)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++) {
		struct dstable_entry *e = &t->entries[i];

		if (e->state != DSTABLE_LIVE)
			continue;
		if (strcmp(e->owner, owner) != 0 &&
		    (e->type != DS_LABEL || strcmp(e->key, owner) != 0))
			continue;
		delete_entry(t, e);
		count++;
	}
	return count;
}
