/* SPDX-License-Identifier: BSD-2-Clause */
/* Time page and vDSO: pages that every space has, at fixed addresses (timepage.h). */
#include <string.h>
#include "axolotl/timepage.h"
#include "vm.h"

extern const uint8_t vdso_image[], vdso_image_end[]; /* vdso_image.asm */

static uint64_t time_page_pa;
static uint64_t vdso_pa, vdso_pages;

static struct region time_region(void)
{
	return (struct region){.start = TIME_PAGE_VA,
	                       .end = TIME_PAGE_VA + PAGE_BYTES,
	                       .offset = time_page_pa,
	                       .prot = VMP_READ,
	                       .max_prot = VMP_READ,
	                       .kind = REGION_PHYS,
	                       .flags = RF_SPECIAL};
}

static int map_one(struct space *s, const struct region *r)
{
	int err = space_prepare(s, r);

	if (err < 0)
		return err;
	space_add_region(s, r);
	return space_show(s, r, PAGE_OF(r->start), PAGE_OF(r->end));
}

int special_map(struct space *s)
{
	struct region time = time_region();
	struct region vdso = {.start = VDSO_VA,
	                      .end = VDSO_VA + ADDR_OF(vdso_pages),
	                      .offset = vdso_pa,
	                      .prot = VMP_READ | VMP_EXEC,
	                      .max_prot = VMP_READ | VMP_EXEC,
	                      .kind = REGION_PHYS,
	                      .flags = RF_SPECIAL};
	int err = map_one(s, &time);

	return err < 0 ? err : map_one(s, &vdso);
}

void special_init(const struct boot_info *boot)
{
	static struct space own; /* number 0: ourselves; only for this one mapping */
	struct region time;
	size_t len = (size_t)(vdso_image_end - vdso_image);
	uint32_t frame;

	time_page_pa = boot->time_page_pa;
	time = time_region();
	VM_ASSERT(space_show(&own, &time, PAGE_OF(time.start), PAGE_OF(time.end)) == 0);
	vdso_pages = PAGE_OF(PAGE_UP(len));
	frame = memory_run((uint32_t)vdso_pages, FRAME_META, FRAME_URGENT);
	VM_ASSERT(frame != FRAME_NONE);
	memcpy(frame_ptr(frame), vdso_image, len);
	vdso_pa = frame_pa(frame);
}
