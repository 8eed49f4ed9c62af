/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space by mechanism 1 (PCI 3.0, 3.2.2.3.2): an address port and a data port. One
 * VDEVIO does both accesses, so nothing can come between them: pci is the only holder of the ports.
 * The extended space of PCI Express (bytes 256 and up) is not reached this way; nobody needs it
 * yet.
 */
#include "sys/sys.h"
#include "pci.h"
#include "pci_hw.h"

static uint32_t config_address(uint16_t bdf, unsigned offset)
{
	return PCI_ADDRESS_ON | (uint32_t)bdf << 8 | (offset & 0xfc);
}

static uint32_t config_transfer(uint16_t bdf, unsigned offset, struct vdevio data)
{
	struct vdevio io[2] = {
		{.port = PCI_PORT_ADDRESS, .width = 4, .is_write = 1},
		data,
	};
	int result;

	SYS_ASSERT(offset + data.width <= PCI_CFG_BYTES);
	io[0].value = config_address(bdf, offset);
	io[1].port = (uint16_t)(PCI_PORT_DATA + (offset & 3));
	result = k_vdevio(io, 2);
	if (result < 0)
		sys_panic("no access to the configuration ports (%d): check pci's policy", result);
	return io[1].value;
}

uint32_t config_read(uint16_t bdf, unsigned offset, unsigned width)
{
	return config_transfer(bdf, offset, (struct vdevio){.width = (uint8_t)width});
}

void config_write(uint16_t bdf, unsigned offset, unsigned width, uint32_t value)
{
	struct vdevio data = {.width = (uint8_t)width, .is_write = 1, .value = value};

	config_transfer(bdf, offset, data);
}
