/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to virtio_blk: what the device and the driver agree on (virtio 1.1, 5.2). */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include "driver/driver.h"

#define F_SIZE_MAX   (1ull << 1)
#define F_SEG_MAX    (1ull << 2)
#define F_RO         (1ull << 5)
#define F_FLUSH      (1ull << 9)
#define CFG_CAPACITY 0
#define CFG_SIZE_MAX 8
#define CFG_SEG_MAX  12

#define T_IN     0
#define T_OUT    1
#define T_FLUSH  4
#define S_OK     0
#define S_IOERR  1
#define S_UNSUPP 2

struct header { /* read and written by the device */
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
	uint8_t status;
	uint8_t pad[15];
};
_Static_assert(sizeof(struct header) == 32, "two descriptors point into it");
#define HEADER_BYTES 16u

extern const struct driver virtio_blk_driver;

#endif
