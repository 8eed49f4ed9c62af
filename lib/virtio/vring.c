/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues: see vring.h.
 */
#include "virtio/vring.h"

#define USED_ALIGN 4u

static size_t avail_offset(uint16_t size)
{
	return (size_t)size * sizeof(struct vring_desc);
}

static size_t used_offset(uint16_t size)
{
	size_t end = avail_offset(size) + sizeof(struct vring_avail) + (size_t)size * 2 + 2;

	return (end + USED_ALIGN - 1) & ~(size_t)(USED_ALIGN - 1);
}

size_t vring_bytes(uint16_t size)
{
	return used_offset(size) + sizeof(struct vring_used) +
	       (size_t)size * sizeof(struct vring_used_elem) + 2;
}

void vring_init(struct vring *v, uint16_t size, void *memory, uint64_t bus)
{
	uint8_t *at = memory;

	*v = (struct vring){.size = size, .free_count = size};
	v->desc = (struct vring_desc *)memory;
	v->avail = (struct vring_avail *)(void *)(at + avail_offset(size));
	v->used = (struct vring_used *)(void *)(at + used_offset(size));
	v->desc_bus = bus;
	v->avail_bus = bus + avail_offset(size);
	v->used_bus = bus + used_offset(size);
	for (uint16_t i = 0; i < size; i++)
		v->next[i] = (uint16_t)(i + 1);
}

bool vring_add(struct vring *v, const struct vring_piece *pieces, unsigned count, void *cookie)
{
	uint16_t head = v->free_head, at = head;

	if (count == 0 || count > v->free_count || v->is_broken)
		return false;
	for (unsigned i = 0; i < count; i++) {
		bool is_last = i + 1 == count;

		v->desc[at] = (struct vring_desc){
			.addr = pieces[i].bus,
			.len = pieces[i].len,
			.flags = (uint16_t)((is_last ? 0 : VRING_DESC_NEXT) |
		                            (pieces[i].is_written ? VRING_DESC_WRITE : 0)),
			.next = is_last ? 0 : v->next[at]};
		if (is_last)
			v->free_head = v->next[at];
		at = v->next[at];
	}
	v->free_count = (uint16_t)(v->free_count - count);
	v->chain[head] = (uint16_t)count;
	v->cookie[head] = cookie;
	v->avail->ring[v->next_avail++ & (v->size - 1)] = head;
	return true;
}

/* 2.6.7.1: did the index pass the event when it went from `old` to `new`? */
static bool has_passed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

/* The event indices lie behind the rings: of `used` where the device wants a notification, of `avail`
 * where we want an interrupt. */
static uint16_t avail_event(const struct vring *v)
{
	const uint16_t *event = (const uint16_t *)(const void *)&v->used->ring[v->size];

	return __atomic_load_n(event, __ATOMIC_RELAXED);
}

bool vring_publish(struct vring *v)
{
	uint16_t old = v->published;

	v->published = v->next_avail;
	__atomic_store_n(&v->avail->idx, v->next_avail, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (v->has_event_idx)
		return has_passed(avail_event(v), v->next_avail, old);
	return !(__atomic_load_n(&v->used->flags, __ATOMIC_RELAXED) & VRING_USED_NO_NOTIFY);
}

/* Back to the free list, by our own links. */
static void free_chain(struct vring *v, uint16_t head)
{
	uint16_t last = head;

	for (uint16_t i = 1; i < v->chain[head]; i++)
		last = v->next[last];
	v->next[last] = v->free_head;
	v->free_head = head;
	v->free_count = (uint16_t)(v->free_count + v->chain[head]);
	v->chain[head] = 0;
}

void *vring_take(struct vring *v, uint32_t *len)
{
	uint16_t idx = __atomic_load_n(&v->used->idx, __ATOMIC_ACQUIRE);
	volatile struct vring_used_elem *e = &v->used->ring[v->last_used & (v->size - 1)];
	uint32_t id;

	if (idx == v->last_used || v->is_broken)
		return NULL;
	id = e->id;
	*len = e->len;
	if ((uint16_t)(idx - v->last_used) > v->size || id >= v->size || v->chain[id] == 0) {
		v->is_broken = true;
		return NULL;
	}
	v->last_used++;
	free_chain(v, (uint16_t)id);
	return v->cookie[id];
}

static uint16_t used_ahead(const struct vring *v)
{
	uint16_t idx = __atomic_load_n(&v->used->idx, __ATOMIC_ACQUIRE);

	return (uint16_t)(idx - v->last_used);
}

bool vring_has_done(const struct vring *v)
{
	return used_ahead(v) > 0;
}

bool vring_arm(struct vring *v, unsigned ahead)
{
	if (v->has_event_idx) {
		uint16_t event = (uint16_t)(v->last_used + ahead - 1);

		__atomic_store_n(&v->avail->ring[v->size], event, __ATOMIC_RELEASE);
	} else {
		__atomic_store_n(&v->avail->flags, 0, __ATOMIC_RELEASE);
		ahead = 1;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (used_ahead(v) < ahead || v->is_broken)
		return false;
	if (!v->has_event_idx)
		__atomic_store_n(&v->avail->flags, VRING_AVAIL_NO_INTERRUPT, __ATOMIC_RELAXED);
	return true;
}

void *vring_drain(struct vring *v)
{
	for (uint16_t head = 0; head < v->size; head++) {
		if (v->chain[head] == 0)
			continue;
		free_chain(v, head);
		return v->cookie[head];
	}
	return NULL;
}
