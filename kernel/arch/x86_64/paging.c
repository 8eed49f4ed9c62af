/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables. The kernel half (entries 256 and 511 of the top table) is the same in all spaces:
 *
 *   DIRECT_BASE  all of RAM and the first 4 GiB, 2 MiB pages, no execute; device addresses uncached
 *   KERNEL_BASE  the image: text R-X, constants R--, data RW-, 4 KiB pages
 *
 * User tables are made of frames that vm gave to the space (VMCTL_GIVE). W^X holds for users too.
 * Reference: Intel SDM volume 3 chapter 4.
 */
#include "proc.h"

#define LARGE_BYTES (2ul << 20)
#define ENTRIES     512
#define SLOT_DIRECT 256
#define SLOT_KERNEL 511

extern char _image_start[], _text_start[], _rodata_start[], _data_start[], _image_end[];

static uint64_t kernel_root;

static uint64_t *table_at(uint64_t entry)
{
	return direct(entry & PTE_ADDR);
}

static unsigned index_at(uint64_t va, unsigned level)
{
	return (va >> (12 + 9 * level)) & (ENTRIES - 1);
}

/* Table below *slot while booting, made if absent. */
static uint64_t *boot_table(uint64_t *slot)
{
	if (!(*slot & PTE_P))
		*slot = boot_alloc(1) | PTE_P | PTE_W;
	return table_at(*slot);
}

static bool is_ram(uint64_t pa)
{
	return pa < boot.phys_top && (pa < (3ul << 30) || pa >= (4ul << 30));
}

/* boot.asm's tables cover 4 GiB, so new tables below that can be written at once. */
static void map_direct(uint64_t *root)
{
	uint64_t end = boot.phys_top > (4ul << 30) ? boot.phys_top : 4ul << 30;
	uint64_t *pdpt = boot_table(&root[SLOT_DIRECT]);

	for (uint64_t pa = 0; pa < end; pa += LARGE_BYTES) {
		uint64_t *pd = boot_table(&pdpt[index_at(pa, 2)]);
		uint64_t cache = is_ram(pa) ? 0 : PTE_PCD | PTE_PWT;

		pd[index_at(pa, 1)] = pa | PTE_P | PTE_W | PTE_LARGE | PTE_G | PTE_NX | cache;
	}
}

static void map_image(uint64_t *root, const char *from, const char *to, uint64_t bits)
{
	for (uint64_t va = (uint64_t)from; va < (uint64_t)to; va += PAGE_BYTES) {
		uint64_t *pdpt = boot_table(&root[SLOT_KERNEL]);
		uint64_t *pd = boot_table(&pdpt[index_at(va, 2)]);
		uint64_t *pt = boot_table(&pd[index_at(va, 1)]);

		pt[index_at(va, 0)] = (va - KERNEL_BASE) | PTE_P | PTE_G | bits;
	}
}

void paging_init(void)
{
	uint64_t *root;

	kernel_root = boot_alloc(1);
	root = direct(kernel_root);
	map_direct(root);
	map_image(root, _text_start, _rodata_start, 0);
	map_image(root, _rodata_start, _data_start, PTE_NX);
	map_image(root, _data_start, _image_end, PTE_W | PTE_NX);
	spaces[0] = (struct space){.is_used = true, .root = kernel_root};
	write_cr3(kernel_root);
	this_cpu()->cr3 = kernel_root;
}

uint64_t paging_user_root(uint64_t pa)
{
	uint64_t *root = direct(pa), *kernel = direct(kernel_root);

	root[SLOT_DIRECT] = kernel[SLOT_DIRECT];
	root[SLOT_KERNEL] = kernel[SLOT_KERNEL];
	return pa;
}

uint64_t *paging_walk(uint64_t root, uint64_t va, uint64_t *page_bytes)
{
	uint64_t *table = direct(root);

	for (unsigned level = 3; level > 0; level--) {
		uint64_t *entry = &table[index_at(va, level)];

		*page_bytes = PAGE_BYTES << (9 * level);
		if (!(*entry & PTE_P))
			return NULL;
		if (*entry & PTE_LARGE)
			return entry;
		table = table_at(*entry);
	}
	*page_bytes = PAGE_BYTES;
	return &table[index_at(va, 0)];
}

static uint64_t take_spare(struct space *s)
{
	uint64_t pa = s->spare;
	uint64_t *frame;

	if (!pa)
		return 0;
	frame = direct(pa);
	s->spare = frame[0];
	frame[0] = 0;
	return pa;
}

/* Entry for va at `level` (0: 4 KiB, 1: 2 MiB); tables on the way are made from spare frames. */
static int entry_for(struct space *s, uint64_t va, unsigned level, uint64_t **out)
{
	uint64_t *table = direct(s->root);

	for (unsigned l = 3; l > level; l--) {
		uint64_t *entry = &table[index_at(va, l)];

		if (!(*entry & PTE_P)) {
			uint64_t pa = take_spare(s);

			if (!pa)
				return -ENOTABLES;
			*entry = pa | PTE_P | PTE_W | PTE_U;
		} else if (*entry & PTE_LARGE) {
			return -EBUSY;
		}
		table = table_at(*entry);
	}
	*out = &table[index_at(va, level)];
	return 0;
}

static uint64_t bits_of(uint32_t prot)
{
	uint64_t bits = PTE_P | PTE_U;

	if (!(prot & (VMP_READ | VMP_WRITE | VMP_EXEC)))
		bits = PTE_U; /* kept, but not present */
	if (prot & VMP_WRITE)
		bits |= PTE_W;
	if (!(prot & VMP_EXEC))
		bits |= PTE_NX;
	if (prot & VMP_UC)
		bits |= PTE_PCD | PTE_PWT;
	return bits;
}

int paging_map_one(struct space *s, uint64_t va, uint64_t pa, uint32_t prot)
{
	uint64_t *entry;
	int r = entry_for(s, va, 0, &entry);

	if (r == 0)
		*entry = pa | bits_of(prot);
	return r;
}

static bool fits_large(uint64_t va, uint64_t pa, uint64_t pages)
{
	return ((va | pa) & (LARGE_BYTES - 1)) == 0 && pages >= ENTRIES;
}

/* A large page replaces only an empty slot, never a table. */
static int map_large(struct space *s, uint64_t va, uint64_t pa, uint32_t prot)
{
	uint64_t *entry;
	int r = entry_for(s, va, 1, &entry);

	if (r == 0 && (*entry & PTE_P) && !(*entry & PTE_LARGE))
		return -EBUSY;
	if (r == 0)
		*entry = pa | bits_of(prot) | PTE_LARGE;
	return r;
}

/* Returns pages mapped; an error only if there was none. */
int paging_map(struct space *s, uint64_t va, uint64_t pa, uint64_t pages, uint32_t prot)
{
	uint64_t done = 0;
	int r = 0;

	while (done < pages) {
		uint64_t at = done * PAGE_BYTES, step = 1;

		r = -EBUSY;
		if (fits_large(va + at, pa + at, pages - done)) {
			r = map_large(s, va + at, pa + at, prot);
			step = ENTRIES;
		}
		if (r == -EBUSY) {
			r = paging_map_one(s, va + at, pa + at, prot);
			step = 1;
		}
		if (r != 0)
			break;
		done += step;
	}
	paging_flush(s, va, done);
	return done > 0 ? (int)done : r;
}

void paging_unmap(struct space *s, uint64_t va, uint64_t pages)
{
	uint64_t end = va + pages * PAGE_BYTES, at = va, bytes;

	while (at < end) {
		uint64_t *entry = paging_walk(s->root, at, &bytes);

		if (entry)
			*entry = 0;
		at = (at & ~(bytes - 1)) + bytes;
	}
	paging_flush(s, va, pages);
}

int paging_protect(struct space *s, uint64_t va, uint64_t pages, uint32_t prot)
{
	uint64_t end = va + pages * PAGE_BYTES, at = va, bytes;

	while (at < end) {
		uint64_t *entry = paging_walk(s->root, at, &bytes);

		if (entry && (*entry & PTE_ADDR))
			*entry = (*entry & (PTE_ADDR | PTE_LARGE | PTE_PCD | PTE_PWT)) |
			         bits_of(prot);
		at = (at & ~(bytes - 1)) + bytes;
	}
	paging_flush(s, va, pages);
	return 0;
}

/* Only the loaded space can have entries in the TLB. */
void paging_flush(const struct space *s, uint64_t va, uint64_t pages)
{
	struct cpu *c = this_cpu();

	if (c->cr3 != s->root)
		return;
	if (pages > 10) {
		write_cr3(s->root);
		return;
	}
	for (uint64_t i = 0; i < pages; i++)
		invlpg(va + i * PAGE_BYTES);
}
