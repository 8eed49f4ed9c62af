/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes: files that vfs knows, by (mount, inode number).
 *
 * A vnode without users stays in the table (LRU) and keeps its references at the file server, so
 * that the name cache is worth something; it is forgotten when its slot is needed, when the file
 * was removed, or before an unmount. Attributes are kept until an operation may have changed them.
 */
#include <string.h>
#include "dcache.h"
#include "vfs.h"

#define BUCKETS     4096u
#define FORGETS_MAX 32u /* messages that a server has not taken */

static struct vnode vnodes[VNODES_MAX];
static struct vnode *buckets[BUCKETS];
static struct vnode *lru_head, *lru_tail; /* head: used longest ago */
static unsigned never_used;               /* vnodes from here on are fresh */
static struct vnode *free_list;           /* by hash_next */

static struct vnode **bucket_of(const struct mount *m, uint32_t ino)
{
	return &buckets[(ino * 2654435761u ^ (uint32_t)(m - mounts) * 40503u) >> 7 & (BUCKETS - 1)];
}

static void lru_remove(struct vnode *v)
{
	if (v->lru_prev)
		v->lru_prev->lru_next = v->lru_next;
	else
		lru_head = v->lru_next;
	if (v->lru_next)
		v->lru_next->lru_prev = v->lru_prev;
	else
		lru_tail = v->lru_prev;
}

static void lru_append(struct vnode *v)
{
	v->lru_next = NULL;
	v->lru_prev = lru_tail;
	if (lru_tail)
		lru_tail->lru_next = v;
	else
		lru_head = v;
	lru_tail = v;
}

/* Takes an unused vnode out of the tables and gives its references back. False: try later. */
static bool forget(struct vnode *v)
{
	struct mount *mt = v->mount;
	struct vnode **link = bucket_of(mt, v->ino);

	if (!mt->is_dev && !mt->is_dead && v->fs_refs) {
		struct fs_forget f = {.ino = v->ino, .count = v->fs_refs};
		struct msg m;

		msg_put(&m, FS_FORGET, &f);
		if (sys_asend_pending(mt->ep) >= FORGETS_MAX || sys_asend(mt->ep, &m) == -EAGAIN)
			return false;
	}
	while (*link != v)
		link = &(*link)->hash_next;
	*link = v->hash_next;
	lru_remove(v);
	v->mount = NULL;
	v->hash_next = free_list;
	free_list = v;
	return true;
}

void vnode_ref(struct vnode *v)
{
	if (v->refs++ == 0)
		lru_remove(v);
}

void vnode_unref(struct vnode *v)
{
	if (!v)
		return;
	SYS_ASSERT(v->refs > 0);
	if (--v->refs > 0)
		return;
	lru_append(v);
	if (v->is_gone || v->mount->is_dead || v->mount->is_volatile)
		(void)forget(v);
}

static struct vnode *find(struct mount *m, uint32_t ino)
{
	struct vnode *v = *bucket_of(m, ino);

	while (v && (v->mount != m || v->ino != ino))
		v = v->hash_next;
	return v;
}

struct vnode *vnode_find(struct mount *m, uint32_t ino)
{
	struct vnode *v = find(m, ino);

	if (v)
		vnode_ref(v);
	return v;
}

static struct vnode *alloc_vnode(void)
{
	struct vnode *v;

	if (!free_list && never_used < VNODES_MAX)
		return &vnodes[never_used++];
	for (v = lru_head; !free_list && v;) {
		struct vnode *next = v->lru_next;

		if (!forget(v))
			break; /* its server takes no messages at the moment */
		v = next;
	}
	v = free_list;
	if (v)
		free_list = v->hash_next;
	return v;
}

static void set_attr(struct vnode *v, const struct fs_attr *a)
{
	v->attr = *a;
	v->attr_valid = !(a->flags & FS_ATTR_VOLATILE);
	if (a->flags & FS_ATTR_VOLATILE)
		v->mount->is_volatile = true;
}

struct vnode *vnode_from_reply(struct mount *m, const struct fs_attr *attr)
{
	struct vnode *v = find(m, attr->ino);

	if (v) {
		if ((attr->mode ^ v->attr.mode) & S_IFMT)
			return NULL; /* the server contradicts itself */
		vnode_ref(v);
		v->fs_refs++;
		if (!v->attr_valid)
			set_attr(v, attr);
		return v;
	}
	v = alloc_vnode();
	if (!v) {
		struct fs_forget f = {.ino = attr->ino, .count = 1};
		struct msg msg;

		msg_put(&msg, FS_FORGET, &f);
		if (!m->is_dev && sys_asend(m->ep, &msg) != 0)
			sys_log("vfs: a reference on inode %u is lost", attr->ino);
		return NULL;
	}
	memset(v, 0, sizeof(*v));
	v->mount = m;
	v->ino = attr->ino;
	v->refs = 1;
	v->fs_refs = 1;
	set_attr(v, attr);
	v->hash_next = *bucket_of(m, v->ino);
	*bucket_of(m, v->ino) = v;
	return v;
}

int vnode_attr(struct call *c, struct vnode *v)
{
	if (v->mount->is_dead)
		return -EIO;
	return v->attr_valid && !v->mount->is_volatile ? 0 : fs_getattr(c, v);
}

void vnode_changed(struct vnode *v)
{
	v->attr_valid = false;
	v->attr_gen++;
}

bool mount_is_in_use(struct mount *m)
{
	for (unsigned i = 0; i < never_used; i++) {
		const struct vnode *v = &vnodes[i];

		if (v->mount == m && v->refs > (v == m->root ? 1u : 0u))
			return true;
	}
	return false;
}

unsigned mount_forget_all(struct mount *m)
{
	unsigned left = 0;

	dcache_drop_mount((unsigned)(m - mounts));
	for (unsigned i = 0; i < never_used; i++)
		if (vnodes[i].mount == m && vnodes[i].refs == 0 && !forget(&vnodes[i]))
			left++;
	return left;
}
