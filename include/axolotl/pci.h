/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci: the bus driver, trusted. Drivers SENDREC to it about *their* device; rs tells it which label may
 * have which devices. A device belongs to a label: the next incarnation gets the same one. Between two
 * incarnations bus mastering is off, MSI disabled and INTx masked (PCI_SILENCE).
 */
#ifndef AXOLOTL_PCI_H
#define AXOLOTL_PCI_H

#include "axolotl/ipc.h"

enum pci_msg {
	PCI_ALLOW = MSG_PCI_BASE +
	            1, /* rs: struct pci_allow, before the start of ep: pci assigns matching
	                                 devices and adds their I/O, memory and IRQ to ep's privileges */
	PCI_SILENCE,   /* rs: struct pci_label: quiet all devices of the label; result = how many */
	PCI_RELEASE,   /* rs: struct pci_label: the label gives its devices up for good */
	PCI_DEVICE, /* driver: struct pci_index -> struct pci_device_rep; -ENOENT after the last */
	PCI_BAR,    /* driver: struct pci_bar_req -> struct pci_bar_rep */
	PCI_MSI,    /* driver: struct pci_msi: route MSI (or MSI-X vector 0..) to the caller's hook;
	                 -ENOTSUP: use the INTx line of pci_device_rep */
	PCI_ENABLE, /* driver: struct pci_enable: bus mastering, memory, I/O decoding */
	PCI_CONFIG, /* driver: struct pci_config: read or write own configuration space (BARs, command
	                 and MSI registers are read-only) */
	PCI_INFO,   /* procfs: struct pci_info: text, one line a device */
};

struct pci_allow {
	endpoint_t ep;
	char label[LABEL_MAX];
	uint16_t vendor, device;               /* 0xffff: any */
	uint8_t class_code, subclass, prog_if; /* 0xff: any */
	uint8_t more;                          /* further PCI_ALLOW follow for this label */
	uint32_t max_devices;                  /* usually 1 */
};
struct pci_label {
	char label[LABEL_MAX];
};
struct pci_index {
	uint32_t index; /* 0.. of the caller's devices */
};
struct pci_device_rep {
	int32_t result;
	uint16_t bdf;
	uint16_t vendor, device, subvendor, subdevice;
	uint8_t class_code, subclass, prog_if, revision;
	uint8_t irq_line; /* GSI of INTx, 0xff: none */
	uint8_t bars;
	uint8_t has_msi, has_msix;
};
struct pci_bar_req {
	uint32_t index;
	uint32_t bar; /* 0..5 */
};
struct pci_bar_rep {
	int32_t result;
	uint32_t flags; /* 1 = I/O ports, 2 = prefetchable, 4 = 64 bit */
	uint64_t base, len;
};
struct pci_msi {
	uint32_t index;
	uint32_t vector; /* MSI-X entry or 0 */
	uint32_t hook;
};
#define PCI_ENABLE_IO     1u
#define PCI_ENABLE_MEM    2u
#define PCI_ENABLE_MASTER 4u
struct pci_enable {
	uint32_t index;
	uint32_t what;
};
struct pci_config {
	uint32_t index;
	uint16_t offset;
	uint8_t width;
	uint8_t is_write;
	uint32_t value;
};
struct pci_info {
	grant_t grant;
	uint32_t len_bytes;
};
struct pci_rep {
	int32_t result;
	uint32_t value;
};

#endif
