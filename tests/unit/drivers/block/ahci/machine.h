/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine around the driver and the simulated controller: pci, DMA memory, alarms. Killing the driver
 * frees its memory, so that a controller that still uses it is found.
 */
#ifndef AHCI_MACHINE_H
#define AHCI_MACHINE_H

#include "axolotl/types.h"

struct machine {
	uint64_t alarm_at;   /* 0: none */
	uint64_t longest_ns; /* that the driver was in one callback */
	unsigned alarms;
	bool is_deaf; /* interrupts do not arrive */
};
extern struct machine machine;

/* 0 or what init() said. */
int machine_start_driver(bool is_restart);
void machine_kill_driver(void);
/* One interrupt or alarm, if there is one by now. */
bool machine_serve(void);
void machine_rearm(void);    /* after everything that the driver did */
uint64_t machine_next(void); /* of the controller or the alarm; 0: nothing will happen */

#endif
