/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of applications. A page that must first be read from a file (VIRCOPY says -ENOTREADY) is
 * asked for by an ASEND to vm, because reading it needs vfs and a file server, whom pm does not
 * wait for (architecture D6). The call is suspended and its handler runs again from the start,
 * which is why handlers copy everything in and out before they change anything.
 */
#include <errno.h>
#include <signal.h>
#include "pm.h"

static uint32_t page_sequence;

static int check_range(uint64_t addr, size_t len)
{
	if (addr + len < addr || addr + len > VM_USER_TOP)
		return -EFAULT;
	return 0;
}

int copy_want_page(struct thread *t, uint64_t addr, size_t len, bool is_write)
{
	struct vm_faultin f = {.ep = t->ep, .addr = addr, .len_bytes = len, .is_write = is_write};
	struct msg m;
	int r;

	page_sequence = (page_sequence + 1) & 0x3fffff;
	f.id = page_sequence << EP_SLOT_BITS | EP_SLOT(t->ep);
	msg_put(&m, VM_FAULTIN, &f);
	r = sys_asend(EP_VM, &m);
	if (r < 0)
		return -ENOMEM;
	t->page_id = (uint64_t)f.id + 1;
	return 0;
}

static int suspend_for_page(struct thread *t, uint64_t addr, size_t len, bool is_write)
{
	int r = copy_want_page(t, addr, len, is_write);

	if (r < 0)
		return r;
	t->block = BLOCK_PAGE;
	return -ESUSPENDREP;
}

int copy_in_now(struct thread *t, void *dst, uint64_t addr, size_t len)
{
	int r = check_range(addr, len);

	if (r == 0 && len > 0)
		r = k_vircopy(t->ep, addr, EP_SELF, (uint64_t)(uintptr_t)dst, len);
	return r;
}

int copy_out_now(struct thread *t, uint64_t addr, const void *src, size_t len)
{
	int r = check_range(addr, len);

	if (r == 0 && len > 0)
		r = k_vircopy(EP_SELF, (uint64_t)(uintptr_t)src, t->ep, addr, len);
	return r;
}

int copy_in(struct thread *t, void *dst, uint64_t addr, size_t len)
{
	int r = copy_in_now(t, dst, addr, len);

	if (r == -ENOTREADY)
		return suspend_for_page(t, addr, len, false);
	return r < 0 ? -EFAULT : 0;
}

int copy_out(struct thread *t, uint64_t addr, const void *src, size_t len)
{
	int r = copy_out_now(t, addr, src, len);

	if (r == -ENOTREADY)
		return suspend_for_page(t, addr, len, true);
	return r < 0 ? -EFAULT : 0;
}

int copy_probe(struct thread *t, uint64_t addr, size_t len)
{
	uint8_t old[16];
	int r;

	SYS_ASSERT(len <= sizeof(old));
	r = copy_in(t, old, addr, len);
	return r < 0 ? r : copy_out(t, addr, old, len);
}

void copy_on_page(const struct msg *m)
{
	struct vm_rep rep;
	struct thread *t;

	msg_get(m, &rep);
	t = &table.threads[(rep.id & ((1u << EP_SLOT_BITS) - 1)) % NR_PROCS];
	if (!t->is_used || t->page_id != (uint64_t)rep.id + 1)
		return;
	t->page_id = 0;
	if (t->is_exiting)
		return;
	if (t->page_is_signal) {
		t->page_is_signal = false;
		if (rep.result < 0) {
			t->retry.signo = 0;
			proc_exit(t->proc, SIGSEGV);
		} else {
			deliver(t);
		}
		return;
	}
	if (!t->in_call || t->block != BLOCK_PAGE)
		return;
	if (rep.result < 0)
		call_reply(t, -EFAULT);
	else
		call_run(t);
}
