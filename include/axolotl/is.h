/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * is, the information server: debug dumps for whoever sits at the console, without vfs, procfs or a disk, so
 * also when one of those hangs. tty asks by ASEND when Shift+F1 to F10 is pressed and shows the answer
 * on its screen; anybody whose policy has `is` as a target may ask. One reply for each request.
 */
#ifndef AXOLOTL_IS_H
#define AXOLOTL_IS_H

#include "axolotl/ipc.h"

enum is_msg {
	IS_DUMP = MSG_INFO_BASE + 1, /* struct is_dump -> struct is_rep */
};

/* Numbers are those of the function keys. */
enum is_table {
	IS_HELP = 1,
	IS_PROCESSES, /* who waits for whom */
	IS_SERVICES,  /* rs */
	IS_EVENTS,    /* the newest ones */
	IS_VIOLATIONS,
	IS_MEMORY,
	IS_NAMES, /* ds */
	IS_DEVICES,
	IS_INTERRUPTS,
	IS_LOG,
	IS_TABLES
};

struct is_dump {
	uint32_t id;
	uint32_t table; /* enum is_table */
	grant_t grant;  /* writable */
	uint32_t len_bytes;
};
struct is_rep {
	uint32_t id;
	int32_t result; /* bytes of text in the grant, cut at the front so that the newest lines fit; or -errno */
};

#endif
