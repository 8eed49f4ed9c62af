/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Skeleton of network drivers: units NAME_0, NAME_1, ... for PCI devices in the order of the bus, each a unit
 * of lib/netdev's server half. A driver only says what to do with its device; its table of devices has the
 * same order.
 *
 * Frames that the device keeps are looked after here: as long as some are out, look() is called four times a
 * second, and a device that keeps one for NICDRIVER_TIMEOUT_NS ends the process. Its successor resets it.
 */
#ifndef LIB_NICDRIVER_H
#define LIB_NICDRIVER_H

#include "driver/driver.h"
#include "netdev/netserver.h"

#define NICDRIVER_UNITS_MAX  4
#define NICDRIVER_TIMEOUT_NS 1500000000ull /* shorter than the clients' (N1) */

struct nicdriver {
	const char *name;
	unsigned hooks; /* IRQ hooks of each device: those of unit 1 follow those of unit 0 */
	bool wants_bus; /* DMA from and to arenas: nserver_segment() works */
	struct pcidev *(*pci)(unsigned unit); /* where the device is described */

	/* The device was found: from any state to a known one, interrupts routed. 0 or -errno. */
	int (*start)(unsigned unit);
	void (*info)(unsigned unit, struct net_info *info); /* all but the name; `info` is zero */
	/* As in netserver.h. */
	int (*configure)(unsigned unit, const struct net_conf *conf);
	void (*stop)(unsigned unit);
	bool (*tx)(struct nserver_tx *t);
	bool (*rx)(struct nserver_rx *r);
	void (*flush)(unsigned unit); /* a batch was handed over: tell the device */

	void (*interrupt)(unsigned unit, unsigned hooks); /* bit i: the device's hook i */
	void (*poll)(unsigned unit); /* before each RECEIVE: give back what is done; may be NULL */
	/* Last before RECEIVE: true if something is out. Something has to wake the process then. */
	bool (*arm)(unsigned unit);
	/* Some are out: gives back what is done, perhaps only an interrupt was lost. Returns since when the
	 * device has had the oldest frame; 0: none. */
	uint64_t (*look)(unsigned unit);
	int (*status)(unsigned unit, char *buf,
	              size_t len); /* words "name=value "; as snprintf() */
};
void nicdriver_main(const struct nicdriver *n) __attribute__((noreturn));

#endif
