/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between vm and a space, through our own view of its frames: the kernel would have to ask us
 * for pages that are missing, and we are the one who copies.
 */
#include <errno.h>
#include <string.h>
#include "vm.h"

/* The bytes at addr, valid to the end of the page, after the page was made present. */
static int space_ptr(struct space *s, uint64_t addr, unsigned access, uint8_t **out)
{
	struct access_range a = {addr, 1, access};
	struct need need;
	uint32_t entry;
	int err = space_make_present(s, &a, &need);

	if (err < 0)
		return err == -EINPROGRESS ? -ENOTREADY : err;
	entry = pagemap_get(&s->pages, PAGE_OF(addr));
	if (entry == 0)
		return -EFAULT; /* device memory */
	*out = (uint8_t *)frame_ptr(entry & PE_FRAME) + addr % PAGE_BYTES;
	return 0;
}

static uint64_t to_page_end(uint64_t addr, uint64_t len_bytes)
{
	uint64_t n = PAGE_BYTES - addr % PAGE_BYTES;

	return n < len_bytes ? n : len_bytes;
}

int space_copy_in(struct space *s, void *dst, uint64_t addr, uint64_t len_bytes)
{
	uint8_t *from;
	uint64_t n;

	for (; len_bytes > 0; len_bytes -= n, addr += n, dst = (uint8_t *)dst + n) {
		int err = space_ptr(s, addr, ACCESS_READ, &from);

		if (err < 0)
			return err;
		n = to_page_end(addr, len_bytes);
		memcpy(dst, from, n);
	}
	return 0;
}

int space_copy_out(struct space *s, uint64_t addr, const void *src, uint64_t len_bytes)
{
	uint8_t *to;
	uint64_t n;

	for (; len_bytes > 0; len_bytes -= n, addr += n, src = (const uint8_t *)src + n) {
		int err = space_ptr(s, addr, ACCESS_WRITE, &to);

		if (err < 0)
			return err;
		n = to_page_end(addr, len_bytes);
		memcpy(to, src, n);
	}
	return 0;
}
