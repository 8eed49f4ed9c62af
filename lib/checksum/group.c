/* SPDX-License-Identifier: BSD-2-Clause */
/* Verifying, making and healing groups: see group.h. */
#include <string.h>
#include "checksum/group.h"

uint8_t *checksum_cursor_next(struct checksum_cursor *c)
{
	uint8_t *ptr;

	while (c->index < c->count && c->offset >= c->pieces[c->index].len_bytes) {
		c->index++;
		c->offset = 0;
	}
	if (c->index == c->count)
		return NULL;
	ptr = c->pieces[c->index].ptr + c->offset;
	c->offset += SUM_SECTOR;
	return ptr;
}

/* Walks the sectors of a span without a division for each. */
struct walk {
	uint8_t *data;  /* of the sector */
	uint8_t *sums;  /* sum sector of its group */
	uint32_t index; /* in its group */
	uint64_t lba;
};

static void walk_start(struct walk *w, const struct checksum_codec *k,
                       const struct checksum_span *span, uint64_t from)
{
	const struct checksum_layout *l = &k->layout;
	uint64_t lba = span->lba + from;
	uint64_t skipped = checksum_data_sector(l, lba) - checksum_data_sector(l, span->lba);

	w->lba = lba;
	w->index = (uint32_t)(lba % l->n);
	w->data = span->staging + skipped * SUM_SECTOR;
	w->sums = w->data + (size_t)(l->n - w->index) * SUM_SECTOR;
}

static inline void walk_next(struct walk *w, uint32_t n)
{
	w->lba++;
	w->data += SUM_SECTOR;
	if (++w->index < n)
		return;
	w->index = 0;
	w->data += SUM_SECTOR;
	w->sums = w->data + (size_t)n * SUM_SECTOR;
}

static inline bool sums_equal(const uint8_t *a, const uint8_t *b, unsigned bytes)
{
	if (bytes == 8)
		return *(const sum_word_t *)a == *(const sum_word_t *)b;
	return memcmp(a, b, bytes) == 0;
}

uint64_t checksum_read(const struct checksum_codec *k, const struct checksum_span *span,
                       uint64_t from, struct checksum_cursor *to)
{
	uint8_t sum[SUM_BYTES_MAX];
	struct walk w;

	walk_start(&w, k, span, from);
	for (uint64_t i = from; i < span->count; i++) {
		struct checksum_cursor before = *to;
		uint8_t *dst = checksum_cursor_next(to);

		sum_sector(&k->summer, dst, w.data, w.lba, sum);
		if (!sums_equal(sum, w.sums + w.index * k->summer.bytes, k->summer.bytes)) {
			*to = before;
			return i;
		}
		walk_next(&w, k->layout.n);
	}
	return span->count;
}

void checksum_write(const struct checksum_codec *k, const struct checksum_span *span,
                    struct checksum_cursor *from)
{
	const uint32_t n = k->layout.n;
	uint8_t sum[SUM_BYTES_MAX];
	struct walk w;

	walk_start(&w, k, span, 0);
	for (uint64_t i = 0; i < span->count; i++) {
		const uint8_t *src = checksum_cursor_next(from);

		if (w.index == 0 && span->count - i >= n) /* a whole group */
			memset(w.sums, 0, SUM_SECTOR);
		sum_sector(&k->summer, w.data, src, w.lba, sum);
		memcpy(w.sums + w.index * k->summer.bytes, sum, k->summer.bytes);
		walk_next(&w, n);
	}
}

bool checksum_verify_group(const struct checksum_codec *k, uint64_t number, const uint8_t *group,
                           struct checksum_mask *bad)
{
	const uint8_t *sums = group + (size_t)k->layout.n * SUM_SECTOR;
	uint8_t sum[SUM_BYTES_MAX];

	memset(bad, 0, sizeof(*bad));
	for (uint32_t i = 0; i < k->layout.n; i++) {
		sum_sector(&k->summer, NULL, group + (size_t)i * SUM_SECTOR,
		           number * k->layout.n + i, sum);
		if (memcmp(sum, sums + i * k->summer.bytes, k->summer.bytes) != 0)
			checksum_mask_set(bad, i);
	}
	return !checksum_mask_any(bad);
}

/* ---- healing ---- */

static const uint8_t *entry_of(const struct checksum_codec *k, const uint8_t *copy, uint32_t i)
{
	return copy + (size_t)k->layout.n * SUM_SECTOR + i * k->summer.bytes;
}

/* A copy whose sector i is good by its own sum, or by the entry of another copy; NULL: lost. */
static const uint8_t *find_good(const struct checksum_codec *k, const struct checksum_heal *h,
                                uint32_t i, uint8_t sum[SUM_BYTES_MAX])
{
	for (unsigned r = 0; r < h->replicas; r++) {
		if (h->copies[r] != NULL && !checksum_mask_has(&h->bad[r], i)) {
			memcpy(sum, entry_of(k, h->copies[r], i), k->summer.bytes);
			return h->copies[r] + (size_t)i * SUM_SECTOR;
		}
	}
	for (unsigned r = 0; r < h->replicas; r++) {
		const uint8_t *data;

		if (h->copies[r] == NULL)
			continue;
		data = h->copies[r] + (size_t)i * SUM_SECTOR;
		sum_sector(&k->summer, NULL, data, h->number * k->layout.n + i, sum);
		for (unsigned q = 0; q < h->replicas; q++) {
			if (h->copies[q] != NULL &&
			    memcmp(sum, entry_of(k, h->copies[q], i), k->summer.bytes) == 0)
				return data;
		}
	}
	return NULL;
}

struct sector {
	uint32_t index;
	const uint8_t *data, *sum;
};

static void put_sector(const struct checksum_codec *k, uint8_t *group, const struct sector *s)
{
	const size_t entry = (size_t)k->layout.n * SUM_SECTOR + s->index * k->summer.bytes;

	memcpy(group + (size_t)s->index * SUM_SECTOR, s->data, SUM_SECTOR);
	memcpy(group + entry, s->sum, k->summer.bytes);
}

static void judge(const struct checksum_codec *k, struct checksum_heal *h, uint8_t *good)
{
	const size_t bytes = (k->layout.n + 1ull) * SUM_SECTOR;
	bool has_base = false;

	memset(&h->lost, 0, sizeof(h->lost));
	for (unsigned r = 0; r < h->replicas; r++) {
		h->want_write[r] = false;
		memset(&h->bad[r], 0, sizeof(h->bad[r]));
		if (h->copies[r] == NULL)
			continue;
		(void)checksum_verify_group(k, h->number, h->copies[r], &h->bad[r]);
		if (!has_base)
			memcpy(good, h->copies[r], bytes);
		has_base = true;
	}
	if (!has_base)
		memset(good, 0, bytes);
}

static bool has_sector(const struct checksum_codec *k, const uint8_t *copy, const struct sector *s)
{
	return memcmp(copy + (size_t)s->index * SUM_SECTOR, s->data, SUM_SECTOR) == 0 &&
	       memcmp(entry_of(k, copy, s->index), s->sum, k->summer.bytes) == 0;
}

/* A good sector goes to the copies that need it. */
static void spread(const struct checksum_codec *k, struct checksum_heal *h, const struct sector *s)
{
	for (unsigned r = 0; r < h->replicas; r++) {
		if (h->copies[r] == NULL)
			continue;
		if (!checksum_mask_has(&h->bad[r], s->index) &&
		    (!h->want_equal || has_sector(k, h->copies[r], s)))
			continue;
		put_sector(k, h->copies[r], s);
		h->want_write[r] = true;
	}
}

void checksum_heal(const struct checksum_codec *k, struct checksum_heal *h, uint8_t *good)
{
	uint8_t sum[SUM_BYTES_MAX];

	judge(k, h, good);
	for (uint32_t i = 0; i < k->layout.n; i++) {
		const uint8_t *data = find_good(k, h, i, sum);
		struct sector s = {.index = i, .sum = sum};

		if (data == NULL) {
			checksum_mask_set(&h->lost, i);
			continue;
		}
		s.data = data;
		put_sector(k, good, &s);
		s.data = good + (size_t)i * SUM_SECTOR;
		spread(k, h, &s);
	}
}

void checksum_format_groups(const struct checksum_codec *k, uint64_t first, uint64_t count,
                            uint8_t *out)
{
	const uint32_t n = k->layout.n;
	const size_t bytes = (n + 1ull) * SUM_SECTOR;

	memset(out, 0, count * bytes);
	for (uint64_t g = 0; g < count; g++) {
		uint8_t *group = out + g * bytes;
		uint8_t sum[SUM_BYTES_MAX];

		for (uint32_t i = 0; i < n; i++) {
			sum_sector(&k->summer, NULL, group + (size_t)i * SUM_SECTOR,
			           (first + g) * n + i, sum);
			memcpy(group + (size_t)n * SUM_SECTOR + i * k->summer.bytes, sum,
			       k->summer.bytes);
		}
	}
}
