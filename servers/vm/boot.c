/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of the trusted base: ds, pm, vfs and rs from the boot archive, in the order that gives them
 * their fixed slots. Their privileges are written here, because nobody could grant them any; all
 * other privileges are the business of rs and pm. They are never restarted (PRIV_FIXED).
 */
#include <string.h>
#include <sys/syscall.h>
#include "sys/sys.h"
#include "vm.h"

#define KCALL_BIT(name) (1ul << KC_##name)
/* What every one of them may call. */
#define KCALLS_COMMON                                                                              \
	(KCALL_BIT(SAFECOPY) | KCALL_BIT(VSAFECOPY) | KCALL_BIT(SETGRANT) | KCALL_BIT(PRIVCTL) |   \
	 KCALL_BIT(SETALARM) | KCALL_BIT(TIMES) | KCALL_BIT(GETINFO) | KCALL_BIT(SYSCTL) |         \
	 KCALL_BIT(SETTLS) | KCALL_BIT(EXIT))
#define KCALLS_PROCESSES                                                                           \
	(KCALL_BIT(FORK) | KCALL_BIT(EXEC) | KCALL_BIT(CLEAR) | KCALL_BIT(KILL) |                  \
	 KCALL_BIT(SIGSEND) | KCALL_BIT(SIGRETURN) | KCALL_BIT(SCHED) | KCALL_BIT(TRACE) |         \
	 KCALL_BIT(VIRCOPY))
#define BASE_QUANTUM_US 50000u

struct base_server {
	const char *name;
	endpoint_t ep;
	uint32_t priv_id;
	uint32_t flags;
	uint64_t kcalls;
	unsigned priority;
};

static const struct base_server base_servers[] = {
	{"ds", EP_DS, PRIV_ID_DS, 0, KCALLS_COMMON, 2},
	{"pm", EP_PM, PRIV_ID_PM, PRIV_MANAGER | PRIV_LINUX, KCALLS_COMMON | KCALLS_PROCESSES, 2},
	{"vfs", EP_VFS, PRIV_ID_VFS, PRIV_PROXY_GRANT | PRIV_LINUX,
         KCALLS_COMMON | KCALL_BIT(VIRCOPY), 2},
	{"rs", EP_RS, PRIV_ID_RS, PRIV_MANAGER | PRIV_LINUX, KCALLS_COMMON | KCALLS_PROCESSES, 1},
};

/* Until pm has set the whole table: the calls that their malloc makes. */
static const struct klinux_route memory_routes[] = {
	{SYS_mmap, SYS_brk, EP_VM},
	{SYS_mremap, SYS_mremap, EP_VM},
	{SYS_madvise, SYS_madvise, EP_VM},
};
_Static_assert(SYS_mmap == 9 && SYS_mprotect == 10 && SYS_munmap == 11 && SYS_brk == 12,
               "these four are neighbours");

static int set_privileges(const struct base_server *b)
{
	struct priv p = {.id = b->priv_id,
	                 .flags = b->flags | PRIV_SYSTEM | PRIV_FIXED,
	                 .ipc_mask = (1u << IPC_PRIMITIVES) - 1,
	                 .kcall_mask = b->kcalls};

	memset(p.send_mask, 0xff, sizeof(p.send_mask)); /* everybody is their client */
	memcpy(p.label, b->name, strlen(b->name));
	return k_privctl(PRIVCTL_SET, b->ep, &p);
}

static int start_server(const struct base_server *b)
{
	struct spawn sp = {.args = b->name,
	                   .args_bytes = (uint32_t)strlen(b->name) + 1,
	                   .argc = 1,
	                   .name = b->name};
	uint32_t image;
	int err = image_load_boot(b->name, &image);

	if (err < 0)
		return err;
	sp.image = image_nth(image);
	err = k_fork(&(struct kfork){.parent = EP_NONE, .flags = KFORK_FRESH});
	if (err != b->ep)
		return err < 0 ? err : -1;
	err = set_privileges(b);
	if (err == 0)
		err = k_sched(SCHED_SET, b->ep, b->priority, BASE_QUANTUM_US);
	return err < 0 ? err : spawn_into(b->ep, &sp);
}

void boot_start_servers(void)
{
	int err = k_sysctl(SYSCTL_LINUXTAB, memory_routes, sizeof(memory_routes));

	if (err < 0)
		sys_panic("routes of the memory calls are refused: %d", err);
	for (unsigned i = 0; i < ARRAY_LEN(base_servers); i++) {
		err = start_server(&base_servers[i]);
		if (err < 0)
			sys_panic("%s cannot be started: %d", base_servers[i].name, err);
	}
}
