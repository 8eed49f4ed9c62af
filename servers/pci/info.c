/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of /proc/axolotl/pci: one line a function. */
#include <stdio.h>
#include "sys/sys.h"
#include "pci.h"
#include "pci_hw.h"

static int render_function(const struct function *f, char *buf, size_t len)
{
	return snprintf(
		buf, len,
		"%02x:%02x.%x %04x:%04x class %02x%02x%02x irq %d msi %d msix %d owner %s\n",
		PCI_BUS(f->bdf), PCI_SLOT(f->bdf), PCI_FUNC(f->bdf), f->vendor, f->device,
		f->class_code, f->subclass, f->prog_if,
		f->irq_line == IRQ_NONE ? -1 : (int)f->irq_line, f->cap_msi != 0, f->cap_msix != 0,
		f->owner != NULL ? f->owner->label : "-");
}

size_t info_render(char *buf, size_t len)
{
	const struct function *f;
	size_t used = 0;

	for (unsigned i = 0; (f = claim_function_at(i)) != NULL; i++) {
		int n = render_function(f, buf + used, len - used);

		if (n < 0 || (size_t)n >= len - used)
			break; /* whole lines only */
		used += (size_t)n;
	}
	return used;
}
