/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/pci/scan.c servers/pci/claim.c servers/pci/device.c servers/pci/msi.c */
/*
 * pci against a model of configuration space: two devices on bus 0, one behind a bridge. The model
 * answers BAR sizing, so the scan runs as on hardware; kernel calls are recorded.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "sys/sys.h"
#include "servers/pci/pci.h"
#include "servers/pci/pci_hw.h"

#define MODELS    5
#define BAR_COUNT 6

struct model {
	uint16_t bdf;
	uint8_t space[256];
	uint32_t bar_mask[BAR_COUNT]; /* read-only low bits of a sizing cycle, 0: no BAR */
};

static struct model models[MODELS];
static unsigned model_count;
static uint32_t msix_memory[64];
static struct priv kernel_priv;

static struct model *model_at(uint16_t bdf)
{
	for (unsigned i = 0; i < model_count; i++)
		if (models[i].bdf == bdf)
			return &models[i];
	return NULL;
}

uint32_t config_read(uint16_t bdf, unsigned offset, unsigned width)
{
	const struct model *m = model_at(bdf);
	uint32_t value = 0xffffffffu;

	if (m != NULL) {
		value = 0;
		memcpy(&value, &m->space[offset], width);
		return value;
	}
	return width == 4 ? value : value & ((1u << (8 * width)) - 1);
}

void config_write(uint16_t bdf, unsigned offset, unsigned width, uint32_t value)
{
	struct model *m = model_at(bdf);
	unsigned bar = (offset - CFG_BAR0) / 4;

	assert_non_null(m);
	if (offset >= CFG_BAR0 && bar < BAR_COUNT) {
		uint32_t old = config_read(bdf, offset, 4);

		/* never sized while the device decodes */
		assert_int_equal(config_read(bdf, CFG_COMMAND, 2) & 3, 0);
		value &= m->bar_mask[bar];
		value |= old & ~m->bar_mask[bar] & 0xf;
	}
	memcpy(&m->space[offset], &value, width);
}

int k_privctl(enum privctl_op op, endpoint_t ep, void *arg)
{
	struct priv_range *r = arg;

	assert_true(ep >= 0);
	if (op == PRIVCTL_ADD_IO)
		kernel_priv.io[kernel_priv.io_count++] = *r;
	else if (op == PRIVCTL_ADD_MEM)
		kernel_priv.mem[kernel_priv.mem_count++] = *r;
	else
		kernel_priv.irq[kernel_priv.irq_count++] = (uint8_t)r->base;
	return 0;
}

int k_irqctl(enum irqctl_op op, struct kirqctl *i)
{
	assert_int_equal(op, IRQCTL_MSI);
	i->msi_addr = 0xfee00000u;
	i->msi_data = 0x40 + i->hook;
	return 0;
}

void *vm_map_phys(uint64_t pa, size_t len, unsigned prot)
{
	(void)len;
	(void)prot;
	return pa == 0xfe002000u ? msix_memory : NULL;
}

void sys_log(const char *fmt, ...)
{
	(void)fmt;
}

static uint8_t ds_memory[DS_MEM_MAX];
static size_t ds_bytes;

int ds_save(const char *key, const void *data, size_t len)
{
	assert_string_equal(key, "claims");
	memcpy(ds_memory, data, len);
	ds_bytes = len;
	return 0;
}

int ds_load(const char *key, void *data, size_t len)
{
	(void)key;
	assert_true(ds_bytes <= len);
	memcpy(data, ds_memory, ds_bytes);
	return (int)ds_bytes;
}

static void put(struct model *m, unsigned offset, unsigned width, uint32_t value)
{
	memcpy(&m->space[offset], &value, width);
}

static struct model *add_model(uint16_t bdf, uint32_t ids, uint32_t class_code)
{
	struct model *m = &models[model_count++];

	memset(m, 0, sizeof(*m));
	m->bdf = bdf;
	put(m, CFG_VENDOR, 4, ids);
	put(m, CFG_REVISION, 4, class_code << 8);
	return m;
}

static void add_bar_model(struct model *m, unsigned bar, uint32_t value, uint32_t mask)
{
	put(m, CFG_BAR0 + 4 * bar, 4, value);
	m->bar_mask[bar] = mask;
}

static struct function table[8];

static int set_up(void **state)
{
	struct model *m;

	(void)state;
	model_count = 0;
	memset(&kernel_priv, 0, sizeof(kernel_priv));
	memset(msix_memory, 0, sizeof(msix_memory));
	m = add_model(PCI_BDF(0, 2, 0), 0x100e8086, 0x020000); /* e1000: memory, I/O, INTA */
	add_bar_model(m, 0, 0xfd000000, 0xfffe0000);
	add_bar_model(m, 1, 0xc001, 0xffffffc0);
	put(m, CFG_IRQ_PIN, 1, 1);
	put(m, CFG_COMMAND, 2, 3);
	m = add_model(PCI_BDF(0, 31, 2), 0x29228086, 0x010601); /* AHCI: MSI */
	add_bar_model(m, 5, 0xfe021000, 0xfffff000);
	put(m, CFG_IRQ_PIN, 1, 1);
	put(m, CFG_STATUS, 2, STATUS_HAS_CAPS);
	put(m, CFG_CAPABILITIES, 1, 0x80);
	put(m, 0x80, 2, 0xa800 | CAP_ID_MSI);
	put(m, 0x80 + MSI_CONTROL, 2, MSI_CTL_64);
	put(m, 0xa8, 2, 0x8000 | 0x12); /* the list loops back: must end all the same */
	m = add_model(PCI_BDF(0, 3, 0), 0x000c1b36, 0x060400); /* bridge to bus 1 */
	put(m, CFG_HEADER, 1, HEADER_TYPE_BRIDGE);
	put(m, CFG_SECONDARY_BUS, 1, 1);
	m = add_model(PCI_BDF(1, 0, 0), 0x10421af4, 0x010000); /* 64-bit BAR with MSI-X */
	add_bar_model(m, 0, 0xfe002004, 0xfffff000);
	m->bar_mask[1] = 0xffffffff;
	put(m, CFG_IRQ_PIN, 1, 1);
	put(m, CFG_STATUS, 2, STATUS_HAS_CAPS);
	put(m, CFG_CAPABILITIES, 1, 0x40);
	put(m, 0x40, 2, CAP_ID_MSIX);
	put(m, 0x40 + MSIX_CONTROL, 2, 3);
	m = add_model(PCI_BDF(0, 31, 0), 0x29188086, 0x060100); /* LPC: it is a q35 */
	put(m, CFG_HEADER, 1, HEADER_MULTI);
	claim_init(table, scan_buses(table, 8));
	return 0;
}

static struct function *by_bdf(uint16_t bdf)
{
	for (unsigned i = 0; i < 8; i++)
		if (table[i].bdf == bdf)
			return &table[i];
	return NULL;
}

static void scan_finds_functions_bars_and_capabilities(void **state)
{
	struct function *nic = by_bdf(PCI_BDF(0, 2, 0));
	struct function *disk = by_bdf(PCI_BDF(0, 31, 2));
	struct function *far = by_bdf(PCI_BDF(1, 0, 0));

	(void)state;
	assert_int_equal(nic->bars[0].len, 0x20000);
	assert_int_equal(nic->bars[1].flags, BAR_FLAG_IO);
	assert_int_equal(nic->bars[1].base, 0xc000);
	assert_int_equal(nic->bars[1].len, 0x40);
	assert_int_equal(config_read(nic->bdf, CFG_COMMAND, 2), 3);
	assert_int_equal(config_read(nic->bdf, CFG_BAR0, 4), 0xfd000000);
	assert_int_equal(disk->cap_msi, 0x80);
	assert_int_equal(disk->bars[5].base, 0xfe021000);
	assert_int_equal(far->bars[0].base, 0xfe002000);
	assert_int_equal(far->bars[0].len, 0x1000);
	assert_int_equal(far->bars[0].flags, BAR_FLAG_64);
	assert_int_equal(far->cap_msix, 0x40);
}

static void intx_follows_the_chipset(void **state)
{
	(void)state;
	assert_int_equal(by_bdf(PCI_BDF(0, 2, 0))->irq_line, 22); /* PIRQG */
	assert_int_equal(by_bdf(PCI_BDF(0, 31, 2))->irq_line, 16);
	assert_int_equal(by_bdf(PCI_BDF(1, 0, 0))->irq_line, 23); /* as pin A of the bridge */
	assert_int_equal(by_bdf(PCI_BDF(0, 31, 0))->irq_line, IRQ_NONE);
	assert_int_equal(scan_intx_gsi(PCI_BDF(0, 30, 0), 1), 21);
}

static struct pci_allow allow_for(const char *label, endpoint_t ep, uint16_t vendor)
{
	struct pci_allow a = {.ep = ep, .vendor = vendor, .device = 0xffff, .max_devices = 1};

	a.class_code = a.subclass = a.prog_if = 0xff;
	strcpy(a.label, label);
	return a;
}

static void claim_adds_exactly_the_privileges_of_the_device(void **state)
{
	struct pci_allow a = allow_for("e1000_0", 70, 0x8086);
	uint32_t devices = 0;

	(void)state;
	a.class_code = 2;
	assert_int_equal(claim_allow(&a, &devices), 0);
	assert_int_equal(devices, 1);
	assert_int_equal(kernel_priv.io_count, 1);
	assert_int_equal(kernel_priv.mem_count, 1);
	assert_int_equal(kernel_priv.mem[0].len, 0x20000);
	assert_int_equal(kernel_priv.irq[0], 22);
	assert_ptr_equal(claim_device(70, 0), by_bdf(PCI_BDF(0, 2, 0)));
	assert_null(claim_device(70, 1));
	assert_null(claim_device(71, 0));
}

static void next_incarnation_gets_the_same_device(void **state)
{
	struct pci_allow a = allow_for("d", 70, 0x8086);
	uint32_t devices = 0;

	(void)state;
	assert_int_equal(claim_allow(&a, &devices), 0);
	assert_int_equal(device_enable(claim_device(70, 0), 7), 0);
	assert_int_equal(claim_silence("d"), 1);
	assert_int_equal(config_read(PCI_BDF(0, 2, 0), CFG_COMMAND, 2), 3 | COMMAND_INTX_OFF);
	assert_null(claim_device(70, 0));
	a.ep = 1094;
	a.max_devices = 0;
	assert_int_equal(claim_allow(&a, &devices), 0);
	assert_int_equal(devices, 1);
	assert_ptr_equal(claim_device(1094, 0), by_bdf(PCI_BDF(0, 2, 0)));
}

static void owned_device_is_not_given_twice(void **state)
{
	struct pci_allow a = allow_for("one", 70, 0x1af4), b = allow_for("two", 71, 0x1af4);
	uint32_t devices = 9;

	(void)state;
	assert_int_equal(claim_allow(&a, &devices), 0);
	assert_int_equal(claim_allow(&b, &devices), 0);
	assert_int_equal(devices, 0);
	assert_int_equal(claim_release("one"), 0);
	assert_int_equal(claim_release("one"), -ENOENT);
	assert_int_equal(claim_allow(&b, &devices), 0);
	assert_int_equal(devices, 1);
}

static void claims_survive_a_restart_of_pci(void **state)
{
	struct pci_allow a = allow_for("e1000_0", 70, 0x8086);
	uint32_t devices = 0;

	(void)state;
	assert_int_equal(claim_allow(&a, &devices), 0);
	claim_init(table, scan_buses(table, 8));
	assert_null(claim_device(70, 0));
	claim_load();
	assert_ptr_equal(claim_device(70, 0), by_bdf(PCI_BDF(0, 2, 0)));
	a.max_devices = 0;
	assert_int_equal(claim_allow(&a, &devices), 0);
	assert_int_equal(devices, 1);
}

static void label_without_end_is_refused(void **state)
{
	struct pci_allow a = allow_for("x", 70, 0xffff);
	uint32_t devices;

	(void)state;
	memset(a.label, 'x', LABEL_MAX);
	assert_int_equal(claim_allow(&a, &devices), -EINVAL);
}

static void msi_is_programmed_and_ends_with_the_owner(void **state)
{
	struct function *disk = by_bdf(PCI_BDF(0, 31, 2));

	(void)state;
	assert_int_equal(msi_route(disk, 70, 1, 3), -ENOTSUP);
	assert_int_equal(msi_route(disk, 70, 0, IRQ_HOOKS), -EINVAL);
	assert_int_equal(msi_route(disk, 70, 0, 3), 0);
	assert_int_equal(config_read(disk->bdf, 0x80 + MSI_ADDR_LOW, 4), 0xfee00000u);
	assert_int_equal(config_read(disk->bdf, 0x80 + MSI_DATA_64, 2), 0x43);
	assert_true(config_read(disk->bdf, 0x80 + MSI_CONTROL, 2) & MSI_CTL_ON);
	assert_int_equal(device_enable(disk, PCI_ENABLE_MASTER), 0);
	assert_true(config_read(disk->bdf, CFG_COMMAND, 2) & COMMAND_INTX_OFF);
	device_silence(disk);
	assert_false(config_read(disk->bdf, 0x80 + MSI_CONTROL, 2) & MSI_CTL_ON);
	assert_false(config_read(disk->bdf, CFG_COMMAND, 2) & COMMAND_MASTER);
}

static void msix_masks_what_the_last_owner_left(void **state)
{
	struct function *far = by_bdf(PCI_BDF(1, 0, 0));

	(void)state;
	assert_int_equal(msi_route(far, 70, 4, 0), -EINVAL);
	assert_int_equal(msi_route(far, 70, 2, 1), 0);
	assert_int_equal(msix_memory[2 * 4], 0xfee00000u);
	assert_int_equal(msix_memory[2 * 4 + 2], 0x41);
	assert_int_equal(msix_memory[2 * 4 + 3], 0);
	assert_int_equal(msix_memory[3], 1);
	device_silence(far);
	assert_int_equal(msi_route(far, 71, 0, 1), 0);
	assert_int_equal(msix_memory[2 * 4 + 3], 1);
	assert_int_equal(msix_memory[3], 0);
}

static void config_writes_cannot_reach_bars_or_msi(void **state)
{
	struct function *disk = by_bdf(PCI_BDF(0, 31, 2));
	struct pci_config c = {.offset = CFG_COMMAND, .width = 2, .is_write = 1, .value = 7};
	uint32_t value = 0;

	(void)state;
	assert_int_equal(device_config(disk, &c, &value), -EPERM);
	c.offset = CFG_BAR0 + 20;
	c.width = 4;
	assert_int_equal(device_config(disk, &c, &value), -EPERM);
	c.offset = 0x84;
	assert_int_equal(device_config(disk, &c, &value), -EPERM);
	c.offset = 0x90;
	assert_int_equal(device_config(disk, &c, &value), -EPERM);
	c.offset = 0xe0;
	assert_int_equal(device_config(disk, &c, &value), 0);
	c.offset = 0x100;
	c.is_write = 0;
	assert_int_equal(device_config(disk, &c, &value), -EINVAL);
	c.offset = 2;
	c.width = 3;
	assert_int_equal(device_config(disk, &c, &value), -EINVAL);
	c.offset = 0;
	c.width = 4;
	assert_int_equal(device_config(disk, &c, &value), 0);
	assert_int_equal(value, 0x29228086);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(scan_finds_functions_bars_and_capabilities, set_up),
		cmocka_unit_test_setup(intx_follows_the_chipset, set_up),
		cmocka_unit_test_setup(claim_adds_exactly_the_privileges_of_the_device, set_up),
		cmocka_unit_test_setup(next_incarnation_gets_the_same_device, set_up),
		cmocka_unit_test_setup(owned_device_is_not_given_twice, set_up),
		cmocka_unit_test_setup(claims_survive_a_restart_of_pci, set_up),
		cmocka_unit_test_setup(label_without_end_is_refused, set_up),
		cmocka_unit_test_setup(msi_is_programmed_and_ends_with_the_owner, set_up),
		cmocka_unit_test_setup(msix_masks_what_the_last_owner_left, set_up),
		cmocka_unit_test_setup(config_writes_cannot_reach_bars_or_msi, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
