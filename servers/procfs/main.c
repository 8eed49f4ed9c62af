/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the file server of /proc. vfs is its only client (fsp.h); what it shows it asks from pm,
 * vm, vfs, rs, ds, pci and the kernel at the moment of reading. A file that is read from its
 * beginning is made anew and kept as a snapshot, from which the following reads are served, so that
 * a reader sees one state and not the seams between several.
 *
 * Nothing can be changed here but one thing: a line "mark A B" written to axolotl/events puts a
 * MARK into the event log, for experiments.
 *
 * State over a restart: none. References and inode numbers mean the same in the next incarnation.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "axolotl/fsp.h"
#include "axolotl/sock.h"
#include "procfs.h"

#define SNAPSHOTS      8
#define SNAPSHOT_BYTES (1u << 20)
#define SMALL_BYTES    (64u << 10)
#define PROC_MAGIC     0x9fa0u
#define TRUNCATE_MASK  ((uint32_t)(FS_SET_SIZE | FS_SET_MTIME | FS_SET_MTIME_NOW))
#define MARK_BYTES     64

struct snapshot {
	uint32_t ino;     /* 0: free */
	uint64_t used_at; /* tick of the last use */
	struct text text;
};

static struct snapshot snapshots[SNAPSHOTS];
static uint64_t use_tick;

/* ---- attributes ---- */

static uint32_t mode_of(const struct place *p)
{
	if (!p->node)
		return S_IFLNK | 0700;
	switch (p->node->type) {
	case NODE_DIR: return S_IFDIR | (p->node->perm ? p->node->perm : 0555);
	case NODE_LINK: return S_IFLNK | 0777;
	case NODE_FILE: break;
	}
	return S_IFREG | (p->node->perm ? p->node->perm : 0444);
}

/* 0, or -ENOENT when the process is gone. */
static int attr_of(uint32_t ino, struct fs_attr *a)
{
	const struct pm_procinfo *proc = NULL;
	struct place p;
	int64_t now = (int64_t)(wall_ns() / 1000000000);

	if (!tree_decode(&proc_tree, ino, &p))
		return -ENOENT;
	if (p.pid && !(proc = data_proc(p.pid)))
		return -ENOENT;
	*a = (struct fs_attr){.ino = ino,
	                      .mode = mode_of(&p),
	                      .nlink = p.node && p.node->type == NODE_DIR ? 2 : 1,
	                      .uid = proc ? proc->euid : 0,
	                      .gid = proc ? proc->egid : 0,
	                      .block_bytes = PAGE_BYTES,
	                      .flags = FS_ATTR_VOLATILE,
	                      .atime_s = now,
	                      .mtime_s = now,
	                      .ctime_s = now};
	return 0;
}

int give_attr(grant_t grant, uint32_t ino)
{
	struct fs_attr a;
	int r = attr_of(ino, &a);

	if (r == 0 && grant != GRANT_INVALID)
		r = k_safecopy_to(EP_VFS, grant, 0, &a, sizeof(a));
	return r;
}

/* ---- contents ---- */

static int generate(struct text *t, uint32_t ino)
{
	struct place p;

	t->len = 0;
	t->is_full = false;
	if (!tree_decode(&proc_tree, ino, &p))
		return -ENOENT;
	if (p.pid && !data_proc(p.pid))
		return -ESRCH;
	if (!p.node)
		return gen_fd_target(t, p.pid, p.fd);
	if (p.node->type == NODE_DIR)
		return -EISDIR;
	return p.node->gen(t, p.pid);
}

/* The first one is big and only for what fits into no other. */
static struct snapshot *oldest_small(void)
{
	struct snapshot *s = &snapshots[1];

	for (int i = 2; i < SNAPSHOTS; i++)
		if (snapshots[i].used_at < s->used_at)
			s = &snapshots[i];
	return s;
}

static struct snapshot *find_snapshot(uint32_t ino)
{
	for (int i = 0; i < SNAPSHOTS; i++)
		if (snapshots[i].ino == ino)
			return &snapshots[i];
	return NULL;
}

/* The snapshot that a read at pos continues, or a new one. */
static int snapshot_for(uint32_t ino, uint64_t pos, struct snapshot **found)
{
	struct snapshot *s = find_snapshot(ino);
	int r;

	if (!s)
		s = oldest_small();
	s->used_at = ++use_tick;
	*found = s;
	if (s->ino == ino && pos > 0)
		return 0;
	s->ino = 0;
	data_refresh(0);
	r = generate(&s->text, ino);
	if (r == 0 && s->text.is_full && s != &snapshots[0]) {
		s = &snapshots[0];
		s->used_at = use_tick;
		s->ino = 0;
		*found = s;
		r = generate(&s->text, ino);
	}
	if (r == 0)
		s->ino = ino;
	return r;
}

static void give_part(const struct snapshot *s, const struct fs_io *rq, struct fs_rep *rep)
{
	size_t n;

	if (rq->pos >= s->text.len)
		return;
	n = s->text.len - rq->pos;
	if (n > rq->len_bytes)
		n = rq->len_bytes;
	rep->result = k_safecopy_to(EP_VFS, rq->grant, rq->grant_offset, s->text.buf + rq->pos, n);
	rep->count = (uint32_t)n;
}

static void on_read(const struct fs_io *rq, struct fs_rep *rep)
{
	struct snapshot *s;

	rep->result = snapshot_for(rq->ino, rq->pos, &s);
	if (rep->result == 0)
		give_part(s, rq, rep);
}

/* ---- texts of others ---- */

bool read_continue(const struct msg *m, enum ipc_primitive how, const struct fs_io *rq)
{
	struct snapshot *s = find_snapshot(rq->ino);
	struct fs_rep rep = {.id = rq->id};

	if (!s)
		return false;
	s->used_at = ++use_tick;
	give_part(s, rq, &rep);
	sys_reply(m, how, &rep);
	return true;
}

void read_answer(const struct msg *m, enum ipc_primitive how, const struct fs_io *rq,
                 const struct fresh *fresh)
{
	struct snapshot *s = find_snapshot(rq->ino);
	struct fs_rep rep = {.id = rq->id, .result = fresh->error};

	if (!fresh->error) {
		if (!s)
			s = oldest_small();
		s->used_at = ++use_tick;
		s->ino = rq->ino;
		s->text.len = fresh->len < s->text.cap ? fresh->len : s->text.cap;
		memcpy(s->text.buf, fresh->text, s->text.len);
		give_part(s, rq, &rep);
	}
	sys_reply(m, how, &rep);
}

static void on_readlink(const struct fs_io *rq, struct fs_rep *rep)
{
	static char target[4096];
	struct text t = {.buf = target, .cap = sizeof(target)};
	struct place p;

	if (!tree_decode(&proc_tree, rq->ino, &p) || (p.node && p.node->type != NODE_LINK)) {
		rep->result = -EINVAL;
		return;
	}
	data_refresh(FRESH_NS);
	rep->result = generate(&t, rq->ino);
	if (rep->result < 0)
		return;
	if (t.len > rq->len_bytes)
		t.len = rq->len_bytes;
	if (t.len > 0)
		rep->result = k_safecopy_to(EP_VFS, rq->grant, rq->grant_offset, target, t.len);
	rep->count = (uint32_t)t.len;
}

static bool is_events(uint32_t ino)
{
	struct place p;

	return tree_decode(&proc_tree, ino, &p) && p.node && p.node->gen == gen_events;
}

/* "mark A B": two numbers, the second may be missing. */
static bool parse_mark(const char *line, uint64_t *a, uint64_t *b)
{
	char *end;

	if (strncmp(line, "mark ", 5) != 0 || line[5] < '0' || line[5] > '9')
		return false;
	*a = strtoull(line + 5, &end, 0);
	*b = strtoull(end, &end, 0);
	return *end == '\n' || *end == '\0';
}

static void on_write(const struct fs_io *rq, struct fs_rep *rep)
{
	char line[MARK_BYTES + 1] = {0};
	uint64_t a, b;

	rep->result = -EINVAL;
	if (!is_events(rq->ino) || rq->len_bytes > MARK_BYTES)
		return;
	rep->result = k_safecopy_from(EP_VFS, rq->grant, rq->grant_offset, line, rq->len_bytes);
	if (rep->result < 0)
		return;
	if (!parse_mark(line, &a, &b)) {
		rep->result = -EINVAL;
		return;
	}
	log_event(EV_MARK, EP_NONE, "", a, b);
	rep->count = rq->len_bytes;
	rep->pos = rq->pos;
}

static void on_statfs(const struct fs_io *rq, struct fs_rep *rep)
{
	struct fs_statfs s = {
		.magic = PROC_MAGIC, .block_bytes = PAGE_BYTES, .name_max = FS_NAME_MAX};

	if (rq->len_bytes < sizeof(s)) {
		rep->result = -EINVAL;
		return;
	}
	rep->result = k_safecopy_to(EP_VFS, rq->grant, rq->grant_offset, &s, sizeof(s));
	rep->count = sizeof(s);
}

/* ---- protocol ---- */

static void on_mount(const struct fs_mount *rq, struct fs_rep *rep)
{
	data_refresh(FRESH_NS);
	rep->ino = INO_ROOT;
	rep->result = give_attr(rq->attr_grant, INO_ROOT);
}

static void on_getattr(const struct fs_name *rq, struct fs_rep *rep)
{
	data_refresh(FRESH_NS);
	rep->ino = rq->ino;
	rep->result = give_attr(rq->attr_grant, rq->ino);
}

/* Opening with O_TRUNC is allowed on the one file that can be written; nothing else changes. */
static void on_setattr(const struct fs_setattr *rq, struct fs_rep *rep)
{
	rep->ino = rq->ino;
	rep->result = is_events(rq->ino) && !(rq->mask & ~TRUNCATE_MASK)
	                      ? give_attr(rq->attr_grant, rq->ino)
	                      : -EPERM;
}

static void dispatch_io(const struct msg *m, struct fs_rep *rep)
{
	struct fs_io rq;

	msg_get(m, &rq);
	if (m->type == FS_READ)
		on_read(&rq, rep);
	else if (m->type == FS_READDIR)
		dir_read(&rq, rep);
	else if (m->type == FS_READLINK)
		on_readlink(&rq, rep);
	else if (m->type == FS_WRITE)
		on_write(&rq, rep);
	else
		on_statfs(&rq, rep);
}

static void dispatch(const struct msg *m, struct fs_rep *rep)
{
	struct fs_mount mount;
	struct fs_name name;
	struct fs_setattr set;

	switch ((enum fs_msg)m->type) {
	case FS_MOUNT:
		msg_get(m, &mount);
		on_mount(&mount, rep);
		break;
	case FS_LOOKUP:
		msg_get(m, &name);
		dir_lookup(&name, rep);
		break;
	case FS_GETATTR:
		msg_get(m, &name);
		on_getattr(&name, rep);
		break;
	case FS_SETATTR:
		msg_get(m, &set);
		on_setattr(&set, rep);
		break;
	case FS_READ:
	case FS_WRITE:
	case FS_READDIR:
	case FS_READLINK:
	case FS_STATFS: dispatch_io(m, rep); break;
	case FS_UNMOUNT:
	case FS_FSYNC:
	case FS_SYNC:
	case FS_EVICT: break; /* nothing is kept that could be lost */
	case FS_CREATE:
		msg_get(m, &name);
		dir_lookup(&name,
		           rep); /* a name that is there must be told from one that cannot be */
		rep->result = rep->result == 0         ? -EEXIST
		              : rep->result == -ENOENT ? -EPERM
		                                       : rep->result;
		break;
	case FS_FORGET:
	case FS_MKDIR:
	case FS_MKNOD:
	case FS_SYMLINK:
	case FS_LINK:
	case FS_UNLINK:
	case FS_RMDIR:
	case FS_RENAME: rep->result = -EPERM; break;
	case FS_OPS_END: rep->result = -ENOSYS; break;
	}
}

static uint32_t read_ino(const struct msg *m)
{
	struct fs_io rq;

	msg_get(m, &rq);
	return rq.ino;
}

static void on_message(const struct msg *m, enum ipc_primitive how)
{
	struct fs_rep rep = {0};
	struct fs_req rq;

	if (m->type == (SOCK_INFO | MSG_REPLY)) {
		net_reply(m);
		return;
	}
	if (m->source != EP_VFS) {
		sys_violation(m->source, VIOL_REQUEST, m->type);
		return;
	}
	if (m->type == FS_FORGET)
		return;
	msg_get(m, &rq);
	if (m->type == FS_READ && net_is_file(read_ino(m))) {
		net_read(m, how);
		return;
	}
	rep.id = rq.id;
	dispatch(m, &rep);
	sys_reply(m, how, &rep);
}

/* Buffers are touched now, so that servers which copy into them find their pages. */
static int on_init(const struct sys_init *how)
{
	(void)how;
	for (int i = 0; i < SNAPSHOTS; i++) {
		size_t cap = i == 0 ? SNAPSHOT_BYTES : SMALL_BYTES;
		snapshots[i].text = (struct text){.buf = malloc(cap), .cap = cap};
		if (!snapshots[i].text.buf)
			return -ENOMEM;
		memset(snapshots[i].text.buf, 0, cap);
	}
	return ds_subscribe("inet");
}

int main(void)
{
	static const struct sys_component component = {.init = on_init,
	                                               .message = on_message,
	                                               .alarm = net_alarm,
	                                               .ds_change = net_ds_change};

	sys_main(&component);
}
