/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device receives: own address and broadcasts, some or all multicasts, everything (virtio
 * 1.1, 5.1.6.5). Three commands go out together; while they are out, a newer wish waits. A device
 * without F_CTRL_RX receives as it likes, and clients look at addresses anyway.
 */
#include <string.h>

#include "sys/sys.h"
#include "virtio_net.h"

static struct vring_piece piece(const struct nic *n, const void *part, size_t len, bool is_written)
{
	uint64_t offset = (uint64_t)((const uint8_t *)part - (const uint8_t *)n->control);

	return (struct vring_piece){
		.bus = n->control_bus + offset, .len = (uint32_t)len, .is_written = is_written};
}

static void add(struct nic *n, unsigned i, const struct vring_piece *data)
{
	const struct vring_piece pieces[] = {
		piece(n, &n->control->head[i], sizeof(n->control->head[i]), false), *data,
		piece(n, &n->control->ack[i], 1, true)};

	if (vring_add(&n->control_ring, pieces, 3, &n->control->head[i]))
		n->control_pending++;
	else
		n->control_errors++;
}

static void fill(struct control *c, const struct net_conf *conf)
{
	memset(c, 0, sizeof(*c));
	memset(c->ack, 0xff, sizeof(c->ack));
	c->head[0].class = c->head[1].class = CTRL_RX;
	c->head[0].command = CTRL_RX_PROMISC;
	c->head[1].command = CTRL_RX_ALLMULTI;
	c->head[2].class = CTRL_MAC;
	c->head[2].command = CTRL_MAC_TABLE;
	c->is_on[0] = (conf->mode & NET_MODE_PROMISCUOUS) != 0;
	c->is_on[1] = (conf->mode & NET_MODE_ALLMULTI) != 0;
	c->table.multicasts = conf->multicast_count;
	memcpy(c->table.mac, conf->multicast, sizeof(c->table.mac));
}

void control_send(struct nic *n)
{
	struct control *c = n->control;
	size_t table = 2 * sizeof(uint32_t) + 6 * (size_t)n->conf.multicast_count;
	struct vring_piece data[3];

	if (!(n->dev.features & F_CTRL_RX))
		return;
	n->is_control_due = n->control_pending > 0;
	if (n->is_control_due)
		return;
	fill(c, &n->conf);
	data[0] = piece(n, &c->is_on[0], 1, false);
	data[1] = piece(n, &c->is_on[1], 1, false);
	data[2] = piece(n, &c->table, table, false);
	for (unsigned i = 0; i < 3; i++)
		add(n, i, &data[i]);
	if (vring_publish(&n->control_ring))
		virtio_notify(&n->dev, QUEUE_CTRL);
	control_serve(n); /* most devices are done by now */
}

void control_serve(struct nic *n)
{
	uint32_t len;

	if (!(n->dev.features & F_CTRL_RX))
		return;
	do {
		while (vring_take(&n->control_ring, &len) != NULL)
			n->control_pending--;
	} while (vring_arm(&n->control_ring, 1));
	if (n->control_ring.is_broken)
		sys_panic("virtio_%u: the device returned a command that is not out", n->unit);
	if (n->control_pending > 0)
		return;
	for (unsigned i = 0; i < 3; i++)
		n->control_errors += n->control->ack[i] != CTRL_OK;
	memset(n->control->ack, CTRL_OK, sizeof(n->control->ack));
	if (n->is_control_due)
		control_send(n);
}

void control_reset(struct nic *n)
{
	n->control_pending = 0;
	n->is_control_due = false;
	memset(n->control->ack, CTRL_OK, sizeof(n->control->ack));
}
