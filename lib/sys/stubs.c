/* SPDX-License-Identifier: BSD-2-Clause */
/* Stubs of the IPC primitives (ipc.h) and the kernel calls (kcall.h). */
#include "sys/sys.h"
#include "sys/trap.h"

static int ipc(enum ipc_primitive p, long a, const void *b)
{
	return (int)sys_trap(IPC_TRAP_BASE + p, a, (long)b, 0, 0, 0, 0);
}

int ipc_send(endpoint_t dst, const struct msg *m)
{
	return ipc(IPC_SEND, dst, m);
}

int ipc_receive(endpoint_t src, struct msg *m)
{
	return ipc(IPC_RECEIVE, src, m);
}

int ipc_sendrec(endpoint_t dst, struct msg *m)
{
	int r = ipc(IPC_SENDREC, dst, m);

	return r < 0 ? r : 0; /* what arrived was sent by SEND or NBSEND */
}

int ipc_nbsend(endpoint_t dst, const struct msg *m)
{
	return ipc(IPC_NBSEND, dst, m);
}

int ipc_asend(struct asend_slot *table, unsigned count)
{
	return (int)sys_trap(IPC_TRAP_BASE + IPC_ASEND, (long)table, count, 0, 0, 0, 0);
}

int ipc_asend_receive(struct asend_slot *table, unsigned count, endpoint_t src, struct msg *m)
{
	return (int)sys_trap(IPC_TRAP_BASE + IPC_RECEIVE, src, (long)m, (long)table, count, 0, 0);
}

int ipc_notify(endpoint_t dst)
{
	return ipc(IPC_NOTIFY, dst, NULL);
}

static long kcall(enum kcall number, long a, long b, long c)
{
	return sys_trap(KCALL_TRAP_BASE + (long)number, a, b, c, 0, 0, 0);
}

int k_fork(const struct kfork *f)
{
	return (int)kcall(KC_FORK, (long)f, 0, 0);
}

int k_exec(endpoint_t ep, const struct kexec *e)
{
	return (int)kcall(KC_EXEC, ep, (long)e, 0);
}

int k_clear(endpoint_t ep)
{
	return (int)kcall(KC_CLEAR, ep, 0, 0);
}

int k_kill(endpoint_t ep, int signo)
{
	return (int)kcall(KC_KILL, ep, signo, 0);
}

int k_sigsend(endpoint_t ep, struct kregs *regs, endpoint_t *blocked_on)
{
	return (int)kcall(KC_SIGSEND, ep, (long)regs, (long)blocked_on);
}

int k_sigreturn(endpoint_t ep, const struct kregs *regs)
{
	return (int)kcall(KC_SIGRETURN, ep, (long)regs, 0);
}

int k_privctl(enum privctl_op op, endpoint_t ep, void *arg)
{
	return (int)kcall(KC_PRIVCTL, op, ep, (long)arg);
}

int k_sched(enum sched_op op, endpoint_t ep, unsigned priority, unsigned quantum_us)
{
	return (int)sys_trap(KCALL_TRAP_BASE + KC_SCHED, op, ep, priority, quantum_us, 0, 0);
}

int k_trace(enum trace_op op, endpoint_t ep, const struct ktrace *t)
{
	return (int)kcall(KC_TRACE, op, ep, (long)t);
}

int k_vmctl(enum vmctl_op op, struct kvmctl *v)
{
	return (int)kcall(KC_VMCTL, op, (long)v, 0);
}

int k_safecopy_from(endpoint_t grantor, grant_t g, uint64_t offset, void *local, size_t len_bytes)
{
	return (int)sys_trap(KCALL_TRAP_BASE + KC_SAFECOPY, grantor, g, (long)offset, (long)local,
	                     (long)len_bytes, 0);
}

int k_safecopy_to(endpoint_t grantor, grant_t g, uint64_t offset, const void *local,
                  size_t len_bytes)
{
	return (int)sys_trap(KCALL_TRAP_BASE + KC_SAFECOPY, grantor, g, (long)offset, (long)local,
	                     (long)len_bytes, 1);
}

int k_vsafecopy(const struct safecopy_vec *vec, unsigned count)
{
	return (int)kcall(KC_VSAFECOPY, (long)vec, count, 0);
}

int k_setgrant(const struct grant_entry *table, unsigned count)
{
	return (int)kcall(KC_SETGRANT, (long)table, count, 0);
}

int k_vircopy(endpoint_t src, uint64_t src_addr, endpoint_t dst, uint64_t dst_addr,
              size_t len_bytes)
{
	return (int)sys_trap(KCALL_TRAP_BASE + KC_VIRCOPY, src, (long)src_addr, dst, (long)dst_addr,
	                     (long)len_bytes, 0);
}

int k_mapdma(const void *addr, uint64_t *bus, unsigned count)
{
	return (int)kcall(KC_MAPDMA, (long)addr, (long)bus, count);
}

int k_vdevio(struct vdevio *vec, unsigned count)
{
	return (int)kcall(KC_VDEVIO, (long)vec, count, 0);
}

int k_irqctl(enum irqctl_op op, struct kirqctl *i)
{
	return (int)kcall(KC_IRQCTL, op, (long)i, 0);
}

int k_setalarm(uint64_t t_ns)
{
	return (int)kcall(KC_SETALARM, (long)t_ns, 0, 0);
}

int k_setalarm_idle(uint64_t t_ns)
{
	return (int)kcall(KC_SETALARM, (long)t_ns, ALARM_IDLE, 0);
}

int k_times(endpoint_t ep, struct ktimes *t)
{
	return (int)kcall(KC_TIMES, ep, (long)t, 0);
}

int k_getinfo(enum kinfo what, void *buf, size_t len_bytes, uint64_t arg)
{
	return (int)sys_trap(KCALL_TRAP_BASE + KC_GETINFO, what, (long)buf, (long)len_bytes,
	                     (long)arg, 0, 0);
}

int k_sysctl(enum sysctl_op op, const void *buf, size_t len_bytes)
{
	return (int)kcall(KC_SYSCTL, op, (long)buf, (long)len_bytes);
}

int k_settls(endpoint_t ep, unsigned which, uint64_t base)
{
	return (int)kcall(KC_SETTLS, ep, which, (long)base);
}

void k_exit(int status)
{
	for (;;)
		kcall(KC_EXIT, status, 0, 0);
}
