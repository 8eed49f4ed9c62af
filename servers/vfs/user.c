/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of applications. A copy that meets a page that must first be read from a file returns
 * -ENOTREADY; vm is asked to bring it in (asynchronously, for the reading goes through us), then
 * the copy is tried again.
 */
#include <string.h>
#include "vfs.h"

#define FAULT_TRIES 1000 /* pages could be evicted again between the reply and the copy */

int user_fault_in(struct call *c, const struct io *io, bool is_write)
{
	struct vm_faultin req = {
		.ep = io->ep, .addr = io->addr, .len_bytes = io->len, .is_write = is_write};
	struct vm_rep rep;
	struct msg m;
	int r;

	req.id = await_prepare(c, EP_VM, VM_FAULTIN);
	msg_put(&m, VM_FAULTIN, &req);
	r = await_answer(c, &m);
	if (r)
		return r;
	msg_get(&c->aw.rep, &rep);
	return rep.result < 0 ? -EFAULT : 0;
}

static int copy(struct call *c, const struct io *io, void *local, bool is_write)
{
	for (unsigned i = 0; i < FAULT_TRIES; i++) {
		int r = is_write ? k_vircopy(EP_SELF, (uint64_t)local, io->ep, io->addr, io->len)
		                 : k_vircopy(io->ep, io->addr, EP_SELF, (uint64_t)local, io->len);

		if (r != -ENOTREADY)
			return r ? -EFAULT : 0;
		r = user_fault_in(c, io, is_write);
		if (r)
			return r;
	}
	return -EFAULT;
}

static bool is_user_range(uint64_t addr, uint64_t len)
{
	return addr < VM_USER_TOP && len <= VM_USER_TOP - addr;
}

int user_read(struct call *c, void *dst, uint64_t addr, size_t len)
{
	struct io io = {.ep = c->ep, .addr = addr, .len = len};

	if (len == 0)
		return 0;
	return is_user_range(addr, len) ? copy(c, &io, dst, false) : -EFAULT;
}

int user_write(struct call *c, uint64_t addr, const void *src, size_t len)
{
	struct io io = {.ep = c->ep, .addr = addr, .len = len};
	union { /* copy() only reads it when is_write */
		const void *in;
		void *out;
	} p = {.in = src};

	if (len == 0)
		return 0;
	return is_user_range(addr, len) ? copy(c, &io, p.out, true) : -EFAULT;
}

int user_string(struct call *c, char *dst, uint64_t addr, size_t size)
{
	size_t have = 0;

	while (have < size) {
		/* Up to the end of the page only: the next one may not exist. */
		size_t n = PAGE_BYTES - (addr + have) % PAGE_BYTES;
		const char *end;
		int r;

		if (n > size - have)
			n = size - have;
		r = user_read(c, dst + have, addr + have, n);
		if (r)
			return r;
		end = memchr(dst + have, 0, n);
		if (end)
			return (int)(end - dst);
		have += n;
	}
	return -ENAMETOOLONG;
}

int io_put(struct call *c, const struct io *io, const void *src, size_t len)
{
	if (io->ep == EP_SELF) {
		memcpy((void *)io->addr, src, len);
		return 0;
	}
	return user_write(c, io->addr, src, len);
}

int io_get(struct call *c, const struct io *io, void *dst, size_t len)
{
	if (io->ep == EP_SELF) {
		memcpy(dst, (const void *)io->addr, len);
		return 0;
	}
	return user_read(c, dst, io->addr, len);
}
