/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interprocess communication: messages and the six primitives (thesis Fig. 2.2 and 2.3).
 *
 * Messages are 64 bytes, copied from sender to receiver and never queued in the kernel. `source`
 * is written by the kernel. Types carry the protocol's base (MSG_*_BASE) plus an operation; a reply
 * has the request's type with MSG_REPLY set. Payloads are structs of at most MSG_PAYLOAD bytes, one
 * per operation, moved in and out by msg_put() and msg_get().
 *
 * Trap: `syscall` with rax = IPC_TRAP_BASE + primitive, rdi, rsi as below; rax returns 0, a
 * primitive number (RECEIVE) or a negative error.
 *
 *   SEND(dst, msg)      blocks until the receiver takes it
 *   RECEIVE(src, msg)   src or EP_ANY; returns how it was sent (enum ipc_primitive). With a table in rdx and
 *                       n > 0 in r10 it is ASEND(table, n) first: who is woken by that finds us waiting, and
 *                       need not come back to us before others run
 *   SENDREC(dst, msg)   SEND, then waits for a message from dst that has MSG_REPLY and was sent
 *                       by SEND or NBSEND: an ASEND or NOTIFY never satisfies it
 *   NBSEND(dst, msg)    -ENOTREADY if dst is not waiting for us
 *   ASEND(table, n)     (re)registers the caller's table of asynchronous messages and delivers
 *                       what can be delivered; the rest when its receiver receives
 *   NOTIFY(dst)         sets a bit at dst; merged until received
 *
 * All errors of a send: -EDEADSRCDST, -ECALLDENIED (counted as a violation), -ELOCKED, -EFAULT.
 */
#ifndef AXOLOTL_IPC_H
#define AXOLOTL_IPC_H

#include <string.h>
#include "axolotl/types.h"

#define MSG_BYTES   64
#define MSG_PAYLOAD 56

struct msg {
	endpoint_t source; /* written by the kernel */
	uint32_t type;
	union {
		uint8_t raw[MSG_PAYLOAD];
		uint64_t words[MSG_PAYLOAD / 8];
	} body;
};
_Static_assert(sizeof(struct msg) == MSG_BYTES, "message size");

#define MSG_REPLY  0x80000000u /* set in every reply */
#define MSG_NOTIFY 0x20000000u /* the type of every notification */
#define MSG_KERNEL 0x10000000u /* made by the kernel: refused from user mode */
#define MSG_LINUX  0x00010000u /* a redirected Linux call; low 16 bits: its number */

#define MSG_SYS_BASE  0x0000 /* every system process: life cycle (sys.h of lib/sys) */
#define MSG_PM_BASE   0x0100
#define MSG_VM_BASE   0x0200
#define MSG_VFS_BASE  0x0300
#define MSG_FS_BASE   0x0400 /* vfs <-> file servers */
#define MSG_DS_BASE   0x0500
#define MSG_RS_BASE   0x0600
#define MSG_PCI_BASE  0x0700
#define MSG_BLK_BASE  0x0800
#define MSG_CHR_BASE  0x0900
#define MSG_NET_BASE  0x0a00
#define MSG_SOCK_BASE 0x0a80 /* vfs <-> inet */
#define MSG_INFO_BASE 0x0b00 /* pm, vm, vfs, rs -> procfs and is: status queries */

#define IPC_TRAP_BASE 0x1000

enum ipc_primitive {
	IPC_SEND,
	IPC_RECEIVE,
	IPC_SENDREC,
	IPC_NBSEND,
	IPC_ASEND,
	IPC_NOTIFY,
	IPC_PRIMITIVES
};

/* Payload of a notification. */
struct notify_body {
	uint64_t t_ns;      /* monotonic time at which it was delivered */
	uint64_t irq_hooks; /* source EP_HARDWARE: bit i = hook id i fired */
};

/* Payload of a redirected Linux call (type MSG_LINUX | number); the reply is struct linux_rep. */
struct linux_call {
	uint64_t args[6];
};
struct linux_rep {
	int64_t result; /* becomes rax; -ERESTARTSYS is allowed, see protocols.md */
};

/* Kernel messages (type MSG_KERNEL | n); the source is the process that is held. */
enum kernel_msg {
	KMSG_FAULT = 1, /* to vm: page fault of the source, or of a copy it asked for */
	KMSG_EXCEPTION, /* to pm: the source raised a CPU exception and is held */
	KMSG_SIGREADY,  /* to pm: the source finished the call that SIGSEND had to wait for */
	KMSG_KILLED,    /* to pm: KILL was called on the source, or the source called EXIT */
};
struct kmsg_fault {
	endpoint_t target; /* whose address space lacks the page; may differ from the source */
	uint32_t flags;    /* KFAULT_* */
	uint64_t addr;
	uint64_t len_bytes; /* vm may resolve the whole range at once */
	uint64_t rip;
};
#define KFAULT_WRITE   1u
#define KFAULT_EXEC    2u
#define KFAULT_PRESENT 4u /* protection fault on a present page */
#define KFAULT_COPY    8u /* raised by a kernel call of the source, not by its own access */
struct kmsg_exception {
	uint32_t vector; /* CPU vector, 14 = page fault that vm refused */
	int32_t signo;   /* the signal that Linux would send */
	uint64_t addr;
	uint64_t rip;
	uint64_t error_code;
};
struct kmsg_killed {
	int32_t signo;  /* 0: EXIT */
	int32_t status; /* of EXIT */
};

/* One slot of an ASEND table. The kernel reads it when it can deliver and writes status, flags. */
struct asend_slot {
	uint32_t flags; /* AMF_* */
	endpoint_t dst;
	int32_t status; /* valid with AMF_DONE: 0 or -errno */
	uint32_t reserved;
	uint64_t cookie; /* the sender's own */
	struct msg m;
};
#define AMF_VALID 1u  /* set by the sender: slot holds a message */
#define AMF_DONE  2u  /* set by the kernel: delivered or failed */
#define ASEND_MAX 256 /* largest table */

/* Stubs, lib/sys. */
int ipc_send(endpoint_t dst, const struct msg *m) MUST_CHECK;
int ipc_receive(endpoint_t src, struct msg *m) MUST_CHECK;
int ipc_sendrec(endpoint_t dst, struct msg *m) MUST_CHECK;
int ipc_nbsend(endpoint_t dst, const struct msg *m) MUST_CHECK;
int ipc_asend(struct asend_slot *table, unsigned count) MUST_CHECK;
/* ASEND, then RECEIVE, in one trap; the errors of both. */
int ipc_asend_receive(struct asend_slot *table, unsigned count, endpoint_t src,
                      struct msg *m) MUST_CHECK;
int ipc_notify(endpoint_t dst);

static inline void msg_put_bytes(struct msg *m, uint32_t type, const void *payload, size_t len)
{
	m->source = EP_NONE;
	m->type = type;
	memset(m->body.raw, 0, MSG_PAYLOAD);
	memcpy(m->body.raw, payload, len);
}

/* Build a message from a payload struct; read the payload of a message into a struct. */
#define msg_put(m, msg_type, payload)                                                              \
	do {                                                                                       \
		_Static_assert(sizeof(*(payload)) <= MSG_PAYLOAD, "payload too large");            \
		msg_put_bytes((m), (msg_type), (payload), sizeof(*(payload)));                     \
	} while (0)
#define msg_get(m, payload)                                                                        \
	do {                                                                                       \
		_Static_assert(sizeof(*(payload)) <= MSG_PAYLOAD, "payload too large");            \
		memcpy((payload), (m)->body.raw, sizeof(*(payload)));                              \
	} while (0)

#endif
