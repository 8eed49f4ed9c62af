/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AHCI driver: SATA disks as block units sata0, sata1, ... (the number is that of the port, over
 * all controllers of this label). rs starts it, mfs, vfs and filters use it (protocol
 * axolotl/blk.h).
 *
 * Nothing is kept over a restart: the predecessor's engines are stopped before bus mastering is
 * switched on, then each port with a device is reset (port.c). READY is reported at once; OPENs
 * wait for the end of IDENTIFY in lib/blockdev.
 *
 * References: AHCI 1.3.1; ATA8-ACS; SATA 3.0 for NCQ. Rules B1-B8.
 */
#include "ahci.h"

int main(void)
{
	driver_main(&ahci_driver);
}
