/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of paths: components and the splicing of link targets. Pure. */
#ifndef SERVERS_VFS_PATHNAME_H
#define SERVERS_VFS_PATHNAME_H

#include "axolotl/types.h"

/* Skips slashes, returns the component that starts at *path (not terminated) and its length, and
 * moves *path behind it. Length 0: no component is left. */
const char *path_component(const char **path, size_t *len);
/* Nothing but slashes is left. */
bool path_is_end(const char *path);
/* path = target + what is at `rest` (inside path): -ENAMETOOLONG if it does not fit in size. */
int path_splice(char *path, size_t size, const char *target, const char *rest) MUST_CHECK;

/* /dev/stdin, /dev/fd/N, /proc/self/fd/N and the like name a descriptor of the caller: N, else -1.
 */
int path_own_fd(const char *path);

#endif
