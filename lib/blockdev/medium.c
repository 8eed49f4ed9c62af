/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media that leave and return while a unit is open (hot plug). The same one serves again; another one is never
 * taken for it. What had been written and not flushed may be gone with the power, which its owner learns
 * from the next FLUSH (B6).
 */
#include <string.h>

#include "blockdev/client.h"

void unit_medium_left(struct bdev *b)
{
	if (!b->has_info)
		return;
	if (b->has_unflushed && (b->info.flags & BLK_FLAG_VOLATILE_CACHE))
		b->has_lost_writes = true;
	b->has_unflushed = false;
	if (b->events.left != NULL)
		b->events.left(b->ctx, b);
}

bool unit_is_same_medium(const struct bdev *b, const struct blk_info *info)
{
	return b->info.sectors == info->sectors && strcmp(b->info.serial, info->serial) == 0 &&
	       strcmp(b->info.model, info->model) == 0;
}

int unit_note_done(struct bdev *b, const struct bdev_io *io)
{
	if (io->op == BLK_WRITE && !(io->flags & BLK_REQ_FUA)) {
		b->has_unflushed = true;
		b->t_written_ns = now_ns();
	}
	if (io->op != BLK_FLUSH)
		return 0;
	if (b->has_lost_writes) {
		b->has_lost_writes = false;
		sys_log("blockdev: %s has lost what it had not flushed when it left\n", b->name);
		return -EIO;
	}
	if (io->t_submit_ns > b->t_written_ns)
		b->has_unflushed = false;
	return 0;
}
