/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of the boot archive (axolotl/boot.h), for vm and rs. Pure: works on bytes in memory and
 * copies nothing. bootarchive_open() checks the header and every entry once; afterwards an entry's
 * range can be used without further checks, as long as the archive's memory does not change.
 *
 * Accepted: magic, reserved zero, count <= BOOT_ENTRIES_MAX, total_bytes <= the memory given; each
 * entry has a unique NUL-padded name of 1 to 47 bytes, a page-aligned offset after the table, lies
 * inside, overlaps no other, and is followed by zeros up to the end of its last page. Pages that
 * belong to no entry may hold anything (an entry that was replaced).
 */
#ifndef LIB_BOOTARCHIVE_H
#define LIB_BOOTARCHIVE_H

#include "axolotl/boot.h"

struct bootarchive {
	const uint8_t *bytes;
	uint64_t len_bytes; /* total_bytes of the header */
	uint32_t count;
};

/* 0, or -EINVAL: not an archive that can be trusted. */
int bootarchive_open(struct bootarchive *a, const void *bytes, uint64_t len_bytes) MUST_CHECK;
/* Entry number i (< count) into *e. */
int bootarchive_entry(const struct bootarchive *a, uint32_t i, struct boot_entry *e) MUST_CHECK;
/* The entry with this name, or -ENOENT. */
int bootarchive_find(const struct bootarchive *a, const char *name,
                     struct boot_entry *e) MUST_CHECK;

#endif
