/* uses: lib/policy/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* system.conf: any text parses or fails with a message; what parses stays inside its bounds. */
#include <stdlib.h>
#include <string.h>
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct policy *p)
{
	if (p->io_count > PRIV_RANGES_MAX || p->mem_count > PRIV_RANGES_MAX ||
	    p->irq_count > PRIV_RANGES_MAX || p->pci_count > POLICY_PCI_MAX ||
	    p->targets.count > POLICY_LABELS_MAX || p->control.count > POLICY_LABELS_MAX ||
	    p->args_bytes > POLICY_ARGS_BYTES || p->name[0] == '\0' ||
	    p->kcall_mask >> KC_COUNT != 0 || p->priority >= SCHED_PRIORITIES)
		abort();
	for (unsigned i = 0; i < p->io_count; i++) {
		if (p->io[i].len == 0 || p->io[i].base + p->io[i].len > 0x10000)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy entries[4];
	struct policy_file file = {.entries = entries, .capacity = 4};
	struct policy_error error;
	char *text = malloc(size + 1);
	int r;

	memcpy(text, data, size);
	text[size] = '\0';
	r = policy_parse("f", text, &file, &error);
	if ((r == 0) != (error.message[0] == '\0') || file.count > 4)
		abort();
	for (unsigned i = 0; r == 0 && i < file.count; i++)
		check_entry(&entries[i]);
	(void)policy_find(&file, "a", "b");
	free(text);
	return 0;
}
