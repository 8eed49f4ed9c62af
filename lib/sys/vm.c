/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory from vm that malloc does not give: DMA memory, devices, memory of others (vm.h). */
#include "sys/sys.h"

#define ask(type, req, rep) (sys_call(EP_VM, (type), (req), (rep)) == 0 && (rep)->result >= 0)

void *vm_alloc_dma(size_t len, unsigned flags, unsigned colour, uint64_t *pa)
{
	struct vm_alloc req = {.len_bytes = len, .flags = flags, .colour = colour};
	struct vm_rep rep;

	if (!ask(VM_ALLOC_DMA, &req, &rep))
		return NULL;
	if (pa)
		*pa = rep.value2;
	return (void *)rep.value;
}

void *vm_map_phys(uint64_t pa, size_t len, unsigned prot)
{
	struct vm_map_phys req = {.pa = pa, .len_bytes = len, .prot = prot};
	struct vm_rep rep;

	return ask(VM_MAP_PHYS, &req, &rep) ? (void *)rep.value : NULL;
}

void *vm_safemap(endpoint_t grantor, grant_t g, uint64_t offset, size_t len, unsigned prot)
{
	struct vm_safemap req = {
		.grantor = grantor, .grant = g, .offset = offset, .len_bytes = len, .prot = prot};
	struct vm_rep rep;

	return ask(VM_SAFEMAP, &req, &rep) ? (void *)rep.value : NULL;
}

int vm_unmap(void *addr, size_t len)
{
	struct vm_unmap req = {.addr = (uint64_t)addr, .len_bytes = len};
	struct vm_rep rep;
	int r = sys_call(EP_VM, VM_UNMAP, &req, &rep);

	return r != 0 ? r : rep.result;
}
