/* SPDX-License-Identifier: BSD-2-Clause */
/* VMCTL: address spaces and faults, for vm alone. */
#include "proc.h"

#define LIST_CHUNK 64

static struct space *space_of(const struct kvmctl *v)
{
	return v->space < NR_SPACES && spaces[v->space].is_used ? &spaces[v->space] : NULL;
}

static bool is_frame(uint64_t pa)
{
	return (pa & (PAGE_BYTES - 1)) == 0 && pa != 0 && pa < boot.phys_top;
}

static long space_new(struct kvmctl *v)
{
	if (!is_frame(v->pa))
		return -EINVAL;
	for (unsigned i = 1; i < NR_SPACES; i++) {
		if (spaces[i].is_used)
			continue;
		spaces[i] = (struct space){.is_used = true, .root = paging_user_root(v->pa)};
		return i;
	}
	return -EAGAIN;
}

static long space_free(struct space *s)
{
	if (s == &spaces[0] || s->holders)
		return -EBUSY;
	*s = (struct space){.is_used = false};
	return 0;
}

static long set_space(struct kvmctl *v, struct space *s)
{
	struct proc *p = proc_of(v->ep);

	if (!p)
		return -ESRCH;
	if (!(p->rts & KRTS_NOSPACE))
		spaces[p->space].holders--;
	p->space = v->space;
	s->holders++;
	proc_unset(p, KRTS_NOSPACE);
	return 0;
}

static long give(struct kvmctl *v, struct space *s)
{
	if (!is_frame(v->pa))
		return -EINVAL;
	memset(direct(v->pa), 0, PAGE_BYTES);
	*(uint64_t *)direct(v->pa) = s->spare;
	s->spare = v->pa;
	return 0;
}

static int check_range(const struct kvmctl *v)
{
	bool is_ok = !((v->va | v->pa) & (PAGE_BYTES - 1)) && v->pages > 0 &&
	             v->pages < 1ul << 36 && user_range_ok(v->va, v->pages * PAGE_BYTES) &&
	             (v->prot & (VMP_WRITE | VMP_EXEC)) != (VMP_WRITE | VMP_EXEC) && v->prot < 16;

	return is_ok ? 0 : -EINVAL;
}

static long map_vec(struct proc *caller, struct kvmctl *v, struct space *s)
{
	uint64_t list[LIST_CHUNK], done = 0;
	int r = 0;

	while (done < v->pages) {
		uint64_t n = v->pages - done < LIST_CHUNK ? v->pages - done : LIST_CHUNK;

		r = copy_arg_in(caller, list, (uint64_t)(v->list + done), n * sizeof(*list));

		for (uint64_t i = 0; r == 0 && i < n; i++) {
			uint64_t va = v->va + (done + i) * PAGE_BYTES;

			r = list[i] & (PAGE_BYTES - 1) ? -EINVAL
			                               : paging_map_one(s, va, list[i], v->prot);
			if (r != 0)
				n = i; /* so far, and no further */
		}
		done += n;
		if (r != 0)
			break;
	}
	paging_flush(s, v->va, done);
	return done > 0 ? (long)done : r;
}

static long query(struct kvmctl *v, struct space *s)
{
	uint64_t bytes, *e = paging_walk(s->root, v->va & ~(PAGE_BYTES - 1), &bytes);

	if (!e || !(*e & PTE_P))
		return -ENOENT;
	v->pa = (*e & PTE_ADDR & ~(bytes - 1)) | (v->va & (bytes - 1));
	v->prot = VMP_READ | (*e & PTE_W ? VMP_WRITE : 0) | (*e & PTE_NX ? 0 : VMP_EXEC) |
	          (*e & PTE_PCD ? VMP_UC : 0);
	return 0;
}

static long grant_check(struct proc *caller, struct kvmctl *v)
{
	struct grant_ref g = {.grantor = v->grantor,
	                      .grant = v->grant,
	                      .offset = v->va,
	                      .len = v->len_bytes,
	                      .access = (v->pages ? GRANT_MAP : 0) |
	                                (v->prot & VMP_READ ? GRANT_READ : 0) |
	                                (v->prot & VMP_WRITE ? GRANT_WRITE : 0)};
	struct proc *grantee = proc_of(v->ep);
	struct uref u;
	long r;

	if (!grantee)
		return -ESRCH;
	r = grant_resolve(caller, grantee, &g, &u);
	if (r != 0)
		return r;
	v->ep = u.p->ep;
	v->va = u.va;
	return 0;
}

static long mem_check(const struct kvmctl *v)
{
	struct proc *p = proc_of(v->ep);

	if (!p)
		return -ESRCH;
	for (unsigned i = 0; i < p->priv->mem_count; i++) {
		const struct priv_range *m = &p->priv->mem[i];

		if (v->pa >= m->base && v->len_bytes <= m->len &&
		    v->pa - m->base <= m->len - v->len_bytes)
			return 0;
	}
	violation(p, VIOL_MEMORY, v->pa);
	return -EPERM;
}

static long on_space(struct proc *caller, enum vmctl_op op, struct kvmctl *v)
{
	struct space *s = space_of(v);

	if (!s)
		return -EINVAL;
	if ((op == VMCTL_MAP || op == VMCTL_MAP_VEC || op == VMCTL_UNMAP || op == VMCTL_PROTECT) &&
	    check_range(v) != 0)
		return -EINVAL;
	switch ((int)op) {
	case VMCTL_SPACE_FREE: return space_free(s);
	case VMCTL_SET_SPACE: return set_space(v, s);
	case VMCTL_GIVE: return give(v, s);
	case VMCTL_MAP: return paging_map(s, v->va, v->pa, v->pages, v->prot);
	case VMCTL_MAP_VEC: return map_vec(caller, v, s);
	case VMCTL_UNMAP: paging_unmap(s, v->va, v->pages); return 0;
	case VMCTL_PROTECT: return paging_protect(s, v->va, v->pages, v->prot);
	case VMCTL_QUERY: return query(v, s);
	default: return -EINVAL;
	}
}

static long perform(struct proc *caller, enum vmctl_op op, struct kvmctl *v)
{
	struct proc *p = proc_of(v->ep);

	switch ((int)op) {
	case VMCTL_SPACE_NEW: return space_new(v);
	case VMCTL_CLEAR_FAULT:
		if (p)
			fault_clear(p, v->result);
		return p ? 0 : -ESRCH;
	case VMCTL_GRANT_CHECK: return grant_check(caller, v);
	case VMCTL_MEM_CHECK: return mem_check(v);
	case VMCTL_SPACE_OF: return p && !(p->rts & KRTS_NOSPACE) ? (long)p->space : -ESRCH;
	default: return on_space(caller, op, v);
	}
}

long do_vmctl(struct proc *caller, const uint64_t *args)
{
	struct kvmctl v;
	long r, back;

	if (caller->ep != EP_VM)
		return -EPERM;
	r = copy_arg_in(caller, &v, args[1], sizeof(v));
	if (r != 0)
		return r;
	r = perform(caller, (enum vmctl_op)args[0], &v);
	if (args[0] != VMCTL_QUERY && args[0] != VMCTL_GRANT_CHECK)
		return r;
	back = copy_arg_out(caller, args[1], &v, sizeof(v));
	return back != 0 ? back : r;
}
