/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of timerfd, driven by the main loop's alarm. */
#ifndef SERVERS_VFS_TIMERFD_H
#define SERVERS_VFS_TIMERFD_H

#include <sys/syscall.h>
#include "vfs.h"

#define TIMERFD_SETTIME_NR SYS_timerfd_settime

/* Counts and wakes what has expired; the next expiration or 0. */
uint64_t timerfd_expire(uint64_t now);

#endif
