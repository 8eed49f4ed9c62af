/* SPDX-License-Identifier: BSD-2-Clause */
/* Application data in the send area (chunk.h). */
#include <string.h>

#include "arena.h"
#include "chunk.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/lwip_hooks.h"
#undef pbuf_alloc /* the hook's body calls lwIP's */

/* At the start of its memory, which drivers may read and not write. Data never lies at the start of an
 * allocation, so lwIP, which extends a reference by what follows it in memory, cannot run from one chunk into the next. */
struct chunk {
	uint32_t refs;
	uint32_t size, used; /* bytes of data */
	uint32_t reserved;
};
_Static_assert(sizeof(struct chunk) == CHUNK_HEADER, "header size");

/* Private memory: nothing of it is touched before it is used. */
#define REFS_MAX 12288u
struct ref {
	struct pbuf_custom pbuf;
	union {
		struct chunk *chunk;
		struct ref *next; /* free */
	};
};
static struct ref refs[REFS_MAX], *free_refs;
static unsigned used_refs;    /* that were ever used: the first so many */
static struct chunk *writing; /* during tcp_write() */
static bool was_refused, has_relief;
static struct chunk_stats stats;

static void note_free(void)
{
	has_relief = has_relief || was_refused;
	was_refused = false;
}

bool chunk_take_relief(void)
{
	bool is_so = has_relief;

	has_relief = false;
	return is_so;
}

static uint8_t *data_of(struct chunk *c)
{
	return (uint8_t *)c + CHUNK_HEADER;
}

struct chunk *chunk_new(uint32_t bytes)
{
	uint32_t size =
		bytes > CHUNK_BYTES_MAX - CHUNK_HEADER ? CHUNK_BYTES_MAX : bytes + CHUNK_HEADER;
	struct chunk *c = NULL;

	for (;;) {
		if (size < CHUNK_BYTES_MIN)
			size = CHUNK_BYTES_MIN;
		c = arena_alloc(size);
		if (c != NULL || size == CHUNK_BYTES_MIN)
			break;
		size /= 2;
	}
	if (c == NULL) {
		was_refused = true;
		return NULL;
	}
	*c = (struct chunk){.refs = 1, .size = size - CHUNK_HEADER};
	stats.chunks++;
	return c;
}

void chunk_release(struct chunk *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	arena_free(c);
	stats.chunks--;
	note_free();
}

uint8_t *chunk_room(struct chunk *c, uint32_t *bytes)
{
	if (c->refs == 1)
		c->used = 0;
	*bytes = c->size - c->used;
	return data_of(c) + c->used;
}

static void free_ref(struct pbuf *p)
{
	struct ref *r = (struct ref *)(void *)p; /* its first member's first member */
	struct chunk *c = r->chunk;

	r->next = free_refs;
	free_refs = r;
	stats.refs--;
	note_free();
	chunk_release(c);
}

/* What tcp_write() calls for a reference to its data; it fills in where they are. */
struct pbuf *inet_pbuf_alloc(pbuf_layer layer, u16_t length, pbuf_type type)
{
	struct ref *r = free_refs;

	if (type != PBUF_ROM || writing == NULL)
		return pbuf_alloc(layer, length, type);
	if (r != NULL)
		free_refs = r->next;
	else if (used_refs < REFS_MAX)
		r = &refs[used_refs++];
	if (r == NULL)
		return NULL;
	r->chunk = writing;
	r->pbuf.custom_free_function = free_ref;
	writing->refs++;
	stats.refs++;
	return pbuf_alloced_custom(PBUF_RAW, length, PBUF_ROM, &r->pbuf, NULL, length);
}

uint32_t chunk_write(struct chunk *c, struct tcp_pcb *pcb, uint32_t bytes, u8_t flags)
{
	uint32_t n = bytes;

	writing = c;
	while (tcp_write(pcb, data_of(c) + c->used, (u16_t)n, flags) != ERR_OK) {
		n = n > pcb->mss ? n / 2 : 0;
		was_refused = true;
		if (n == 0)
			break;
	}
	writing = NULL;
	c->used += n;
	return n;
}

void chunk_get_stats(struct chunk_stats *s)
{
	*s = stats;
}
