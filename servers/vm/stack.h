/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The initial stack of a system process: argc, argv, an empty environment, the auxiliary vector.
 * Pure: built in a buffer whose end stands for `top`. Reference: System V ABI, AMD64, 3.4.1.
 */
#ifndef VM_STACK_H
#define VM_STACK_H

#include "axolotl/types.h"

#define STACK_ARGS_MAX 64u

struct stack_image {
	uint64_t top;     /* address behind the last byte, a multiple of 16 */
	const char *args; /* NUL-terminated strings one after the other */
	uint32_t args_bytes;
	uint32_t argc;
	uint64_t phdr, entry, vdso;
	uint32_t phnum, phentsize;
	uint8_t random[16];
};

/* Builds it at the end of buf; *sp is the initial stack pointer (16-byte aligned). -EINVAL: args
 * are not argc strings; -E2BIG: does not fit. */
int stack_build(const struct stack_image *img, uint8_t *buf, size_t buf_bytes,
                uint64_t *sp) MUST_CHECK;

#endif
