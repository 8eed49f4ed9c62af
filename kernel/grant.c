/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory grants (grant.h). A chain of indirect grants is followed at each use, so revoking any link
 * revokes everything behind it. Tables are read from their owners' memory and checked entry by
 * entry.
 */
#include "proc.h"

static int read_entry(struct proc *caller, struct proc *owner, grant_t id, struct grant_entry *e)
{
	uint64_t va = owner->grant_va + GRANT_INDEX(id) * sizeof(*e);
	int r;

	if (id < 0 || GRANT_INDEX(id) >= owner->grant_count)
		return -EPERM;
	r = copy_in(caller, e, (struct uref){owner, va}, sizeof(*e));
	if (r != 0)
		return r;
	if (!(e->flags & GRANT_VALID) || e->seq != GRANT_SEQ(id))
		return -EPERM;
	return 0;
}

static bool covers(const struct grant_entry *e, const struct grant_ref *g, endpoint_t grantee)
{
	return e->grantee == grantee && (e->flags & g->access) == g->access &&
	       g->offset <= e->len_bytes && g->len <= e->len_bytes - g->offset &&
	       e->base + e->len_bytes >= e->base;
}

static int finish(struct proc *owner, const struct grant_entry *e, uint64_t offset,
                  struct uref *out)
{
	struct proc *memory = owner;

	if (e->flags & GRANT_PROXY) {
		if (!(owner->priv->flags & PRIV_PROXY_GRANT))
			return -EPERM;
		memory = proc_of(e->owner);
		if (!memory)
			return -EDEADSRCDST;
	}
	out->p = memory;
	out->va = e->base + offset;
	return 0;
}

int grant_resolve(struct proc *caller, struct proc *grantee, const struct grant_ref *ref,
                  struct uref *out)
{
	struct grant_ref g = *ref;
	endpoint_t to = grantee->ep;

	for (unsigned depth = 0; depth < GRANT_DEPTH_MAX; depth++) {
		struct proc *owner = proc_of(g.grantor);
		struct grant_entry e;
		int r;

		if (!owner)
			return -EDEADSRCDST;
		r = read_entry(caller, owner, g.grant, &e);
		if (r == 0 && !covers(&e, &g, to))
			r = -EPERM;
		if (r == -EPERM)
			violation(grantee, VIOL_GRANT, (uint64_t)(uint32_t)g.grant);
		if (r != 0)
			return r;
		if (e.flags & (GRANT_DIRECT | GRANT_PROXY))
			return finish(owner, &e, g.offset, out);
		if (!(e.flags & GRANT_INDIRECT))
			return -EPERM;
		to = owner->ep;
		g.grantor = e.owner;
		g.grant = e.parent;
		g.offset += e.base;
	}
	return -EPERM;
}
