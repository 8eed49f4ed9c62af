/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trivial file system in memory, to compare with: nodes with content arrays and lists of names.
 */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum { MODEL_NODES = 96, MODEL_ENTRIES = 48, MODEL_FILE_MAX = 1 << 20 };

struct model_entry {
	char name[64];
	int node;
};
struct model_node {
	bool is_used;
	uint16_t mode;
	int links; /* names; of a directory always 1 */
	int parent;
	uint32_t size;
	uint8_t *content; /* files: MODEL_FILE_MAX bytes; symlinks: the target */
	struct model_entry entry[MODEL_ENTRIES];
	int entries;
};
struct model {
	struct model_node node[MODEL_NODES]; /* 0 is the root */
};

void model_init(struct model *m);
void model_free(struct model *m);
void model_copy(struct model *to, const struct model *from);
int model_find(const struct model *m, int dir, const char *name);
/* A new node with one name; -1: no room. */
int model_add(struct model *m, int dir, const char *name, uint16_t mode);
bool model_link(struct model *m, int dir, const char *name, int node);
void model_unlink(struct model *m, int dir, const char *name);
bool model_is_below(const struct model *m, int node, int top);

#endif
