/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory calls of system processes: DMA memory, device memory, memory shared by grants, and what is
 * refused. A component that rs starts (`service up /tests/sysmem`); all cases run while it
 * initialises, so it comes up only if all pass. One line a case in the kernel log; its status says
 * "passed=N failed=N".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "sys/sys.h"

#define LARGE (2ul << 20)

static unsigned passed, failed;
static const char *why; /* of the running case: what was not true */

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			why = #cond;                                                               \
			return;                                                                    \
		}                                                                                  \
	} while (0)

static bool is_mapped(const void *addr)
{
	unsigned char vec;

	return mincore((void *)((uint64_t)addr & ~(PAGE_BYTES - 1)), PAGE_BYTES, &vec) == 0;
}

static uint64_t free_bytes(void)
{
	struct vm_meminfo info = {0};
	struct vm_info req = {.len_bytes = sizeof(info)};
	struct vm_rep rep;

	req.grant = grant_direct(EP_VM, &info, sizeof(info), GRANT_WRITE);
	if (sys_call(EP_VM, VM_INFO_MEM, &req, &rep) != 0 || rep.result < 0)
		info.free_bytes = 0;
	grant_revoke(req.grant);
	return info.free_bytes;
}

static void dma_memory_is_contiguous_zeroed_aligned(void)
{
	static const size_t sizes[] = {100, PAGE_BYTES, 3 * PAGE_BYTES, LARGE, 3 * LARGE};
	static uint64_t bus[1536];

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t pages = (sizes[i] + PAGE_BYTES - 1) / PAGE_BYTES, align = PAGE_BYTES;
		uint64_t pa;
		uint8_t *p = vm_alloc_dma(sizes[i], 0, 0, &pa);

		CHECK(p != NULL);
		while (align < sizes[i] && align < LARGE)
			align *= 2;
		CHECK(pa % align == 0);
		for (size_t at = 0; at < sizes[i]; at += 8)
			CHECK(*(uint64_t *)(p + at) == 0);
		memset(p, 0xa5, sizes[i]);
		CHECK(k_mapdma(p, bus, (unsigned)pages) == 0);
		for (size_t k = 0; k < pages; k++)
			CHECK(bus[k] == pa + k * PAGE_BYTES);
		CHECK(vm_unmap(p, sizes[i]) == 0 && !is_mapped(p));
	}
}

static void dma_memory_obeys_its_flags(void)
{
	uint64_t pa;
	uint8_t *p = vm_alloc_dma(5 * PAGE_BYTES, VM_DMA_BELOW_4G, 77, &pa);

	CHECK(p != NULL && pa + 5 * PAGE_BYTES <= 1ul << 32);
	CHECK((uint64_t)p / PAGE_BYTES % 512 == 77);
	CHECK(vm_unmap(p, 5 * PAGE_BYTES) == 0);
	CHECK(vm_alloc_dma(0, 0, 0, &pa) == NULL && vm_alloc_dma(1ul << 40, 0, 0, &pa) == NULL);
	CHECK(vm_alloc_dma(PAGE_BYTES, 0x80, 0, &pa) == NULL);
}

static void memory_comes_back(void)
{
	uint64_t before = free_bytes(), after, pa;

	for (unsigned i = 0; i < 20; i++) {
		uint8_t *p = vm_alloc_dma(4 * LARGE, 0, 0, &pa);

		CHECK(p != NULL && vm_unmap(p, 4 * LARGE) == 0);
	}
	after = free_bytes();
	CHECK(before > 0 && after + LARGE > before);
}

static void whole_mappings_are_not_cut(void)
{
	uint64_t pa;
	uint8_t *p = vm_alloc_dma(4 * PAGE_BYTES, 0, 0, &pa);

	CHECK(p != NULL);
	CHECK(vm_unmap(p + PAGE_BYTES, PAGE_BYTES) == -EINVAL);
	CHECK(vm_unmap(p, PAGE_BYTES) == -EINVAL);
	CHECK(munmap(p + PAGE_BYTES, PAGE_BYTES) == -1 && errno == EINVAL);
	CHECK(mprotect(p + PAGE_BYTES, PAGE_BYTES, PROT_READ) == -1 && errno == EINVAL);
	CHECK(vm_unmap(&passed, PAGE_BYTES) == -EINVAL);
	CHECK(is_mapped(p) && vm_unmap(p, 4 * PAGE_BYTES) == 0);
}

static void device_memory_needs_a_policy(void)
{
	uint64_t pa;
	uint8_t *p = vm_alloc_dma(PAGE_BYTES, 0, 0, &pa);

	CHECK(p != NULL);
	CHECK(vm_map_phys(0xfee00000, PAGE_BYTES, VMP_READ | VMP_UC) == NULL);
	CHECK(vm_map_phys(0x100000, PAGE_BYTES, VMP_READ | VMP_WRITE) == NULL);
	CHECK(vm_map_phys(pa, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_map_phys(~0ul - 100, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_unmap(p, PAGE_BYTES) == 0);
}

static endpoint_t self(void)
{
	struct kwhoami who;

	return k_getinfo(KINFO_WHOAMI, &who, sizeof(who), 0) < 0 ? EP_NONE : who.ep;
}

#define RWM (GRANT_READ | GRANT_WRITE | GRANT_MAP)

static void granted_memory_is_shared_until_revoked(void)
{
	uint64_t pa;
	uint8_t *p = vm_alloc_dma(2 * LARGE, 0, 0, &pa), *q;
	grant_t g = grant_direct(self(), p, 2 * LARGE, RWM);

	CHECK(p != NULL && g != GRANT_INVALID);
	q = vm_safemap(self(), g, 0, 2 * LARGE, VMP_READ | VMP_WRITE);
	CHECK(q != NULL && q != p);
	for (size_t at = 0; at < 2 * LARGE; at += PAGE_BYTES / 2) {
		p[at] = (uint8_t)(at / 512);
		CHECK(q[at] == (uint8_t)(at / 512));
	}
	q[LARGE + 5] = 9;
	CHECK(p[LARGE + 5] == 9);
	grant_revoke_map(g);
	CHECK(!is_mapped(q) && is_mapped(p) && p[LARGE + 5] == 9);
	CHECK(vm_safemap(self(), g, 0, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_unmap(p, 2 * LARGE) == 0);
}

/* Ordinary memory: not there yet, lent out by nobody, in pieces. */
static void anonymous_memory_can_be_granted(void)
{
	uint8_t *p = mmap(NULL, 64 * PAGE_BYTES, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	grant_t g = grant_direct(self(), p, 64 * PAGE_BYTES, RWM);
	uint8_t *q;

	CHECK(p != MAP_FAILED);
	p[3 * PAGE_BYTES] = 4;
	q = vm_safemap(self(), g, 2 * PAGE_BYTES, 60 * PAGE_BYTES, VMP_READ | VMP_WRITE);
	CHECK(q != NULL && q[PAGE_BYTES] == 4 && q[59 * PAGE_BYTES] == 0);
	q[30 * PAGE_BYTES] = 7;
	CHECK(p[32 * PAGE_BYTES] == 7);
	/* The frames outlive the grantor's mapping. */
	CHECK(munmap(p, 64 * PAGE_BYTES) == 0 && q[30 * PAGE_BYTES] == 7);
	CHECK(vm_unmap(q, 60 * PAGE_BYTES) == 0);
	grant_revoke(g);
}

static void grants_limit_mappings(void)
{
	static uint8_t area[4 * PAGE_BYTES] __attribute__((aligned(4096)));
	grant_t no_map = grant_direct(self(), area, sizeof(area), GRANT_READ | GRANT_WRITE);
	grant_t read_only = grant_direct(self(), area, sizeof(area), GRANT_READ | GRANT_MAP);
	grant_t other = grant_direct(EP_DS, area, sizeof(area), RWM);
	grant_t odd = grant_direct(self(), area + 8, sizeof(area) - 8, RWM);

	CHECK(vm_safemap(self(), no_map, 0, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_safemap(self(), read_only, 0, PAGE_BYTES, VMP_READ | VMP_WRITE) == NULL);
	CHECK(vm_safemap(self(), read_only, 0, 5 * PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_safemap(self(), read_only, 4 * PAGE_BYTES, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_safemap(self(), read_only, ~0ul << 12, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_safemap(self(), read_only, 0, 100, VMP_READ) == NULL);
	CHECK(vm_safemap(self(), read_only, 0, PAGE_BYTES, VMP_READ | VMP_EXEC) == NULL);
	CHECK(vm_safemap(self(), other, 0, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_safemap(self(), odd, 0, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_safemap(EP_DS, 1, 0, PAGE_BYTES, VMP_READ) == NULL);
	CHECK(vm_safemap(self(), read_only, PAGE_BYTES, PAGE_BYTES, VMP_READ) != NULL);
	grant_revoke(no_map);
	grant_revoke_map(read_only);
	grant_revoke(other);
	grant_revoke(odd);
}

static int request(uint32_t type)
{
	uint64_t payload[6] = {(uint64_t)self(), 0, 0, 0, 0, 0};
	struct vm_rep rep;
	int r = sys_call(EP_VM, type, &payload, &rep);

	return r != 0 ? r : rep.result;
}

static void requests_of_others_are_refused(void)
{
	static const uint32_t types[] = {VM_FORK,       VM_EXIT,     VM_SPAWN,      VM_IMAGE_BOOT,
	                                 VM_IMAGE_ADD,  VM_EXEC_NEW, VM_IMAGE_DROP, VM_MAP,
	                                 VM_BOOT_ENTRY, VM_KEY,      VM_FAULTIN};

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK(request(types[i]) == -EPERM);
	CHECK(request(MSG_VM_BASE) == -ENOSYS && request(MSG_VM_BASE + 200) == -ENOSYS);
}

struct row {
	const char *name;
	void (*fn)(void);
};
#define ROW(fn)                                                                                    \
	{                                                                                          \
#fn, fn                                                                            \
	}
static const struct row rows[] = {
	ROW(dma_memory_is_contiguous_zeroed_aligned),
	ROW(dma_memory_obeys_its_flags),
	ROW(memory_comes_back),
	ROW(whole_mappings_are_not_cut),
	ROW(device_memory_needs_a_policy),
	ROW(granted_memory_is_shared_until_revoked),
	ROW(anonymous_memory_can_be_granted),
	ROW(grants_limit_mappings),
	ROW(requests_of_others_are_refused),
};

static int run_all(const struct sys_init *how)
{
	(void)how;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		why = NULL;
		rows[i].fn();
		passed += why == NULL;
		failed += why != NULL;
		sys_log("%s %s%s%s\n", why == NULL ? "ok  " : "FAIL", rows[i].name,
		        why == NULL ? "" : ": not true: ", why == NULL ? "" : why);
	}
	return failed == 0 ? 0 : -EIO;
}

static int status(char *buf, size_t len)
{
	return snprintf(buf, len, "passed=%u\nfailed=%u\n", passed, failed);
}

int main(void)
{
	static const struct sys_component self_test = {.init = run_all, .status = status};

	sys_main(&self_test);
}
