/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a PCI driver asks of pci and vm at its start: find its devices, map BARs, route an
 * interrupt, switch bus mastering on. Synchronous: pci is trusted and below drivers (architecture
 * D6).
 */
#ifndef LIB_PCIDEV_PCIDEV_H
#define LIB_PCIDEV_PCIDEV_H

#include "axolotl/types.h"
#include "axolotl/pci.h"

struct pcidev {
	unsigned index; /* of the caller's devices */
	struct pci_device_rep id;
	bool is_msi; /* valid after pcidev_route_irq() */
	unsigned hook;
};

/* The index-th device of ours; -ENOENT after the last. */
int pcidev_find(unsigned index, struct pcidev *d) MUST_CHECK;
/* Memory BAR, mapped uncached; -errno also for an I/O BAR. */
int pcidev_map_bar(struct pcidev *d, unsigned bar, volatile void **regs,
                   uint64_t *len_bytes) MUST_CHECK;
/* Switches the device's memory on and maps a BAR; -ENODEV if it has fewer bytes. */
int pcidev_map_registers(struct pcidev *d, unsigned bar, uint64_t bytes_min,
                         volatile void **regs) MUST_CHECK;
int pcidev_io_bar(struct pcidev *d, unsigned bar, uint16_t *port, uint32_t *count) MUST_CHECK;
/* MSI or MSI-X vector `vector` if the device has it, else the INTx line, to our IRQ hook `hook`. */
int pcidev_route_irq(struct pcidev *d, unsigned vector, unsigned hook) MUST_CHECK;
/* After the device's cause is cleared: INTx lines are unmasked; nothing to do for MSI. */
void pcidev_irq_done(struct pcidev *d);
int pcidev_enable(struct pcidev *d, unsigned what) MUST_CHECK; /* PCI_ENABLE_* */
int pcidev_config_read(struct pcidev *d, unsigned offset, unsigned width,
                       uint32_t *value) MUST_CHECK;
int pcidev_config_write(struct pcidev *d, unsigned offset, unsigned width,
                        uint32_t value) MUST_CHECK;
/* Offset of a capability in configuration space, or 0. */
unsigned pcidev_capability(struct pcidev *d, uint8_t cap_id);

#endif
