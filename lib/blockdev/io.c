/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block requests from fibers: straight-line code that waits (lib/fiber).
 */
#include "blockdev/blockdev.h"
#include "fiber/fiber.h"

static void wake_waiter(struct bdev_io *io)
{
	fiber_wake(io->cookie, io->status);
}

int bdev_io_wait(struct bdev *b, struct bdev_io *io)
{
	int err;

	io->done = wake_waiter;
	io->cookie = fiber_self();
	err = bdev_submit(b, io);
	return err != 0 ? err : (int)fiber_wait();
}
