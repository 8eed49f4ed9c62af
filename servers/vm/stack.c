/* SPDX-License-Identifier: BSD-2-Clause */
/* Initial stack of a system process; see stack.h. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include "stack.h"

#define AUX_PAIRS   10u
#define WORDS_MAX   (1 + STACK_ARGS_MAX + 1 + 1 + 2 * AUX_PAIRS)
#define STACK_ALIGN 16u

struct words {
	uint64_t word[WORDS_MAX];
	unsigned count;
};

static void push(struct words *w, uint64_t value)
{
	w->word[w->count++] = value;
}

static void push_aux(struct words *w, uint64_t type, uint64_t value)
{
	push(w, type);
	push(w, value);
}

/* Addresses of the strings when the first is at `at`; the last byte must end the last string. */
static int push_args(struct words *w, const struct stack_image *img, uint64_t at)
{
	uint32_t found = 0, start = 0;

	for (uint32_t i = 0; i < img->args_bytes; i++) {
		if (img->args[i] != 0)
			continue;
		if (found == img->argc)
			return -EINVAL;
		push(w, at + start);
		found++;
		start = i + 1;
	}
	return found == img->argc && start == img->args_bytes ? 0 : -EINVAL;
}

static void push_vector(struct words *w, const struct stack_image *img, uint64_t random_at)
{
	push(w, 0); /* end of argv */
	push(w, 0); /* end of the environment */
	push_aux(w, AT_PAGESZ, PAGE_BYTES);
	push_aux(w, AT_PHDR, img->phdr);
	push_aux(w, AT_PHNUM, img->phnum);
	push_aux(w, AT_PHENT, img->phentsize);
	push_aux(w, AT_ENTRY, img->entry);
	push_aux(w, AT_RANDOM, random_at);
	push_aux(w, AT_SECURE, 0);
	push_aux(w, AT_SYSINFO_EHDR, img->vdso);
	push_aux(w, AT_NULL, 0);
}

int stack_build(const struct stack_image *img, uint8_t *buf, size_t buf_bytes, uint64_t *sp)
{
	uint64_t bottom = img->top - buf_bytes, args_at, random_at, at;
	struct words w = {.count = 0};
	int r;

	if (img->argc > STACK_ARGS_MAX)
		return -E2BIG;
	if (img->args_bytes + sizeof(img->random) + sizeof(w.word) + STACK_ALIGN > buf_bytes)
		return -E2BIG;
	random_at = img->top - sizeof(img->random);
	args_at = random_at - img->args_bytes;
	push(&w, img->argc);
	r = push_args(&w, img, args_at);
	if (r < 0)
		return r;
	push_vector(&w, img, random_at);
	at = (args_at - w.count * sizeof(uint64_t)) & ~(uint64_t)(STACK_ALIGN - 1);
	memcpy(buf + (random_at - bottom), img->random, sizeof(img->random));
	memcpy(buf + (args_at - bottom), img->args, img->args_bytes);
	memcpy(buf + (at - bottom), w.word, w.count * sizeof(uint64_t));
	*sp = at;
	return 0;
}
