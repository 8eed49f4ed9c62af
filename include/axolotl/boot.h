/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader hands over. One module: the boot archive (tools/mkbootimg). The kernel starts
 * the archive's entry "vm" and gives it a struct boot_info (GETINFO KINFO_BOOT); vm starts ds, pm, vfs
 * and rs from it in this order (their fixed slots, types.h); rs starts everything else.
 * The archive is little endian, every entry page aligned, padding zero; readers validate all of it.
 */
#ifndef AXOLOTL_BOOT_H
#define AXOLOTL_BOOT_H

#include "axolotl/types.h"

#define BOOT_MAGIC       "AXOBOOT1"
#define BOOT_ENTRIES_MAX 256

struct boot_archive {
	char magic[8];
	uint32_t count;
	uint32_t reserved;
	uint64_t total_bytes;
};
struct boot_entry {
	char name
		[48]; /* NUL padded, e.g. "ahci", "system.conf", "boot.conf", "root.img", "put.tar" */
	uint64_t offset;
	uint64_t size_bytes;
};
_Static_assert(sizeof(struct boot_archive) == 24, "archive header size");
_Static_assert(sizeof(struct boot_entry) == 64, "archive entry size");

#define BOOT_RANGES_MAX 32
struct boot_range {
	uint64_t base; /* physical, page aligned */
	uint64_t len_bytes;
};
struct boot_info {
	uint64_t archive_pa;
	uint64_t archive_bytes;
	uint64_t time_page_pa;
	uint64_t rsdp_pa;    /* ACPI root pointer, 0 if unknown */
	uint64_t phys_top;   /* end of the highest usable RAM */
	uint32_t free_count; /* RAM that belongs to vm from the start */
	uint32_t reserved;
	struct boot_range free[BOOT_RANGES_MAX];
	char cmdline[256];
};

#endif
