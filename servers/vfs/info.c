/* SPDX-License-Identifier: BSD-2-Clause */
/* What procfs asks: descriptors, directories, mounts. It waits for us, so its own mount is not
 * asked. */
#include <stdio.h>
#include <string.h>
#include "devfs.h"
#include "socket.h"
#include "vfs.h"

#define UNIX_TEXT_BYTES 65536u

static void describe(struct call *c, struct file *f, struct vfs_fdinfo *out)
{
	if (f->vn && !VN_IS(f->vn, S_IFIFO)) {
		if (path_of(c, f->vn, c->buf, sizeof(c->buf)) < 0)
			(void)snprintf(c->buf, sizeof(c->buf), "inode:[%u]", f->vn->ino);
		(void)snprintf(out->target, sizeof(out->target), "%.*s",
		               (int)sizeof(out->target) - 1, c->buf);
	} else if (file_is_pipe(f)) {
		(void)snprintf(out->target, sizeof(out->target), "pipe:[%u]", f->arg);
	} else if (file_is_socket(f)) {
		(void)snprintf(out->target, sizeof(out->target), "socket:[%u]", f->arg);
	} else {
		(void)snprintf(out->target, sizeof(out->target), "anon_inode:[event]");
	}
}

static int put_fds(struct call *c, struct proc *p, const struct vfs_info *req)
{
	uint32_t used = 0;

	for (unsigned fd = 0; fd < p->fds->top; fd++) {
		struct file *f = p->fds->files[fd];
		struct vfs_fdinfo info = {.fd = (int32_t)fd};
		int r;

		if (!f)
			continue;
		if (used + sizeof(info) > req->len_bytes)
			break;
		info.flags = f->flags | (fdtab_cloexec(p->fds, fd) ? O_CLOEXEC : 0);
		info.offset = f->pos;
		file_ref(f);
		describe(c, f, &info);
		file_unref(f);
		r = k_safecopy_to(c->req.source, req->grant, used, &info, sizeof(info));
		if (r)
			return r;
		used += sizeof(info);
		if (proc_find(req->ep) != p)
			break; /* it ended while a path was looked up */
	}
	return (int)used;
}

static int put_text(const struct call *c, const struct vfs_info *req, const char *text, size_t len)
{
	int r;

	if (len > req->len_bytes)
		len = req->len_bytes;
	r = k_safecopy_to(c->req.source, req->grant, 0, text, len);
	return r ? r : (int)len;
}

static int put_unix(const struct call *c, const struct vfs_info *req)
{
	static char text[UNIX_TEXT_BYTES];

	return put_text(c, req, text, (size_t)unix_text(text, sizeof(text)));
}

static int put_path(struct call *c, const struct proc *p, const struct vfs_info *req)
{
	struct vnode *v = req->flags == 1 ? p->fs->root : p->fs->cwd;
	int n;

	if (req->flags == 2)
		return put_text(c, req, p->exe, strlen(p->exe));
	if (req->flags > 2 || !v)
		return -EINVAL;
	n = path_of(c, v, c->buf, sizeof(c->buf));
	return n < 0 ? n : put_text(c, req, c->buf, (size_t)n);
}

void info_run(struct call *c)
{
	struct vfs_rep rep = {0};
	struct vfs_info req;
	struct proc *p;

	msg_get(&c->req, &req);
	p = proc_find(req.ep);
	if (c->req.type == VFS_INFO_MOUNTS)
		rep.result = put_text(c, &req, c->buf, (size_t)mounts_text(c->buf, sizeof(c->buf)));
	else if (c->req.type == VFS_INFO_UNIX)
		rep.result = put_unix(c, &req);
	else if (!p)
		rep.result = -ESRCH;
	else if (c->req.type == VFS_INFO_FDS)
		rep.result = put_fds(c, p, &req);
	else
		rep.result = put_path(c, p, &req);
	sys_reply(&c->req, c->how, &rep);
}
