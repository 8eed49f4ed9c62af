/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus scan: finds every function behind every bridge that the firmware has numbered, sizes its
 * BARs, walks its capability list and works out its INTx line. Called once, at the start of pci.
 *
 * Bus numbers and BARs are the firmware's; a BAR that it left at 0 counts as absent for the owner.
 * INTx: ACPI's _PRT is not parsed (it would need an AML interpreter). On q35 the routing of the
 * chipset is fixed in APIC mode: PIRQ A-H are GSI 16-23; devices 25-31 use PIRQ A-D by pin (the
 * reset values of D25IR-D31IR), all others PIRQ E-H by (device + pin) mod 4. Behind a bridge the
 * pin is swizzled once a level (PCI-to-PCI Bridge 1.2, 9.1). On other chipsets the line that the
 * firmware wrote into the interrupt line register is used.
 */
#include <string.h>
#include "pci.h"
#include "pci_hw.h"

#define GSI_PIRQ_A    16u
#define ROUTED_FIRST  25u /* devices with a DxxIR register */
#define ROUTED_BRIDGE 30u /* but this one has none */
#define LPC_BDF       PCI_BDF(0, 31, 0)
#define LPC_ICH9      0x2918u
#define VENDOR_INTEL  0x8086u

struct scan {
	struct function *table;
	unsigned count, max;
	uint8_t queue[PCI_BUSES]; /* buses to visit */
	unsigned head, tail;
	bool is_seen[PCI_BUSES];
	uint16_t bridge_of[PCI_BUSES]; /* the bridge that leads to the bus */
	bool is_q35;
};

/* GSI of INTx pin 0..3 of a function directly on bus 0 of q35. */
uint8_t scan_intx_gsi(uint16_t root_bdf, unsigned pin)
{
	unsigned slot = PCI_SLOT(root_bdf);

	if (slot >= ROUTED_FIRST && slot != ROUTED_BRIDGE)
		return (uint8_t)(GSI_PIRQ_A + pin);
	if (slot == ROUTED_BRIDGE)
		return (uint8_t)(GSI_PIRQ_A + 4 + pin);
	return (uint8_t)(GSI_PIRQ_A + 4 + (slot + pin) % 4);
}

static uint8_t route_intx(const struct scan *s, uint16_t bdf)
{
	unsigned pin = config_read(bdf, CFG_IRQ_PIN, 1);

	if (pin < 1 || pin > 4)
		return IRQ_NONE;
	if (!s->is_q35)
		return (uint8_t)config_read(bdf, CFG_IRQ_LINE, 1);
	pin--;
	for (unsigned depth = 0; PCI_BUS(bdf) != 0 && depth < PCI_BUSES; depth++) {
		pin = (pin + PCI_SLOT(bdf)) % 4;
		bdf = s->bridge_of[PCI_BUS(bdf)];
	}
	return scan_intx_gsi(bdf, pin);
}

static uint32_t size_register(uint16_t bdf, unsigned offset, uint32_t *old)
{
	uint32_t mask;

	*old = config_read(bdf, offset, 4);
	config_write(bdf, offset, 4, 0xffffffffu);
	mask = config_read(bdf, offset, 4);
	config_write(bdf, offset, 4, *old);
	return mask;
}

/* Sizes the BAR at `index`; returns how many registers it takes. */
static unsigned size_bar(struct function *f, unsigned index)
{
	struct bar *bar = &f->bars[index];
	unsigned offset = CFG_BAR0 + 4 * index;
	uint32_t old, old_high = 0, mask, mask_high = 0xffffffffu;

	mask = size_register(f->bdf, offset, &old);
	if (mask == 0 || mask == 0xffffffffu)
		return 1;
	if (old & BAR_IO) {
		bar->flags = BAR_FLAG_IO;
		bar->base = old & BAR_IO_MASK;
		bar->len = (uint16_t)(~(mask & BAR_IO_MASK) + 1);
		return 1;
	}
	bar->flags = old & BAR_PREFETCH ? BAR_FLAG_PREFETCH : 0;
	if ((old & BAR_TYPE_MASK) == BAR_TYPE_64 && index + 1 < BARS) {
		bar->flags |= BAR_FLAG_64;
		mask_high = size_register(f->bdf, offset + 4, &old_high);
	}
	bar->base = (uint64_t)old_high << 32 | (old & BAR_MEM_MASK);
	bar->len = ~((uint64_t)mask_high << 32 | (mask & BAR_MEM_MASK)) + 1;
	return bar->flags & BAR_FLAG_64 ? 2 : 1;
}

/* Decoding is off meanwhile, so that all-ones never becomes an address. */
static void size_bars(struct function *f)
{
	uint16_t command = (uint16_t)config_read(f->bdf, CFG_COMMAND, 2);
	bool is_host = f->class_code == CLASS_BRIDGE && f->subclass == SUBCLASS_HOST_BRIDGE;

	if (f->header != HEADER_TYPE_PLAIN || is_host)
		return;
	config_write(f->bdf, CFG_COMMAND, 2, command & ~(COMMAND_IO | COMMAND_MEM));
	for (unsigned i = 0; i < BARS;)
		i += size_bar(f, i);
	config_write(f->bdf, CFG_COMMAND, 2, command);
}

static void find_capabilities(struct function *f)
{
	unsigned offset;

	if (!(config_read(f->bdf, CFG_STATUS, 2) & STATUS_HAS_CAPS))
		return;
	offset = config_read(f->bdf, CFG_CAPABILITIES, 1) & 0xfc;
	for (unsigned i = 0; offset >= CFG_DEVICE_AREA && i < CAPS_MAX; i++) {
		unsigned id = config_read(f->bdf, offset, 1);

		if (id == CAP_ID_MSI && offset + MSI_BYTES_MAX <= PCI_CFG_BYTES)
			f->cap_msi = (uint8_t)offset;
		if (id == CAP_ID_MSIX && offset + MSIX_BYTES <= PCI_CFG_BYTES)
			f->cap_msix = (uint8_t)offset;
		offset = config_read(f->bdf, offset + 1, 1) & 0xfc;
	}
}

static void enqueue_bus(struct scan *s, unsigned bus, uint16_t bridge)
{
	if (s->is_seen[bus])
		return;
	s->is_seen[bus] = true;
	s->bridge_of[bus] = bridge;
	s->queue[s->tail++] = (uint8_t)bus;
}

static void read_ids(struct function *f, uint16_t bdf)
{
	memset(f, 0, sizeof(*f));
	f->bdf = bdf;
	f->vendor = (uint16_t)config_read(bdf, CFG_VENDOR, 2);
	f->device = (uint16_t)config_read(bdf, CFG_DEVICE, 2);
	f->revision = (uint8_t)config_read(bdf, CFG_REVISION, 1);
	f->prog_if = (uint8_t)config_read(bdf, CFG_PROG_IF, 1);
	f->subclass = (uint8_t)config_read(bdf, CFG_SUBCLASS, 1);
	f->class_code = (uint8_t)config_read(bdf, CFG_CLASS, 1);
	f->header = config_read(bdf, CFG_HEADER, 1) & HEADER_TYPE_MASK;
	if (f->header != HEADER_TYPE_PLAIN)
		return;
	f->subvendor = (uint16_t)config_read(bdf, CFG_SUBVENDOR, 2);
	f->subdevice = (uint16_t)config_read(bdf, CFG_SUBDEVICE, 2);
}

static void add_function(struct scan *s, uint16_t bdf)
{
	struct function *f;

	if (s->count == s->max)
		return;
	f = &s->table[s->count++];
	read_ids(f, bdf);
	if (f->header == HEADER_TYPE_BRIDGE) {
		unsigned bus = config_read(bdf, CFG_SECONDARY_BUS, 1);

		if (bus != 0) /* 0: the firmware did not number it */
			enqueue_bus(s, bus, bdf);
	}
	find_capabilities(f);
	size_bars(f);
	f->irq_line = route_intx(s, bdf);
}

static void scan_slot(struct scan *s, unsigned bus, unsigned slot)
{
	uint16_t first = PCI_BDF(bus, slot, 0);
	unsigned funcs;

	if (config_read(first, CFG_VENDOR, 2) == VENDOR_NONE)
		return;
	funcs = config_read(first, CFG_HEADER, 1) & HEADER_MULTI ? PCI_FUNCS : 1;
	for (unsigned func = 0; func < funcs; func++) {
		uint16_t bdf = PCI_BDF(bus, slot, func);

		if (config_read(bdf, CFG_VENDOR, 2) != VENDOR_NONE)
			add_function(s, bdf);
	}
}

unsigned scan_buses(struct function *table, unsigned max)
{
	static struct scan s;

	memset(&s, 0, sizeof(s));
	s.table = table;
	s.max = max;
	s.is_q35 = config_read(LPC_BDF, CFG_VENDOR, 4) == (LPC_ICH9 << 16 | VENDOR_INTEL);
	enqueue_bus(&s, 0, 0);
	while (s.head != s.tail) {
		unsigned bus = s.queue[s.head++];

		for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
			scan_slot(&s, bus, slot);
	}
	return s.count;
}
