/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: cached pages of files (by token), pages of images, shared memory.
 *
 *   FILE   lives while it is used, cached, or being fetched; unused ones are the page cache and go
 *          when RAM is short, when vfs drops the token, or when the table is full
 *   IMAGE  lives while it is in the image table or used
 *   SHM    lives while it is used or is a System V segment that was not removed
 *
 * vfs counts the references of a token that it has given us; all go back in one message when the
 * object ends, and a message that cannot be sent now is tried again before the next RECEIVE.
 */
#include <errno.h>
#include "axolotl/vfs.h"
#include "sys/sys.h"
#include "vm.h"

#define OBJECTS_MAX 1024u
#define BUCKETS     256u

static struct object objects[OBJECTS_MAX + 1]; /* number 0: none */
static uint16_t bucket_heads[BUCKETS];         /* FILE objects by token */
static uint16_t bucket_next[OBJECTS_MAX + 1];
static uint64_t tick;
static unsigned releasing_count;

static uint16_t *bucket_of(uint64_t token)
{
	return &bucket_heads[(token * 0x9e3779b97f4a7c15ul) >> 56];
}

struct object *object_nth(uint32_t number)
{
	VM_ASSERT(number >= 1 && number <= OBJECTS_MAX && objects[number].kind != OBJECT_FREE);
	return &objects[number];
}

uint32_t object_number(const struct object *o)
{
	return (uint32_t)(o - objects);
}

uint32_t object_count(void)
{
	return OBJECTS_MAX;
}

bool object_is(uint32_t number, enum object_kind kind)
{
	return objects[number].kind == kind;
}

static void unlink_token(const struct object *o)
{
	uint16_t *link = bucket_of(o->token);

	while (*link != object_number(o)) {
		VM_ASSERT(*link != 0);
		link = &bucket_next[*link];
	}
	*link = bucket_next[object_number(o)];
}

/* Tells vfs that the token's references are gone; the slot is free once the message is out. */
static void send_release(struct object *o)
{
	struct vfs_token_release rel = {.token = o->token, .refs = o->refs_of_vfs};
	struct msg m;

	msg_put(&m, VFS_TOKEN_RELEASE, &rel);
	if (o->refs_of_vfs == 0)
		*o = (struct object){0};
	else if (sys_asend(EP_VFS, &m) == 0) {
		releasing_count -= o->is_releasing;
		*o = (struct object){0};
	} else if (!o->is_releasing) {
		o->is_releasing = true;
		releasing_count++;
	}
}

void object_flush_releases(void)
{
	for (uint32_t i = 1; i <= OBJECTS_MAX && releasing_count > 0; i++)
		if (objects[i].is_releasing)
			send_release(&objects[i]);
}

static void drop_pages(struct object *o)
{
	uint64_t page = 0;
	uint32_t entry;

	while (pagemap_next(&o->pages, &page, UINT64_MAX, &entry)) {
		frame_unref(entry & PE_FRAME);
		page++;
	}
	pagemap_destroy(&o->pages);
}

static void end_object(struct object *o)
{
	drop_pages(o);
	if (o->kind == OBJECT_SHM) {
		VM_ASSERT(commit_change(NULL, -(int64_t)o->limit_pages) == 0);
		shm_object_gone(object_number(o));
	}
	if (o->kind == OBJECT_FILE) {
		unlink_token(o);
		send_release(o);
	} else {
		*o = (struct object){0};
	}
}

static bool is_idle(const struct object *o)
{
	return o->user_pages == 0 && o->fetches == 0 && !o->is_pinned && !o->is_releasing;
}

/* The file object that was not used for the longest timeand that nobody maps. */
static struct object *oldest_idle(void)
{
	struct object *oldest = NULL;

	for (uint32_t i = 1; i <= OBJECTS_MAX; i++) {
		struct object *o = &objects[i];

		if (o->kind == OBJECT_FILE && is_idle(o) &&
		    (oldest == NULL || o->last_use < oldest->last_use))
			oldest = o;
	}
	return oldest;
}

static struct object *find_free(void)
{
	for (uint32_t i = 1; i <= OBJECTS_MAX; i++)
		if (objects[i].kind == OBJECT_FREE)
			return &objects[i];
	return NULL;
}

struct object *object_new(enum object_kind kind)
{
	struct object *o = find_free();

	if (o == NULL) {
		o = oldest_idle();
		if (o == NULL)
			return NULL;
		end_object(o);
		o = find_free();
		if (o == NULL) /* the release is still on its way */
			return NULL;
	}
	*o = (struct object){.kind = (uint8_t)kind, .last_use = ++tick};
	return o;
}

int object_new_shm(uint64_t pages, struct object **out)
{
	int err = commit_change(NULL, (int64_t)pages);

	if (err < 0)
		return err;
	*out = object_new(OBJECT_SHM);
	if (*out == NULL) {
		VM_ASSERT(commit_change(NULL, -(int64_t)pages) == 0);
		return -ENOMEM;
	}
	(*out)->limit_pages = pages;
	return 0;
}

struct object *object_find_token(uint64_t token)
{
	for (uint32_t i = *bucket_of(token); i != 0; i = bucket_next[i])
		if (objects[i].token == token)
			return &objects[i];
	return NULL;
}

struct object *object_of_token(uint64_t token)
{
	struct object *o = object_find_token(token);
	uint16_t *head = bucket_of(token);

	if (o == NULL) {
		o = object_new(OBJECT_FILE);
		if (o == NULL)
			return NULL;
		o->token = token;
		bucket_next[object_number(o)] = *head;
		*head = (uint16_t)object_number(o);
	}
	o->refs_of_vfs++;
	o->last_use = ++tick;
	return o;
}

void object_refuse_token(struct object *o)
{
	VM_ASSERT(o->refs_of_vfs > 0);
	if (--o->refs_of_vfs == 0) { /* made for this request: nobody uses it */
		o->is_stale = true;
		object_drop_if_unused(o);
	}
}

void object_use(uint32_t number, uint64_t pages)
{
	struct object *o = object_nth(number);

	o->user_pages += pages;
	o->last_use = ++tick;
}

void object_drop_if_unused(struct object *o)
{
	if (is_idle(o) && (o->kind != OBJECT_FILE || o->is_stale))
		end_object(o);
}

void object_unuse(uint32_t number, uint64_t pages)
{
	struct object *o = object_nth(number);

	VM_ASSERT(o->user_pages >= pages);
	o->user_pages -= pages;
	object_drop_if_unused(o);
}

void object_unpin(struct object *o)
{
	VM_ASSERT(o->is_pinned);
	o->is_pinned = false;
	object_drop_if_unused(o);
}

/* Gives up pages of a file in use that no space has mapped. */
static uint32_t trim_object(struct object *o, uint32_t want)
{
	uint32_t freed = 0, entry;
	uint64_t page = 0;

	while (freed < want && pagemap_next(&o->pages, &page, UINT64_MAX, &entry)) {
		if (!frame_is_shared(entry & PE_FRAME)) {
			pagemap_clear(&o->pages, page);
			frame_unref(entry & PE_FRAME);
			freed++;
		}
		page++;
	}
	return freed;
}

uint32_t object_reclaim(uint32_t want)
{
	uint32_t before = frame_counts.free, freed = 0;
	struct object *o;

	while (frame_counts.free - before < want) {
		o = oldest_idle();
		if (o == NULL)
			break;
		end_object(o);
	}
	freed = frame_counts.free - before;
	for (uint32_t i = 1; i <= OBJECTS_MAX && freed < want; i++)
		if (objects[i].kind == OBJECT_FILE && objects[i].fetches == 0)
			freed += trim_object(&objects[i], want - freed);
	return freed;
}
