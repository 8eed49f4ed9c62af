/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between a request's grant and our memory. What the grant refers to is the application's: a copy
 * that fails is its EFAULT and changes nothing else.
 */
#include "sys/sys.h"
#include "axolotl/grant.h"
#include "sock_impl.h"

static int efault(int r)
{
	return r < 0 ? -EFAULT : 0;
}

/* The request says how long its memory is; nothing beyond that is touched, whatever the grant allows. */
static bool fits(const struct request *r, uint32_t at, uint32_t len)
{
	return at <= r->q.len_bytes && len <= r->q.len_bytes - at;
}

int request_in(const struct request *r, uint32_t at, void *to, uint32_t len)
{
	if (!fits(r, at, len))
		return -EINVAL;
	if (len == 0)
		return 0;
	return efault(
		k_safecopy_from(r->from, r->q.grant, (uint64_t)r->q.grant_offset + at, to, len));
}

int request_out(const struct request *r, uint32_t at, const void *from, uint32_t len)
{
	if (!fits(r, at, len))
		return -EINVAL;
	if (len == 0)
		return 0;
	return efault(
		k_safecopy_to(r->from, r->q.grant, (uint64_t)r->q.grant_offset + at, from, len));
}

struct mover {
	const struct request *r;
	struct safecopy_vec vec[SAFECOPY_VEC_MAX];
	unsigned count;
	uint64_t offset;
	bool is_out;
};

static int flush(struct mover *m)
{
	int e = m->count ? k_vsafecopy(m->vec, m->count) : 0;

	m->count = 0;
	return efault(e);
}

static int add(struct mover *m, const void *local, uint32_t len)
{
	int e = m->count == SAFECOPY_VEC_MAX ? flush(m) : 0;

	if (e < 0 || len == 0)
		return e;
	m->vec[m->count++] = (struct safecopy_vec){.grantor = m->r->from,
	                                           .grant = m->r->q.grant,
	                                           .offset = m->offset,
	                                           .local = (uint64_t)(uintptr_t)local,
	                                           .len_bytes = len,
	                                           .to_grantor = m->is_out};
	m->offset += len;
	return 0;
}

static int move_chain(struct mover *m, const struct pbuf *p, uint32_t skip, uint32_t len)
{
	int e = 0;

	for (; p && len && e == 0; p = p->next) {
		uint32_t n;

		if (skip >= p->len) {
			skip -= p->len;
			continue;
		}
		n = p->len - skip;
		if (n > len)
			n = len;
		e = add(m, (const uint8_t *)p->payload + skip, n);
		skip = 0;
		len -= n;
	}
	return e ? e : flush(m);
}

int request_out_pbuf(const struct request *r, uint32_t at, const struct pbuf *p, uint32_t skip,
                     uint32_t len)
{
	struct mover m = {.r = r, .offset = (uint64_t)r->q.grant_offset + at, .is_out = true};

	return fits(r, at, len) ? move_chain(&m, p, skip, len) : -EINVAL;
}

int request_in_pbuf(const struct request *r, struct pbuf *p, uint32_t len)
{
	struct mover m = {.r = r, .offset = r->q.grant_offset};

	return fits(r, 0, len) ? move_chain(&m, p, 0, len) : -EINVAL;
}
