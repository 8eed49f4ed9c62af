/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Realtek RTL8139 Fast Ethernet: units rtl8139_0, rtl8139_1, ... in the order of the bus. rs starts it,
 * inet and network filters use it (protocol axolotl/net.h). Tested on QEMU's rtl8139.
 *
 * The simplest kind of network device: everything is copied, nothing is offloaded, four frames are sent at
 * a time. Nothing is kept over a restart: the device is reset before bus mastering is switched on.
 * A transmitter that stands still gets a new driver (panic).
 *
 * References: RTL8139C(L) data sheet 1.4. Rules N1-N6 by lib/netdev.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nicdriver/nicdriver.h"
#include "rtl8139.h"

#define BAR_REGS 1

static struct nic nics[NICDRIVER_UNITS_MAX];

static struct pcidev *pci(unsigned unit)
{
	return &nics[unit].pci;
}

/* ---- requests ---- */

static void info(unsigned unit, struct net_info *info)
{
	info->mtu = 1500;
	info->tx_depth = TX_SLOTS;
	info->rx_depth = RX_QUEUE;
	info->tx_elements = NET_ELEMENTS_MAX;
	snprintf(info->model, sizeof(info->model), "Realtek RTL8139");
	memcpy(info->mac, nics[unit].mac, sizeof(info->mac));
}

static int configure(unsigned unit, const struct net_conf *conf)
{
	chip_receive(&nics[unit], conf);
	return 0;
}

static void stop(unsigned unit)
{
	struct nic *n = &nics[unit];

	if (chip_reset(n) != 0)
		sys_panic("rtl8139: the device does not stop");
	data_give_back(n);
	chip_setup(n);
}

static bool tx(struct nserver_tx *t)
{
	return data_tx(&nics[t->unit], t);
}

static bool rx(struct nserver_rx *r)
{
	return data_rx(&nics[r->unit], r);
}

static int status(unsigned unit, char *buf, size_t len)
{
	const struct nic *n = &nics[unit];

	return snprintf(buf, len, "rx_errors=%llu rx_restarts=%llu ",
	                (unsigned long long)n->rx_errors, (unsigned long long)n->rx_restarts);
}

/* ---- start ---- */

static int start(unsigned unit)
{
	struct nic *n = &nics[unit];
	volatile void *regs = NULL;
	int err = pcidev_map_registers(&n->pci, BAR_REGS, REGS_BYTES, &regs);

	n->unit = unit;
	n->regs = regs;
	n->mem = vm_alloc_dma(sizeof(*n->mem), VM_DMA_BELOW_4G, 0, &n->mem_bus);
	if (err == 0 && n->mem == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = chip_reset(n); /* its causes are masked before the line is ours */
	if (err == 0)
		err = pcidev_route_irq(&n->pci, 0, unit);
	if (err == 0)
		err = pcidev_enable(&n->pci, PCI_ENABLE_MEM | PCI_ENABLE_MASTER);
	if (err != 0)
		return err;
	chip_read_mac(n);
	chip_setup(n);
	return 0;
}

/* ---- while it runs ---- */

static void interrupt(unsigned unit, unsigned hooks)
{
	struct nic *n = &nics[unit];

	(void)hooks;
	if (chip_causes(n) & INT_PUN)
		chip_read_link(n);
}

/* Everything that is done is given back here, whatever woke us. After a batch as well: buffers came, perhaps
 * for frames that wait in the ring; frames were sent, perhaps already. */
static void poll(unsigned unit)
{
	data_poll(&nics[unit]);
	data_reap(&nics[unit]);
}

static bool arm(unsigned unit)
{
	struct nic *n = &nics[unit];

	if (!data_is_sending(n))
		return false;
	if (!n->has_tx_irq)
		chip_unmask_tx(n);
	return true;
}

static uint64_t look(unsigned unit)
{
	struct nic *n = &nics[unit];

	data_reap(n);
	return data_is_sending(n) ? n->t_progress : 0;
}

int main(void)
{
	static const struct nicdriver driver = {.name = "rtl8139",
	                                        .hooks = 1,
	                                        .pci = pci,
	                                        .start = start,
	                                        .info = info,
	                                        .configure = configure,
	                                        .stop = stop,
	                                        .tx = tx,
	                                        .rx = rx,
	                                        .flush = poll,
	                                        .interrupt = interrupt,
	                                        .poll = poll,
	                                        .arm = arm,
	                                        .look = look,
	                                        .status = status};

	nicdriver_main(&driver);
}
