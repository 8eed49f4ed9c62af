/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every system process links: main loop, replies, asynchronous sends, grants, time, log, and
 * small wrappers of ds and vm. IPC and kernel-call stubs are declared in axolotl/ipc.h, kcall.h.
 *
 * Single threaded. Handlers run to completion and must not block, except for SENDREC downwards
 * (architecture D6): anybody -> vm, ds; drivers and filters -> pci too. Static memory or malloc (musl's,
 * through vm; not in vm, ds).
 */
#ifndef LIB_SYS_H
#define LIB_SYS_H

#include <stdarg.h>
#include "axolotl/types.h"
#include "axolotl/errno.h"
#include "axolotl/ipc.h"
#include "axolotl/kcall.h"
#include "axolotl/sysproc.h"
#include "axolotl/ds.h"
#include "axolotl/rs.h"
#include "axolotl/blk.h"
#include "axolotl/vm.h"

/* ---- main loop of a guarded component ---- */

struct sys_component {
	/* After SYS_INIT; an error ends the process and rs tries again. */
	int (*init)(const struct sys_init *how);
	/* Requests and replies of others; `how` tells whether the source waits (IPC_SENDREC is seen as
	 * IPC_SEND: a request is answered with sys_reply). */
	void (*message)(const struct msg *m, enum ipc_primitive how);
	void (*doorbell)(endpoint_t from); /* NOTIFY from anybody but rs, ds, clock, hardware */
	void (*interrupt)(uint64_t hooks); /* bit i: IRQ hook i */
	void (*alarm)(uint64_t now_ns);    /* set with k_setalarm */
	void (*ds_change)(const struct ds_change *c); /* after ds_subscribe */
	void (*idle)(void);     /* before each RECEIVE: flush batches, ring doorbells */
	void (*shutdown)(void); /* may be NULL: exit(0) at once */
	int (*status)(char *buf, size_t len); /* key=value lines; returns bytes; may be NULL */
	/* `service control`: does it or starts it; says how things are as status() does, or
	 * -errno; may be NULL. It must not wait. */
	int (*control)(const char *command, char *buf, size_t len);
};
/* Waits for SYS_INIT, runs init, reports SYS_READY, then loops; returns never. Any callback but init
 * may be NULL: such messages are counted and dropped (requests get -ENOSYS). */
void sys_main(const struct sys_component *c) __attribute__((noreturn));
const char *sys_label(void); /* from SYS_INIT */

/* Answer a request: by ASEND if it came by ASEND, else by NBSEND. Lost if the peer is gone. */
void sys_reply_bytes(const struct msg *req, enum ipc_primitive how, const void *payload,
                     size_t len);
#define sys_reply(req, how, payload)                                                               \
	do {                                                                                       \
		_Static_assert(sizeof(*(payload)) <= MSG_PAYLOAD, "payload too large");            \
		sys_reply_bytes((req), (how), (payload), sizeof(*(payload)));                      \
	} while (0)

/* Asynchronous send; -EAGAIN when all slots of the table are undelivered (bounded: ASEND_MAX). */
int sys_asend(endpoint_t dst, const struct msg *m) MUST_CHECK;
/* The same, but it leaves with the next sys_asend() or, at the latest, when the main loop waits again: a receiver that
 * runs before us does not interrupt us. Without a main loop of this library: sys_receive() does it. */
int sys_asend_later(endpoint_t dst, const struct msg *m) MUST_CHECK;
/* RECEIVE from anybody, after what sys_asend_later() has kept. */
int sys_receive(struct msg *m) MUST_CHECK;
/* Number of undelivered messages to dst. */
unsigned sys_asend_pending(endpoint_t dst);
/* Forget what is undelivered to dst (it died). */
void sys_asend_cancel(endpoint_t dst);

/* SENDREC of a request struct and its reply struct; returns 0 or the IPC error. */
int sys_call_bytes(endpoint_t dst, uint32_t type, const void *req, size_t req_len, void *rep,
                   size_t rep_len) MUST_CHECK;
#define sys_call(dst, type, req, rep)                                                              \
	sys_call_bytes((dst), (type), (req), sizeof(*(req)), (rep), sizeof(*(rep)))

/* ---- grants (grant.h): GRANT_INVALID when the table is full ---- */

grant_t grant_direct(endpoint_t grantee, const void *addr, size_t len, unsigned access);
grant_t grant_indirect(endpoint_t grantee, endpoint_t from, grant_t parent, uint64_t offset,
                       size_t len, unsigned access);
grant_t grant_proxy(endpoint_t grantee, endpoint_t owner, uint64_t addr, size_t len,
                    unsigned access);
void grant_revoke(grant_t g);     /* GRANT_INVALID is allowed */
void grant_revoke_map(grant_t g); /* also unmaps it wherever it is mapped (VM_REVOKE) */
unsigned grants_in_use(void);

/* ---- time, log ---- */

uint64_t now_ns(void); /* monotonic, no trap */
uint64_t wall_ns(void);
/* The earlier one of two points in time, of which 0 means never. */
static inline uint64_t ns_earlier(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a | b;
	return a < b ? a : b;
}
void sys_log(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* rate-limited */
void sys_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void log_event(enum event_kind kind, endpoint_t ep, const char *label, uint64_t a, uint64_t b);
/* A request that we refused as not allowed: counted against its sender. */
void sys_violation(endpoint_t ep, enum violation kind, uint64_t detail);
void sys_complain(endpoint_t about, enum proto_rule rule, uint32_t unit, uint32_t request,
                  const void *evidence, size_t len);

#define SYS_ASSERT(cond)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			sys_panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond);       \
	} while (0)

/* ---- ds ---- */

int ds_publish_str(const char *key, const char *value) MUST_CHECK;
/* rs only; cause: enum rs_cause of the end of the incarnation before. */
int ds_publish_label(const char *label, endpoint_t ep, uint32_t cause) MUST_CHECK;
int ds_lookup_label(const char *label, endpoint_t *ep) MUST_CHECK;
int ds_lookup_str(const char *key, char *buf, size_t len) MUST_CHECK;
int ds_save(const char *key, const void *data, size_t len) MUST_CHECK; /* private MEM entry */
int ds_load(const char *key, void *data, size_t len) MUST_CHECK;       /* returns bytes */
int ds_delete(const char *key) MUST_CHECK;
int ds_subscribe(const char *pattern) MUST_CHECK;

/* ---- vm ---- */

/* Contiguous zeroed DMA memory; *pa is its physical (bus) address. NULL when there is none. */
void *vm_alloc_dma(size_t len, unsigned flags, unsigned colour, uint64_t *pa);
void *vm_map_phys(uint64_t pa, size_t len, unsigned prot);
void *vm_safemap(endpoint_t grantor, grant_t g, uint64_t offset, size_t len, unsigned prot);
int vm_unmap(void *addr, size_t len) MUST_CHECK;

#endif
