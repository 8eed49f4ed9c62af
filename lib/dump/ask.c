/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that other servers keep: a grant for the answer, one SENDREC. */
#include <errno.h>
#include "axolotl/pci.h"
#include "dump/dump.h"

/* A grant on the room that is left in the text. */
static grant_t grant_room(endpoint_t to, struct text *t)
{
	return grant_direct(to, t->buf + t->len, text_room(t), GRANT_WRITE);
}

int dump_services(struct text *t, bool is_json)
{
	struct rs_info req = {.len_bytes = text_room(t), .is_json = is_json};
	struct rs_rep rep = {0};
	int r;

	req.grant = grant_room(EP_RS, t);
	r = sys_call(EP_RS, RS_INFO, &req, &rep);
	grant_revoke(req.grant);
	return text_take(t, r < 0 ? r : rep.result);
}

int dump_ds(struct text *t)
{
	struct ds_list req = {.len_bytes = text_room(t)};
	struct ds_rep rep = {0};
	int r;

	req.grant = grant_room(EP_DS, t);
	r = sys_call(EP_DS, DS_LIST, &req, &rep);
	grant_revoke(req.grant);
	return text_take(t, r < 0 ? r : rep.result);
}

int dump_pci(struct text *t)
{
	struct pci_info req = {.len_bytes = text_room(t)};
	struct pci_rep rep = {0};
	endpoint_t pci;
	int r = ds_lookup_label("pci", &pci);

	if (r < 0)
		return -ENODEV;
	req.grant = grant_room(pci, t);
	r = sys_call(pci, PCI_INFO, &req, &rep);
	grant_revoke(req.grant);
	return text_take(t, r < 0 ? r : rep.result);
}

int dump_memory(struct text *t)
{
	struct vm_meminfo info = {0};
	struct vm_info req = {.ep = EP_SELF, .len_bytes = sizeof(info)};
	struct vm_rep rep = {0};
	int r;

	req.grant = grant_direct(EP_VM, &info, sizeof(info), GRANT_WRITE);
	r = sys_call(EP_VM, VM_INFO_MEM, &req, &rep);
	grant_revoke(req.grant);
	if (r < 0 || rep.result < 0)
		return r < 0 ? r : rep.result;
	text_add(t,
	         "total %llu KiB, free %llu, cached %llu, page tables %llu, anonymous %llu, shared "
	         "%llu\n",
	         (unsigned long long)info.total_bytes >> 10,
	         (unsigned long long)info.free_bytes >> 10,
	         (unsigned long long)info.cached_bytes >> 10,
	         (unsigned long long)info.tables_bytes >> 10,
	         (unsigned long long)info.anon_bytes >> 10,
	         (unsigned long long)info.shared_bytes >> 10);
	return 0;
}
