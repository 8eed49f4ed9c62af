/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of execve share: preparation (exec.c) and the point of no return (execmap.c).
 */
#ifndef SERVERS_VFS_EXEC_H
#define SERVERS_VFS_EXEC_H

#include "elf/elfimage.h"
#include "execargs.h"
#include "vfs.h"

#define EXEC_JOBS        24u
#define EXEC_SCRIPTS_MAX 4u
#define EXEC_WORDS_MAX   (EXEC_STRINGS_MAX + 2 * EXEC_AUX_MAX + 16)

struct exec_file {
	struct vnode *vn; /* with a reference */
	uint64_t bias;
	struct elf_image elf;
	size_t head_len;
	uint8_t head[ELF_HEAD_BYTES] __attribute__((aligned(8)));
};

struct exec_job {
	bool in_use;
	struct exec_file main, interp;
	struct exec_args args;
	struct exec_stack stack;
	uint64_t vector[EXEC_WORDS_MAX];
	char execfn[PATH_MAX];
	char script
		[PATH_MAX]; /* name of the file being looked at, for #!; then of the interpreter */
	char exe[256];
	char name[16];
	uint32_t flags, euid, egid;
};

/* Replaces the caller's image. 0: no reply to the caller; -errno: nothing has happened yet. */
int exec_commit(struct call *c, struct exec_job *j) MUST_CHECK;
uint64_t exec_hwcap(void);

#endif
