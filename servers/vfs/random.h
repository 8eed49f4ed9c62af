/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes for /dev/random and AT_RANDOM. */
#ifndef SERVERS_VFS_RANDOM_H
#define SERVERS_VFS_RANDOM_H

#include "axolotl/types.h"

void random_bytes(void *out, size_t len);
void random_stir(const void *in, size_t len);

#endif
