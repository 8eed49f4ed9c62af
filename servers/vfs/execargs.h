/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strings of an execve, and the stack that they become. Pure.
 *
 * Strings lie one after the other in `text`, argv first, then envp. A script's interpreter is put
 * in front of them, for which there is room before the first one:
 *
 *     text: [ room | argv strings | envp strings | free ]
 *                  ^start        ^env_start      ^end
 *
 * The stack of the new program, from its top (high addresses) down:
 *
 *     0 (8 bytes) | execfn | platform | random | text[start..end) | align | auxv | envp | argv |
 * argc ^ sp
 */
#ifndef SERVERS_VFS_EXECARGS_H
#define SERVERS_VFS_EXECARGS_H

#include "axolotl/types.h"

#define EXEC_TEXT_MAX    (512u << 10) /* argv and envp together */
#define EXEC_STRING_MAX  (128u << 10) /* one string, with its NUL */
#define EXEC_ROOM        16384u       /* for interpreters and script names */
#define EXEC_STRINGS_MAX 16384u
#define EXEC_AUX_MAX     24u
#define EXEC_LINE_MAX    256u /* of a script's first line that is looked at */

struct exec_args {
	uint32_t start, env_start, end;
	uint32_t argc, envc;
	uint8_t text[EXEC_ROOM + EXEC_TEXT_MAX];
};

void exec_args_reset(struct exec_args *a);
/* Room for the next string (as much as may be used); then exec_args_added() with its length without
 * the NUL, which must be there. */
char *exec_args_room(struct exec_args *a, size_t *size);
int exec_args_added(struct exec_args *a, size_t len, bool is_env) MUST_CHECK; /* -E2BIG */
int exec_args_add(struct exec_args *a, const char *s, bool is_env) MUST_CHECK;
/* Puts s in front of argv / removes argv[0]. */
int exec_args_push(struct exec_args *a, const char *s) MUST_CHECK;
void exec_args_pop(struct exec_args *a);

/* A script's first line: interpreter and its one argument ("" if none). -ENOEXEC: not a script or
 * no interpreter. line is changed. */
int exec_shebang(char *line, size_t len, const char **interp, const char **arg) MUST_CHECK;

/* Types of auxv entries: System V ABI, AMD64 supplement, and Linux. */
enum exec_aux_type {
	AUX_NULL = 0,
	AUX_PHDR = 3,
	AUX_PHENT = 4,
	AUX_PHNUM = 5,
	AUX_PAGESZ = 6,
	AUX_BASE = 7,
	AUX_FLAGS = 8,
	AUX_ENTRY = 9,
	AUX_UID = 11,
	AUX_EUID = 12,
	AUX_GID = 13,
	AUX_EGID = 14,
	AUX_PLATFORM = 15,
	AUX_HWCAP = 16,
	AUX_CLKTCK = 17,
	AUX_SECURE = 23,
	AUX_RANDOM = 25,
	AUX_EXECFN = 31,
	AUX_SYSINFO_EHDR = 33,
};
struct exec_aux {
	uint64_t type, value;
};
struct exec_stack {
	/* in */
	uint64_t top; /* first byte above the stack */
	const char *execfn;
	uint8_t random[16];
	struct exec_aux
		aux[EXEC_AUX_MAX]; /* without EXECFN, PLATFORM, RANDOM, NULL, which are added */
	unsigned aux_count;
	/* out: [text_at, top) is `tail`, with a->text copied to text_at by the caller; */
	uint64_t sp;
	uint64_t text_at; /* where text[start..end) goes */
	uint64_t tail_at; /* where `tail` goes: what lies above the text */
	size_t tail_len;
	uint8_t tail[4096 + 64];
	size_t words; /* at sp: `vector` */
};
/* Lays the stack out and writes argc, argv, envp, auxv to vector (at most max_words): -E2BIG. */
int exec_stack_build(const struct exec_args *a, struct exec_stack *s, uint64_t *vector,
                     size_t max_words) MUST_CHECK;

#endif
