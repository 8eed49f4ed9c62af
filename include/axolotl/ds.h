/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ds, the data store (thesis 4.2.3, Fig. 4.4). Everybody may SENDREC to it; it calls only the kernel.
 *
 * Entries belong to the label of their publisher and survive its restart. LABEL entries (label ->
 * endpoint) are written by rs alone, in one step. A subscriber gets a NOTIFY from ds when an entry
 * that matches its pattern changes, and fetches changes with DS_CHECK until -ENOENT; on subscribing,
 * entries that already match count as changes.
 *
 * Names used: "<label>" LABEL; "blk.<unit>" STR "<label>:<unit number>" by block servers;
 * "chr.<name>" STR "<label>:<minor>" by character drivers. vfs makes /dev entries from both.
 */
#ifndef AXOLOTL_DS_H
#define AXOLOTL_DS_H

#include "axolotl/ipc.h"

enum ds_msg {
	DS_PUBLISH = MSG_DS_BASE + 1, /* struct ds_req; MEM: value.mem is a grant */
	DS_RETRIEVE,                  /* struct ds_req -> struct ds_rep */
	DS_DELETE,                    /* struct ds_req */
	DS_SUBSCRIBE, /* struct ds_subscribe: extended regular expression, anchored */
	DS_CHECK,     /* no payload -> struct ds_change */
	DS_LIST,      /* struct ds_list: text "key type value\n" into the grant; result = bytes */
	DS_NAME_OF,   /* struct ds_req: value.label.ep -> key = its label */
};

#define DS_KEY_MAX   28
#define DS_VALUE_MAX 24 /* strings with their NUL */
#define DS_MEM_MAX   4096

enum ds_type { DS_U32 = 1, DS_STR, DS_MEM, DS_LABEL };
#define DS_PRIVATE   0x100u
#define DS_OVERWRITE 0x200u

union ds_value {
	uint32_t u32;
	char str[DS_VALUE_MAX];
	struct {
		grant_t grant;
		uint32_t len_bytes;
	} mem;
	struct {
		endpoint_t ep;
		endpoint_t old; /* in changes: the endpoint before; EP_NONE if new */
		uint32_t cause; /* enum rs_cause: why `old` is no more; CAUSE_NONE if new */
	} label;
};
struct ds_req {
	uint32_t type_flags; /* enum ds_type | DS_* */
	char key[DS_KEY_MAX];
	union ds_value value;
};
_Static_assert(sizeof(struct ds_req) == 56, "ds request size");
struct ds_rep {
	int32_t result; /* 0 or -errno; MEM: bytes */
	char key[DS_KEY_MAX];
	union ds_value value;
};
struct ds_change {
	int32_t result; /* enum ds_type; or -ENOENT: nothing more */
	char key[DS_KEY_MAX];
	union ds_value
		value; /* a deleted entry: type DS_LABEL with ep EP_NONE, else an empty string */
};
struct ds_subscribe {
	uint32_t flags; /* 0 */
	char pattern[48];
};
struct ds_list {
	grant_t grant;
	uint32_t len_bytes;
};

#endif
