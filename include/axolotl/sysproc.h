/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life cycle of every component that rs guards, handled by sys_main() of lib/sys.
 *
 *   loaded --SYS_INIT--> initialising --SYS_READY--> running --SYS_SHUTDOWN--> exit
 *   (a hot standby stays "loaded": it has run its C start-up and waits for SYS_INIT)
 *
 * Heartbeat: a NOTIFY from rs is answered by a NOTIFY to rs from the main loop.
 * rs publishes the label in ds when it gets SYS_READY; until then nobody knows the endpoint.
 */
#ifndef AXOLOTL_SYSPROC_H
#define AXOLOTL_SYSPROC_H

#include "axolotl/ipc.h"

enum sys_msg {
	SYS_INIT = MSG_SYS_BASE + 1, /* rs -> component, ASEND */
	SYS_READY,                   /* component -> rs, ASEND: struct sys_ready */
	SYS_SHUTDOWN,                /* rs -> component, ASEND: finish and exit(0) */
	SYS_STATUS,                  /* rs -> component, ASEND: struct sys_status_req */
	SYS_CONTROL,                 /* the same, with a command for the component */
};

#define SYS_INIT_FIRST   0u
#define SYS_INIT_RESTART 1u
#define SYS_INIT_UPDATE  2u
struct sys_init {
	uint32_t how;      /* SYS_INIT_* */
	uint32_t restarts; /* of this label since it was brought up */
	char label[LABEL_MAX];
};
struct sys_ready {
	int32_t status; /* 0 or -errno: rs treats an error like a crash */
};
/* STATUS, CONTROL: key=value lines into the grant; the reply (type | MSG_REPLY) has the length. What a
 * command may be is the component's; it does it at once or starts it. */
#define SYS_COMMAND_MAX 40
struct sys_status_req {
	uint32_t id;
	grant_t grant;
	uint32_t len_bytes;
	char command[SYS_COMMAND_MAX]; /* CONTROL: words between blanks, with its NUL */
};
struct sys_status_rep {
	uint32_t id;
	int32_t result; /* bytes written or -errno; -EOPNOTSUPP: takes no commands */
};

#endif
