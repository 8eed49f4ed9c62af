/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC (timer, end of interrupt) and IOAPIC, found through the ACPI MADT.
 * References: Intel SDM volume 3 chapter 11; 82093AA IOAPIC data sheet; ACPI 6.4 section 5.2.12.
 */
#include "proc.h"

#define LAPIC_ID      0x020
#define LAPIC_TPR     0x080
#define LAPIC_EOI     0x0b0
#define LAPIC_SVR     0x0f0
#define LAPIC_TIMER   0x320
#define LAPIC_LINT0   0x350
#define LAPIC_INITIAL 0x380
#define LAPIC_COUNT   0x390
#define LAPIC_DIVIDE  0x3e0
#define LVT_MASKED    0x10000u

#define IOAPICS_MAX   4
#define OVERRIDES_MAX 16
#define RTE_LOW       0x2000u /* active low */
#define RTE_LEVEL     0x8000u
#define RTE_MASKED    0x10000u

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 5.2.6");

struct ioapic {
	volatile uint32_t *regs;
	uint32_t gsi_base, lines;
};

static volatile uint8_t *lapic;
static struct ioapic ioapics[IOAPICS_MAX];
static unsigned ioapic_count;
static struct {
	uint32_t gsi, flags;
	uint8_t isa;
} overrides[OVERRIDES_MAX];
static unsigned override_count;

static uint32_t lapic_read(unsigned reg)
{
	return *(volatile uint32_t *)(lapic + reg);
}

static void lapic_write(unsigned reg, uint32_t v)
{
	*(volatile uint32_t *)(lapic + reg) = v;
}

/* Tables of the firmware are trusted to be where it says, but not beyond the direct map. */
static const struct acpi_header *acpi_table(uint64_t pa)
{
	uint64_t top = boot.phys_top > (4ul << 30) ? boot.phys_top : 4ul << 30;
	const struct acpi_header *h = direct(pa);

	if (pa == 0 || pa > top - sizeof(*h) || h->length < sizeof(*h) || h->length > top - pa)
		return NULL;
	return h;
}

static const struct acpi_header *acpi_find(const char *signature)
{
	const uint8_t *rsdp = direct(boot.rsdp_pa);
	const struct acpi_header *root;
	uint32_t rsdt;
	uint64_t xsdt = 0;
	unsigned width = 4;

	if (boot.rsdp_pa == 0 || memcmp(rsdp, "RSD PTR ", 8) != 0)
		return NULL;
	memcpy(&rsdt, rsdp + 16, 4);
	if (rsdp[15] >= 2)
		memcpy(&xsdt, rsdp + 24, 8);
	root = acpi_table(xsdt ? xsdt : rsdt);
	if (!root)
		return NULL;
	if (xsdt)
		width = 8;
	for (uint32_t at = sizeof(*root); at + width <= root->length; at += width) {
		uint64_t pa = 0;
		const struct acpi_header *h;

		memcpy(&pa, (const uint8_t *)root + at, width);
		h = acpi_table(pa);
		if (h && memcmp(h->signature, signature, 4) == 0)
			return h;
	}
	return NULL;
}

static uint32_t ioapic_read(const struct ioapic *io, uint32_t reg)
{
	io->regs[0] = reg;
	return io->regs[4];
}

static void ioapic_write(const struct ioapic *io, uint32_t reg, uint32_t v)
{
	io->regs[0] = reg;
	io->regs[4] = v;
}

static void add_ioapic(uint32_t pa, uint32_t gsi_base)
{
	struct ioapic *io = &ioapics[ioapic_count];

	if (ioapic_count == IOAPICS_MAX)
		return;
	io->regs = direct(pa);
	io->gsi_base = gsi_base;
	io->lines = (ioapic_read(io, 1) >> 16 & 0xff) + 1;
	for (uint32_t i = 0; i < io->lines; i++)
		ioapic_write(io, 0x10 + 2 * i, RTE_MASKED);
	ioapic_count++;
}

static void parse_madt_entry(const uint8_t *e, uint8_t len)
{
	uint32_t pa, gsi;
	uint16_t flags;

	if (e[0] == 1 && len >= 12) {
		memcpy(&pa, e + 4, 4);
		memcpy(&gsi, e + 8, 4);
		add_ioapic(pa, gsi);
	} else if (e[0] == 2 && len >= 10 && override_count < OVERRIDES_MAX) {
		memcpy(&gsi, e + 4, 4);
		memcpy(&flags, e + 8, 2);
		overrides[override_count].isa = e[3];
		overrides[override_count].gsi = gsi;
		overrides[override_count++].flags = flags;
	}
}

void ioapic_init(void)
{
	const struct acpi_header *madt = acpi_find("APIC");

	for (uint32_t at = 44; madt && at + 2 <= madt->length;) {
		const uint8_t *e = (const uint8_t *)madt + at;

		if (e[1] < 2 || at + e[1] > madt->length)
			break;
		parse_madt_entry(e, e[1]);
		at += e[1];
	}
	if (ioapic_count == 0) {
		kprintf("apic: no MADT, an IOAPIC at its usual address is assumed\n");
		add_ioapic(0xfec00000, 0);
	}
}

static const struct ioapic *ioapic_of(uint32_t gsi)
{
	for (unsigned i = 0; i < ioapic_count; i++)
		if (gsi - ioapics[i].gsi_base < ioapics[i].lines)
			return &ioapics[i];
	return NULL;
}

/* ISA lines 0-15 are edge and active high, the others level and active low, unless overridden. */
int ioapic_route(uint32_t line, unsigned vector)
{
	uint32_t gsi = line, low = line < 16 ? 0 : RTE_LOW | RTE_LEVEL;
	const struct ioapic *io;

	for (unsigned i = 0; i < override_count; i++) {
		if (overrides[i].isa != line)
			continue;
		gsi = overrides[i].gsi;
		low = ((overrides[i].flags & 3) == 3 ? RTE_LOW : 0) |
		      ((overrides[i].flags >> 2 & 3) == 3 ? RTE_LEVEL : 0);
	}
	io = ioapic_of(gsi);
	if (!io)
		return -EINVAL;
	ioapic_write(io, 0x11 + 2 * (gsi - io->gsi_base), apic_id() << 24);
	ioapic_write(io, 0x10 + 2 * (gsi - io->gsi_base), RTE_MASKED | low | vector);
	return 0;
}

void ioapic_mask(uint32_t line, bool masked)
{
	uint32_t gsi = line, reg;
	const struct ioapic *io;

	for (unsigned i = 0; i < override_count; i++)
		if (overrides[i].isa == line)
			gsi = overrides[i].gsi;
	io = ioapic_of(gsi);
	if (!io)
		return;
	reg = 0x10 + 2 * (gsi - io->gsi_base);
	ioapic_write(io, reg, (ioapic_read(io, reg) & ~RTE_MASKED) | (masked ? RTE_MASKED : 0));
}

/* The two 8259s are moved away from the exception vectors and masked for good. */
static void disable_pic(void)
{
	static const uint8_t init[][2] = {{0x20, 0x11}, {0xa0, 0x11}, {0x21, 0xf0}, {0xa1, 0xf8},
	                                  {0x21, 0x04}, {0xa1, 0x02}, {0x21, 0x01}, {0xa1, 0x01},
	                                  {0x21, 0xff}, {0xa1, 0xff}};

	for (unsigned i = 0; i < ARRAY_LEN(init); i++)
		outb(init[i][0], init[i][1]);
}

void apic_init(void)
{
	disable_pic();
	lapic = direct(rdmsr(MSR_APIC_BASE) & PTE_ADDR);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LINT0, LVT_MASKED);
	lapic_write(LAPIC_SVR, 0x100 | VEC_SPURIOUS);
	lapic_write(LAPIC_DIVIDE, 0x3); /* by 16 */
	lapic_write(LAPIC_TIMER, VEC_TIMER);
}

void apic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

uint32_t apic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

void apic_calibrate_start(void)
{
	lapic_write(LAPIC_TIMER, LVT_MASKED | VEC_TIMER);
	lapic_write(LAPIC_INITIAL, 0xffffffff);
}

uint32_t apic_calibrate_read(void)
{
	return 0xffffffff - lapic_read(LAPIC_COUNT);
}

/* One shot after so many timer ticks; 0 stops it. */
void apic_timer_set(uint64_t ticks)
{
	lapic_write(LAPIC_TIMER, VEC_TIMER);
	lapic_write(LAPIC_INITIAL, ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks);
}
