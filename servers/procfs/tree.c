/* SPDX-License-Identifier: BSD-2-Clause */
/* Inode numbers and names of /proc (see tree.h). */
#include <stddef.h>
#include <string.h>
#include "tree.h"

#define KIND_MASK 0xfffu

uint32_t tree_proc_ino(int32_t pid, uint32_t kind)
{
	return INO_PROC | (uint32_t)pid << PID_SHIFT | kind;
}

bool tree_decode(const struct tree *tr, uint32_t ino, struct place *p)
{
	uint32_t kind = ino & KIND_MASK;

	*p = (struct place){0};
	if (!(ino & INO_PROC)) {
		if (ino < INO_ROOT || ino > tr->count)
			return false;
		p->node = &tr->nodes[ino - INO_ROOT];
		return true;
	}
	p->pid = (int32_t)((ino & ~INO_PROC) >> PID_SHIFT);
	p->kind = kind;
	if (p->pid <= 0 || p->pid > PID_LAST)
		return false;
	if (kind < tr->proc_count) {
		p->node = &tr->proc_nodes[kind];
		return true;
	}
	p->fd = kind - FD_BASE;
	return kind >= FD_BASE && kind < FD_BASE + FD_MAX;
}

int32_t tree_number(const char *name, uint32_t len)
{
	int32_t n = 0;

	if (len == 0 || len > 5 || (name[0] == '0' && len > 1))
		return -1;
	for (uint32_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

uint32_t tree_parent(const struct tree *tr, uint32_t ino)
{
	struct place p;

	if (ino == INO_ROOT || !tree_decode(tr, ino, &p))
		return INO_ROOT;
	if (p.pid == 0)
		return p.node->parent;
	if (!p.node)
		return tree_proc_ino(p.pid, KIND_FD);
	return p.kind == KIND_DIR ? INO_ROOT : tree_proc_ino(p.pid, p.node->parent);
}

/* The children of ino among the entries of its table; step through them by *i. */
static uint32_t next_child(const struct tree *tr, uint32_t dir, uint32_t *i)
{
	bool is_proc = dir & INO_PROC;
	const struct node *list = is_proc ? tr->proc_nodes : tr->nodes;
	uint32_t count = is_proc ? tr->proc_count : tr->count;
	uint32_t kind = dir & KIND_MASK, first = is_proc ? KIND_DIR + 1 : 1;
	/* A thread's folder shows the files of its process. */
	uint32_t parent = !is_proc ? dir : kind == KIND_TASK_DIR ? (uint32_t)KIND_DIR : kind;

	for (*i = *i < first ? first : *i; *i < count; (*i)++) {
		if (list[*i].parent != parent)
			continue;
		if (is_proc && kind == KIND_TASK_DIR && list[*i].type == NODE_DIR)
			continue;
		return is_proc ? (dir & ~KIND_MASK) | *i : *i + INO_ROOT;
	}
	return 0;
}

uint32_t tree_child(const struct tree *tr, uint32_t dir, uint32_t n)
{
	uint32_t i = 0, ino = next_child(tr, dir, &i);

	while (ino && n > 0) {
		i++;
		n--;
		ino = next_child(tr, dir, &i);
	}
	return ino;
}

const char *tree_name(const struct tree *tr, uint32_t ino)
{
	struct place p;

	return tree_decode(tr, ino, &p) && p.node ? p.node->name : "";
}

uint32_t tree_find(const struct tree *tr, uint32_t dir, const char *name, uint32_t len)
{
	uint32_t i = 0, ino;

	while ((ino = next_child(tr, dir, &i)) != 0) {
		const char *own = tree_name(tr, ino);
		if (strlen(own) == len && memcmp(own, name, len) == 0)
			return ino;
		i++;
	}
	return 0;
}
