/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validation of requests and completions: see check.h.
 */
#include <errno.h>

#include "axolotl/errno.h"
#include "blockdev/check.h"

#define ERRNO_LAST 4095 /* largest errno that a status may carry */

bool blk_request_is_sane(const struct blk_request *r)
{
	return r->unit < BLK_UNITS_MAX && r->elements <= BLK_ELEMENTS_MAX && r->reserved == 0 &&
	       r->reserved2 == 0 &&
	       (r->flags & ~(r->op == BLK_SYNC ? BLK_REQ_DELEGATE : BLK_REQ_FUA)) == 0;
}

static int check_access(const struct blk_request *r, const struct blk_limits *l)
{
	if (r->op == BLK_READ)
		return l->access & BLK_ACCESS_READ ? 0 : -EACCES;
	if (r->op == BLK_FLUSH)
		return 0;
	if (r->op == BLK_SYNC && !(l->info->flags & BLK_FLAG_SYNC))
		return -EINVAL;
	if (r->op == BLK_SYNC)
		return l->access & BLK_ACCESS_JUDGE ? 0 : -EACCES;
	if (l->info->flags & BLK_FLAG_READONLY)
		return -EROFS;
	return l->access & BLK_ACCESS_WRITE ? 0 : -EACCES;
}

static int check_element(const struct blk_element *e, enum blk_op op, const struct blk_limits *l)
{
	const struct arena_view *arena;

	if (e->reserved != 0 || e->arena >= BLK_ARENAS_MAX)
		return -EINVAL;
	arena = &l->arenas[e->arena];
	if (e->len_bytes == 0 || e->len_bytes % BLK_SECTOR != 0 || e->offset % 2 != 0)
		return -EINVAL;
	if (e->len_bytes > arena->len_bytes || e->offset > arena->len_bytes - e->len_bytes)
		return -EINVAL;
	return op == BLK_READ && arena->is_readonly ? -EINVAL : 0;
}

static int check_elements(const struct blk_request *r, const struct blk_element *elements,
                          const struct blk_limits *l)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < r->elements; i++) {
		int err = check_element(&elements[i], (enum blk_op)r->op, l);

		if (err != 0)
			return err;
		bytes += elements[i].len_bytes;
	}
	/* At most 64 x 4 GiB: no overflow. */
	return bytes == (uint64_t)r->sectors * BLK_SECTOR ? 0 : -EINVAL;
}

static int check_sync(const struct blk_request *r, const struct blk_info *info)
{
	if (r->elements != 0 || r->replica != 0 || (r->flags != 0 && r->sectors != 0))
		return -EINVAL;
	return r->sectors <= info->sectors && r->sector <= info->sectors - r->sectors ? 0 : -EINVAL;
}

int blk_check_request(const struct blk_request *r, const struct blk_element *elements,
                      const struct blk_limits *l)
{
	int err;

	if (!blk_request_is_sane(r) || r->op < BLK_READ || r->op > BLK_SYNC)
		return -EINVAL;
	if (!l->is_open)
		return -ERESTART;
	err = check_access(r, l);
	if (err != 0)
		return err;
	if (r->op == BLK_FLUSH)
		return r->sectors == 0 && r->elements == 0 && r->sector == 0 ? 0 : -EINVAL;
	if (r->op == BLK_SYNC)
		return check_sync(r, l->info);
	if (r->op == BLK_READ && (r->flags & BLK_REQ_FUA))
		return -EINVAL;
	if (r->sectors == 0 || r->elements == 0 || r->elements > l->info->max_elements ||
	    (uint64_t)r->sectors * BLK_SECTOR > l->info->max_bytes ||
	    r->replica > l->info->replicas)
		return -EINVAL;
	if (r->sectors > l->info->sectors || r->sector > l->info->sectors - r->sectors)
		return -EINVAL;
	return check_elements(r, elements, l);
}

enum proto_rule blk_check_completion(const struct blk_completion *c, enum blk_op op,
                                     uint64_t full_bytes)
{
	bool has_next = c->next_sector != 0 || c->next_sectors != 0 || c->next_replicas != 0;

	if (c->reserved != 0 || c->reserved2 != 0 || (has_next && op != BLK_SYNC))
		return RULE_R4;
	if (c->status > 0 || c->status < -ERRNO_LAST)
		return RULE_B2;
	if (c->status == 0 && c->bytes != full_bytes)
		return RULE_B2;
	if (c->bytes > full_bytes)
		return RULE_B2;
	return RULE_NONE;
}
