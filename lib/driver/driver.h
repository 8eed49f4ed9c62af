/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Skeleton of drivers: main loop, alarm, and finding PCI devices. A driver is the server half of a protocol
 * (block, network) and its hardware; it only says what its hardware wants.
 */
#ifndef LIB_DRIVER_H
#define LIB_DRIVER_H

#include "pcidev/pcidev.h"
#include "sys/half.h"
#include "sys/sys.h"

struct driver {
	const char *name; /* in messages */
	const struct server_half *server;
	/* Once, as a fresh process: units are published at the end. 0 or -errno. */
	int (*init)(const struct sys_init *how);

	/* Any of these may be NULL. */
	void (*interrupt)(uint64_t hooks);    /* bit i: IRQ hook i */
	void (*poll)(void);                   /* before each RECEIVE and the server half */
	uint64_t (*next_alarm)(void);         /* after both: when alarm() is wanted, 0: not */
	void (*alarm)(uint64_t now_ns);       /* may come too early */
	int (*status)(char *buf, size_t len); /* lines behind the server half's; returns bytes */
};
void driver_main(const struct driver *d) __attribute__((noreturn));

struct driver_devices {
	unsigned max;
	struct pcidev *(*pci)(unsigned i); /* where the i-th device is described */
	int (*start)(unsigned i);          /* it was found. 0 or -errno */
};
/* In init(): finds and starts all devices of the process, in the order of the bus. 0 and how many, or -errno
 * after a message: one does not start, or there is none (-ENXIO). */
int driver_attach(const struct driver_devices *d, unsigned *count) MUST_CHECK;

#endif
