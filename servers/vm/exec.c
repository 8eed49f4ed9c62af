/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of application processes as pm and vfs ask for it: fork, exit, a new space for exec and its
 * mappings. The kernel has forgotten a process (CLEAR) before pm sends VM_EXIT.
 */
#include <errno.h>
#include "vm.h"

#define STACK_AHEAD  (4 * PAGE_BYTES)
#define VM_MAP_FLAGS (VM_FIXED | VM_SHARED | VM_GROWDOWN)

static int fork_process(const struct vm_fork *req, struct space *parent, endpoint_t child)
{
	struct space *s;
	int err;

	if (req->flags & KFORK_THREAD)
		return space_attach(child, parent);
	err = space_create(&s);
	if (err < 0)
		return err;
	err = space_fork(parent, s);
	if (err == 0)
		err = space_attach(child, s);
	if (err < 0)
		space_destroy(s);
	return err;
}

void process_fork(const struct msg *m, struct vm_rep *rep)
{
	struct space *parent;
	struct vm_fork req;
	int child, err;

	msg_get(m, &req);
	parent = space_of(req.parent);
	rep->result = -ESRCH;
	if (parent == NULL || (req.flags & ~KFORK_THREAD))
		return;
	child = k_fork(&(struct kfork){
		.parent = req.parent, .flags = req.flags, .stack = req.stack, .tls = req.tls});
	rep->result = child;
	if (child < 0)
		return;
	err = fork_process(&req, parent, child);
	if (err < 0) {
		VM_ASSERT(k_clear(child) == 0);
		rep->result = err;
	}
}

void process_exit(const struct msg *m, struct vm_rep *rep)
{
	struct vm_ep req;

	msg_get(m, &req);
	rep->result = -ESRCH;
	if (space_of(req.ep) == NULL)
		return;
	rep->result = -EBUSY; /* the kernel still has it: CLEAR comes first */
	if (k_vmctl(VMCTL_SPACE_OF, &(struct kvmctl){.ep = req.ep}) >= 0)
		return;
	rep->result = 0;
	wait_forget(req.ep);
	mmap_forget(req.ep);
	space_detach(req.ep);
}

/* A byte of shared memory has one name for all who map it: its object and the place in that. */
void process_key(const struct msg *m, struct vm_rep *rep)
{
	const struct region *r;
	struct vm_key req;
	struct space *s;

	msg_get(m, &req);
	s = space_of(req.ep);
	r = s == NULL ? NULL : regions_find(&s->regions, req.addr);
	rep->result = r == NULL ? -EFAULT : 0;
	if (r == NULL || !(r->flags & RF_SHARED))
		return;
	rep->result = 1;
	rep->value = r->object;
	rep->value2 = r->offset + (req.addr - r->start);
}

void exec_new(const struct msg *m, struct vm_rep *rep)
{
	struct vm_ep req;
	struct space *s;

	msg_get(m, &req);
	rep->result = -ESRCH;
	if (req.ep < 0 || EP_SLOT(req.ep) >= NR_PROCS)
		return;
	rep->result = space_create(&s);
	if (rep->result < 0)
		return;
	rep->result = space_attach(req.ep, s);
	if (rep->result < 0)
		space_destroy(s);
	else
		wait_forget(req.ep);
}

static int check_map(const struct vm_map *req)
{
	uint64_t len = PAGE_UP(req->len_bytes);

	if ((req->prot & ~(VMP_READ | VMP_WRITE | VMP_EXEC)) || (req->flags & ~VM_MAP_FLAGS) ||
	    (req->prot & (VMP_WRITE | VMP_EXEC)) == (VMP_WRITE | VMP_EXEC) || len == 0 ||
	    len > VM_USER_TOP || req->addr % PAGE_BYTES || req->offset % PAGE_BYTES ||
	    req->file_bytes > len || req->offset + len < len)
		return -EINVAL;
	return 0;
}

/* Address range of a mapping for exec; 0: no room. */
static uint64_t choose_start(struct space *s, const struct vm_map *req, uint64_t len)
{
	if (req->flags & VM_GROWDOWN)
		return req->addr > len ? req->addr - len : 0;
	if (req->flags & VM_FIXED)
		return len <= VM_USER_TOP && req->addr <= VM_USER_TOP - len ? req->addr : 0;
	return mmap_place(s, req->addr, len);
}

/* The break begins behind the program: the highest mapping below the interpreter. */
static void set_break(struct space *s, const struct region *r)
{
	if ((r->flags & RF_STACK) || r->end > VM_INTERP_BASE || r->end <= s->brk_start)
		return;
	s->brk_start = s->brk_end = r->end;
}

static int64_t map_for_exec(struct space *s, const struct vm_map *req)
{
	uint64_t len = PAGE_UP(req->len_bytes);
	struct region r = {.prot = (uint8_t)req->prot,
	                   .max_prot = VMP_READ | VMP_WRITE | VMP_EXEC,
	                   .kind = REGION_ANON};
	int err;

	if (req->flags & VM_GROWDOWN) {
		len = len < VM_STACK_BYTES ? VM_STACK_BYTES : len;
		r.flags = RF_STACK | RF_NOCOUNT;
	}
	r.start = choose_start(s, req, len);
	if (r.start == 0)
		return -ENOMEM;
	r.end = r.start + len;
	if (req->token != 0) {
		r.kind = REGION_FILE;
		r.object = object_number(object_find_token(req->token));
		r.offset = req->offset;
		r.file_end = req->offset + req->file_bytes;
		r.flags |= (req->flags & VM_SHARED) ? RF_SHARED : RF_BSS;
		if (req->flags & VM_SHARED)
			r.max_prot = VMP_READ | VMP_EXEC;
	}
	if (r.prot & ~(uint32_t)r.max_prot)
		return -ENODEV;
	err = mmap_install(s, &r);
	if (err < 0)
		return err;
	set_break(s, &r);
	if (r.flags & RF_STACK) /* vfs is about to write the arguments there */
		space_populate(s, r.end - STACK_AHEAD, r.end);
	else if (r.prot != 0)
		space_prefault(s, &r);
	return (int64_t)r.start;
}

void exec_map(const struct msg *m, struct vm_rep *rep)
{
	struct object *o = NULL;
	struct vm_map req;
	struct space *s;
	int64_t addr;

	msg_get(m, &req);
	s = space_of(req.ep);
	rep->result = s == NULL ? -ESRCH : check_map(&req);
	if (rep->result == 0 && req.token != 0) {
		o = object_of_token(req.token);
		rep->result = o == NULL ? -ENFILE : 0;
	}
	if (rep->result < 0)
		return;
	addr = map_for_exec(s, &req);
	if (addr < 0 && o != NULL)
		object_refuse_token(o);
	rep->result = addr < 0 ? (int32_t)addr : 0;
	rep->value = addr < 0 ? 0 : (uint64_t)addr;
}
