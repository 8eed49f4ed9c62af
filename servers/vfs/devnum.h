/* SPDX-License-Identifier: BSD-2-Clause */
/* Device numbers, as Linux gives them to devices of the same name. Pure. */
#ifndef SERVERS_VFS_DEVNUM_H
#define SERVERS_VFS_DEVNUM_H

#include "axolotl/types.h"

/* "null" 1:3, "ttyS0" 4:64, "ram0" 1:0, ...; an unknown name gets 10:128+index or 240:index. */
uint32_t devnum_of(const char *name, bool is_block, unsigned index);

#endif
