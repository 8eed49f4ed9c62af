/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Basic types of every contract: endpoints, grants, time, pages.
 *
 * An endpoint names one incarnation of one process: slot in the low bits, generation above, so a
 * message for a dead process can never reach the process that reuses its slot (thesis 3.3.4).
 */
#ifndef AXOLOTL_TYPES_H
#define AXOLOTL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t endpoint_t; /* >= 0: a process; < 0: a pseudo endpoint below */
typedef int32_t grant_t;    /* index and sequence number in the grantor's table; < 0: none */

#define NR_PROCS     512 /* process slots, slot 0 is the idle context */
#define EP_SLOT_BITS 10
#define EP_SLOT(ep)  ((unsigned)(ep) & ((1u << EP_SLOT_BITS) - 1))
#define EP_GEN(ep)   ((unsigned)(ep) >> EP_SLOT_BITS)
#define EP_MAKE(gen, slot)                                                                         \
	((endpoint_t)((((unsigned)(gen)&0x1fffff) << EP_SLOT_BITS) | (unsigned)(slot)))

/* Pseudo endpoints. */
#define EP_ANY      (-1) /* RECEIVE from anybody */
#define EP_NONE     (-2)
#define EP_SELF     (-3) /* in kernel calls: the caller */
#define EP_KERNEL   (-4) /* source of kernel messages that belong to no process */
#define EP_HARDWARE (-5) /* source of interrupt notifications */
#define EP_CLOCK    (-6) /* source of alarm notifications */

/* The trusted base has fixed slots in generation 0; it is started by vm and never restarted. */
#define EP_VM  EP_MAKE(0, 1)
#define EP_DS  EP_MAKE(0, 2)
#define EP_PM  EP_MAKE(0, 3)
#define EP_VFS EP_MAKE(0, 4)
#define EP_RS  EP_MAKE(0, 5)

#define GRANT_INVALID (-1)

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096ul

#define LABEL_MAX 24 /* component label or unit name, with the terminating NUL */

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
