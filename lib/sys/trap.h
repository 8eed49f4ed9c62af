/* SPDX-License-Identifier: BSD-2-Clause */
/* The trap itself, for the stubs of this library only. */
#ifndef LIB_SYS_TRAP_H
#define LIB_SYS_TRAP_H

long sys_trap(long number, long a, long b, long c, long d, long e, long f);

#endif
