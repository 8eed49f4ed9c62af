/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/blockdev/check.c */
/*
 * Any bytes as a request and its elements: what blk_check_request() accepts stays inside the medium and
 * inside its arenas, and adds up. And any bytes as a completion: what is accepted fits the request.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "blockdev/check.h"
#include "tests/unit/support/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct blk_request r;
	struct blk_completion c;
	struct blk_element elements[BLK_ELEMENTS_MAX];
};

static const struct arena_view arenas[BLK_ARENAS_MAX] = {
	{.len_bytes = 1u << 16}, {.len_bytes = 1u << 20, .is_readonly = true}, {.len_bytes = 4096}};

static void check_accepted(const struct input *in, const struct blk_info *info)
{
	uint64_t sum = 0;

	MUST(in->r.op >= BLK_READ && in->r.op <= BLK_SYNC && in->r.unit < BLK_UNITS_MAX);
	if (in->r.op == BLK_FLUSH) {
		MUST(in->r.sectors == 0 && in->r.elements == 0);
		return;
	}
	if (in->r.op == BLK_SYNC) {
		MUST(in->r.elements == 0 && in->r.replica == 0);
		MUST(in->r.flags == 0 || (in->r.flags == BLK_REQ_DELEGATE && in->r.sectors == 0));
		MUST(in->r.sectors <= info->sectors &&
		     in->r.sector <= info->sectors - in->r.sectors);
		return;
	}
	MUST(in->r.sector < info->sectors && in->r.sectors <= info->sectors - in->r.sector);
	MUST((uint64_t)in->r.sectors * BLK_SECTOR <= info->max_bytes);
	MUST(in->r.elements <= info->max_elements && in->r.replica <= info->replicas);
	for (unsigned i = 0; i < in->r.elements; i++) {
		const struct blk_element *e = &in->elements[i];

		MUST(e->arena < BLK_ARENAS_MAX && e->len_bytes > 0);
		MUST(e->offset < arenas[e->arena].len_bytes);
		MUST(e->len_bytes <= arenas[e->arena].len_bytes - e->offset);
		MUST(in->r.op == BLK_WRITE || !arenas[e->arena].is_readonly);
		sum += e->len_bytes;
	}
	MUST(sum == (uint64_t)in->r.sectors * BLK_SECTOR);
}

/* Most random requests fail at once: some fields are made small so that deeper checks are reached. */
static void tame(struct input *in, uint8_t how)
{
	if (how & 1)
		in->r.op = (uint8_t)(1 + in->r.op % 4);
	if (how & 2) {
		in->r.unit %= BLK_UNITS_MAX;
		in->r.flags &= 1;
		in->r.reserved = 0;
		in->r.reserved2 = 0;
		in->r.replica %= 4;
	}
	if (how & 4)
		in->r.elements %= 5;
	if (how & 8)
		for (unsigned i = 0; i < BLK_ELEMENTS_MAX; i++) {
			in->elements[i].arena %= 4;
			in->elements[i].reserved = 0;
			in->elements[i].len_bytes &= 0x1e00;
			in->elements[i].offset &= 0x1ffffe;
		}
	if ((how & 16) && in->r.elements <= BLK_ELEMENTS_MAX) {
		in->r.sectors = 0;
		in->r.sector %= 4096;
		for (unsigned i = 0; i < in->r.elements; i++)
			in->r.sectors += in->elements[i].len_bytes / BLK_SECTOR;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input in;
	struct blk_info info = {.sectors = 4096,
	                        .max_bytes = 1u << 20,
	                        .max_elements = 64,
	                        .replicas = 2,
	                        .flags = BLK_FLAG_SYNC};
	struct blk_limits limits = {.is_open = true,
	                            .access = BLK_ACCESS_READ | BLK_ACCESS_WRITE | BLK_ACCESS_JUDGE,
	                            .info = &info,
	                            .arenas = arenas};

	if (size < 1)
		return 0;
	memset(&in, 0, sizeof(in));
	memcpy(&in, data + 1, size - 1 < sizeof(in) ? size - 1 : sizeof(in));
	tame(&in, data[0]);
	if (!blk_request_is_sane(&in.r))
		return 0;
	if (blk_check_request(&in.r, in.elements, &limits) == 0)
		check_accepted(&in, &info);
	if (blk_check_completion(&in.c, (enum blk_op)(in.r.op % 5), 4096) == RULE_NONE)
		MUST(in.c.status <= 0 &&
		     (in.c.status < 0 ? in.c.bytes <= 4096 : in.c.bytes == 4096));
	return 0;
}
