/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/unit/lib/fs/world.h"

uint32_t world_pick(struct world *w, uint32_t below)
{
	return (uint32_t)(memdev_random(&w->dev) % below);
}

static struct mfs_name name_of(const char *text)
{
	return (struct mfs_name){.text = text, .len = strlen(text)};
}

static void random_name(struct world *w, char *name)
{
	unsigned n = world_pick(w, 40);
	int len = snprintf(name, 64, "f%u", n);

	/* Long names share their first characters. */
	for (; n % 4 == 0 && len < MFS_NAME_MAX - (int)n / 10; len++)
		name[len] = 'x';
	name[len] = 0;
}

/* The inode of a node: its path from the root is walked by lookups. */
static struct mfs_inode *inode_of(struct world *w, int node)
{
	const struct model *m = &w->model;
	struct mfs_inode *dir, *ip = NULL;

	if (node == 0) {
		assert_int_equal(mfs_get_inode(w->fs, MFS_ROOT_INO, &ip), 0);
		return ip;
	}
	for (int d = 0; d < MODEL_NODES; d++) {
		for (int i = 0; m->node[d].is_used && i < m->node[d].entries; i++) {
			if (m->node[d].entry[i].node != node)
				continue;
			dir = inode_of(w, d);
			assert_int_equal(mfs_lookup(dir, name_of(m->node[d].entry[i].name), &ip),
			                 0);
			mfs_put_inode(dir);
			return ip;
		}
	}
	fail_msg("node %d has no name", node);
	return NULL;
}

static int random_node(struct world *w, uint16_t type)
{
	for (int tries = 0; tries < 200; tries++) {
		int i = (int)world_pick(w, MODEL_NODES);

		if (w->model.node[i].is_used &&
		    (type == 0 || (w->model.node[i].mode & S_IFMT) == type))
			return i;
	}
	return type == S_IFDIR ? 0 : -1;
}

static int move_in(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	const uint8_t *p = (const uint8_t *)ctx + at;

	for (unsigned i = 0; i < count; i++) {
		memcpy(pieces[i].data, p, pieces[i].len);
		p += pieces[i].len;
	}
	return 0;
}

static int move_out(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	uint8_t *p = (uint8_t *)ctx + at;

	for (unsigned i = 0; i < count; i++) {
		memcpy(p, pieces[i].data, pieces[i].len);
		p += pieces[i].len;
	}
	return 0;
}

static void do_create(struct world *w, uint16_t type)
{
	char name[64], target[300];
	int dir = random_node(w, S_IFDIR);
	struct mfs_inode *dp = inode_of(w, dir), *ip;
	struct mfs_new what = {.mode = (uint16_t)(type | 0640), .uid = 3, .gid = 4};
	int node, r;

	random_name(w, name);
	memset(target, 't', sizeof(target));
	what.target = (struct mfs_name){.text = target, .len = 1 + world_pick(w, 299)};
	r = mfs_create(dp, name_of(name), &what, &ip);
	if (model_find(&w->model, dir, name) >= 0) {
		assert_int_equal(r, -EEXIST);
	} else if (r != -ENOSPC) {
		assert_int_equal(r, 0);
		node = model_add(&w->model, dir, name, what.mode);
		if (node < 0) { /* the model is full */
			if (type == S_IFDIR)
				assert_int_equal(mfs_rmdir(dp, name_of(name), ip), 0);
			else
				assert_int_equal(mfs_unlink(dp, name_of(name), ip), 0);
		} else if (type == S_IFLNK) {
			memcpy(w->model.node[node].content, target, what.target.len);
			w->model.node[node].size = (uint32_t)what.target.len;
		}
	}
	if (r == 0)
		mfs_put_inode(ip);
	mfs_put_inode(dp);
}

static void do_link(struct world *w)
{
	char name[64];
	int dir = random_node(w, S_IFDIR), node = random_node(w, 0);
	struct mfs_inode *dp = inode_of(w, dir), *ip = node < 0 ? NULL : inode_of(w, node);
	int r;

	random_name(w, name);
	if (ip && w->model.node[dir].entries < MODEL_ENTRIES) {
		r = mfs_link(dp, name_of(name), ip);
		if (S_ISDIR(w->model.node[node].mode))
			assert_int_equal(r, -EPERM);
		else if (model_find(&w->model, dir, name) >= 0)
			assert_int_equal(r, -EEXIST);
		else if (r != -ENOSPC)
			assert_int_equal(r, 0);
		if (r == 0)
			assert_true(model_link(&w->model, dir, name, node));
	}
	mfs_put_inode(ip);
	mfs_put_inode(dp);
}

static void do_remove(struct world *w)
{
	int dir = random_node(w, S_IFDIR), node, r;
	struct model_node *d = &w->model.node[dir];
	struct mfs_inode *dp, *ip;
	char name[64];

	if (d->entries == 0)
		return;
	dp = inode_of(w, dir);
	strcpy(name, d->entry[world_pick(w, (uint32_t)d->entries)].name);
	node = model_find(&w->model, dir, name);
	assert_int_equal(mfs_lookup(dp, name_of(name), &ip), 0);
	if (S_ISDIR(w->model.node[node].mode)) {
		assert_int_equal(mfs_unlink(dp, name_of(name), ip), -EISDIR);
		r = mfs_rmdir(dp, name_of(name), ip);
		assert_int_equal(r, w->model.node[node].entries ? -ENOTEMPTY : 0);
	} else {
		assert_int_equal(mfs_rmdir(dp, name_of(name), ip), -ENOTDIR);
		r = mfs_unlink(dp, name_of(name), ip);
		assert_int_equal(r, 0);
	}
	if (r == 0)
		model_unlink(&w->model, dir, name);
	mfs_put_inode(ip);
	mfs_put_inode(dp);
}

static int expected_rename(const struct model *m, int from, int to, int new_dir)
{
	if (from == to)
		return 0;
	if (to >= 0 && S_ISDIR(m->node[to].mode)) {
		if (!S_ISDIR(m->node[from].mode))
			return -EISDIR;
		if (m->node[to].entries)
			return -ENOTEMPTY;
	} else if (to >= 0 && S_ISDIR(m->node[from].mode)) {
		return -ENOTDIR;
	}
	if (S_ISDIR(m->node[from].mode) && model_is_below(m, new_dir, from))
		return -EINVAL;
	return 0;
}

static void do_rename(struct world *w)
{
	struct model *m = &w->model;
	int old_dir = random_node(w, S_IFDIR), new_dir = random_node(w, S_IFDIR), from, to, r;
	char old_name[64], new_name[64];
	struct mfs_rename rn;

	if (m->node[old_dir].entries == 0 || m->node[new_dir].entries >= MODEL_ENTRIES - 1)
		return;
	strcpy(old_name,
	       m->node[old_dir].entry[world_pick(w, (uint32_t)m->node[old_dir].entries)].name);
	random_name(w, new_name);
	from = model_find(m, old_dir, old_name);
	to = model_find(m, new_dir, new_name);
	rn = (struct mfs_rename){.old_dir = inode_of(w, old_dir),
	                         .old_name = name_of(old_name),
	                         .source = inode_of(w, from),
	                         .new_dir = inode_of(w, new_dir),
	                         .new_name = name_of(new_name),
	                         .target = to < 0 ? NULL : inode_of(w, to)};
	r = mfs_rename(&rn);
	if (r != -ENOSPC)
		assert_int_equal(r, expected_rename(m, from, to, new_dir));
	if (r == 0 && from != to) {
		if (to >= 0)
			model_unlink(m, new_dir, new_name);
		assert_true(model_link(m, new_dir, new_name, from));
		model_unlink(m, old_dir, old_name);
	}
	mfs_put_inode(rn.old_dir);
	mfs_put_inode(rn.source);
	mfs_put_inode(rn.new_dir);
	mfs_put_inode(rn.target);
}

static uint32_t random_pos(struct world *w, const struct model_node *n)
{
	if (world_pick(w, 3) == 0)
		return world_pick(w, MODEL_FILE_MAX - 70000);
	return n->size < MODEL_FILE_MAX - 70000 ? world_pick(w, n->size + 1) : 0;
}

static void do_write(struct world *w)
{
	int node = random_node(w, S_IFREG);
	struct model_node *n = &w->model.node[node < 0 ? 0 : node];
	struct mfs_transfer tr = {.move = move_in, .ctx = w->buffer};
	struct mfs_inode *ip;
	size_t done;
	int r;

	if (node < 0)
		return;
	ip = inode_of(w, node);
	tr.pos = random_pos(w, n);
	tr.len = 1 + world_pick(w, world_pick(w, 2) ? 70000 : 3000);
	memset(w->buffer, (int)world_pick(w, 256), tr.len);
	r = mfs_write(ip, &tr, &done);
	assert_true((r == 0 && done == tr.len) || (r == -ENOSPC && done < tr.len));
	memcpy(n->content + tr.pos, w->buffer, done);
	if (done && tr.pos + done > n->size)
		n->size = (uint32_t)(tr.pos + done);
	assert_int_equal(ip->size, n->size);
	mfs_put_inode(ip);
}

static void compare_content(struct world *w, struct mfs_inode *ip, const struct model_node *n)
{
	struct mfs_transfer tr = {.len = MODEL_FILE_MAX, .move = move_out, .ctx = w->buffer};
	size_t done;

	assert_int_equal(ip->size, n->size);
	assert_int_equal(mfs_read(ip, &tr, &done), 0);
	assert_int_equal(done, n->size);
	assert_memory_equal(w->buffer, n->content, n->size);
}

static void do_truncate(struct world *w)
{
	int node = random_node(w, S_IFREG);
	struct model_node *n = &w->model.node[node < 0 ? 0 : node];
	struct mfs_inode *ip;
	uint32_t size;

	if (node < 0)
		return;
	ip = inode_of(w, node);
	size = random_pos(w, n);
	assert_int_equal(mfs_truncate(ip, size), 0);
	if (size < n->size)
		memset(n->content + size, 0, n->size - size);
	n->size = size;
	mfs_put_inode(ip);
}

struct seen {
	struct world *w;
	int dir;
	int count;
};

static int see_entry(void *ctx, uint32_t ino, struct mfs_name name, uint32_t next)
{
	struct seen *s = ctx;
	char text[64] = {0};

	(void)ino;
	(void)next;
	memcpy(text, name.text, name.len);
	s->count++;
	if (strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
		assert_true(model_find(&s->w->model, s->dir, text) >= 0);
	return 0;
}

/* The count that changes have kept is what looking at all blocks finds. */
static void compare_count(struct mfs_inode *ip)
{
	uint32_t kept, found;

	assert_int_equal(mfs_count_blocks(ip, &kept), 0);
	ip->is_counted = false;
	assert_int_equal(mfs_count_blocks(ip, &found), 0);
	assert_int_equal(kept, found);
}

static void compare_node(struct world *w, int node)
{
	const struct model_node *n = &w->model.node[node];
	struct mfs_inode *ip = inode_of(w, node);
	struct seen s = {.w = w, .dir = node};
	char target[MFS_LINK_TARGET_MAX];
	size_t len;
	int subdirs = 0;

	assert_int_equal(ip->mode, n->mode);
	compare_count(ip);
	if (S_ISDIR(n->mode)) {
		for (int i = 0; i < n->entries; i++)
			subdirs += S_ISDIR(w->model.node[n->entry[i].node].mode);
		assert_int_equal(ip->nlinks, 2 + subdirs);
		assert_int_equal(mfs_read_dir(ip, 0, see_entry, &s), 0);
		assert_int_equal(s.count, n->entries + 2);
	} else {
		assert_int_equal(ip->nlinks, n->links);
	}
	if (S_ISREG(n->mode))
		compare_content(w, ip, n);
	if (S_ISLNK(n->mode)) {
		assert_int_equal(mfs_read_link(ip, target, sizeof(target), &len), 0);
		assert_int_equal(len, n->size);
		assert_memory_equal(target, n->content, len);
	}
	mfs_put_inode(ip);
}

void world_compare(struct world *w)
{
	for (int i = 0; i < MODEL_NODES; i++) {
		if (w->model.node[i].is_used)
			compare_node(w, i);
	}
}

void world_step(struct world *w)
{
	uint32_t n = world_pick(w, 100);

	if (n < 20)
		do_create(w, S_IFREG);
	else if (n < 27)
		do_create(w, S_IFDIR);
	else if (n < 31)
		do_create(w, S_IFLNK);
	else if (n < 33)
		do_create(w, S_IFIFO);
	else if (n < 38)
		do_link(w);
	else if (n < 55)
		do_remove(w);
	else if (n < 67)
		do_rename(w);
	else if (n < 87)
		do_write(w);
	else if (n < 97)
		do_truncate(w);
	else
		assert_int_equal(mfs_commit(w->fs), 0);
}

void world_remount(struct world *w)
{
	struct mfs_check_result result;

	assert_int_equal(mfs_unmount(w->fs), 0);
	free(w->memory);
	/* MFS_DATA is the caller's to write. */
	assert_int_equal(w->dev.io.write_out(&w->dev, MFS_DATA), 0);
	assert_int_equal(memdev_check(&w->dev, false, &result), 0);
	assert_int_equal(result.problems, 0);
	assert_true(result.was_clean);
	memdev_drop_cache(&w->dev);
	assert_int_equal(memdev_mount(&w->dev, INODE_SLOTS, &w->fs, &w->memory), 0);
}

struct world *world_new(uint32_t block_size, uint32_t bytes, uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memdev_init(&w->dev, block_size, bytes / block_size);
	w->dev.random += seed * 0x9e3779b97f4a7c15ULL;
	w->buffer = malloc(MODEL_FILE_MAX);
	assert_non_null(w->buffer);
	memdev_format(&w->dev, 160);
	model_init(&w->model);
	assert_int_equal(memdev_mount(&w->dev, INODE_SLOTS, &w->fs, &w->memory), 0);
	return w;
}

void world_free(struct world *w)
{
	model_free(&w->model);
	memdev_free(&w->dev);
	free(w->memory);
	free(w->buffer);
	free(w);
}
