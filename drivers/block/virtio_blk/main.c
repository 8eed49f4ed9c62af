/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio block devices: the story is in disk.c. */
#include "virtio_blk.h"

int main(void)
{
	driver_main(&virtio_blk_driver);
}
