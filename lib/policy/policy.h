/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation policies: the text of /etc/system.conf (thesis Fig. 2.6 and 3.7) as structures. Used by
 * rs, which turns a struct policy into a struct priv, and by the service utility, which checks
 * files.
 *
 *   file      = { KIND NAME "{" { statement } "}" [";"] }        KIND: driver server filter program
 *   statement = key { WORD } ";"                    "#" starts a comment; words may be "quoted"
 *
 *   driver ahci {                 # NAME: of the program, or a label; a final * matches the rest
 *       like driver-base;         # copy what an earlier entry says (first statement)
 *       ipc calls BASIC;          # primitives by name, BASIC (all but SEND), ALL
 *       ipc targets ds vm pci;    # labels (final * allowed), ALL_SYS, USER
 *       ipc kernel BASIC IRQCTL;  # kernel calls by name, BASIC (what lib/sys needs), ALL
 *       ipc linux yes;            # may make redirected Linux calls (to its targets)
 *       isa io 1f0:8 3f6;         # ports, hexadecimal base:count
 *       isa irq 14 15;            # lines, decimal
 *       isa mem b8000:8000;       # physical bytes, hexadecimal base:length
 *       pci device 8086/2922;     # hexadecimal; * matches any
 *       pci class 1/6/1;          # class/subclass/interface, hexadecimal
 *       pci count 1;              # so many devices at most (default 1)
 *       msi 1;                    # vectors
 *       flags PROXY_GRANT;        # PRIV_* of priv.h (SYSTEM is always set)
 *       uid 9; priority 4; quantum 20ms;
 *       heartbeat 500ms;          # period, 0: none
 *       backoff 10ms 2s 10s;      # first, most, calm
 *       control ahci ramdisk;     # labels that it may complain about
 *       standby yes; mirror yes;  # keep a loaded spare; keep the binary in memory
 *       args "-v" word;           # argv[1]...
 *       recovery /etc/rs/disk.sh;
 *       serves net;               # protocol of its units: block (default) or net
 *       needs net;                # it is started when a driver that serves this runs
 *   };
 *
 * By default everything is denied. Lists add up over statements; a scalar key may stand once. All
 * errors name file, line and word. No allocation, no recursion.
 */
#ifndef LIB_POLICY_H
#define LIB_POLICY_H

#include "axolotl/types.h"
#include "axolotl/priv.h"
#include "axolotl/kcall.h"

#define POLICIES_MAX      96
#define POLICY_LABELS_MAX 24
#define POLICY_PCI_MAX    16
#define POLICY_ARGS_MAX   16
#define POLICY_ARGS_BYTES 160
#define POLICY_PATH_MAX   64
#define POLICY_WORD_MAX   64
#define POLICY_ANY_ID     0xffff
#define POLICY_ANY_CLASS  0xff

enum policy_kind { POLICY_DRIVER, POLICY_SERVER, POLICY_FILTER, POLICY_PROGRAM };

/* Protocols; what a component serves, and what its first start waits for. */
enum policy_class { POLICY_BLOCK, POLICY_NET, POLICY_CLASSES };

struct policy_labels {
	uint32_t count;
	char label[POLICY_LABELS_MAX][LABEL_MAX];
};

struct policy_pci {
	uint16_t vendor, device;               /* POLICY_ANY_ID */
	uint8_t class_code, subclass, prog_if; /* POLICY_ANY_CLASS */
	uint8_t reserved;
};

struct policy {
	char name[LABEL_MAX];
	uint32_t kind;     /* enum policy_kind */
	uint32_t line;     /* where the entry begins */
	uint32_t flags;    /* PRIV_* */
	uint32_t ipc_mask; /* bit: enum ipc_primitive */
	uint64_t kcall_mask;
	struct policy_labels targets;
	bool targets_all_sys; /* every system process */
	bool targets_user;    /* applications */
	struct policy_labels control;

	uint16_t io_count, mem_count, irq_count, pci_count;
	struct priv_range io[PRIV_RANGES_MAX];
	struct priv_range mem[PRIV_RANGES_MAX];
	uint8_t irq[PRIV_RANGES_MAX];
	struct policy_pci pci[POLICY_PCI_MAX];
	uint32_t pci_devices; /* at most so many; default 1 */
	uint32_t msi_count;

	uint32_t uid;      /* default POLICY_UID */
	uint32_t priority; /* default by kind */
	uint32_t quantum_us;
	uint64_t heartbeat_us;                                      /* 0: none */
	uint64_t backoff_first_us, backoff_max_us, backoff_calm_us; /* 0: rs's default */
	bool is_standby;
	bool is_mirrored;
	uint32_t args_count;
	uint32_t args_bytes;
	char args[POLICY_ARGS_BYTES]; /* NUL-terminated words, one after the other */
	char recovery[POLICY_PATH_MAX];
	uint8_t serves; /* enum policy_class */
	uint8_t needs;  /* bit: enum policy_class */
};

#define POLICY_UID          8 /* unprivileged; the thesis's drivers run so */
#define POLICY_QUANTUM_US   20000
#define POLICY_HEARTBEAT_US 1000000

struct policy_error {
	unsigned line;
	char message[200]; /* "system.conf:12: 'pcx': unknown key" */
};

/* All entries of a file. 0 with *count set, or -EINVAL with *error. `file` is for messages only. */
struct policy_file {
	struct policy *entries;
	unsigned capacity;
	unsigned count;
};
int policy_parse(const char *file, const char *text, struct policy_file *out,
                 struct policy_error *error) MUST_CHECK;

/* The entry for a component: the first whose name matches the label, else the first that matches
 * the program; NULL: none, so it must not be started. */
const struct policy *policy_find(const struct policy_file *f, const char *program,
                                 const char *label);
/* Does a name of a policy (with a final '*', perhaps) mean this label? */
bool policy_matches(const char *pattern, const char *label);
bool policy_has_label(const struct policy_labels *list, const char *label);

#endif
