/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files for vm: tokens and pages (axolotl/vm.h).
 *
 * A token is one version of one file: a write or truncation makes the vnode's token outdated, and
 * the next mapping gets a new one. vm's references are counted; while there are any, the token
 * holds the vnode, so that pages can still be read when the file has been removed.
 */
#include <string.h>
#include <sys/mman.h>
#include "vfs.h"

#define TOKENS_MAX 2048u
#define INDEX_BITS 16

struct token {
	uint64_t number;  /* sequence << INDEX_BITS | index */
	struct vnode *vn; /* NULL: free; with a reference */
	uint64_t refs;    /* of vm */
};

static struct token tokens[TOKENS_MAX];
static uint64_t sequence;
static unsigned search_from;

static struct token *find(uint64_t number)
{
	uint64_t index = number & ((1u << INDEX_BITS) - 1);

	if (index >= TOKENS_MAX || !tokens[index].vn || tokens[index].number != number)
		return NULL;
	return &tokens[index];
}

static struct token *new_token(struct vnode *v)
{
	for (unsigned n = 0; n < TOKENS_MAX; n++) {
		unsigned i = (search_from + n) % TOKENS_MAX;

		if (tokens[i].vn)
			continue;
		search_from = i + 1;
		tokens[i].number = ++sequence << INDEX_BITS | i;
		tokens[i].vn = v;
		tokens[i].refs = 0;
		vnode_ref(v);
		v->token = &tokens[i];
		return &tokens[i];
	}
	return NULL;
}

uint64_t token_take(struct vnode *v)
{
	struct token *t = v->token ? v->token : new_token(v);

	if (!t)
		return 0;
	t->refs++;
	return t->number;
}

void token_release(uint64_t number, uint32_t refs)
{
	struct token *t = find(number);
	struct vnode *v;

	if (!t || refs > t->refs) {
		sys_log("vfs: token %lx was given back too often", number);
		return;
	}
	t->refs -= refs;
	if (t->refs)
		return;
	v = t->vn;
	if (v->token == t)
		v->token = NULL;
	t->vn = NULL;
	vnode_unref(v);
}

void token_outdated(struct vnode *v)
{
	struct token *t = v->token;
	struct vm_token req;
	struct msg m;

	if (!t)
		return;
	v->token = NULL;
	req.token = t->number;
	msg_put(&m, VM_TOKEN_DROP, &req);
	if (sys_asend(EP_VM, &m) != 0)
		sys_log("vfs: vm keeps pages of an old version");
}

void vm_token_release(const struct msg *m)
{
	struct vfs_token_release req;

	msg_get(m, &req);
	token_release(req.token, req.refs);
}

/* ---- VFS_FD_MAP ---- */

static int check_mapping(struct proc *p, const struct vfs_fd_map *req, struct file **out)
{
	struct file *f = fdtab_get(p->fds, req->fd);

	*out = f;
	if (!f)
		return -EBADF;
	if (f->ops != &regular_ops || !VN_IS(f->vn, S_IFREG))
		return -ENODEV;
	if (!FILE_READABLE(f))
		return -EACCES;
	if ((req->flags & MAP_TYPE) != MAP_PRIVATE && (req->prot & PROT_WRITE) && !FILE_WRITABLE(f))
		return -EACCES;
	return 0;
}

void vm_fd_map_run(struct call *c)
{
	struct vfs_rep rep = {0};
	struct vfs_fd_map req;
	struct proc *p;
	struct file *f;

	msg_get(&c->req, &req);
	rep.id = req.id;
	p = proc_find(req.ep);
	rep.result = p ? check_mapping(p, &req, &f) : -ESRCH;
	if (!rep.result) {
		file_ref(f);
		rep.result = vnode_attr(c, f->vn);
		if (!rep.result) {
			rep.value = token_take(f->vn);
			rep.value2 = f->vn->attr.size_bytes;
			if (!rep.value)
				rep.result = -ENFILE;
		}
		file_unref(f);
	}
	sys_reply(&c->req, c->how, &rep);
}

/* ---- VFS_FETCH ---- */

/* One FS_READ into a part of vm's grant: bytes or -errno. */
static int64_t fetch_part(struct call *c, struct vnode *v, const struct vfs_fetch *f, uint64_t done)
{
	uint64_t left = f->len_bytes - done;
	struct fs_io req = {.ino = v->ino, .pos = f->offset + done, .flags = FS_IO_AHEAD};
	struct fs_rep rep;
	struct msg m;
	int r;

	req.len_bytes = left < FS_IO_MAX ? (uint32_t)left : FS_IO_MAX;
	req.id = await_prepare(c, v->mount->ep, FS_READ);
	req.grant = grant_indirect(v->mount->ep, EP_VM, f->grant, done, req.len_bytes, GRANT_WRITE);
	if (req.grant == GRANT_INVALID)
		return -ENOMEM;
	msg_put(&m, FS_READ, &req);
	r = fs_transact(c, v->mount, &m, &rep);
	grant_revoke(req.grant);
	if (r)
		return r;
	return rep.count > req.len_bytes ? -EIO : (int64_t)rep.count;
}

static int64_t fetch(struct call *c, const struct vfs_fetch *req)
{
	struct token *t = find(req->token);
	struct vnode *v;
	uint64_t done = 0;
	int64_t n = 1;

	if (!t)
		return -ESTALE;
	if (req->len_bytes > INT32_MAX)
		return -EINVAL;
	v = t->vn;
	vnode_ref(v);
	while (n > 0 && done < req->len_bytes) {
		n = fetch_part(c, v, req, done);
		if (n > 0)
			done += (uint64_t)n;
	}
	vnode_unref(v);
	return n < 0 ? n : (int64_t)done;
}

void vm_fetch_run(struct call *c)
{
	struct vfs_rep rep = {0};
	struct vfs_fetch req;
	int64_t n;

	msg_get(&c->req, &req);
	n = fetch(c, &req);
	rep.id = req.id;
	rep.result = (int32_t)n;
	rep.value = n > 0 ? (uint64_t)n : 0;
	sys_reply(&c->req, c->how, &rep);
}
