/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between processes, and between a process and the kernel. User addresses are never
 * dereferenced: each page is looked up in its owner's tables and reached through the direct map, so
 * a missing page is an answer (-K_FAULT: vm is asked, the trap runs again) and not a trap in the
 * kernel. Copies are done in order; one that is repeated after a fault writes the same bytes once
 * more.
 */
#include "proc.h"

bool user_range_ok(uint64_t va, uint64_t len)
{
	return va < USER_TOP && len <= USER_TOP - va;
}

void *user_page(const struct proc *p, uint64_t va, bool is_write)
{
	uint64_t bytes, *entry;

	if (va >= USER_TOP)
		return NULL;
	entry = paging_walk(spaces[p->space].root, va, &bytes);
	if (!entry || !(*entry & PTE_P) || !(*entry & PTE_U) || (is_write && !(*entry & PTE_W)))
		return NULL;
	*entry |= PTE_A | (is_write ? PTE_D : 0);
	return direct((*entry & PTE_ADDR & ~(bytes - 1)) | (va & (bytes - 1)));
}

/* Asks vm for the rest of a range whose page at va is missing. */
static int ask(struct proc *caller, struct uref r, size_t len, bool is_write)
{
	uint64_t bytes;
	uint64_t *entry = paging_walk(spaces[r.p->space].root, r.va, &bytes);
	struct kmsg_fault f = {.target = r.p->ep,
	                       .flags = KFAULT_COPY | (is_write ? KFAULT_WRITE : 0) |
	                                (entry && (*entry & PTE_P) ? KFAULT_PRESENT : 0),
	                       .addr = r.va,
	                       .len_bytes = len,
	                       .rip = caller->regs.rip};

	return fault_ask(caller, r.p, &f);
}

static size_t to_page_end(uint64_t va, size_t len)
{
	size_t n = PAGE_BYTES - (va & (PAGE_BYTES - 1));

	return n < len ? n : len;
}

int copy_in(struct proc *caller, void *dst, struct uref src, size_t len)
{
	if (!user_range_ok(src.va, len))
		return -EFAULT;
	while (len) {
		size_t n = to_page_end(src.va, len);
		const void *from = user_page(src.p, src.va, false);

		if (!from)
			return ask(caller, src, len, false);
		copy_bytes(dst, from, n);
		dst = (uint8_t *)dst + n;
		src.va += n;
		len -= n;
	}
	return 0;
}

int copy_out(struct proc *caller, struct uref dst, const void *src, size_t len)
{
	if (!user_range_ok(dst.va, len))
		return -EFAULT;
	while (len) {
		size_t n = to_page_end(dst.va, len);
		void *to = user_page(dst.p, dst.va, true);

		if (!to)
			return ask(caller, dst, len, true);
		copy_bytes(to, src, n);
		src = (const uint8_t *)src + n;
		dst.va += n;
		len -= n;
	}
	return 0;
}

int copy_between(struct proc *caller, struct uref dst, struct uref src, size_t len)
{
	if (!user_range_ok(dst.va, len) || !user_range_ok(src.va, len))
		return -EFAULT;
	while (len) {
		size_t n = to_page_end(dst.va, to_page_end(src.va, len));
		const void *from = user_page(src.p, src.va, false);
		void *to = user_page(dst.p, dst.va, true);

		if (!from)
			return ask(caller, src, len, false);
		if (!to)
			return ask(caller, dst, len, true);
		copy_bytes(to, from, n);
		src.va += n;
		dst.va += n;
		len -= n;
	}
	return 0;
}

int copy_arg_in(struct proc *caller, void *dst, uint64_t va, size_t len)
{
	return copy_in(caller, dst, (struct uref){caller, va}, len);
}

int copy_arg_out(struct proc *caller, uint64_t va, const void *src, size_t len)
{
	return copy_out(caller, (struct uref){caller, va}, src, len);
}
