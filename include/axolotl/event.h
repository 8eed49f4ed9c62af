/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event log: a fixed ring in the kernel, written by the kernel and (SYSCTL_EVENT) by system
 * processes, read by is, procfs and the bench (GETINFO KINFO_EVENTS). Times are monotonic ns.
 */
#ifndef AXOLOTL_EVENT_H
#define AXOLOTL_EVENT_H

#include "axolotl/types.h"

enum event_kind {
#define EVENT(name, text, a, b) EV_##name,
#include "axolotl/event.def"
#undef EVENT
	EV_KINDS
};

struct event {
	uint64_t t_ns;
	uint64_t seq;  /* runs from 1; a gap means that the reader was too slow */
	uint16_t kind; /* enum event_kind */
	uint16_t reserved;
	endpoint_t ep;         /* the process it is about */
	char label[LABEL_MAX]; /* its label; for an application its name */
	uint64_t args[2];
};
_Static_assert(sizeof(struct event) == 64, "event size");

#define EVENT_LOG_SLOTS 8192

#endif
