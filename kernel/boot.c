/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader says: memory map, boot archive (the only module), command line, ACPI root.
 * Two dialects: Multiboot2 information (specification 2.0, section 3.6) and PVH's hvm_start_info
 * (xen/include/public/arch-x86/hvm/start_info.h). The result is the struct boot_info that vm gets.
 */
#include "proc.h"

#define MB2_MAGIC 0x36d76289
#define PVH_MAGIC 0x336ec578
#define LOW_END   0x100000ul
#define RAM_TYPE  1

struct boot_info boot;
extern char _image_start[], _image_end[];

struct mb2_tag {
	uint32_t type, size;
};
struct pvh_info {
	uint32_t magic, version, flags, modules;
	uint64_t modules_pa, cmdline_pa, rsdp_pa, map_pa;
	uint32_t map_entries, reserved;
};
struct pvh_module {
	uint64_t pa, bytes, cmdline_pa, reserved;
};
struct pvh_range {
	uint64_t base, len;
	uint32_t type, reserved;
};

static void add_ram(uint64_t base, uint64_t len)
{
	uint64_t from = (base + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	uint64_t to = (base + len) & ~(PAGE_BYTES - 1);

	if (from < LOW_END)
		from = LOW_END;
	if (from >= to)
		return;
	if (to > boot.phys_top)
		boot.phys_top = to;
	if (boot.free_count < BOOT_RANGES_MAX)
		boot.free[boot.free_count++] = (struct boot_range){from, to - from};
}

/* Takes [base, base + len) out of the free ranges. */
static void reserve(uint64_t base, uint64_t len)
{
	uint64_t from = base & ~(PAGE_BYTES - 1);
	uint64_t to = (base + len + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

	for (unsigned i = 0; i < boot.free_count; i++) {
		struct boot_range *r = &boot.free[i];
		uint64_t end = r->base + r->len_bytes;

		if (to <= r->base || from >= end)
			continue;
		if (to < end && from > r->base && boot.free_count < BOOT_RANGES_MAX)
			boot.free[boot.free_count++] = (struct boot_range){to, end - to};
		if (from > r->base)
			r->len_bytes = from - r->base;
		else if (to < end)
			*r = (struct boot_range){to, end - to};
		else
			*r = boot.free[--boot.free_count], i--;
	}
}

static void copy_cmdline(const char *s)
{
	size_t n = 0;

	while (n < sizeof(boot.cmdline) - 1 && s[n]) {
		boot.cmdline[n] = s[n];
		n++;
	}
	if (s[n])
		kprintf("boot: the command line is longer than %lu characters and was cut\n",
		        sizeof(boot.cmdline) - 1);
}

static void mb2_map(const uint8_t *tag, uint32_t size)
{
	uint32_t entry, type;
	uint64_t base, len;

	memcpy(&entry, tag + 8, 4);
	for (uint32_t at = 16; entry >= 24 && at + entry <= size; at += entry) {
		memcpy(&base, tag + at, 8);
		memcpy(&len, tag + at + 8, 8);
		memcpy(&type, tag + at + 16, 4);
		if (type == RAM_TYPE)
			add_ram(base, len);
	}
}

static void mb2_tag(const struct mb2_tag *t)
{
	const uint8_t *body = (const uint8_t *)(t + 1);
	uint32_t start, end;

	switch (t->type) {
	case 1: copy_cmdline((const char *)body); break;
	case 3:
		memcpy(&start, body, 4);
		memcpy(&end, body + 4, 4);
		boot.archive_pa = start;
		boot.archive_bytes = end - start;
		break;
	case 6: mb2_map((const uint8_t *)t, t->size); break;
	case 14:
	case 15: /* copies of the RSDP; the newer one comes last or alone */
		boot.rsdp_pa = (uint64_t)body - DIRECT_BASE;
		break;
	default: break;
	}
}

static void parse_mb2(uint64_t info)
{
	const uint8_t *at = direct(info), *end = at + *(const uint32_t *)at;

	for (at += 8; at + sizeof(struct mb2_tag) <= end;) {
		const struct mb2_tag *t = (const struct mb2_tag *)at;

		if (t->type == 0 || t->size < sizeof(*t))
			break;
		mb2_tag(t);
		at += (t->size + 7) & ~7u;
	}
	reserve(info, (uint64_t)(end - (const uint8_t *)direct(info)));
}

static void parse_pvh(uint64_t info)
{
	const struct pvh_info *p = direct(info);
	const struct pvh_range *map = direct(p->map_pa);

	if (p->magic != PVH_MAGIC || p->version < 1)
		panic("boot: hvm_start_info without a memory map (version %u)", p->version);
	for (uint32_t i = 0; i < p->map_entries; i++)
		if (map[i].type == RAM_TYPE)
			add_ram(map[i].base, map[i].len);
	if (p->modules > 0) {
		const struct pvh_module *m = direct(p->modules_pa);

		boot.archive_pa = m->pa;
		boot.archive_bytes = m->bytes;
	}
	if (p->cmdline_pa)
		copy_cmdline(direct(p->cmdline_pa));
	boot.rsdp_pa = p->rsdp_pa;
}

void boot_parse(uint64_t magic, uint64_t info)
{
	if (magic == MB2_MAGIC)
		parse_mb2(info);
	else if (magic == PVH_MAGIC)
		parse_pvh(info);
	else
		panic("boot: unknown loader (magic %lx)", magic);
	reserve((uint64_t)_image_start,
	        (uint64_t)_image_end - KERNEL_BASE - (uint64_t)_image_start);
	reserve(boot.archive_pa, boot.archive_bytes);
	if (boot.archive_pa & (PAGE_BYTES - 1))
		panic("boot: the boot archive is not page aligned");
}

uint64_t boot_alloc(unsigned pages)
{
	uint64_t len = pages * PAGE_BYTES;

	for (unsigned i = 0; i < boot.free_count; i++) {
		struct boot_range *r = &boot.free[i];
		uint64_t pa = r->base;

		if (r->len_bytes < len || pa + len > (4ul << 30))
			continue;
		r->base += len;
		r->len_bytes -= len;
		memset(direct(pa), 0, len);
		return pa;
	}
	panic("boot: no %u free pages", pages);
}

/* Name and bounds of the entry are checked here; the whole archive is checked by vm. */
bool boot_find(const char *name, const uint8_t **data, uint64_t *size)
{
	const struct boot_archive *a = direct(boot.archive_pa);
	const struct boot_entry *e = (const struct boot_entry *)(a + 1);

	if (boot.archive_bytes < sizeof(*a) || memcmp(a->magic, BOOT_MAGIC, 8) != 0 ||
	    a->count > BOOT_ENTRIES_MAX || sizeof(*a) + a->count * sizeof(*e) > boot.archive_bytes)
		panic("boot: no boot archive (pass build/axolotl.img as the module or initrd)");
	for (unsigned i = 0; i < a->count; i++) {
		if (memcmp(e[i].name, name, strlen(name) + 1) != 0)
			continue;
		if (e[i].offset > boot.archive_bytes ||
		    e[i].size_bytes > boot.archive_bytes - e[i].offset)
			panic("boot: entry %s lies outside the archive", name);
		*data = (const uint8_t *)a + e[i].offset;
		*size = e[i].size_bytes;
		return true;
	}
	return false;
}
