/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm, the virtual memory server (thesis 2.2; architecture 4): physical memory and address spaces.
 * Started by the kernel as the first process; starts ds, pm, vfs and rs, then serves faults (from
 * the kernel), memory calls of applications, and requests of servers and drivers (vm.h).
 *
 * vm waits for nobody but the kernel: what it needs from vfs (tokens, pages of files) it asks for
 * by ASEND, and keeps the question in a table (mmap.c, fetch.c, wait.c). It uses no malloc: tables
 * are static or in frames of its own. It is part of the trusted base and keeps no state over a
 * restart, because it is never restarted.
 */
#include <errno.h>
#include <sys/syscall.h>
#include "axolotl/vfs.h"
#include "sys/sys.h"
#include "vm.h"

static struct boot_info boot;

struct linux_entry {
	uint32_t number;
	linux_fn_t fn;
};
static const struct linux_entry linux_table[] = {
	{SYS_brk, linux_brk},           {SYS_mmap, linux_mmap},
	{SYS_munmap, linux_munmap},     {SYS_mprotect, linux_mprotect},
	{SYS_mremap, linux_mremap},     {SYS_madvise, linux_madvise},
	{SYS_msync, linux_msync},       {SYS_mlock, linux_mlock},
	{SYS_mlock2, linux_mlock},      {SYS_munlock, linux_munlock},
	{SYS_mlockall, linux_mlockall}, {SYS_munlockall, linux_munlock},
	{SYS_mincore, linux_mincore},   {SYS_shmget, linux_shmget},
	{SYS_shmat, linux_shmat},       {SYS_shmdt, linux_shmdt},
	{SYS_shmctl, linux_shmctl},
};

typedef void (*request_fn_t)(const struct msg *m, struct vm_rep *rep);
struct request_entry {
	uint32_t type;
	endpoint_t from; /* EP_ANY: every system process */
	request_fn_t fn;
};
static const struct request_entry request_table[] = {
	{VM_FORK, EP_PM, process_fork},
	{VM_EXIT, EP_PM, process_exit},
	{VM_SPAWN, EP_PM, spawn_request},
	{VM_IMAGE_BOOT, EP_RS, image_boot},
	{VM_IMAGE_ADD, EP_RS, image_add},
	{VM_IMAGE_DROP, EP_RS, image_drop},
	{VM_BOOT_ENTRY, EP_RS, image_boot_entry},
	{VM_EXEC_NEW, EP_VFS, exec_new},
	{VM_MAP, EP_VFS, exec_map},
	{VM_KEY, EP_PM, process_key},
	{VM_FAULTIN, EP_PM, wait_faultin_now},
	{VM_FAULTIN, EP_RS, wait_faultin_now},
	{VM_ALLOC_DMA, EP_ANY, share_alloc_dma},
	{VM_MAP_PHYS, EP_ANY, share_map_phys},
	{VM_SAFEMAP, EP_ANY, share_safemap},
	{VM_UNMAP, EP_ANY, share_unmap},
	{VM_REVOKE, EP_ANY, share_revoke},
	{VM_INFO_MEM, EP_ANY, info_mem},
	{VM_INFO_PROC, EP_ANY, info_proc},
	{VM_INFO_MAPS, EP_ANY, info_maps},
};

void vm_fail(const char *file, int line, const char *what)
{
	sys_panic("%s:%d: assertion failed: %s", file, line, what);
}

/* Lost if the process is gone or was taken out of its call. */
void linux_reply(endpoint_t ep, uint32_t type, int64_t result)
{
	struct linux_rep rep = {.result = result};
	struct msg m;

	msg_put(&m, type | MSG_REPLY, &rep);
	if (ipc_nbsend(ep, &m) < 0)
		return;
}

static void linux_request(const struct msg *m)
{
	struct linux_request rq = {.ep = m->source, .space = space_of(m->source), .type = m->type};
	struct linux_call call;
	int64_t result = -ENOSYS;

	msg_get(m, &call);
	memcpy(rq.args, call.args, sizeof(rq.args));
	for (unsigned i = 0; i < ARRAY_LEN(linux_table); i++) {
		if (linux_table[i].number != (m->type & 0xffff))
			continue;
		result = rq.space == NULL ? -ESRCH : linux_table[i].fn(&rq);
		break;
	}
	if (result != -ESUSPENDREP)
		linux_reply(m->source, m->type, result);
}

static void token_drop(const struct msg *m)
{
	struct vm_token req;
	struct object *o;

	msg_get(m, &req);
	o = object_find_token(req.token);
	if (m->source != EP_VFS || o == NULL)
		return; /* given back already: the messages crossed */
	o->is_stale = true;
	object_drop_if_unused(o);
}

static void request(const struct msg *m, enum ipc_primitive how)
{
	struct vm_rep rep = {.result = -ENOSYS};

	for (unsigned i = 0; i < ARRAY_LEN(request_table); i++) {
		const struct request_entry *e = &request_table[i];

		if (e->type != m->type)
			continue;
		rep.result = -EPERM;
		if (e->from == EP_ANY || e->from == m->source) {
			e->fn(m, &rep);
			break;
		}
	}
	if (rep.result == -EPERM || rep.result == -ENOSYS)
		sys_violation(m->source, VIOL_REQUEST, m->type);
	sys_reply(m, how, &rep);
}

static void vfs_answer(const struct msg *m)
{
	if (m->type == (VFS_FD_MAP | MSG_REPLY))
		mmap_fd_reply(m);
	else if (m->type == (VFS_FETCH | MSG_REPLY))
		fetch_reply(m);
}

/* Those above us that act on processes. */
static bool is_base(endpoint_t ep)
{
	return ep == EP_PM || ep == EP_VFS || ep == EP_RS;
}

static void dispatch(const struct msg *m, enum ipc_primitive how)
{
	if (how == IPC_NOTIFY) {
		if (m->source == EP_RS)
			ipc_notify(EP_RS); /* heartbeat */
	} else if (m->type == (MSG_KERNEL | KMSG_FAULT)) {
		wait_fault(m);
	} else if (m->type & MSG_REPLY) {
		if (m->source == EP_VFS)
			vfs_answer(m);
	} else if (m->type & MSG_LINUX) {
		linux_request(m);
	} else if (m->type == VM_FAULTIN && how == IPC_ASEND && is_base(m->source)) {
		wait_faultin(m);
	} else if (m->type == VM_TOKEN_DROP) {
		token_drop(m);
	} else {
		request(m, how);
	}
}

static void start(void)
{
	if (k_getinfo(KINFO_BOOT, &boot, sizeof(boot), 0) < 0)
		k_exit(1);
	memory_init(&boot);
	special_init(&boot);
	image_init((const uint8_t *)RAM_VA + boot.archive_pa, boot.archive_pa, boot.archive_bytes);
	boot_start_servers();
	sys_log("%lu MiB of RAM free\n", ADDR_OF(frame_counts.free) >> 20);
}

int main(void)
{
	struct msg m;
	int how;

	start();
	for (;;) {
		object_flush_releases();
		wait_retry();
		how = ipc_receive(EP_ANY, &m);
		if (how < 0)
			sys_panic("RECEIVE failed: %d", how);
		dispatch(&m, (enum ipc_primitive)how);
	}
}
