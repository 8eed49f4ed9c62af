/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of /proc: lookup and listing. Static names come first, in the order of the tables,
 * then the numbers: processes in the root, descriptors in fd/, the thread in task/.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "axolotl/vfs.h"
#include "procfs.h"

#define DIR_BYTES   8192
#define COOKIE_PIDS 0x10000u /* COOKIE_PIDS + pid follows that pid */

/* ---- names ---- */

static bool has_fd(int32_t pid, int32_t fd)
{
	char target[128];
	struct text t = {.buf = target, .cap = sizeof(target)};

	return fd >= 0 && fd < (int32_t)FD_MAX && gen_fd_target(&t, pid, (uint32_t)fd) == 0;
}

/* A child whose name is a number: a process, a thread, a descriptor. */
static uint32_t find_number(uint32_t dir, const struct place *p, int32_t n)
{
	if (n < 0)
		return 0;
	if (dir == INO_ROOT) {
		if (!data_proc(n))
			data_refresh(0); /* it may be younger than the table */
		return data_proc(n) ? tree_proc_ino(n, KIND_DIR) : 0;
	}
	if (p->pid && p->kind == KIND_TASK && n == p->pid)
		return tree_proc_ino(n, KIND_TASK_DIR);
	if (p->pid && p->kind == KIND_FD && has_fd(p->pid, n))
		return tree_proc_ino(p->pid, FD_BASE + (uint32_t)n);
	return 0;
}

static int find(uint32_t dir, const char *name, uint32_t len, uint32_t *ino)
{
	struct place p;

	if (!tree_decode(&proc_tree, dir, &p) || !p.node || p.node->type != NODE_DIR)
		return -ENOTDIR;
	if (len == 1 && name[0] == '.')
		*ino = dir;
	else if (len == 2 && name[0] == '.' && name[1] == '.')
		*ino = tree_parent(&proc_tree, dir);
	else
		*ino = tree_find(&proc_tree, dir, name, len);
	if (!*ino)
		*ino = find_number(dir, &p, tree_number(name, len));
	return *ino ? 0 : -ENOENT;
}

void dir_lookup(const struct fs_name *rq, struct fs_rep *rep)
{
	char name[FS_NAME_MAX];

	if (rq->name_len == 0 || rq->name_len > FS_NAME_MAX) {
		rep->result = -EINVAL;
		return;
	}
	rep->result = k_safecopy_from(EP_VFS, rq->name_grant, 0, name, rq->name_len);
	if (rep->result < 0)
		return;
	data_refresh(FRESH_NS);
	rep->result = find(rq->ino, name, rq->name_len, &rep->ino);
	if (rep->result == 0)
		rep->result = give_attr(rq->attr_grant, rep->ino);
}

/* ---- directories ---- */

struct listing {
	uint8_t buf[DIR_BYTES];
	uint32_t len, cap;
	uint64_t next; /* cookie behind the last record */
};

/* False: no room. */
static bool list_add(struct listing *l, const struct fs_dirent *head, const char *name)
{
	size_t len = strlen(name), rec = (sizeof(*head) + len + 7) & ~(size_t)7;
	struct fs_dirent d = *head;

	if (l->len + rec > l->cap)
		return false;
	d.rec_len = (uint16_t)rec;
	d.name_len = (uint8_t)len;
	memset(l->buf + l->len, 0, rec);
	memcpy(l->buf + l->len, &d, sizeof(d));
	memcpy(l->buf + l->len + sizeof(d), name, len);
	l->len += (uint32_t)rec;
	l->next = d.cookie;
	return true;
}

static uint8_t dirent_type(uint32_t ino)
{
	struct place p;

	if (!tree_decode(&proc_tree, ino, &p) || !p.node)
		return DT_LNK;
	return p.node->type == NODE_DIR ? DT_DIR : p.node->type == NODE_LINK ? DT_LNK : DT_REG;
}

static bool list_pids(struct listing *l, uint64_t cookie)
{
	const struct pm_procinfo *p;
	int32_t last = cookie > COOKIE_PIDS ? (int32_t)(cookie - COOKIE_PIDS) : 0;
	char name[16];

	while ((p = data_next(last)) != NULL) {
		struct fs_dirent d = {.cookie = COOKIE_PIDS + (uint64_t)p->pid,
		                      .ino = tree_proc_ino(p->pid, KIND_DIR),
		                      .type = DT_DIR};
		(void)snprintf(name, sizeof(name), "%d", p->pid);
		if (!list_add(l, &d, name))
			return false;
		last = p->pid;
	}
	return true;
}

static bool list_fds(struct listing *l, const struct place *p, uint64_t cookie)
{
	static struct vfs_fdinfo list[FD_MAX];
	const struct pm_procinfo *proc = data_proc(p->pid);
	int n = proc && proc->ep >= 0 && !proc->is_system ? ask_vfs_fds(proc->ep, list, FD_MAX) : 0;
	char name[16];

	for (int i = 0; i < n; i++) {
		uint64_t own = COOKIE_PIDS + (uint64_t)(uint32_t)list[i].fd + 1;
		struct fs_dirent d = {.cookie = own,
		                      .ino = tree_proc_ino(p->pid, FD_BASE + (uint32_t)list[i].fd),
		                      .type = DT_LNK};
		if (list[i].fd < 0 || list[i].fd >= (int32_t)FD_MAX || own <= cookie)
			continue;
		(void)snprintf(name, sizeof(name), "%d", list[i].fd);
		if (!list_add(l, &d, name))
			return false;
	}
	return true;
}

static bool list_task(struct listing *l, const struct place *p, uint64_t cookie)
{
	struct fs_dirent d = {.cookie = COOKIE_PIDS + 1,
	                      .ino = tree_proc_ino(p->pid, KIND_TASK_DIR),
	                      .type = DT_DIR};
	char name[16];

	(void)snprintf(name, sizeof(name), "%d", p->pid);
	return cookie >= d.cookie || list_add(l, &d, name);
}

/* Cookies 1 and 2 follow "." and "..", 3.. the entries of the tables, COOKIE_PIDS.. the numbers. */
static void fill_listing(struct listing *l, uint32_t dir, const struct place *p, uint64_t cookie)
{
	uint32_t ino;

	for (uint64_t at = cookie; at < 2; at++) {
		uint32_t to = at == 0 ? dir : tree_parent(&proc_tree, dir);
		struct fs_dirent d = {.cookie = at + 1, .ino = to, .type = DT_DIR};
		if (!list_add(l, &d, at == 0 ? "." : ".."))
			return;
	}
	for (uint64_t at = cookie < 2 ? 2 : cookie;
	     at < COOKIE_PIDS && (ino = tree_child(&proc_tree, dir, (uint32_t)at - 2)) != 0; at++) {
		struct fs_dirent d = {.cookie = at + 1, .ino = ino, .type = dirent_type(ino)};
		const char *name = tree_name(&proc_tree, ino);
		if (name[0] && !list_add(l, &d, name))
			return;
	}
	if (dir == INO_ROOT)
		(void)list_pids(l, cookie);
	else if (p->pid && p->kind == KIND_FD)
		(void)list_fds(l, p, cookie);
	else if (p->pid && p->kind == KIND_TASK)
		(void)list_task(l, p, cookie);
}

void dir_read(const struct fs_io *rq, struct fs_rep *rep)
{
	static struct listing l;
	struct place p;

	data_refresh(FRESH_NS);
	if (!tree_decode(&proc_tree, rq->ino, &p) || !p.node || p.node->type != NODE_DIR) {
		rep->result = -ENOTDIR;
		return;
	}
	if (p.pid && !data_proc(p.pid)) {
		rep->result = -ENOENT;
		return;
	}
	l.len = 0;
	l.cap = rq->len_bytes < sizeof(l.buf) ? rq->len_bytes : sizeof(l.buf);
	l.next = rq->pos;
	fill_listing(&l, rq->ino, &p, rq->pos);
	if (l.len > 0)
		rep->result = k_safecopy_to(EP_VFS, rq->grant, rq->grant_offset, l.buf, l.len);
	rep->count = l.len;
	rep->pos = l.next;
}
