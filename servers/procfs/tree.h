/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shape of /proc: which names are where, and what an inode number means. Pure; what the files
 * say is in the gen_*.c files.
 *
 *   static nodes   ino = index in nodes[] + 1, the root is 1
 *   of a process   ino = INO_PROC | pid << 12 | k: k < KIND_MAX an entry of proc_nodes[],
 *                  FD_BASE + n the link /proc/PID/fd/n
 */
#ifndef PROCFS_TREE_H
#define PROCFS_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include "dump/text.h"

#define INO_ROOT  1u
#define INO_PROC  0x10000000u
#define PID_SHIFT 12
#define FD_BASE   0x400u
#define FD_MAX    0x400u
#define TREE_NAME 32
#define PID_LAST  32767

enum node_type { NODE_DIR, NODE_FILE, NODE_LINK };

/* Kinds of entries of a process, in the order of proc_nodes[]. */
enum proc_kind { KIND_DIR, KIND_FD, KIND_TASK, KIND_TASK_DIR, KIND_FIRST_FILE };

/* Writes the content of a file or the target of a link; 0 or -errno. */
typedef int (*gen_fn_t)(struct text *t, int32_t pid);

struct node {
	const char *name;
	uint32_t parent; /* ino; of proc_nodes: kind */
	enum node_type type;
	gen_fn_t gen;
	uint16_t perm; /* 0: the usual one of the type */
};

struct tree {
	const struct node *nodes; /* [0] is the root */
	uint32_t count;
	const struct node *proc_nodes;
	uint32_t proc_count;
};

/* What an inode number means. */
struct place {
	const struct node *node; /* NULL: an fd link */
	int32_t pid;             /* 0: static */
	uint32_t kind;           /* of a process */
	uint32_t fd;
};

bool tree_decode(const struct tree *tr, uint32_t ino, struct place *p);
uint32_t tree_proc_ino(int32_t pid, uint32_t kind);
/* Decimal name of a pid or descriptor, -1 if it is none. */
int32_t tree_number(const char *name, uint32_t len);
/* Parent directory of ino. */
uint32_t tree_parent(const struct tree *tr, uint32_t ino);
/* Child of a directory by name; 0: no such static child (a pid or an fd may still be meant). */
uint32_t tree_find(const struct tree *tr, uint32_t dir, const char *name, uint32_t len);
/* n-th child of a directory that is in the tables, in their order; 0: no more. */
uint32_t tree_child(const struct tree *tr, uint32_t dir, uint32_t n);
const char *tree_name(const struct tree *tr, uint32_t ino);

#endif
