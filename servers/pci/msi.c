/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message signalled interrupts (PCI 3.0, 6.8). The kernel hands out address and data for (endpoint,
 * hook); only pci may write them into a device. MSI-X is taken where the device has it and its
 * table lies in memory that pci's policy covers, else MSI (one vector), else the driver uses INTx.
 *
 * A new incarnation starts with all MSI-X entries masked: those of the last one name hooks of a
 * process that is gone.
 */
#include <errno.h>
#include "sys/sys.h"
#include "pci.h"
#include "pci_hw.h"

static unsigned msix_entries(const struct function *f)
{
	return (config_read(f->bdf, f->cap_msix + MSIX_CONTROL, 2) & MSIX_CTL_SIZE) + 1;
}

static void msix_control(const struct function *f, uint32_t bits)
{
	device_change(f, f->cap_msix + MSIX_CONTROL, MSIX_CTL_ON | MSIX_CTL_MASKALL, bits);
}

/* The table in our address space; mapped at the first use. NULL: it cannot be mapped. */
static volatile uint32_t *msix_map(struct function *f)
{
	uint32_t where = config_read(f->bdf, f->cap_msix + MSIX_TABLE, 4);
	unsigned bir = where & MSIX_BIR_MASK;
	uint64_t offset = where & ~MSIX_BIR_MASK;
	uint64_t bytes = (uint64_t)msix_entries(f) * MSIX_ENTRY_BYTES;
	uint64_t pa, start;
	uint8_t *base;

	if (f->msix_table != NULL)
		return f->msix_table;
	if (bir >= BARS || f->bars[bir].flags & BAR_FLAG_IO || f->bars[bir].base == 0)
		return NULL;
	if (offset + bytes > f->bars[bir].len)
		return NULL;
	pa = f->bars[bir].base + offset;
	start = pa & ~(PAGE_BYTES - 1);
	base = vm_map_phys(start, (pa + bytes - start + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1),
	                   VMP_READ | VMP_WRITE | VMP_UC);
	if (base != NULL)
		f->msix_table = (volatile uint32_t *)(void *)(base + (pa - start));
	return f->msix_table;
}

static void msix_mask_all(struct function *f, volatile uint32_t *table)
{
	unsigned entries = msix_entries(f);

	for (unsigned i = 0; i < entries; i++)
		table[i * MSIX_ENTRY_WORDS + MSIX_WORD_MASK] = 1;
	f->msix_clean = true;
}

/* Memory decoding must be on for the table to answer; the command register is restored after. */
static void msix_program(struct function *f, volatile uint32_t *table, uint32_t vector,
                         const struct kirqctl *irq)
{
	volatile uint32_t *entry = &table[vector * MSIX_ENTRY_WORDS];
	uint32_t command = config_read(f->bdf, CFG_COMMAND, 2);

	device_change(f, CFG_COMMAND, 0, COMMAND_MEM);
	if (!f->msix_clean)
		msix_mask_all(f, table);
	entry[MSIX_WORD_MASK] = 1;
	entry[MSIX_WORD_ADDR] = (uint32_t)irq->msi_addr;
	entry[MSIX_WORD_HIGH] = (uint32_t)(irq->msi_addr >> 32);
	entry[MSIX_WORD_DATA] = irq->msi_data;
	entry[MSIX_WORD_MASK] = 0;
	msix_control(f, MSIX_CTL_ON);
	device_change(f, CFG_COMMAND, ~command & COMMAND_MEM, COMMAND_INTX_OFF);
}

static void msi_program(struct function *f, const struct kirqctl *irq)
{
	unsigned cap = f->cap_msi;
	uint32_t control = config_read(f->bdf, cap + MSI_CONTROL, 2);
	bool is_64 = control & MSI_CTL_64;

	control &= ~(uint32_t)(MSI_CTL_ON | MSI_CTL_COUNT);
	config_write(f->bdf, cap + MSI_CONTROL, 2, control);
	config_write(f->bdf, cap + MSI_ADDR_LOW, 4, (uint32_t)irq->msi_addr);
	if (is_64)
		config_write(f->bdf, cap + MSI_ADDR_HIGH, 4, (uint32_t)(irq->msi_addr >> 32));
	config_write(f->bdf, cap + (is_64 ? MSI_DATA_64 : MSI_DATA_32), 2, irq->msi_data);
	if (control & MSI_CTL_MASKS)
		config_write(f->bdf, cap + (is_64 ? MSI_MASK_64 : MSI_MASK_32), 4, 0);
	config_write(f->bdf, cap + MSI_CONTROL, 2, control | MSI_CTL_ON);
	device_change(f, CFG_COMMAND, 0, COMMAND_INTX_OFF);
}

int msi_route(struct function *f, endpoint_t ep, uint32_t vector, uint32_t hook)
{
	struct kirqctl irq = {.ep = ep, .hook = hook};
	volatile uint32_t *table = f->cap_msix != 0 ? msix_map(f) : NULL;
	int result;

	if (hook >= IRQ_HOOKS)
		return -EINVAL;
	if (table == NULL && (f->cap_msi == 0 || vector != 0))
		return -ENOTSUP;
	if (table != NULL && vector >= msix_entries(f))
		return -EINVAL;
	result = k_irqctl(IRQCTL_MSI, &irq);
	if (result < 0)
		return result;
	if (irq.msi_addr >> 32 != 0 && table == NULL &&
	    !(config_read(f->bdf, f->cap_msi + MSI_CONTROL, 2) & MSI_CTL_64))
		return -ENOTSUP;
	f->msi_on = true;
	if (table != NULL)
		msix_program(f, table, vector, &irq);
	else
		msi_program(f, &irq);
	return 0;
}

void msi_disable(struct function *f)
{
	if (f->cap_msi != 0)
		device_change(f, f->cap_msi + MSI_CONTROL, MSI_CTL_ON, 0);
	if (f->cap_msix != 0)
		msix_control(f, 0);
	f->msi_on = false;
	f->msix_clean = false;
}
