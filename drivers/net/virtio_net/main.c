/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio network devices as units virtio_0, virtio_1, ... in the order of the bus. rs starts it; inet and
 * network filters use it (protocol axolotl/net.h, rules N1-N6 by lib/netdev).
 *
 * nic.c has the life of a device, rx.c and tx.c the two directions, control.c what is received, choice.c
 * what is agreed on. Frames are not copied: descriptors point into the client's arenas, only the 12 bytes
 * of virtio's header are ours.
 *
 * Nothing is kept over a restart: reset makes the device forget (virtio 1.1, 2.1.2), and the address
 * is the device's own. A device that breaks the rings' rules or sits on a frame gets a new driver
 * (panic), which resets it. References: virtio 1.1, 2.6, 4.1, 5.1.
 */
#include <stdio.h>
#include <string.h>

#include "nicdriver/nicdriver.h"
#include "virtio_net.h"

static struct nic nics[NICDRIVER_UNITS_MAX];

static struct pcidev *pci(unsigned unit)
{
	return &nics[unit].dev.pci;
}

/* ---- requests ---- */

static void info(unsigned unit, struct net_info *info)
{
	const struct nic *n = &nics[unit];

	info->mtu = n->mtu;
	info->tx_depth = QUEUE_SIZE / 2;
	info->rx_depth = QUEUE_SIZE / 2;
	info->tx_elements = NET_ELEMENTS_MAX;
	info->offloads = choice_offloads(n->dev.offered);
	info->tso_max_bytes = NET_FRAME_MAX;
	snprintf(info->model, sizeof(info->model), "virtio network device");
	memcpy(info->mac, n->mac, sizeof(info->mac));
}

static int configure(unsigned unit, const struct net_conf *conf)
{
	return nic_configure(&nics[unit], conf);
}

static void stop(unsigned unit)
{
	nic_stop(&nics[unit]);
}

static bool tx(struct nserver_tx *t)
{
	return tx_add(&nics[t->unit], t);
}

/* Arenas are mapped for the 12 bytes that rx.c puts between two buffers of a frame. */
static bool rx(struct nserver_rx *r)
{
	return rx_add(&nics[r->unit], r);
}

static void flush(unsigned unit)
{
	nic_flush(&nics[unit]);
}

static int status(unsigned unit, char *buf, size_t len)
{
	const struct nic *n = &nics[unit];

	return snprintf(buf, len,
	                "offered=%#llx features=%#llx tx_out=%u rx_out=%u resets=%llu runts=%llu "
	                "control_errors=%llu late=%llu ",
	                (unsigned long long)n->dev.offered, (unsigned long long)n->dev.features,
	                n->tx.active, n->rx.active, (unsigned long long)n->resets,
	                (unsigned long long)n->runts, (unsigned long long)n->control_errors,
	                (unsigned long long)n->late);
}

/* ---- life ---- */

static int start(unsigned unit)
{
	return nic_init(&nics[unit], unit);
}

static void interrupt(unsigned unit, unsigned hooks)
{
	nic_interrupt(&nics[unit], hooks);
}

static bool arm(unsigned unit)
{
	return nics[unit].tx.active + nics[unit].control_pending > 0;
}

static uint64_t look(unsigned unit)
{
	return nic_look(&nics[unit]);
}

int main(void)
{
	static const struct nicdriver driver = {.name = "virtio",
	                                        .hooks = HOOKS_PER_NIC,
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
	                                        .arm = arm,
	                                        .look = look,
	                                        .status = status};

	nicdriver_main(&driver);
}
