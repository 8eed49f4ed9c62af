/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controllers: start, interrupts, alarms, the last resort; and the callbacks of the block server.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ahci.h"

#define HBAS_MAX             4
#define INTERRUPT_ROUNDS_MAX 4096 /* each brings completions, as long as clients keep it busy */
#define BAR_AHCI             5
#define RESET_TIMEOUT_NS     1000000000ull /* AHCI 10.4.3 */

static struct hba hbas[HBAS_MAX];
static unsigned hba_count;
static struct port ports[BLK_UNITS_MAX];
static unsigned port_count;
static bool is_restart;

/* ---- block server ---- */

static int disk_info(unsigned unit, struct blk_info *info)
{
	const struct port *p = &ports[unit];

	if (unit >= port_count)
		return -ENXIO;
	switch (p->state) {
	case PORT_READY: *info = p->disk.info; return 0;
	case PORT_RESET:
	case PORT_LINK:
	case PORT_IDENTIFY:
		if (p->is_failed)
			return -ENXIO;
		if (p->disk.info.sectors == 0)
			return -EAGAIN;
		*info = p->disk.info; /* it is being recovered: requests wait */
		return 0;
	case PORT_EMPTY:
		/* Too early after a restart: the link may be about to come up. */
		return p->t_publish_ns != 0 ? -EAGAIN : -ENXIO;
	case PORT_FAILED: break;
	}
	return -ENXIO;
}

static void disk_submit(struct bserver_request *r)
{
	cmd_submit(&ports[r->unit], r);
}

static void flush_batch(void)
{
	for (unsigned i = 0; i < port_count; i++)
		cmd_pump(&ports[i]);
}

static int disk_status(unsigned unit, char *buf, size_t len)
{
	static const char *const states[] = {"empty",    "reset", "link",
	                                     "identify", "ready", "failed"};
	const struct port *p = &ports[unit];
	int n;

	if (unit >= port_count)
		return -ENXIO;
	n = snprintf(buf, len,
	             "unit=sata%u\nstate=%s\nmodel=%s\nserial=%s\nsectors=%llu\nncq=%d\ndepth=%"
	             "u\nfua=%d\n"
	             "errors=%llu\ntimeouts=%llu\nunplugs=%llu\n",
	             unit, states[p->state], p->disk.info.model, p->disk.info.serial,
	             (unsigned long long)p->disk.info.sectors, p->disk.has_ncq, p->disk.depth,
	             p->disk.has_fua, (unsigned long long)p->errors,
	             (unsigned long long)p->timeouts, (unsigned long long)p->unplugs);
	return n + bserver_status_text(buf + n, len - (size_t)n);
}

/* ---- start ---- */

/* The last resort for engines that do not stop. */
static int reset_hba(struct hba *h)
{
	uint64_t deadline = now_ns() + RESET_TIMEOUT_NS;

	sys_log("ahci: the controller is reset\n");
	hba_write(h, HBA_GHC, GHC_AE | GHC_HR);
	while (hba_read(h, HBA_GHC) & GHC_HR)
		if (now_ns() > deadline)
			return -EIO;
	hba_write(h, HBA_GHC, GHC_AE);
	h->was_reset = true;
	return 0;
}

void hba_rescue(struct hba *h, const struct port *stuck)
{
	if (reset_hba(h) != 0)
		sys_panic("ahci: the controller does not come out of its reset");
	for (unsigned n = 0; n < HBA_PORTS_MAX; n++)
		if (h->ports[n] != NULL && h->ports[n] != stuck)
			port_was_reset(h->ports[n]);
	hba_write(h, HBA_GHC, GHC_AE | GHC_IE);
}

static int add_port(struct hba *h, unsigned number)
{
	uint32_t cap = hba_read(h, HBA_CAP);
	struct port *p = &ports[port_count];

	if (port_count == BLK_UNITS_MAX)
		return -ENOSPC;
	*p = (struct port){.hba = h,
	                   .regs = h->regs + (HBA_PORTS + number * PORT_BYTES) / 4,
	                   .unit = port_count,
	                   .number = number,
	                   .hba_slots = CAP_SLOTS(cap),
	                   .hba_has_ncq = cap & CAP_SNCQ,
	                   .dma_flags = cap & CAP_S64A ? 0 : VM_DMA_BELOW_4G};
	h->ports[number] = p;
	port_count++;
	return 0;
}

static int find_ports(struct hba *h)
{
	uint32_t implemented = hba_read(h, HBA_PI);
	bool is_stuck = false;

	for (unsigned n = 0; n < HBA_PORTS_MAX; n++) {
		int err;

		if (!(implemented & 1u << n) || HBA_PORTS + (n + 1) * PORT_BYTES > h->len_bytes)
			continue;
		err = add_port(h, n);
		if (err != 0)
			return err;
		is_stuck |= !port_stop(h->ports[n]);
	}
	return is_stuck ? reset_hba(h) : 0;
}

static struct pcidev *pci(unsigned i)
{
	return &hbas[i].pci;
}

static int start_hba(unsigned i)
{
	struct hba *h = &hbas[i];
	volatile void *regs;
	int err = pcidev_enable(&h->pci, PCI_ENABLE_MEM);

	if (err == 0)
		err = pcidev_map_bar(&h->pci, BAR_AHCI, &regs, &h->len_bytes);
	if (err != 0)
		return err;
	h->regs = regs;
	if (h->len_bytes < HBA_PORTS + PORT_BYTES || hba_read(h, HBA_CAP) == ~0u)
		return -ENXIO;
	hba_write(h, HBA_GHC, GHC_AE); /* interrupts off */
	err = find_ports(h);
	if (err == 0)
		err = pcidev_route_irq(&h->pci, 0, i);
	if (err == 0) /* engines are off: now it may reach memory */
		err = pcidev_enable(&h->pci, PCI_ENABLE_MEM | PCI_ENABLE_MASTER);
	if (err != 0)
		return err;
	hba_write(h, HBA_IS, ~0u);
	for (unsigned n = 0; n < HBA_PORTS_MAX; n++)
		if (h->ports[n] != NULL)
			port_init(h->ports[n], is_restart);
	hba_write(h, HBA_GHC, GHC_AE | GHC_IE);
	return 0;
}

static int init(const struct sys_init *how)
{
	static const struct bserver_ops ops = {.info = disk_info,
	                                       .submit = disk_submit,
	                                       .flush_batch = flush_batch,
	                                       .status = disk_status};
	static const struct bserver_config config = {.ops = &ops, .wants_bus = true};
	static const struct driver_devices devices = {
		.max = HBAS_MAX, .pci = pci, .start = start_hba};

	is_restart = how->how != SYS_INIT_FIRST;
	memset(hbas, 0, sizeof(hbas));
	hba_count = port_count = 0;
	cmd_init();
	bserver_init(&config);
	return driver_attach(&devices, &hba_count);
}

/* ---- main loop ---- */

static void port_interrupt(struct port *p)
{
	uint32_t causes = port_read(p, PX_IS);

	port_write(p, PX_IS, causes);
	if (causes & PIS_CHANGES)
		port_changed(p, causes);
	cmd_interrupt(p, causes);
}

static void hba_interrupt(struct hba *h)
{
	uint32_t pending;
	unsigned rounds = 0;

	/* MSI tells once: look until nothing is pending. A controller that is never quiet is broken or
	 * gone (all ones): another life may find out which. */
	while ((pending = hba_read(h, HBA_IS)) != 0) {
		if (++rounds > INTERRUPT_ROUNDS_MAX)
			sys_panic("ahci: the interrupt does not go away");
		for (uint32_t left = pending; left != 0; left &= left - 1) {
			unsigned n = (unsigned)__builtin_ctz(left);

			if (h->ports[n] != NULL)
				port_interrupt(h->ports[n]);
		}
		hba_write(h, HBA_IS, pending);
	}
	pcidev_irq_done(&h->pci);
}

static void interrupt(uint64_t hooks)
{
	for (unsigned i = 0; i < hba_count; i++)
		if (hooks & 1ull << i)
			hba_interrupt(&hbas[i]);
}

static void alarm_fired(uint64_t now)
{
	for (unsigned i = 0; i < port_count; i++)
		port_timer(&ports[i], now);
}

static uint64_t next_alarm(void)
{
	uint64_t soonest = 0;

	for (unsigned i = 0; i < port_count; i++)
		soonest = ns_earlier(soonest, port_next_timer(&ports[i]));
	return soonest;
}

const struct driver ahci_driver = {.name = "ahci",
                                   .server = &bserver_half,
                                   .init = init,
                                   .interrupt = interrupt,
                                   .next_alarm = next_alarm,
                                   .alarm = alarm_fired};
