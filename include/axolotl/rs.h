/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rs, the reincarnation server (thesis 2.2 and 4). Components complain by ASEND; pm reports deaths by
 * ASEND; vfs asks for file servers by ASEND; the service utility uses the Linux-range call
 * AXO_NR_SERVICE, which the kernel redirects to rs like any other call.
 */
#ifndef AXOLOTL_RS_H
#define AXOLOTL_RS_H

#include "axolotl/ipc.h"

/* long syscall(AXO_NR_SERVICE, struct service_args *): root only, except for list and status. */
#define AXO_NR_SERVICE 1000
struct service_args {
	const char *
		argv; /* NUL-separated words as typed: "up", "/sbin/ahci", "-label", "ahci0", ... */
	uint64_t argv_bytes;
	const void *
		image; /* up, update: the ELF; NULL: take it from the boot archive or the mirror copy */
	uint64_t image_bytes;
	const char *
		config; /* up: text of the isolation file, NULL: /etc/system.conf of the boot archive */
	uint64_t config_bytes;
	char *out; /* result text: a table, JSON, or an error message */
	uint64_t out_bytes;
};

enum rs_msg {
	RS_CHILD_EXIT = MSG_RS_BASE + 1, /* pm, ASEND: struct rs_child_exit */
	RS_COMPLAIN,                     /* component, ASEND: struct rs_complaint */
	RS_UP_FS,                        /* vfs, ASEND: struct rs_up_fs -> struct rs_rep by ASEND */
	RS_DOWN, /* vfs, ASEND: struct rs_up_fs: end the file server of a mount */
	RS_INFO, /* procfs, SENDREC: struct rs_info: table or JSON text */
};

enum rs_cause { /* of a recovery: thesis Fig. 4.1 */
	        CAUSE_NONE,
	        CAUSE_EXIT,      /* internal panic or unexpected exit */
	        CAUSE_EXCEPTION, /* CPU or MMU exception */
	        CAUSE_SIGNAL,    /* killed by a user */
	        CAUSE_HEARTBEAT,
	        CAUSE_COMPLAINT,
	        CAUSE_UPDATE, /* refresh or update was asked for */
	        CAUSE_INIT,   /* did not become ready */
	        CAUSE_COUNT
};

struct rs_child_exit {
	endpoint_t ep;
	int32_t pid;
	int32_t signo;   /* 0: exited */
	int32_t status;  /* exit status */
	uint32_t vector; /* CPU exception, or 0 */
	uint64_t rip, addr;
};
struct rs_complaint {
	endpoint_t about; /* C2: of the incarnation that misbehaved */
	uint16_t rule;    /* enum proto_rule */
	uint16_t reserved;
	uint32_t request; /* its id */
	uint32_t unit;
	uint8_t evidence[32];
};
struct rs_up_fs {
	uint32_t id;
	char binary[16];       /* "mfs" */
	char label[LABEL_MAX]; /* "mfs.disk" */
};
struct rs_rep {
	uint32_t id;
	int32_t result;
	endpoint_t ep;
};
struct rs_info {
	grant_t grant;
	uint32_t len_bytes;
	uint32_t is_json;
};

#endif
