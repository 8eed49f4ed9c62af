/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where musl would enter Linux at the start and the end of every program, a system process makes
 * the kernel call that does the same. These definitions come before libc's when linking.
 */
#include "sys/sys.h"

int __set_thread_area(void *p);
_Noreturn void _Exit(int status);

int __set_thread_area(void *p)
{
	return k_settls(EP_SELF, 0, (uint64_t)p);
}

_Noreturn void _Exit(int status)
{
	k_exit(status);
}
