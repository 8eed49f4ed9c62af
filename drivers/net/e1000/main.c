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

#define NICS_MAX      4
#define BAR_REGS      0
#define LOOK_NS       500000000ull
#define TX_TIMEOUT_NS 1000000000ull /* shorter than the clients' (NETDEV_DEADLINE_NS) */

static struct nic nics[NICS_MAX];
static unsigned nic_count;
static uint64_t alarm_at;

/* ---- net server ---- */

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

static int nic_info(unsigned unit, struct net_info *info)
{
	const struct nic *n = &nics[unit];

	if (unit >= nic_count)
		return -ENXIO;
	*info = (struct net_info){.mtu = 1500,
	                          .tx_depth = TX_SLOTS / 2,
	                          .rx_depth = RX_SLOTS - 1,
	                          .tx_elements = NET_ELEMENTS_MAX,
	                          .offloads = offloads_of(n),
	                          .tso_max_bytes = NET_FRAME_MAX};
	snprintf(info->name, sizeof(info->name), "e1000_%u", unit);
	snprintf(info->model, sizeof(info->model), "%s", model_of(n));
	memcpy(info->mac, n->mac, sizeof(info->mac));
	return 0;
}

static int nic_configure(unsigned unit, const struct net_conf *conf)
{
	if (unit >= nic_count)
		return -ENXIO;
	chip_configure(&nics[unit], conf);
	return 0;
}

/* The device stops before the client gets its memory back. */
static void nic_stop(unsigned unit)
{
	struct nic *n = &nics[unit];

	if (unit >= nic_count)
		return;
	if (chip_reset(n) != 0)
		sys_panic("e1000: the device does not stop");
	rx_start(n);
	tx_start(n);
	chip_setup(n);
	chip_unmask(n);
}

static bool nic_tx(struct nserver_tx *t)
{
	return tx_submit(&nics[t->unit], t);
}

static bool nic_rx(struct nserver_rx *r)
{
	return rx_submit(&nics[r->unit], r);
}

static void flush_batch(void)
{
	for (unsigned i = 0; i < nic_count; i++) {
		rx_flush(&nics[i]);
		tx_flush(&nics[i]);
		tx_reap(&nics[i]);
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
	                 "e1000_%u=%s mac=%02x:%02x:%02x:%02x:%02x:%02x link=%s msi=%d irqs=%llu "
	                 "rx_errors=%llu rx_long=%llu start_us=%llu\n",
	                 unit, model_of(n), m[0], m[1], m[2], m[3], m[4], m[5],
	                 n->link.is_up ? "up" : "down", n->pci.is_msi, (unsigned long long)n->irqs,
	                 (unsigned long long)n->rx_errors, (unsigned long long)n->rx_long,
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
	n->start_ns = now_ns() - start;
	snprintf(name, sizeof(name), "e1000_%u", unit);
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
	static const struct nserver_config config = {
		.ops = &ops, .wants_bus = true, .maps_arenas = true};

	(void)how;
	nserver_init(&config);
	while (nic_count < NICS_MAX && pcidev_find(nic_count, &nics[nic_count].pci) == 0) {
		int err = init_nic(&nics[nic_count], nic_count);

		if (err != 0) {
			sys_log("e1000: device %u does not start: error %d\n", nic_count, -err);
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
		if (chip_causes(n) & INT_LSC)
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

		tx_reap(n); /* perhaps only an interrupt was lost */
		if (tx_is_pending(n) && now > n->tx.t_progress + TX_TIMEOUT_NS)
			sys_panic("e1000: the transmitter of unit %u stands still", i);
	}
}

static void watch_transmitters(void)
{
	bool is_pending = false;

	for (unsigned i = 0; i < nic_count; i++) {
		if (!tx_is_pending(&nics[i]))
			continue;
		is_pending = true;
		if (!nics[i].has_tx_irq)
			chip_unmask_tx(&nics[i]);
	}
	if (!is_pending || alarm_at != 0)
		return;
	alarm_at = now_ns() + LOOK_NS;
	if (k_setalarm(alarm_at) < 0)
		sys_panic("e1000: no alarm");
}

/* Everything that is done is given back here, whatever woke us. */
static void idle(void)
{
	for (unsigned i = 0; i < nic_count; i++) {
		rx_poll(&nics[i]);
		tx_reap(&nics[i]);
	}
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
