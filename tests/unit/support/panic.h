/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/sys's sys_panic() in unit tests (cmocka): it fails the test that runs and says the panic's text. Link
 * panic.c where what is tested may panic. Owns nothing; one test at a time.
 */
#ifndef TESTS_SUPPORT_PANIC_H
#define TESTS_SUPPORT_PANIC_H

#include "axolotl/types.h"

/* Runs act(arg) until it panics; fails the test if it returns. What act held is lost, as in a process that ends. */
void expect_panic(void (*act)(uint64_t arg), uint64_t arg);

#endif
