/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of names. They run one at a time (the `names` lock), so they may lock several inodes in
 * any order.
 */
#include "server.h"

#include <errno.h>
#include <sys/stat.h>

/* What every change of names begins with: room, names, directory, locks. */
struct change {
	struct volume *v;
	struct fs_name req;
	struct names names;
	struct mfs_inode *dir;
};

static int begin(struct request *rq, struct change *c)
{
	struct volume *v = rq->volume;
	int r;

	c->v = v;
	msg_get(&rq->m, &c->req);
	r = volume_make_room(v);
	if (!r)
		r = names_fetch(rq, &c->req, &c->names);
	if (!r)
		r = inode_hold(v, c->req.ino, &c->dir);
	if (r)
		return r;
	lock_exclusive(&v->names);
	lock_exclusive(&volume_file(v, c->dir)->lock);
	lock_shared(&v->epoch);
	return 0;
}

static void end(struct change *c)
{
	unlock_shared(&c->v->epoch);
	unlock_exclusive(&volume_file(c->v, c->dir)->lock);
	unlock_exclusive(&c->v->names);
	inode_release(c->v, c->dir);
	server_note_changes(c->v);
}

static int create(struct request *rq, struct fs_rep *rep, uint16_t mode, struct mfs_name target)
{
	struct mfs_inode *ip = NULL;
	struct mfs_new what = {.mode = mode, .target = target};
	struct change c;
	int r = begin(rq, &c);

	if (r)
		return r;
	what.uid = inode_id16(c.req.uid);
	what.gid = inode_id16(c.req.gid);
	what.rdev = c.req.rdev;
	r = mfs_create(c.dir, c.names.first, &what, &ip);
	end(&c);
	if (r)
		return r;
	r = inode_copy_attr(rq, ip, c.req.attr_grant);
	if (!r)
		inode_give(c.v, ip, rep);
	else
		inode_release(c.v, ip);
	return r;
}

static uint32_t mode_of(const struct request *rq)
{
	struct fs_name req;

	msg_get(&rq->m, &req);
	return req.mode;
}

static const struct mfs_name no_target;

int op_create(struct request *rq, struct fs_rep *rep)
{
	return create(rq, rep, (uint16_t)(S_IFREG | (mode_of(rq) & 07777)), no_target);
}

int op_mkdir(struct request *rq, struct fs_rep *rep)
{
	return create(rq, rep, (uint16_t)(S_IFDIR | (mode_of(rq) & 07777)), no_target);
}

int op_mknod(struct request *rq, struct fs_rep *rep)
{
	uint32_t mode = mode_of(rq);

	if ((mode & S_IFMT) == 0)
		mode |= S_IFREG;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) &&
	    !S_ISSOCK(mode))
		return -EINVAL;
	return create(rq, rep, (uint16_t)(mode & (S_IFMT | 07777)), no_target);
}

int op_symlink(struct request *rq, struct fs_rep *rep)
{
	char text[MFS_LINK_TARGET_MAX];
	struct fs_name req;
	int r;

	msg_get(&rq->m, &req);
	if (req.target_len > sizeof(text))
		return -ENAMETOOLONG;
	r = k_safecopy_from(rq->m.source, req.grant2, 0, text, req.target_len);
	if (r)
		return r;
	return create(rq, rep, S_IFLNK | 0777,
	              (struct mfs_name){.text = text, .len = req.target_len});
}

int op_link(struct request *rq, struct fs_rep *rep)
{
	struct mfs_inode *ip;
	struct change c;
	int r = begin(rq, &c);

	(void)rep;
	if (r)
		return r;
	r = inode_hold(c.v, c.req.ino2, &ip);
	if (r) {
		end(&c);
		return r;
	}
	/* A directory cannot be linked; so the file is another inode than the directory, which we
	 * hold locked. */
	if (S_ISDIR(ip->mode)) {
		r = -EPERM;
	} else {
		unlock_shared(&c.v->epoch);
		lock_exclusive(&volume_file(c.v, ip)->lock);
		lock_shared(&c.v->epoch);
		r = mfs_link(c.dir, c.names.first, ip);
		unlock_exclusive(&volume_file(c.v, ip)->lock);
	}
	end(&c);
	inode_release(c.v, ip);
	return r;
}

typedef int (*remove_fn_t)(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode *victim);

/* The victim's lock comes before the epoch's, so that one is given up for a moment: the names lock
 * stays. */
static int remove_name(struct request *rq, remove_fn_t fn)
{
	struct mfs_inode *victim = NULL;
	struct change c;
	int r = begin(rq, &c);

	if (r)
		return r;
	r = mfs_lookup(c.dir, c.names.first, &victim);
	if (!r && victim == c.dir) {
		r = -EINVAL; /* "." */
	} else if (!r) {
		unlock_shared(&c.v->epoch);
		lock_exclusive(&volume_file(c.v, victim)->lock);
		lock_shared(&c.v->epoch);
		r = fn(c.dir, c.names.first, victim);
		unlock_exclusive(&volume_file(c.v, victim)->lock);
	}
	end(&c);
	inode_release(c.v, victim);
	return r;
}

int op_unlink(struct request *rq, struct fs_rep *rep)
{
	(void)rep;
	return remove_name(rq, mfs_unlink);
}

int op_rmdir(struct request *rq, struct fs_rep *rep)
{
	(void)rep;
	return remove_name(rq, mfs_rmdir);
}

enum { RENAME_INODES = 4 };

/* Locks each of the inodes once; the first is locked already. */
static void lock_all(struct volume *v, struct mfs_inode *const *list)
{
	for (unsigned i = 1; i < RENAME_INODES; i++) {
		bool is_known = !list[i];

		for (unsigned k = 0; k < i; k++)
			is_known |= list[k] == list[i];
		if (!is_known)
			lock_exclusive(&volume_file(v, list[i])->lock);
	}
}

static void unlock_all(struct volume *v, struct mfs_inode *const *list)
{
	for (unsigned i = 1; i < RENAME_INODES; i++) {
		bool is_known = !list[i];

		for (unsigned k = 0; k < i; k++)
			is_known |= list[k] == list[i];
		if (!is_known)
			unlock_exclusive(&volume_file(v, list[i])->lock);
	}
}

static int rename_held(struct change *c, struct mfs_rename *rn)
{
	struct mfs_inode *const list[RENAME_INODES] = {rn->old_dir, rn->new_dir, rn->source,
	                                               rn->target};
	int r;

	unlock_shared(&c->v->epoch);
	lock_all(c->v, list);
	lock_shared(&c->v->epoch);
	r = mfs_rename(rn);
	unlock_all(c->v, list);
	return r;
}

int op_rename(struct request *rq, struct fs_rep *rep)
{
	struct mfs_rename rn = {.source = NULL};
	struct change c;
	int r = begin(rq, &c);

	(void)rep;
	if (r)
		return r;
	rn.old_dir = c.dir;
	rn.old_name = c.names.first;
	rn.new_name = c.names.second;
	r = rn.new_name.len ? inode_hold(c.v, c.req.ino2, &rn.new_dir) : -EINVAL;
	if (!r)
		r = mfs_lookup(rn.old_dir, rn.old_name, &rn.source);
	/* Only a change of names could change this directory, and none runs. */
	if (!r)
		r = mfs_lookup(rn.new_dir, rn.new_name, &rn.target);
	if (r == -ENOENT && rn.source)
		r = 0;
	if (!r)
		r = rename_held(&c, &rn);
	end(&c);
	inode_release(c.v, rn.target);
	inode_release(c.v, rn.source);
	inode_release(c.v, rn.new_dir);
	return r;
}
