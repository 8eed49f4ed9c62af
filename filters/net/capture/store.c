/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of blocks: see store.h. Each is stored behind a word with its length. */
#include "store.h"
#include <string.h>

#define WORD sizeof(uint32_t)

void store_init(struct store *s, void *bytes, size_t size)
{
	*s = (struct store){.bytes = bytes, .size = size};
}

static void copy_in(struct store *s, uint64_t at, const void *from, size_t len)
{
	size_t start = at % s->size, first = len < s->size - start ? len : s->size - start;

	memcpy(s->bytes + start, from, first);
	memcpy(s->bytes, (const uint8_t *)from + first, len - first);
}

static void copy_out(const struct store *s, uint64_t at, void *to, size_t len)
{
	size_t start = at % s->size, first = len < s->size - start ? len : s->size - start;

	memcpy(to, s->bytes + start, first);
	memcpy((uint8_t *)to + first, s->bytes, len - first);
}

static uint32_t length_at(const struct store *s, uint64_t at)
{
	uint32_t len;

	copy_out(s, at, &len, WORD);
	return len;
}

void store_add(struct store *s, const void *block, uint32_t len)
{
	if (len + WORD > s->size)
		return;
	while (s->head + WORD + len - s->tail > s->size) {
		s->tail += WORD + length_at(s, s->tail);
		s->overwritten++;
	}
	copy_in(s, s->head, &len, WORD);
	copy_in(s, s->head + WORD, block, len);
	s->head += WORD + len;
	s->blocks++;
}

void store_rewind(const struct store *s, struct store_reader *r, const void *prefix, size_t len)
{
	r->next = s->tail;
	r->missed = 0;
	r->done = 0;
	r->len = len;
	memcpy(r->block, prefix, len);
}

static void load(const struct store *s, struct store_reader *r)
{
	if (r->next < s->tail) {
		r->missed++; /* at least one */
		r->next = s->tail;
	}
	r->len = r->done = 0;
	if (r->next == s->head)
		return;
	r->len = length_at(s, r->next);
	copy_out(s, r->next + WORD, r->block, r->len);
	r->next += WORD + r->len;
}

size_t store_read(const struct store *s, struct store_reader *r, const uint8_t **from, size_t max)
{
	size_t n;

	if (r->done == r->len)
		load(s, r);
	n = r->len - r->done < max ? r->len - r->done : max;
	*from = r->block + r->done;
	r->done += n;
	return n;
}
