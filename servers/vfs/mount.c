/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts: one file server process each, started by rs (RS_UP_FS).
 *
 *     free --mount--> starting --FS_MOUNT ok--> in use --umount--> free
 *                                                 \--server died--> dead --umount--> free
 *
 * A dead mount answers EIO to everything; nothing is tried again, because the server may have had
 * dirty data. /dev is a mount that vfs serves itself.
 */
#include <stdio.h>
#include <string.h>
#include "axolotl/rs.h"
#include "devfs.h"
#include "vfs.h"

#define MS_RDONLY_     1u
#define MS_NOSUID_     2u
#define MS_REMOUNT_    32u
#define FORGET_STEP_NS 1000000ull

struct mount mounts[MOUNTS_MAX];
struct vnode *root_vnode;

/* A dead mount whose files are still open keeps its slot until the last one is closed; that is
 * looked at when the next mount is made or removed. */
static void reap_dead(void)
{
	for (unsigned i = 0; i < MOUNTS_MAX; i++) {
		struct mount *mt = &mounts[i];

		if (!mt->in_use || !mt->is_dead || mt->covered || mt->root == root_vnode ||
		    mount_is_in_use(mt))
			continue;
		vnode_unref(mt->root);
		mt->root = NULL;
		(void)mount_forget_all(mt);
		mt->in_use = false;
	}
}

static struct mount *alloc_mount(void)
{
	reap_dead();
	for (unsigned i = 0; i < MOUNTS_MAX; i++) {
		if (mounts[i].in_use)
			continue;
		memset(&mounts[i], 0, sizeof(mounts[i]));
		mounts[i].in_use = true;
		mounts[i].is_busy = true;
		mounts[i].ep = EP_NONE;
		return &mounts[i];
	}
	return NULL;
}

static bool is_proc_type(const char *type)
{
	return !strcmp(type, "proc") || !strcmp(type, "procfs");
}

/* Which program serves a type of file system; NULL: none does. */
static const char *server_of(const char *type)
{
	if (is_proc_type(type))
		return "procfs";
	if (!strcmp(type, "mfs") || !strcmp(type, "minix") || !strcmp(type, "minix3") ||
	    !strcmp(type, "auto"))
		return "mfs";
	return NULL;
}

void mount_label_changed(const char *label, endpoint_t ep)
{
	for (unsigned i = 0; i < MOUNTS_MAX; i++) {
		struct mount *mt = &mounts[i];

		if (!mt->in_use || mt->is_dev || mt->is_dead || mt->ep == EP_NONE || mt->ep == ep ||
		    strcmp(mt->label, label) != 0)
			continue;
		await_dead(mt->ep);
		if (mt->is_proc && ep != EP_NONE) { /* it has no state: the next one goes on */
			mt->ep = ep;
			continue;
		}
		sys_log("vfs: the server of %s died", mt->where);
		mt->is_dead = true;
	}
}

/* ---- starting and ending servers ---- */

static void put_server(struct rs_up_fs *req, const struct mount *mt)
{
	(void)snprintf(req->binary, sizeof(req->binary), "%s", mt->type);
	memcpy(req->label, mt->label, sizeof(req->label));
}

static int start_server(struct call *c, struct mount *mt)
{
	struct rs_up_fs req = {0};
	struct rs_rep rep;
	struct msg m;
	int r;

	put_server(&req, mt);
	req.id = await_prepare(c, EP_RS, RS_UP_FS);
	msg_put(&m, RS_UP_FS, &req);
	r = await_answer(c, &m);
	if (r)
		return r;
	msg_get(&c->aw.rep, &rep);
	if (rep.result < 0)
		return rep.result;
	mt->ep = rep.ep;
	return 0;
}

static void stop_server(const struct mount *mt)
{
	struct rs_up_fs req = {0};
	struct msg m;

	if (mt->is_dev || mt->ep == EP_NONE)
		return;
	put_server(&req, mt);
	msg_put(&m, RS_DOWN, &req);
	if (sys_asend(EP_RS, &m) != 0)
		sys_log("vfs: rs cannot be told to end %s", mt->label);
}

/* FS_MOUNT: the root vnode. */
static int mount_root(struct call *c, struct mount *mt)
{
	struct fs_mount req = {.flags = mt->flags & MS_RDONLY_ ? FS_MOUNT_RDONLY : 0};
	struct fs_rep rep;
	struct msg m;
	int r;

	memcpy(req.unit, mt->unit, sizeof(req.unit));
	req.id = await_prepare(c, mt->ep, FS_MOUNT);
	req.attr_grant = grant_direct(mt->ep, &c->attr, sizeof(c->attr), GRANT_WRITE);
	msg_put(&m, FS_MOUNT, &req);
	r = fs_transact(c, mt, &m, &rep);
	grant_revoke(req.attr_grant);
	if (r)
		return r;
	if (c->attr.ino != rep.ino || !S_ISDIR(c->attr.mode))
		return -EIO;
	mt->root = vnode_from_reply(mt, &c->attr);
	return mt->root ? 0 : -ENFILE;
}

static int fill_mount(struct mount *mt, const struct mount_req *q)
{
	const char *server = server_of(q->type);

	mt->flags = q->flags;
	mt->is_dev = !strcmp(q->type, "devfs") || !strcmp(q->type, "devtmpfs");
	mt->is_proc = is_proc_type(q->type);
	if (!mt->is_dev && !server)
		return -ENODEV;
	(void)snprintf(mt->type, sizeof(mt->type), "%s", mt->is_dev ? "devfs" : server);
	(void)snprintf(mt->unit, sizeof(mt->unit), "%s", q->unit);
	(void)snprintf(mt->where, sizeof(mt->where), "%s", q->where);
	if (mt->is_proc || mt->is_dev) {
		(void)snprintf(mt->label, sizeof(mt->label), "%s", mt->is_dev ? "devfs" : server);
		(void)snprintf(mt->unit, sizeof(mt->unit), "none");
	} else {
		(void)snprintf(mt->label, sizeof(mt->label), "%.6s.%.16s", server, q->unit);
	}
	for (unsigned i = 0; i < MOUNTS_MAX; i++)
		if (&mounts[i] != mt && mounts[i].in_use && !strcmp(mounts[i].label, mt->label))
			return -EBUSY; /* a unit is mounted once, and so are /proc and /dev */
	return 0;
}

int mount_do(struct call *c, const struct mount_req *q)
{
	struct mount *mt = alloc_mount();
	int r;

	if (!mt)
		return -ENOMEM;
	r = fill_mount(mt, q);
	if (!r && mt->is_dev) {
		mt->root = devfs_root(mt);
		r = mt->root ? 0 : -ENFILE;
	} else if (!r) {
		r = start_server(c, mt);
		if (!r)
			r = mount_root(c, mt);
	}
	if (!r && q->covered && q->covered->mounted)
		r = -EBUSY; /* somebody was faster */
	if (r) {
		vnode_unref(mt->root);
		mt->root = NULL;
		(void)mount_forget_all(mt);
		stop_server(mt);
		mt->in_use = false;
		return r;
	}
	mt->covered = q->covered;
	if (mt->covered) {
		vnode_ref(mt->covered);
		mt->covered->mounted = mt;
	}
	mt->is_busy = false;
	log_event(EV_MOUNT, mt->ep == EP_NONE ? EP_VFS : mt->ep, mt->label, mt->flags, 0);
	return 0;
}

/* ---- mount ---- */

struct mount_args {
	char source[128], target[128], type[16];
};

static int fetch_args(struct call *c, struct mount_args *a)
{
	int r = 0;

	memset(a, 0, sizeof(*a));
	if (c->args[0])
		r = user_string(c, a->source, c->args[0], sizeof(a->source));
	if (r >= 0)
		r = user_string(c, a->target, c->args[1], sizeof(a->target));
	if (r >= 0 && c->args[2])
		r = user_string(c, a->type, c->args[2], sizeof(a->type));
	return r < 0 ? r : 0;
}

/* The block unit that the source names: a device node. */
static int unit_of(struct call *c, const struct mount_args *a, char *unit)
{
	struct vnode *v;
	struct dev *d;
	int r;

	if (!server_of(a->type) || is_proc_type(a->type))
		return 0;
	r = path_vnode(c, &(struct at){AT_FDCWD, c->args[0], 0}, &v);
	if (r)
		return r;
	d = VN_IS(v, S_IFBLK) ? dev_by_rdev(v->attr.mode, v->attr.rdev) : NULL;
	r = !VN_IS(v, S_IFBLK) ? -ENOTBLK : !d || d->is_gone ? -ENXIO : 0;
	if (!r)
		memcpy(unit, d->name, LABEL_MAX);
	vnode_unref(v);
	return r;
}

/* Only the read-only flag can change; what was written before it is set is on the medium then. */
static int64_t remount(struct call *c, struct vnode *v, uint32_t flags)
{
	int r = 0;

	if (v != v->mount->root)
		return -EINVAL;
	if ((flags & MS_RDONLY_) && !v->mount->is_proc)
		r = fs_op(c, v->mount, FS_SYNC, 0);
	if (r)
		return r;
	v->mount->flags = (v->mount->flags & ~MS_RDONLY_) | (flags & MS_RDONLY_);
	return 0;
}

int64_t sys_mount(struct call *c)
{
	char unit[LABEL_MAX] = "none";
	uint32_t flags = (uint32_t)c->args[3];
	struct mount_args a;
	struct mount_req q = {.type = a.type, .unit = unit, .where = a.target};
	struct vnode *v;
	int64_t r;

	if (c->proc->euid != 0)
		return -EPERM;
	r = fetch_args(c, &a);
	if (r)
		return r;
	r = path_vnode(c, &(struct at){AT_FDCWD, c->args[1], 0}, &v);
	if (r)
		return r;
	if (flags & MS_REMOUNT_) {
		r = remount(c, v, flags);
	} else if (!VN_IS(v, S_IFDIR)) {
		r = -ENOTDIR;
	} else {
		r = path_of(c, v, c->path, sizeof(c->path));
		if (r > 0 && r < (int64_t)sizeof(a.target))
			memcpy(a.target, c->path, (size_t)r + 1);
		r = unit_of(c, &a, unit);
		q.covered = v;
		q.flags = flags & (MS_RDONLY_ | MS_NOSUID_);
		if (!r)
			r = mount_do(c, &q);
	}
	vnode_unref(v);
	return r;
}

/* ---- umount ---- */

static bool has_mounts_inside(const struct mount *mt)
{
	for (unsigned i = 0; i < MOUNTS_MAX; i++)
		if (mounts[i].in_use && mounts[i].covered && mounts[i].covered->mount == mt)
			return true;
	return false;
}

static void detach(struct mount *mt)
{
	mt->covered->mounted = NULL;
	vnode_unref(mt->covered);
	mt->covered = NULL;
}

/* Only so many references are given back at a time as the server takes messages. */
static int unmount_at_server(struct call *c, struct mount *mt)
{
	if (mount_is_in_use(mt))
		return -EBUSY;
	while (mount_forget_all(mt) && !mt->is_dead)
		(void)call_wait(c, false, deadline_after(FORGET_STEP_NS));
	return fs_op(c, mt, FS_UNMOUNT, 0);
}

static int64_t unmount_live(struct call *c, struct mount *mt)
{
	int r;

	mt->is_busy = true;
	r = unmount_at_server(c, mt);
	if (r && !mt->is_dead) {
		mt->is_busy = false;
		return r;
	}
	detach(mt);
	vnode_unref(mt->root);
	mt->root = NULL;
	mt->is_dead = true; /* the server is gone, nothing is to be given back */
	(void)mount_forget_all(mt);
	stop_server(mt);
	mt->in_use = false;
	return 0;
}

static int64_t unmount(struct call *c, struct mount *mt)
{
	if (!mt->covered || mt->is_busy || has_mounts_inside(mt))
		return mt->covered ? -EBUSY : -EINVAL;
	if (!mt->is_dead)
		return unmount_live(c, mt);
	detach(mt);
	stop_server(mt);
	mt->label[0] = '\0'; /* the next mount of the unit has it */
	reap_dead();
	return 0;
}

int64_t sys_umount2(struct call *c)
{
	struct mount *mt;
	struct vnode *v;
	int64_t r;

	if (c->proc->euid != 0)
		return -EPERM;
	r = path_vnode(c, &(struct at){AT_FDCWD, c->args[0], 0}, &v);
	if (r)
		return r;
	mt = v->mount;
	r = v == mt->root ? 0 : -EINVAL;
	vnode_unref(v);
	return r ? r : unmount(c, mt);
}

struct mount *mount_of_unit(const char *unit)
{
	for (unsigned i = 0; i < MOUNTS_MAX; i++)
		if (mounts[i].in_use && !mounts[i].is_busy && !mounts[i].is_dead &&
		    !mounts[i].is_dev && !mounts[i].is_proc && !strcmp(mounts[i].unit, unit))
			return &mounts[i];
	return NULL;
}

int mounts_text(char *buf, size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; i < MOUNTS_MAX; i++) {
		const struct mount *mt = &mounts[i];
		const char *prefix = mt->is_dev || mt->is_proc ? "" : "/dev/";
		int n;

		if (!mt->in_use || mt->is_busy || (!mt->covered && mt->root != root_vnode))
			continue;
		n = snprintf(buf + used, size - used, "%s%s %s %s %s%s 0 0\n", prefix, mt->unit,
		             mt->where, mt->is_proc ? "proc" : mt->type,
		             mt->flags & MS_RDONLY_ ? "ro" : "rw", mt->is_dead ? ",dead" : "");
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	return (int)used;
}
