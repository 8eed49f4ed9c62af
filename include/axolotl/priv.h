/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Privileges of a process (thesis Fig. 2.6 and 3.7): everything is denied unless a bit is set here.
 *
 * A privilege structure is named by a small id that belongs to a *label*, not to an incarnation: a
 * restarted driver gets a new endpoint and the same id, so the send masks of its peers stay right.
 * Send masks are bitmaps over ids and symmetric: if A may send to B, rs also lets B send to A.
 * All applications share PRIV_ID_USER. A standby has PRIV_ID_STANDBY until it is promoted.
 */
#ifndef AXOLOTL_PRIV_H
#define AXOLOTL_PRIV_H

#include "axolotl/types.h"
#include "axolotl/ipc.h"

#define NR_PRIVS 128

enum priv_id {
	PRIV_ID_NONE, /* may do nothing at all */
	PRIV_ID_VM,
	PRIV_ID_DS,
	PRIV_ID_PM,
	PRIV_ID_VFS,
	PRIV_ID_RS,
	PRIV_ID_USER,
	PRIV_ID_STANDBY, /* may only receive from rs and send to rs */
	PRIV_ID_DYNAMIC, /* first id that rs hands out */
};

#define PRIV_SYSTEM      0x01u /* exceptions and exits are reported to rs through pm */
#define PRIV_LINUX       0x02u /* may make redirected Linux calls (subject to the send mask) */
#define PRIV_PROXY_GRANT 0x04u /* may own proxy grants (vfs) */
#define PRIV_MANAGER     0x08u /* kernel calls that act on other processes are allowed (vm, pm, rs) */
#define PRIV_PCI         0x10u /* may add I/O, memory and MSI to others (pci) */
#define PRIV_FIXED       0x20u /* the trusted base: its death is a panic */

#define PRIV_RANGES_MAX 10

struct priv_range {
	uint64_t base;
	uint64_t len;
};

struct priv {
	uint32_t id;
	uint32_t flags;      /* PRIV_* */
	uint32_t ipc_mask;   /* bit i: enum ipc_primitive i */
	uint32_t reserved;   /* 0 */
	uint64_t kcall_mask; /* bit i: kernel call i */
	uint64_t send_mask[NR_PRIVS / 64];
	char label[LABEL_MAX];
	uint16_t io_count, irq_count, mem_count, msi_count; /* msi_count: vectors it may have */
	struct priv_range io[PRIV_RANGES_MAX];              /* ports */
	struct priv_range mem[PRIV_RANGES_MAX];             /* physical addresses, page aligned */
	uint8_t irq[PRIV_RANGES_MAX];                       /* legacy lines (GSI) */
	uint8_t pad[6];
};

/* Kinds of violation, in the terms of thesis Fig. 5.5, plus ours. Counted for each privilege id. */
enum violation {
	VIOL_KCALL_DENIED,  /* kernel call not allowed by policy */
	VIOL_KCALL_NUMBER,  /* kernel call rejected: invalid number */
	VIOL_IPC_ENDPOINT,  /* IPC trap with an invalid destination */
	VIOL_IPC_TARGET,    /* IPC to an unauthorized destination */
	VIOL_IPC_PRIMITIVE, /* IPC primitive invalid or not allowed */
	VIOL_REQUEST,       /* request rejected by the IPC target (reported by it) */
	VIOL_IO_PORT,       /* VDEVIO outside the policy */
	VIOL_IRQ,
	VIOL_MEMORY,    /* device memory outside the policy */
	VIOL_GRANT,     /* SAFECOPY or mapping without a valid grant */
	VIOL_LINUX,     /* Linux call that the policy does not allow */
	VIOL_EXCEPTION, /* CPU or MMU exception */
	VIOL_KINDS
};

#endif
