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

#include "rtl8139.h"

#define NICS_MAX      4
#define BAR_REGS      1
#define LOOK_NS       500000000ull
#define TX_TIMEOUT_NS 1000000000ull /* shorter than the clients' (NETDEV_DEADLINE_NS) */

static struct nic nics[NICS_MAX];
static unsigned nic_count;
static uint64_t alarm_at;

/* ---- net server ---- */

static int nic_info(unsigned unit, struct net_info *info)
{
	const struct nic *n = &nics[unit];

	if (unit >= nic_count)
		return -ENXIO;
	*info = (struct net_info){.model = "Realtek RTL8139",
	                          .mtu = 1500,
	                          .tx_depth = TX_SLOTS,
	                          .rx_depth = RX_QUEUE,
	                          .tx_elements = NET_ELEMENTS_MAX};
	snprintf(info->name, sizeof(info->name), "rtl8139_%u", unit);
	memcpy(info->mac, n->mac, sizeof(info->mac));
	return 0;
}

static int nic_configure(unsigned unit, const struct net_conf *conf)
{
	if (unit >= nic_count)
		return -ENXIO;
	chip_receive(&nics[unit], conf);
	return 0;
}

static void nic_stop(unsigned unit)
{
	struct nic *n = &nics[unit];

	if (unit >= nic_count)
		return;
	if (chip_reset(n) != 0)
		sys_panic("rtl8139: the device does not stop");
	data_give_back(n);
	chip_setup(n);
}

static bool nic_tx(struct nserver_tx *t)
{
	return data_tx(&nics[t->unit], t);
}

static bool nic_rx(struct nserver_rx *r)
{
	return data_rx(&nics[r->unit], r);
}

/* Buffers came, perhaps for frames that wait in the ring; frames were sent, perhaps already. */
static void flush_batch(void)
{
	for (unsigned i = 0; i < nic_count; i++) {
		data_poll(&nics[i]);
		data_reap(&nics[i]);
	}
}

static int nic_status(unsigned unit, char *buf, size_t len)
{
	const struct nic *n = &nics[unit];
	const uint8_t *m = n->mac;
	int count;

	if (unit >= nic_count)
		return -ENXIO;
	count = snprintf(buf, len,
	                 "rtl8139_%u=Realtek RTL8139 mac=%02x:%02x:%02x:%02x:%02x:%02x link=%s "
	                 "irqs=%llu rx_errors=%llu rx_restarts=%llu start_us=%llu\n",
	                 unit, m[0], m[1], m[2], m[3], m[4], m[5], n->link.is_up ? "up" : "down",
	                 (unsigned long long)n->irqs, (unsigned long long)n->rx_errors,
	                 (unsigned long long)n->rx_restarts,
	                 (unsigned long long)(n->start_ns / 1000));
	return (size_t)count < len ? count : (int)len;
}

/* ---- start ---- */

static int map_registers(struct nic *n)
{
	volatile void *regs;
	uint64_t len_bytes;
	int err = pcidev_enable(&n->pci, PCI_ENABLE_MEM);

	if (err == 0)
		err = pcidev_map_bar(&n->pci, BAR_REGS, &regs, &len_bytes);
	if (err != 0)
		return err;
	n->regs = regs;
	return len_bytes >= REGS_BYTES ? 0 : -ENODEV;
}

static int init_nic(struct nic *n, unsigned unit)
{
	uint64_t start = now_ns();
	char name[LABEL_MAX];
	int err = map_registers(n);

	n->unit = unit;
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
	n->start_ns = now_ns() - start;
	snprintf(name, sizeof(name), "rtl8139_%u", unit);
	return nserver_publish(name, unit);
}

static int init(const struct sys_init *how)
{
	static const struct nserver_ops ops = {.info = nic_info,
	                                       .configure = nic_configure,
	                                       .stop = nic_stop,
	                                       .tx = nic_tx,
	                                       .rx = nic_rx,
	                                       .flush_batch = flush_batch,
	                                       .status = nic_status};
	static const struct nserver_config config = {.ops = &ops, .maps_arenas = true};

	(void)how;
	nserver_init(&config);
	while (nic_count < NICS_MAX && pcidev_find(nic_count, &nics[nic_count].pci) == 0) {
		int err = init_nic(&nics[nic_count], nic_count);

		if (err != 0) {
			sys_log("rtl8139: device %u does not start: error %d\n", nic_count, -err);
			return err;
		}
		nic_count++;
	}
	return nic_count > 0 ? 0 : -ENXIO;
}

/* ---- main loop ---- */

static void interrupt(uint64_t hooks)
{
	for (unsigned i = 0; i < nic_count; i++) {
		struct nic *n = &nics[i];

		if (!(hooks & 1ull << i))
			continue;
		n->irqs++;
		if (chip_causes(n) & INT_PUN)
			chip_read_link(n);
		pcidev_irq_done(&n->pci);
	}
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
	for (unsigned i = 0; i < nic_count; i++) {
		struct nic *n = &nics[i];

		data_reap(n); /* perhaps only an interrupt was lost */
		if (data_is_sending(n) && now > n->t_progress + TX_TIMEOUT_NS)
			sys_panic("rtl8139: the transmitter of unit %u stands still", i);
	}
}

static void watch_transmitters(void)
{
	bool is_sending = false;

	for (unsigned i = 0; i < nic_count; i++) {
		if (!data_is_sending(&nics[i]))
			continue;
		is_sending = true;
		if (!nics[i].has_tx_irq)
			chip_unmask_tx(&nics[i]);
	}
	if (!is_sending || alarm_at != 0)
		return;
	alarm_at = now_ns() + LOOK_NS;
	if (k_setalarm(alarm_at) < 0)
		sys_panic("rtl8139: no alarm");
}

/* Everything that is done is given back here, whatever woke us. */
static void idle(void)
{
	flush_batch();
	nserver_idle();
	watch_transmitters();
}

static int status(char *buf, size_t len)
{
	int used = nserver_status_text(buf, len);

	for (unsigned i = 0; i < nic_count && (size_t)used < len; i++)
		used += nic_status(i, buf + used, len - (size_t)used);
	return used;
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
