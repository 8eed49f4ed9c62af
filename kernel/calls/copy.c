/* SPDX-License-Identifier: BSD-2-Clause */
/* SAFECOPY, VSAFECOPY, SETGRANT, VIRCOPY, MAPDMA. */
#include "proc.h"

#define COPY_MAX (64ul << 20) /* of one call, so that it ends soon */

struct transfer {
	struct grant_ref grant;
	uint64_t local;
	bool to_grantor;
};

static int transfer(struct proc *caller, const struct transfer *t)
{
	struct grant_ref g = t->grant;
	struct uref here = {caller, t->local}, there;
	int r;

	if (g.len > COPY_MAX)
		return -EINVAL;
	g.access = t->to_grantor ? GRANT_WRITE : GRANT_READ;
	r = grant_resolve(caller, caller, &g, &there);
	if (r != 0)
		return r;
	return t->to_grantor ? copy_between(caller, there, here, g.len)
	                     : copy_between(caller, here, there, g.len);
}

/* grantor, grant, offset, local address, bytes, 1 = to the grantor */
long do_safecopy(struct proc *caller, const uint64_t *args)
{
	struct transfer t = {.grant = {.grantor = (endpoint_t)args[0],
	                               .grant = (grant_t)args[1],
	                               .offset = args[2],
	                               .len = args[4]},
	                     .local = args[3],
	                     .to_grantor = args[5] != 0};

	return transfer(caller, &t);
}

long do_vsafecopy(struct proc *caller, const uint64_t *args)
{
	uint64_t count = args[1];

	if (count > SAFECOPY_VEC_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		struct safecopy_vec v;
		struct transfer t;
		int r = copy_arg_in(caller, &v, args[0] + i * sizeof(v), sizeof(v));

		if (r == 0 && (v.to_grantor > 1 || v.reserved))
			r = -EINVAL;
		if (r != 0)
			return r;
		t = (struct transfer){.grant = {.grantor = v.grantor,
		                                .grant = v.grant,
		                                .offset = v.offset,
		                                .len = v.len_bytes},
		                      .local = v.local,
		                      .to_grantor = v.to_grantor == 1};
		r = transfer(caller, &t);
		if (r != 0)
			return r;
	}
	return 0;
}

long do_setgrant(struct proc *caller, const uint64_t *args)
{
	if (args[1] > GRANTS_MAX || !user_range_ok(args[0], args[1] * sizeof(struct grant_entry)))
		return -EINVAL;
	caller->grant_va = args[0];
	caller->grant_count = (uint32_t)args[1];
	return 0;
}

long do_vircopy(struct proc *caller, const uint64_t *args)
{
	struct proc *src = proc_of_call(caller, (endpoint_t)args[0]);
	struct proc *dst = proc_of_call(caller, (endpoint_t)args[2]);

	if (!src || !dst || (src->rts & KRTS_NOSPACE) || (dst->rts & KRTS_NOSPACE))
		return -ESRCH;
	if (args[4] > COPY_MAX)
		return -EINVAL;
	return copy_between(caller, (struct uref){dst, args[3]}, (struct uref){src, args[1]},
	                    args[4]);
}

/* A page that a device may be told about: the caller's own (not on loan, so it stays where it is), or
 * one that it was granted to read only, for a device that reads. */
static uint8_t *dma_page(struct proc *caller, uint64_t va)
{
	uint8_t *page = user_page(caller, va, true);

	return page ? page : user_page(caller, va, false);
}

#define MAPDMA_BATCH 64 /* addresses that are written back at a time */

/* address, where to write bus addresses, count: without an IOMMU these are physical addresses. */
long do_mapdma(struct proc *caller, const uint64_t *args)
{
	uint64_t va = args[0], count = args[2], bus[MAPDMA_BATCH];

	if ((va & (PAGE_BYTES - 1)) || count > 1ul << 20 || !user_range_ok(va, count * PAGE_BYTES))
		return -EINVAL;
	for (uint64_t done = 0, n; done < count; done += n) {
		int r;

		n = count - done < MAPDMA_BATCH ? count - done : MAPDMA_BATCH;
		for (uint64_t i = 0; i < n; i++) {
			uint8_t *page = dma_page(caller, va + (done + i) * PAGE_BYTES);

			if (!page)
				return -EFAULT;
			bus[i] = (uint64_t)page - DIRECT_BASE;
		}
		r = copy_arg_out(caller, args[1] + done * sizeof(*bus), bus, n * sizeof(*bus));
		if (r != 0)
			return r;
	}
	return 0;
}
