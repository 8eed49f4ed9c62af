/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of a device:
 *
 *     FOUND (reset, identity is read) --NET_CONF--> ON --other offloads: reset, all goes out again--> ON
 *        ^------------------------- end of the session: reset -------------------------'
 *
 * Features are agreed on for each client anew, only what it wants. A device that is reset touches no
 * memory, so only then frames and buffers are given back.
 */
#include <errno.h>
#include <string.h>

#include "sys/sys.h"
#include "virtio_net.h"

enum hook { HOOK_RX, HOOK_TX, HOOK_CHANGES };
_Static_assert(HOOK_CHANGES + 1 == HOOKS_PER_NIC, "one vector each");

/* ---- start ---- */

/* One vector each, if there are so many; else one for all, or the line. */
static int route_interrupts(struct nic *n)
{
	unsigned first = n->unit * HOOKS_PER_NIC;
	int err = virtio_route_irq(&n->dev, first);

	if (err != 0 || !n->dev.pci.is_msi)
		return err;
	n->dev.config_vector = HOOK_RX;
	if (pcidev_route_irq(&n->dev.pci, HOOK_TX, first + HOOK_TX) != 0 ||
	    pcidev_route_irq(&n->dev.pci, HOOK_CHANGES, first + HOOK_CHANGES) != 0)
		return virtio_route_irq(&n->dev, first);
	n->dev.queue_vector[QUEUE_TX] = HOOK_TX;
	n->dev.queue_vector[QUEUE_CTRL] = HOOK_CHANGES;
	n->dev.config_vector = HOOK_CHANGES;
	return 0;
}

static void read_identity(struct nic *n)
{
	uint64_t mtu = n->dev.offered & F_MTU ? virtio_config(&n->dev, CFG_MTU, 2) : MTU_DEFAULT;

	n->mtu = (uint16_t)(mtu < NET_MTU_MAX ? mtu : NET_MTU_MAX);
	choice_mac(n->dev.pci.id.bdf, n->mac);
	if (!(n->dev.offered & F_MAC))
		return;
	for (unsigned i = 0; i < sizeof(n->mac); i++)
		n->mac[i] = (uint8_t)virtio_config(&n->dev, CFG_MAC + i, 1);
}

static int alloc_memory(struct nic *n)
{
	size_t headers = SLOTS_MAX * sizeof(struct net_header);
	size_t bytes = 2 * headers + sizeof(struct control);
	uint64_t bus;
	uint8_t *memory = vm_alloc_dma(bytes, 0, 0, &bus);

	if (memory == NULL)
		return -ENOMEM;
	n->rx.headers = (struct net_header *)(void *)memory;
	n->rx.headers_bus = bus;
	n->tx.headers = (struct net_header *)(void *)(memory + headers);
	n->tx.headers_bus = bus + headers;
	n->control = (struct control *)(void *)(memory + 2 * headers);
	n->control_bus = bus + 2 * headers;
	return 0;
}

int nic_init(struct nic *n, unsigned unit)
{
	int err;

	n->unit = unit;
	err = virtio_find(&n->dev);
	if (err == 0)
		err = route_interrupts(n);
	if (err == 0)
		err = alloc_memory(n);
	if (err == 0) {
		read_identity(n);
		nic_link(n);
	}
	return err;
}

/* ---- on and off ---- */

static int set_queues(struct nic *n)
{
	int err = virtio_queue(&n->dev, QUEUE_RX, QUEUE_SIZE, &n->rx.ring);

	if (err == 0)
		err = virtio_queue(&n->dev, QUEUE_TX, QUEUE_SIZE, &n->tx.ring);
	if (err == 0 && n->dev.features & F_CTRL_RX)
		err = virtio_queue(&n->dev, QUEUE_CTRL, QUEUE_SIZE, &n->control_ring);
	if (err == 0 && n->tx.ring.size < PIECES_MAX)
		err = -ENOTSUP; /* a frame could wait for room for ever */
	return err;
}

static int restart(struct nic *n, uint64_t features)
{
	int err = virtio_negotiate(&n->dev, features);

	n->resets++;
	if (err == 0)
		err = set_queues(n);
	if (err != 0)
		return err;
	control_reset(n);
	rx_again(n);
	tx_again(n);
	err = virtio_run(&n->dev);
	n->is_on = err == 0;
	rx_serve(n); /* nothing is there yet: wants the first interrupt */
	return err;
}

int nic_configure(struct nic *n, const struct net_conf *conf)
{
	uint64_t features = choice_features(n->dev.offered, conf->offloads);
	int err = 0;

	n->conf = *conf;
	if (!n->is_on || features != n->dev.features)
		err = restart(n, features);
	if (err != 0) {
		nic_stop(n);
		return err;
	}
	control_send(n);
	nic_flush(n);
	nic_link(n);
	return 0;
}

void nic_stop(struct nic *n)
{
	n->is_on = false;
	if (virtio_reset(&n->dev) != 0)
		sys_panic("virtio_%u: the device cannot be reset", n->unit);
	control_reset(n);
	n->rx.has_added = n->tx.has_added = false;
	tx_give_back(n, -ENETDOWN);
	rx_give_back(n);
}

void nic_link(struct nic *n)
{
	struct net_link link = {.unit = n->unit, .is_up = 1, .is_full_duplex = 1};
	uint32_t speed;

	if (n->dev.offered & F_STATUS)
		link.is_up = virtio_config(&n->dev, CFG_STATUS, 2) & STATUS_LINK_UP;
	if (n->dev.offered & F_SPEED) {
		speed = (uint32_t)virtio_config(&n->dev, CFG_SPEED, 4);
		link.speed_mbit = speed != UINT32_MAX ? speed : 0;
		link.is_full_duplex = virtio_config(&n->dev, CFG_DUPLEX, 1) != DUPLEX_HALF;
	}
	nserver_link(n->unit, &link);
}

/* ---- while it runs ---- */

void nic_interrupt(struct nic *n, unsigned hooks)
{
	unsigned cause = virtio_clear_irq(&n->dev);
	bool is_shared = n->dev.config_vector == HOOK_RX;

	if (n->is_on) {
		rx_serve(n);
		tx_serve(n);
		control_serve(n);
		if (cause & VIRTIO_IRQ_CONFIG || hooks & 1u << HOOK_CHANGES || is_shared)
			nic_link(n);
		nic_flush(n);
	}
}

void nic_flush(struct nic *n)
{
	if (!n->is_on)
		return;
	rx_flush(n);
	tx_flush(n);
}

uint64_t nic_look(struct nic *n)
{
	if (!n->is_on)
		return 0;
	n->late += vring_has_done(&n->rx.ring) || vring_has_done(&n->tx.ring);
	rx_serve(n);
	tx_serve(n);
	control_serve(n);
	return tx_oldest_ns(n);
}
