/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on inodes: the client half of the file server protocol. Each sends one request and
 * waits for the reply; a dead server is -EIO. Operations of the device file system go to devfs.c.
 *
 * Buffers that a server is granted live in the call, so they outlive every wait; grants are revoked
 * before the operation returns. A server's results are checked before they are used.
 */
#include <string.h>
#include "devfs.h"
#include "vfs.h"

#define IS_WRITE 0x80000000u /* beside the FS_IO_* flags of a transfer, never sent */

int fs_transact(struct call *c, struct mount *m, struct msg *msg, struct fs_rep *rep)
{
	if (m->is_dead)
		return -EIO;
	if (await_answer(c, msg) != 0)
		return -EIO;
	msg_get(&c->aw.rep, rep);
	return rep->result > 0 ? -EIO : rep->result;
}

static int id_of(struct call *c, const struct mount *m, enum fs_msg op)
{
	return (int)await_prepare(c, m->ep, op);
}

int fs_getattr(struct call *c, struct vnode *v)
{
	struct mount *mt = v->mount;
	uint32_t gen = v->attr_gen;
	struct fs_name req = {.ino = v->ino, .name_grant = GRANT_INVALID, .grant2 = GRANT_INVALID};
	struct fs_rep rep;
	struct msg m;
	int r;

	if (mt->is_dev)
		return devfs_getattr(v);
	req.id = (uint32_t)id_of(c, mt, FS_GETATTR);
	req.attr_grant = grant_direct(mt->ep, &c->attr, sizeof(c->attr), GRANT_WRITE);
	msg_put(&m, FS_GETATTR, &req);
	r = fs_transact(c, mt, &m, &rep);
	grant_revoke(req.attr_grant);
	if (r)
		return r;
	/* The type of an inode that is referenced cannot change. */
	if (c->attr.ino != v->ino || ((c->attr.mode ^ v->attr.mode) & S_IFMT))
		return -EIO;
	v->attr = c->attr;
	v->attr_valid = gen == v->attr_gen && !(c->attr.flags & FS_ATTR_VOLATILE);
	return 0;
}

int fs_setattr(struct call *c, struct vnode *v, struct fs_setattr *s)
{
	struct mount *mt = v->mount;
	struct fs_rep rep;
	struct msg m;
	int r;

	if (mt->is_dev)
		return devfs_setattr(v, s);
	s->id = (uint32_t)id_of(c, mt, FS_SETATTR);
	s->ino = v->ino;
	s->attr_grant = GRANT_INVALID;
	msg_put(&m, FS_SETATTR, s);
	vnode_changed(v);
	r = fs_transact(c, mt, &m, &rep);
	vnode_changed(v);
	return r;
}

/* One READ or WRITE of at most FS_IO_MAX; *pos is where a WRITE went. */
static int64_t transfer(struct call *c, struct vnode *v, struct io *io, const struct fs_io *proto)
{
	bool is_write = proto->flags & IS_WRITE;
	enum fs_msg op = is_write ? FS_WRITE : FS_READ;
	unsigned access = is_write ? GRANT_READ : GRANT_WRITE;
	struct mount *mt = v->mount;
	struct fs_io req = *proto;
	struct fs_rep rep;
	struct msg m;
	int r;

	do {
		req.id = (uint32_t)id_of(c, mt, op);
		req.flags = proto->flags & ~IS_WRITE;
		req.grant = io->ep == EP_SELF
		                    ? grant_direct(mt->ep, (const void *)io->addr, req.len_bytes,
		                                   access)
		                    : grant_proxy(mt->ep, io->ep, io->addr, req.len_bytes, access);
		if (req.grant == GRANT_INVALID)
			return -ENOMEM;
		msg_put(&m, op, &req);
		r = fs_transact(c, mt, &m, &rep);
		grant_revoke(req.grant);
		if (r == -ENOTREADY && io->ep != EP_SELF) {
			struct io part = {.ep = io->ep, .addr = io->addr, .len = req.len_bytes};

			r = user_fault_in(c, &part, !is_write);
			if (r)
				return r;
			r = -ENOTREADY;
		}
	} while (r == -ENOTREADY && io->ep != EP_SELF);
	if (r)
		return r == -ENOTREADY ? -EIO : r;
	if (rep.count > req.len_bytes)
		return -EIO;
	if (is_write)
		io->pos = (req.flags & FS_IO_APPEND) ? rep.pos : io->pos;
	return rep.count;
}

static int64_t transfer_all(struct call *c, struct vnode *v, struct io *io, struct fs_io *proto)
{
	int64_t done = 0, n;

	if (v->mount->is_dead)
		return -EIO;
	proto->ino = v->ino;
	while (io->len > 0) {
		proto->pos = io->pos;
		proto->len_bytes = io->len < FS_IO_MAX ? (uint32_t)io->len : FS_IO_MAX;
		n = transfer(c, v, io, proto);
		if (n < 0)
			return done ? done : n;
		done += n;
		io_advance(io, (uint64_t)n);
		if (n < proto->len_bytes)
			break;
	}
	return done;
}

int64_t fs_read(struct call *c, struct vnode *v, struct io *io, uint32_t fs_flags)
{
	struct fs_io proto = {.flags = fs_flags};

	if (v->mount->is_dev)
		return -EINVAL;
	return transfer_all(c, v, io, &proto);
}

int64_t fs_write(struct call *c, struct vnode *v, struct io *io, uint32_t fs_flags)
{
	struct fs_io proto = {.flags = fs_flags | IS_WRITE};
	int64_t n;

	if (v->mount->is_dev)
		return -EINVAL;
	token_outdated(v);
	vnode_changed(v);
	n = transfer_all(c, v, io, &proto);
	vnode_changed(v);
	token_outdated(v);
	return n;
}

/* A request whose answer goes into c->buf: READDIR, READLINK, STATFS. */
static int into_buf(struct call *c, struct mount *mt, struct fs_io *req, enum fs_msg op)
{
	struct fs_rep rep;
	struct msg m;
	int r;

	req->id = (uint32_t)id_of(c, mt, op);
	req->len_bytes = sizeof(c->buf) - 1;
	req->grant = grant_direct(mt->ep, c->buf, sizeof(c->buf) - 1, GRANT_WRITE);
	msg_put(&m, op, req);
	r = fs_transact(c, mt, &m, &rep);
	grant_revoke(req->grant);
	if (r)
		return r;
	if (rep.count > req->len_bytes)
		return -EIO;
	req->pos = rep.pos;
	return (int)rep.count;
}

int fs_readdir(struct call *c, struct vnode *v, uint64_t *cookie)
{
	struct fs_io req = {.ino = v->ino, .pos = *cookie};
	int n;

	if (v->mount->is_dev)
		return devfs_readdir(c, v, cookie);
	n = into_buf(c, v->mount, &req, FS_READDIR);
	if (n > 0)
		*cookie = req.pos;
	return n;
}

int fs_readlink(struct call *c, struct vnode *v)
{
	struct fs_io req = {.ino = v->ino};
	int n = v->mount->is_dev ? devfs_readlink(c, v) : into_buf(c, v->mount, &req, FS_READLINK);

	if (n < 0)
		return n;
	c->buf[n] = '\0';
	return strlen(c->buf) == (size_t)n ? n : -EIO;
}

int fs_op(struct call *c, struct mount *mt, enum fs_msg op, uint32_t ino)
{
	struct fs_req req = {.ino = ino};
	struct fs_rep rep;
	struct msg m;

	if (mt->is_dev)
		return 0;
	req.id = (uint32_t)id_of(c, mt, op);
	msg_put(&m, op, &req);
	return fs_transact(c, mt, &m, &rep);
}

int fs_statfs(struct call *c, struct mount *mt, struct fs_statfs *s)
{
	struct fs_io req = {.ino = 0};
	int n;

	if (mt->is_dev) {
		*s = (struct fs_statfs){
			.magic = 0x1373, .block_bytes = PAGE_BYTES, .name_max = FS_NAME_MAX};
		return 0;
	}
	n = into_buf(c, mt, &req, FS_STATFS);
	if (n < 0)
		return n;
	/* Servers that only report success have written the structure all the same. */
	memcpy(s, c->buf, sizeof(*s));
	return 0;
}
