/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI devices for drivers: see pcidev.h.
 */
#include <errno.h>

#include "pcidev/pcidev.h"
#include "sys/sys.h"

#define PCI_LABEL          "pci"
#define PCI_STATUS         0x06
#define PCI_STATUS_CAPLIST 0x10
#define PCI_CAP_POINTER    0x34
#define PCI_CAPS_MAX       48 /* that fit into 192 bytes: bound of the walk */
#define PCI_BAR_IO         1u
#define IRQ_LINE_NONE      0xff

static int pci_endpoint(endpoint_t *ep)
{
	static endpoint_t cached = EP_NONE;
	int err = 0;

	if (cached == EP_NONE)
		err = ds_lookup_label(PCI_LABEL, &cached);
	if (err != 0)
		cached = EP_NONE;
	*ep = cached;
	return err;
}

#define pci_call(type, req, rep)                                                                   \
	({                                                                                         \
		endpoint_t pci_ep;                                                                 \
		int pci_err = pci_endpoint(&pci_ep);                                               \
		pci_err != 0 ? pci_err : sys_call(pci_ep, (type), (req), (rep));                   \
	})

int pcidev_find(unsigned index, struct pcidev *d)
{
	struct pci_index req = {.index = index};
	int err;

	*d = (struct pcidev){.index = index};
	err = pci_call(PCI_DEVICE, &req, &d->id);
	return err != 0 ? err : d->id.result;
}

static int get_bar(struct pcidev *d, unsigned bar, struct pci_bar_rep *rep)
{
	struct pci_bar_req req = {.index = d->index, .bar = bar};
	int err = pci_call(PCI_BAR, &req, rep);

	return err != 0 ? err : rep->result;
}

int pcidev_map_bar(struct pcidev *d, unsigned bar, volatile void **regs, uint64_t *len_bytes)
{
	struct pci_bar_rep rep;
	uint64_t base, len;
	uint8_t *va;
	int err = get_bar(d, bar, &rep);

	if (err != 0)
		return err;
	if ((rep.flags & PCI_BAR_IO) || rep.len == 0)
		return -ENXIO;
	base = rep.base & ~(PAGE_BYTES - 1);
	len = (rep.base + rep.len - base + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	va = vm_map_phys(base, len, VMP_READ | VMP_WRITE | VMP_UC);
	if (va == NULL)
		return -EFAULT;
	*regs = va + (rep.base - base);
	*len_bytes = rep.len;
	return 0;
}

int pcidev_map_registers(struct pcidev *d, unsigned bar, uint64_t bytes_min, volatile void **regs)
{
	uint64_t len_bytes;
	int err = pcidev_enable(d, PCI_ENABLE_MEM);

	if (err == 0)
		err = pcidev_map_bar(d, bar, regs, &len_bytes);
	if (err != 0)
		return err;
	return len_bytes >= bytes_min ? 0 : -ENODEV;
}

int pcidev_io_bar(struct pcidev *d, unsigned bar, uint16_t *port, uint32_t *count)
{
	struct pci_bar_rep rep;
	int err = get_bar(d, bar, &rep);

	if (err != 0)
		return err;
	if (!(rep.flags & PCI_BAR_IO) || rep.len == 0 || rep.base > UINT16_MAX)
		return -ENXIO;
	*port = (uint16_t)rep.base;
	*count = (uint32_t)rep.len;
	return 0;
}

int pcidev_route_irq(struct pcidev *d, unsigned vector, unsigned hook)
{
	struct pci_msi req = {.index = d->index, .vector = vector, .hook = hook};
	struct pci_rep rep;
	struct kirqctl line = {.line = d->id.irq_line, .hook = hook};
	int err = pci_call(PCI_MSI, &req, &rep);

	if (err != 0)
		return err;
	d->hook = hook;
	d->is_msi = rep.result == 0;
	if (d->is_msi || rep.result != -ENOTSUP)
		return rep.result;
	if (d->id.irq_line == IRQ_LINE_NONE)
		return -ENXIO;
	err = k_irqctl(IRQCTL_SET, &line);
	return err < 0 ? err : 0;
}

void pcidev_irq_done(struct pcidev *d)
{
	struct kirqctl ack = {.hook = d->hook};

	if (!d->is_msi && k_irqctl(IRQCTL_ACK, &ack) < 0)
		sys_log("pcidev: interrupt line %u cannot be acknowledged\n", d->id.irq_line);
}

int pcidev_enable(struct pcidev *d, unsigned what)
{
	struct pci_enable req = {.index = d->index, .what = what};
	struct pci_rep rep;
	int err = pci_call(PCI_ENABLE, &req, &rep);

	return err != 0 ? err : rep.result;
}

static int config(struct pci_config *req, uint32_t *value)
{
	struct pci_rep rep;
	int err = pci_call(PCI_CONFIG, req, &rep);

	if (err == 0 && value != NULL)
		*value = rep.value;
	return err != 0 ? err : rep.result;
}

int pcidev_config_read(struct pcidev *d, unsigned offset, unsigned width, uint32_t *value)
{
	struct pci_config req = {
		.index = d->index, .offset = (uint16_t)offset, .width = (uint8_t)width};

	return config(&req, value);
}

int pcidev_config_write(struct pcidev *d, unsigned offset, unsigned width, uint32_t value)
{
	struct pci_config req = {.index = d->index,
	                         .offset = (uint16_t)offset,
	                         .width = (uint8_t)width,
	                         .is_write = 1,
	                         .value = value};

	return config(&req, NULL);
}

unsigned pcidev_capability(struct pcidev *d, uint8_t cap_id)
{
	uint32_t status, at, entry;

	if (pcidev_config_read(d, PCI_STATUS, 2, &status) != 0 || !(status & PCI_STATUS_CAPLIST) ||
	    pcidev_config_read(d, PCI_CAP_POINTER, 1, &at) != 0)
		return 0;
	for (unsigned i = 0; i < PCI_CAPS_MAX && at >= 0x40; i++) {
		at &= 0xfc;
		if (pcidev_config_read(d, at, 2, &entry) != 0)
			return 0;
		if ((entry & 0xff) == cap_id)
			return at;
		at = entry >> 8;
	}
	return 0;
}
