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
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sys/sys.h"
#include "virtio_net.h"

static struct nic nics[NICS_MAX];
static unsigned nic_count;
static uint64_t alarm_at;

/* ---- requests ---- */

static int nic_info(unsigned unit, struct net_info *info)
{
	const struct nic *n = &nics[unit];

	if (unit >= nic_count)
		return -ENXIO;
	*info = (struct net_info){.model = "virtio network device",
	                          .mtu = n->mtu,
	                          .tx_depth = QUEUE_SIZE / 2,
	                          .rx_depth = QUEUE_SIZE / 2,
	                          .tx_elements = NET_ELEMENTS_MAX,
	                          .offloads = choice_offloads(n->dev.offered),
	                          .tso_max_bytes = NET_FRAME_MAX};
	snprintf(info->name, sizeof(info->name), "virtio_%u", unit);
	memcpy(info->mac, n->mac, sizeof(info->mac));
	return 0;
}

static int configure(unsigned unit, const struct net_conf *conf)
{
	return unit < nic_count ? nic_configure(&nics[unit], conf) : -ENXIO;
}

static void stop(unsigned unit)
{
	nic_stop(&nics[unit]);
}

static bool submit_tx(struct nserver_tx *t)
{
	return tx_add(&nics[t->unit], t);
}

static bool submit_rx(struct nserver_rx *r)
{
	return rx_add(&nics[r->unit], r);
}

static void flush_batch(void)
{
	for (unsigned i = 0; i < nic_count; i++)
		nic_flush(&nics[i]);
}

static int nic_status(unsigned unit, char *buf, size_t len)
{
	const struct nic *n = &nics[unit];
	const uint8_t *m = n->mac;
	int count;

	if (unit >= nic_count)
		return -ENXIO;
	count = snprintf(buf, len,
	                 "virtio_%u=mac=%02x:%02x:%02x:%02x:%02x:%02x link=%s msi=%d offered=%#llx "
	                 "features=%#llx tx_out=%u rx_out=%u resets=%llu runts=%llu "
	                 "control_errors=%llu late=%llu start_us=%llu\n",
	                 unit, m[0], m[1], m[2], m[3], m[4], m[5], n->link.is_up ? "up" : "down",
	                 n->dev.pci.is_msi, (unsigned long long)n->dev.offered,
	                 (unsigned long long)n->dev.features, n->tx.active, n->rx.active,
	                 (unsigned long long)n->resets, (unsigned long long)n->runts,
	                 (unsigned long long)n->control_errors, (unsigned long long)n->late,
	                 (unsigned long long)(n->start_ns / 1000));
	return (size_t)count < len ? count : (int)len;
}

/* ---- start ---- */

static int init_one(unsigned unit)
{
	uint64_t begun = now_ns();
	char name[LABEL_MAX];
	int err = nic_init(&nics[unit], unit);

	if (err != 0) {
		sys_log("virtio_net: device %u does not start: error %d\n", unit, -err);
		return err;
	}
	nics[unit].start_ns = now_ns() - begun;
	nic_count = unit + 1;
	snprintf(name, sizeof(name), "virtio_%u", unit);
	return nserver_publish(name, unit);
}

static int init(const struct sys_init *how)
{
	static const struct nserver_ops ops = {.info = nic_info,
	                                       .configure = configure,
	                                       .stop = stop,
	                                       .tx = submit_tx,
	                                       .rx = submit_rx,
	                                       .flush_batch = flush_batch,
	                                       .status = nic_status};
	/* Mapped for the 12 bytes that rx.c puts between two buffers of a frame. */
	static const struct nserver_config config = {
		.ops = &ops, .wants_bus = true, .maps_arenas = true};
	int err = 0;

	(void)how;
	nserver_init(&config);
	while (err == 0 && nic_count < NICS_MAX &&
	       pcidev_find(nic_count, &nics[nic_count].dev.pci) == 0)
		err = init_one(nic_count);
	if (err != 0)
		return err;
	return nic_count > 0 ? 0 : -ENXIO;
}

/* ---- main loop ---- */

static void interrupt(uint64_t hooks)
{
	const unsigned mask = (1u << HOOKS_PER_NIC) - 1;

	for (unsigned i = 0; i < nic_count; i++, hooks >>= HOOKS_PER_NIC)
		if (hooks & mask)
			nic_interrupt(&nics[i], (unsigned)hooks & mask);
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (!nserver_message(m, how))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void doorbell(endpoint_t from)
{
	nserver_doorbell(from);
}

static void alarm_fired(uint64_t now)
{
	alarm_at = 0;
	for (unsigned i = 0; i < nic_count; i++)
		nic_watch(&nics[i], now);
}

static void idle(void)
{
	unsigned active = 0;

	nserver_idle();
	for (unsigned i = 0; i < nic_count; i++)
		active += nics[i].tx.active + nics[i].control_pending;
	if (active == 0 || alarm_at != 0)
		return;
	alarm_at = now_ns() + LOOK_NS;
	if (k_setalarm(alarm_at) < 0)
		sys_panic("virtio_net: no alarm");
}

static int status(char *buf, size_t len)
{
	int n = nserver_status_text(buf, len);

	for (unsigned i = 0; i < nic_count && n >= 0 && (size_t)n < len; i++) {
		int more = nic_status(i, buf + n, len - (size_t)n);

		n = more < 0 ? more : n + more;
	}
	return n;
}

int main(void)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .interrupt = interrupt,
	                                               .alarm = alarm_fired,
	                                               .idle = idle,
	                                               .status = status};

	sys_main(&component);
}
