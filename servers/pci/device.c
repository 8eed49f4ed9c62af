/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the owner of a function may do with it: enable decoding and bus mastering, read its
 * configuration space, write those registers that cannot reach beyond the device. And what is done
 * to it when the owner dies: no bus mastering, no interrupts, before anything else (thesis 3.3.2).
 */
#include <errno.h>
#include "sys/sys.h"
#include "pci.h"
#include "pci_hw.h"

#define ENABLE_ALL (PCI_ENABLE_IO | PCI_ENABLE_MEM | PCI_ENABLE_MASTER)

_Static_assert(PCI_ENABLE_IO == COMMAND_IO && PCI_ENABLE_MEM == COMMAND_MEM &&
                       PCI_ENABLE_MASTER == COMMAND_MASTER,
               "the bits of PCI_ENABLE are those of the command register");

void device_change(const struct function *f, unsigned offset, uint32_t clear, uint32_t set)
{
	uint32_t old = config_read(f->bdf, offset, 2);
	uint32_t wanted = (old & ~clear) | set;

	if (wanted != old)
		config_write(f->bdf, offset, 2, wanted);
}

int device_enable(struct function *f, uint32_t what)
{
	if (what & ~ENABLE_ALL)
		return -EINVAL;
	if (f->msi_on)
		device_change(f, CFG_COMMAND, 0, what | COMMAND_INTX_OFF);
	else
		device_change(f, CFG_COMMAND, COMMAND_INTX_OFF, what);
	return 0;
}

static bool overlaps(unsigned offset, unsigned width, unsigned start, unsigned len)
{
	return offset < start + len && start < offset + width;
}

/* BARs, command and the MSI registers decide which memory and which vector a device reaches. */
static bool is_writable(const struct function *f, unsigned offset, unsigned width)
{
	if (offset < CFG_DEVICE_AREA)
		return width == 1 && (offset == CFG_CACHE_LINE || offset == CFG_LATENCY);
	if (f->cap_msi != 0 && overlaps(offset, width, f->cap_msi, MSI_BYTES_MAX))
		return false;
	return f->cap_msix == 0 || !overlaps(offset, width, f->cap_msix, MSIX_BYTES);
}

int device_config(struct function *f, const struct pci_config *c, uint32_t *value)
{
	if (c->width != 1 && c->width != 2 && c->width != 4)
		return -EINVAL;
	if (c->offset % c->width != 0 || c->offset + c->width > PCI_CFG_BYTES)
		return -EINVAL;
	if (!c->is_write) {
		*value = config_read(f->bdf, c->offset, c->width);
		return 0;
	}
	if (!is_writable(f, c->offset, c->width))
		return -EPERM;
	config_write(f->bdf, c->offset, c->width, c->value);
	*value = c->value;
	return 0;
}

void device_silence(struct function *f)
{
	device_change(f, CFG_COMMAND, COMMAND_MASTER, COMMAND_INTX_OFF);
	msi_disable(f);
}
