/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A protocol's halves as its component's main loop sees them: the server half of a driver, both of a
 * filter. Skeletons (lib/driver, lib/filterbase) hand on to them what sys_main() brings.
 */
#ifndef LIB_SYS_HALF_H
#define LIB_SYS_HALF_H

#include "axolotl/types.h"
#include "axolotl/ds.h"
#include "axolotl/ipc.h"

struct server_half {
	/* true: it was ours */
	bool (*message)(const struct msg *m, enum ipc_primitive how);
	bool (*doorbell)(endpoint_t from);
	void (*idle)(void);                        /* before each RECEIVE */
	int (*status_text)(char *buf, size_t len); /* key=value lines; returns bytes */
};

struct client_half {
	bool (*message)(const struct msg *m);
	bool (*doorbell)(endpoint_t from);
	bool (*ds_change)(const struct ds_change *c);
	void (*alarm)(uint64_t now_ns);
	void (*idle)(void);
	uint64_t (*next_deadline)(void); /* 0: none */
	int (*status_text)(char *buf, size_t len);
};

#endif
