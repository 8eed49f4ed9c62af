/* SPDX-License-Identifier: BSD-2-Clause */
/* See model.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/lib/fs/model.h"

void model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->node[0] = (struct model_node){.is_used = true, .mode = S_IFDIR | 0755, .links = 1};
}

static void release(struct model_node *n)
{
	free(n->content);
	memset(n, 0, sizeof(*n));
}

void model_free(struct model *m)
{
	for (int i = 0; i < MODEL_NODES; i++)
		release(&m->node[i]);
}

void model_copy(struct model *to, const struct model *from)
{
	model_free(to);
	*to = *from;
	for (int i = 0; i < MODEL_NODES; i++) {
		if (!to->node[i].content)
			continue;
		to->node[i].content = malloc(MODEL_FILE_MAX);
		if (!to->node[i].content)
			abort();
		memcpy(to->node[i].content, from->node[i].content, MODEL_FILE_MAX);
	}
}

static struct model_entry *entry_of(struct model *m, int dir, const char *name)
{
	struct model_node *d = &m->node[dir];

	for (int i = 0; i < d->entries; i++) {
		if (strcmp(d->entry[i].name, name) == 0)
			return &d->entry[i];
	}
	return NULL;
}

int model_find(const struct model *m, int dir, const char *name)
{
	const struct model_node *d = &m->node[dir];

	for (int i = 0; i < d->entries; i++) {
		if (strcmp(d->entry[i].name, name) == 0)
			return d->entry[i].node;
	}
	return -1;
}

bool model_link(struct model *m, int dir, const char *name, int node)
{
	struct model_node *d = &m->node[dir];

	if (d->entries == MODEL_ENTRIES)
		return false;
	snprintf(d->entry[d->entries].name, sizeof(d->entry[0].name), "%s", name);
	d->entry[d->entries++].node = node;
	m->node[node].links++;
	m->node[node].parent = dir;
	return true;
}

int model_add(struct model *m, int dir, const char *name, uint16_t mode)
{
	for (int i = 1; i < MODEL_NODES; i++) {
		struct model_node *n = &m->node[i];

		if (n->is_used)
			continue;
		memset(n, 0, sizeof(*n));
		n->is_used = true;
		n->mode = mode;
		if (!S_ISDIR(mode)) {
			n->content = calloc(1, MODEL_FILE_MAX);
			if (!n->content)
				abort();
		}
		if (model_link(m, dir, name, i))
			return i;
		release(n);
		return -1;
	}
	return -1;
}

void model_unlink(struct model *m, int dir, const char *name)
{
	struct model_node *d = &m->node[dir];
	struct model_entry *e = entry_of(m, dir, name);
	struct model_node *n;

	if (!e)
		abort();
	n = &m->node[e->node];
	*e = d->entry[--d->entries];
	if (--n->links == 0)
		release(n);
}

bool model_is_below(const struct model *m, int node, int top)
{
	while (node != top && node != 0)
		node = m->node[node].parent;
	return node == top;
}
