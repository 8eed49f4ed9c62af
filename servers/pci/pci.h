/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to pci: the functions found on the buses, and the labels that own them. */
#ifndef PCI_PRIVATE_H
#define PCI_PRIVATE_H

#include "axolotl/pci.h"
#include "axolotl/types.h"

#define FUNCTIONS_MAX 64
#define CLAIMS_MAX    32
#define BARS          6
#define IRQ_NONE      0xff

#define BAR_FLAG_IO       1u /* as in struct pci_bar_rep */
#define BAR_FLAG_PREFETCH 2u
#define BAR_FLAG_64       4u

struct bar {
	uint64_t base; /* 0: not assigned by the firmware, or absent */
	uint64_t len;  /* 0: absent */
	uint32_t flags;
};

struct function {
	uint16_t bdf;
	uint16_t vendor, device, subvendor, subdevice;
	uint8_t class_code, subclass, prog_if, revision;
	uint8_t header;
	uint8_t irq_line;          /* GSI, or IRQ_NONE */
	uint8_t cap_msi, cap_msix; /* offsets in configuration space, 0: none */
	struct bar bars[BARS];

	struct claim *owner;
	bool msix_clean;               /* all entries were masked in this incarnation */
	bool msi_on;                   /* this incarnation uses MSI or MSI-X */
	volatile uint32_t *msix_table; /* mapped once, kept over incarnations of the owner */
};

/* A label that may have devices. `ep` is its present incarnation. */
struct claim {
	bool is_used;
	endpoint_t ep;
	char label[LABEL_MAX];
};

/* config.c: the only access to configuration space; tests put a model in its place. */
uint32_t config_read(uint16_t bdf, unsigned offset, unsigned width);
void config_write(uint16_t bdf, unsigned offset, unsigned width, uint32_t value);

/* scan.c */
unsigned scan_buses(struct function *table, unsigned max);
uint8_t scan_intx_gsi(uint16_t root_bdf, unsigned pin);

/* claim.c */
void claim_init(struct function *table, unsigned count);
int claim_allow(const struct pci_allow *allow, uint32_t *devices) MUST_CHECK;
int claim_silence(const char *label);
int claim_release(const char *label) MUST_CHECK;
struct function *claim_device(endpoint_t ep, uint32_t index);
const struct function *claim_function_at(unsigned index);

/* Claims survive a restart of pci in ds: they are saved after each change. */
void claim_save(void);
void claim_load(void);

/* device.c: what an owner may do with its function. */
/* Changes bits of a 16-bit register; writes only what differs (a write can cost 100 us when it
 * makes an emulator rebuild its memory map). */
void device_change(const struct function *f, unsigned offset, uint32_t clear, uint32_t set);
int device_enable(struct function *f, uint32_t what) MUST_CHECK;
int device_config(struct function *f, const struct pci_config *c, uint32_t *value) MUST_CHECK;
void device_silence(struct function *f);

/* msi.c */
int msi_route(struct function *f, endpoint_t ep, uint32_t vector, uint32_t hook) MUST_CHECK;
void msi_disable(struct function *f);

/* info.c: one line a function; returns the length. */
size_t info_render(char *buf, size_t len);

#endif
