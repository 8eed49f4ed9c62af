/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 8254x and 82574 Ethernet: units e1000_0, e1000_1, ... in the order of the bus. rs starts it, inet
 * and network filters use it (protocol axolotl/net.h). Tested on QEMU's e1000 (82540EM) and e1000e (82574L).
 *
 * Frames go from and to the client's memory. A completed transmission means that the device has fetched
 * the frame (N1). Interrupts announce received frames and link changes; transmissions are looked at
 * whenever the driver is awake, and have an interrupt only when some are left as it goes to sleep.
 *
 * Nothing is kept over a restart. pci has switched bus mastering off; the device is reset and gets new
 * rings before it is switched on again. A transmitter that stands still gets a new driver (panic).
 *
 * References: 8254x manual 317453 (14: initialisation); 82574 data sheet. Rules N1-N6 by lib/netdev.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "e1000.h"
#include "nicdriver/nicdriver.h"

#define BAR_REGS 0

static struct nic nics[NICDRIVER_UNITS_MAX];

static struct pcidev *pci(unsigned unit)
{
	return &nics[unit].pci;
}

/* ---- requests ---- */

static const char *model_of(const struct nic *n)
{
	switch (n->pci.id.device) {
	case ID_82540EM: return "Intel 82540EM";
	case ID_82545EM: return "Intel 82545EM";
	default: return "Intel 82574L";
	}
}

/* No segmentation for IPv6 on the 8254x: its payload length would count the IP header as well (3.5.9.1).
 * None at all on the 82574L: QEMU's, before 8.0, cuts frames into IP fragments instead of TCP segments. */
static uint32_t offloads_of(const struct nic *n)
{
	return NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_RX_CSUM | (n->is_82574 ? 0 : NET_OFFLOAD_TSO4);
}

static void info(unsigned unit, struct net_info *info)
{
	const struct nic *n = &nics[unit];

	info->mtu = 1500;
	info->tx_depth = TX_SLOTS / 2;
	info->rx_depth = RX_SLOTS - 1;
	info->tx_elements = NET_ELEMENTS_MAX;
	info->offloads = offloads_of(n);
	info->tso_max_bytes = NET_FRAME_MAX;
	snprintf(info->model, sizeof(info->model), "%s", model_of(n));
	memcpy(info->mac, n->mac, sizeof(info->mac));
}

static int configure(unsigned unit, const struct net_conf *conf)
{
	chip_configure(&nics[unit], conf);
	return 0;
}

/* The device stops before the client gets its memory back. */
static void stop(unsigned unit)
{
	struct nic *n = &nics[unit];

	if (chip_reset(n) != 0)
		sys_panic("e1000: the device does not stop");
	rx_start(n);
	tx_start(n);
	chip_setup(n);
	chip_unmask(n);
}

static bool tx(struct nserver_tx *t)
{
	return tx_submit(&nics[t->unit], t);
}

static bool rx(struct nserver_rx *r)
{
	return rx_submit(&nics[r->unit], r);
}

static void flush(unsigned unit)
{
	rx_flush(&nics[unit]);
	tx_flush(&nics[unit]);
	tx_reap(&nics[unit]);
}

static int status(unsigned unit, char *buf, size_t len)
{
	const struct nic *n = &nics[unit];

	return snprintf(buf, len, "rx_errors=%llu rx_long=%llu ", (unsigned long long)n->rx_errors,
	                (unsigned long long)n->rx_long);
}

/* ---- start ---- */

static int start(unsigned unit)
{
	struct nic *n = &nics[unit];
	volatile void *regs = NULL;
	int err = pcidev_map_registers(&n->pci, BAR_REGS, REGS_BYTES, &regs);

	n->unit = unit;
	n->regs = regs;
	n->is_82574 = n->pci.id.device == ID_82574L;
	n->mem = vm_alloc_dma(sizeof(*n->mem), 0, 0, &n->mem_bus);
	if (err == 0 && n->mem == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = chip_reset(n); /* its causes are masked before the line is ours */
	if (err == 0)
		err = pcidev_route_irq(&n->pci, 0, unit);
	if (err == 0)
		err = chip_read_mac(n);
	if (err != 0)
		return err;
	rx_start(n);
	tx_start(n);
	err = pcidev_enable(&n->pci, PCI_ENABLE_MEM | PCI_ENABLE_MASTER);
	if (err != 0)
		return err;
	chip_setup(n);
	chip_unmask(n);
	return 0;
}

/* ---- while it runs ---- */

static void interrupt(unsigned unit, unsigned hooks)
{
	struct nic *n = &nics[unit];

	(void)hooks;
	n->has_causes = true;
	if (chip_causes(n) & INT_LSC)
		chip_read_link(n);
}

/* Everything that is done is given back here, whatever woke us. Received frames that nobody has announced yet (what was
 * sent was answered at once) would wake us for nothing a moment later. */
static void poll(unsigned unit)
{
	struct nic *n = &nics[unit];

	if (!n->has_causes && !n->pci.is_msi && rx_has_done(n))
		interrupt(unit, 0);
	n->has_causes = false;
	rx_poll(n);
	tx_reap(n);
}

static bool arm(unsigned unit)
{
	struct nic *n = &nics[unit];

	if (!tx_is_pending(n))
		return false;
	if (!n->has_tx_irq)
		chip_unmask_tx(n);
	return true;
}

static uint64_t look(unsigned unit)
{
	struct nic *n = &nics[unit];

	tx_reap(n);
	return tx_is_pending(n) ? n->tx.t_progress : 0;
}

int main(void)
{
	static const struct nicdriver driver = {.name = "e1000",
	                                        .hooks = 1,
	                                        .wants_bus = true,
	                                        .pci = pci,
	                                        .start = start,
	                                        .info = info,
	                                        .configure = configure,
	                                        .stop = stop,
	                                        .tx = tx,
	                                        .rx = rx,
	                                        .flush = flush,
	                                        .interrupt = interrupt,
	                                        .poll = poll,
	                                        .arm = arm,
	                                        .look = look,
	                                        .status = status};

	nicdriver_main(&driver);
}
