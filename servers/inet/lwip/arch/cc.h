/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP needs from its platform: x86-64, musl, and functions of servers/inet. */
#ifndef INET_LWIP_ARCH_CC_H
#define INET_LWIP_ARCH_CC_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include <sys/time.h>

#define LWIP_ERRNO_INCLUDE   <errno.h>
#define LWIP_TIMEVAL_PRIVATE 0
/* htons and the like are those of the C library. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
/* lwIP's are functions; they are called twenty times for each segment. */
#define lwip_htons(x) ((u16_t)__builtin_bswap16(x))
#define lwip_htonl(x) ((u32_t)__builtin_bswap32(x))

#define PACK_STRUCT_STRUCT __attribute__((packed))

void sys_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void sys_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* lwIP's own invariants; input from the wire never ends here. */
#define LWIP_PLATFORM_ASSERT(x) sys_panic("lwip: %s (%s:%d)", x, __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(x)   ((void)0)

/* arena.h */
void *arena_alloc(size_t len_bytes);
void *arena_calloc(size_t count, size_t len_bytes);
void arena_free(void *ptr);

/* sum.c */
uint16_t inet_sum(const void *data, int len_bytes);

/* random.c */
uint32_t inet_random(void);
#define LWIP_RAND() inet_random()

#endif
