/* SPDX-License-Identifier: BSD-2-Clause */
/* execve behind the point of no return: the new address space, and pm's commit. */
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include "exec.h"

uint64_t exec_hwcap(void)
{
	uint32_t a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) ? d : 0;
}

static int map(const struct vm_map *req)
{
	struct vm_rep rep;
	int r = sys_call(EP_VM, VM_MAP, req, &rep);

	return r ? r : rep.result < 0 ? rep.result : 0;
}

static int map_segment(struct call *c, const struct exec_file *x, const struct elf_segment *s)
{
	struct vm_map req = {.ep = c->ep, .prot = (uint16_t)s->prot, .flags = VM_FIXED};
	struct elf_pages p;
	int r;

	elf_segment_pages(s, &p);
	req.addr = p.vaddr + x->bias;
	req.len_bytes = p.len_bytes;
	req.offset = p.offset;
	req.file_bytes = p.file_bytes;
	if (p.file_bytes) {
		req.token = token_take(x->vn);
		if (!req.token)
			return -ENFILE;
	}
	r = map(&req);
	if (r && req.token)
		token_release(req.token, 1);
	return r;
}

static int map_file(struct call *c, const struct exec_file *x)
{
	for (unsigned i = 0; i < x->elf.segment_count; i++) {
		int r = map_segment(c, x, &x->elf.segments[i]);

		if (r)
			return r;
	}
	return 0;
}

static int map_stack(struct call *c, const struct exec_job *j)
{
	const struct exec_stack *s = &j->stack;
	struct vm_map req = {.ep = c->ep,
	                     .prot = VMP_READ | VMP_WRITE,
	                     .flags = VM_GROWDOWN | VM_FIXED,
	                     .addr = VM_STACK_TOP,
	                     .len_bytes = VM_STACK_BYTES};
	int r = map(&req);

	if (!r)
		r = user_write(c, s->tail_at, s->tail, s->tail_len);
	if (!r)
		r = user_write(c, s->text_at, j->args.text + j->args.start,
		               j->args.end - j->args.start);
	if (!r)
		r = user_write(c, s->sp, j->vector, s->words * 8);
	return r;
}

static void close_on_exec(struct proc *p)
{
	for (unsigned fd = 0; fd < p->fds->top; fd++)
		if (p->fds->files[fd] && fdtab_cloexec(p->fds, fd))
			(void)file_close(p, (int)fd);
}

static int commit_pm(struct call *c, const struct exec_job *j)
{
	const struct exec_file *first = j->interp.vn ? &j->interp : &j->main;
	struct pm_exec req = {.ep = c->ep, .flags = j->flags, .uid = j->euid, .gid = j->egid};
	struct pm_rep rep;
	int r;

	req.entry = first->elf.entry + first->bias;
	req.stack = j->stack.sp;
	memcpy(req.name, j->name, sizeof(req.name));
	r = sys_call(EP_PM, PM_EXEC_COMMIT, &req, &rep);
	return r ? r : rep.result;
}

int exec_commit(struct call *c, struct exec_job *j)
{
	struct vm_ep req = {.ep = c->ep};
	struct proc *p = c->proc;
	struct vm_rep rep;
	int r;

	if (p->is_exiting)
		return -EINTR;
	r = proc_unshare_fds(p);
	if (r)
		return r;
	r = sys_call(EP_VM, VM_EXEC_NEW, &req, &rep);
	if (r || rep.result < 0)
		return r ? r : rep.result;
	r = map_file(c, &j->main);
	if (!r && j->interp.vn)
		r = map_file(c, &j->interp);
	if (!r)
		r = map_stack(c, j);
	if (!r) {
		close_on_exec(p);
		memcpy(p->exe, j->exe, sizeof(p->exe));
		p->euid = j->euid;
		p->egid = j->egid;
		r = commit_pm(c, j);
	}
	if (r) {
		sys_log("vfs: exec of %s failed behind the point of no return: %d", j->execfn, r);
		(void)proc_signal(p->pid, SIGKILL, EP_NONE);
	}
	c->no_reply = true;
	return 0;
}
