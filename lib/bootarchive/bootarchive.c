/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot archive: validation and lookup. The archive comes from the boot loader, so nothing in it is
 * believed before it was checked; all arithmetic is arranged so that it cannot wrap.
 */
#include <errno.h>
#include <string.h>
#include "bootarchive/bootarchive.h"

static uint64_t table_end(uint32_t count)
{
	return sizeof(struct boot_archive) + (uint64_t)count * sizeof(struct boot_entry);
}

static void read_entry(const struct bootarchive *a, uint32_t i, struct boot_entry *e)
{
	memcpy(e, a->bytes + table_end(i), sizeof(*e));
}

/* A name is 1 to 47 bytes followed only by NULs. */
static bool is_name_good(const struct boot_entry *e)
{
	size_t len = strnlen(e->name, sizeof(e->name));

	if (len == 0 || len == sizeof(e->name))
		return false;
	for (size_t i = len; i < sizeof(e->name); i++)
		if (e->name[i] != 0)
			return false;
	return true;
}

static bool is_range_good(const struct bootarchive *a, const struct boot_entry *e)
{
	uint64_t pos, end;

	if (e->offset % PAGE_BYTES != 0 || e->offset < table_end(a->count) ||
	    e->offset > a->len_bytes || e->size_bytes > a->len_bytes - e->offset)
		return false;
	pos = e->offset + e->size_bytes;
	end = pos + (PAGE_BYTES - pos % PAGE_BYTES) % PAGE_BYTES;
	if (end > a->len_bytes)
		return false;
	for (; pos < end; pos++)
		if (a->bytes[pos] != 0)
			return false;
	return true;
}

static bool is_apart(const struct boot_entry *x, const struct boot_entry *y)
{
	if (strcmp(x->name, y->name) == 0)
		return false;
	return x->size_bytes == 0 || y->size_bytes == 0 || x->offset + x->size_bytes <= y->offset ||
	       y->offset + y->size_bytes <= x->offset;
}

static bool is_entry_good(const struct bootarchive *a, uint32_t i)
{
	struct boot_entry e, other;

	read_entry(a, i, &e);
	if (!is_name_good(&e) || !is_range_good(a, &e))
		return false;
	for (uint32_t j = 0; j < i; j++) {
		read_entry(a, j, &other);
		if (!is_apart(&e, &other))
			return false;
	}
	return true;
}

int bootarchive_open(struct bootarchive *a, const void *bytes, uint64_t len_bytes)
{
	struct boot_archive head;
	struct bootarchive b;

	if (len_bytes < sizeof(head))
		return -EINVAL;
	memcpy(&head, bytes, sizeof(head));
	if (memcmp(head.magic, BOOT_MAGIC, sizeof(head.magic)) != 0 || head.reserved != 0 ||
	    head.count > BOOT_ENTRIES_MAX || head.total_bytes > len_bytes ||
	    head.total_bytes < table_end(head.count))
		return -EINVAL;
	b = (struct bootarchive){bytes, head.total_bytes, head.count};
	for (uint32_t i = 0; i < b.count; i++)
		if (!is_entry_good(&b, i))
			return -EINVAL;
	*a = b;
	return 0;
}

int bootarchive_entry(const struct bootarchive *a, uint32_t i, struct boot_entry *e)
{
	if (i >= a->count)
		return -ENOENT;
	read_entry(a, i, e);
	return 0;
}

int bootarchive_find(const struct bootarchive *a, const char *name, struct boot_entry *e)
{
	for (uint32_t i = 0; i < a->count; i++) {
		read_entry(a, i, e);
		if (strcmp(e->name, name) == 0)
			return 0;
	}
	return -ENOENT;
}
