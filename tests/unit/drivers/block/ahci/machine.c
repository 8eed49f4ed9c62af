/* SPDX-License-Identifier: BSD-2-Clause */
/* What the driver asks of pci, vm and rs: see machine.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/block/ahci/ahci.h"
#include "machine.h"
#include "sim.h"

#define ALLOCATIONS 64

struct machine machine;

static void *allocations[ALLOCATIONS]; /* of the driver that lives */

void *vm_alloc_dma(size_t len, unsigned flags, unsigned colour, uint64_t *pa)
{
	(void)flags;
	(void)colour;
	for (unsigned i = 0; i < ALLOCATIONS; i++) {
		if (allocations[i] != NULL)
			continue;
		allocations[i] =
			aligned_alloc(PAGE_BYTES, (len + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull));
		memset(allocations[i], 0, len);
		sim_allow(allocations[i], len);
		*pa = (uintptr_t)allocations[i];
		return allocations[i];
	}
	return NULL;
}

int pcidev_find(unsigned index, struct pcidev *d)
{
	(void)d;
	return index == 0 ? 0 : -ENOENT;
}

int pcidev_map_bar(struct pcidev *d, unsigned bar, volatile void **regs, uint64_t *len_bytes)
{
	(void)d;
	assert_int_equal(bar, 5);
	*regs = sim_bar;
	*len_bytes = SIM_BAR_BYTES;
	return 0;
}

int pcidev_route_irq(struct pcidev *d, unsigned vector, unsigned hook)
{
	assert_int_equal(vector, 0);
	d->is_msi = true;
	d->hook = hook;
	return 0;
}

void pcidev_irq_done(struct pcidev *d)
{
	(void)d;
}

int pcidev_enable(struct pcidev *d, unsigned what)
{
	(void)d;
	sim.is_master = (what & PCI_ENABLE_MASTER) != 0;
	return 0;
}

int driver_attach(const struct driver_devices *d, unsigned *count)
{
	unsigned n = 0;

	for (; n < d->max && pcidev_find(n, d->pci(n)) == 0; n++) {
		int err = d->start(n);

		if (err != 0)
			return err;
	}
	*count = n;
	return 0;
}

/* ---- the main loop's calls ---- */

static void spent(uint64_t since)
{
	uint64_t time = *sim_clock - since;

	if (time > machine.longest_ns)
		machine.longest_ns = time;
}

void machine_rearm(void)
{
	uint64_t at = ahci_driver.next_alarm();

	/* As lib/driver does it. */
	if (at != 0 && (machine.alarm_at == 0 || machine.alarm_at > at))
		machine.alarm_at = at;
}

int machine_start_driver(bool is_restart)
{
	const struct sys_init how = {.how = is_restart ? SYS_INIT_RESTART : SYS_INIT_FIRST};
	uint64_t since = *sim_clock;
	int err;

	machine.alarm_at = 0;
	sim_take_interrupt();
	err = ahci_driver.init(&how);
	spent(since);
	return err;
}

void machine_kill_driver(void)
{
	sim.is_master = false; /* pci silences the device */
	for (unsigned i = 0; i < ALLOCATIONS; i++) {
		if (allocations[i] != NULL)
			sim_forbid(allocations[i]);
		free(allocations[i]);
		allocations[i] = NULL;
	}
}

bool machine_serve(void)
{
	uint64_t since = *sim_clock;

	sim_run();
	if (!machine.is_deaf && sim_take_interrupt()) {
		ahci_driver.interrupt(1);
	} else if (machine.alarm_at != 0 && *sim_clock >= machine.alarm_at) {
		machine.alarm_at = 0;
		machine.alarms++;
		ahci_driver.alarm(*sim_clock);
	} else {
		return false;
	}
	spent(since);
	return true;
}

uint64_t machine_next(void)
{
	return ns_earlier(sim_next(), machine.alarm_at);
}
