/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which server answers which Linux call: calls.def turned into the kernel's route table and into
 * pm's own dispatch table, once, at the start.
 */
#include <sys/syscall.h>
#include "axolotl/rs.h"
#include "pm.h"

#define CALLS_MAX 512

static const struct call_entry entries[CALLS_MAX] = {
#define PM_CALL(name, handler) [SYS_##name] = {.fn = handler, .is_for_system = false},
#define PM_ANY(name, handler)  [SYS_##name] = {.fn = handler, .is_for_system = true},
#define VM_CALL(name)
#define VFS_CALL(name)
#include "calls.def"
#undef PM_CALL
#undef PM_ANY
#undef VM_CALL
#undef VFS_CALL
};

#define PM_CALL(name, handler) {SYS_##name, SYS_##name, EP_PM},
#define PM_ANY(name, handler)  {SYS_##name, SYS_##name, EP_PM},
#define VM_CALL(name)          {SYS_##name, SYS_##name, EP_VM},
#define VFS_CALL(name)         {SYS_##name, SYS_##name, EP_VFS},
static const struct klinux_route routes[] = {
#include "calls.def"
	{AXO_NR_SERVICE, AXO_NR_SERVICE, EP_RS},
};
#undef PM_CALL
#undef PM_ANY
#undef VM_CALL
#undef VFS_CALL

const struct call_entry *route_lookup(uint32_t number)
{
	if (number >= CALLS_MAX || !entries[number].fn)
		return NULL;
	return &entries[number];
}

void route_install(void)
{
	struct klinux_route merged[sizeof(routes) / sizeof(routes[0])];
	size_t count = 0;
	int r;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct klinux_route *last = count ? &merged[count - 1] : NULL;
		if (last && last->server == routes[i].server && last->last + 1 == routes[i].first)
			last->last = routes[i].last;
		else
			merged[count++] = routes[i];
	}
	r = k_sysctl(SYSCTL_LINUXTAB, merged, count * sizeof(merged[0]));
	if (r < 0)
		sys_panic("route table refused: %d", r);
}
