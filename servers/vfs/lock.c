/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fcntl locks (owner: the descriptor table, as on Linux), OFD locks and flock (owner: the open
 * file). Locks hang on the vnode; as long as there is one, some open file keeps the vnode.
 */
#include <string.h>
#include <sys/file.h>
#include "lock.h"
#include "lockrange.h"

_Static_assert(sizeof(struct flock) == 32, "struct flock is the ABI's");

void lock_fd_closed(struct vnode *v, const struct fdtab *t)
{
	if (v->locks && lock_clear_owner(&v->locks, t))
		waitq_wake(&v->lock_wq);
}

void lock_file_closed(const struct file *f)
{
	if (f->vn->locks && lock_clear_owner(&f->vn->locks, f))
		waitq_wake(&f->vn->lock_wq);
}

/* Absolute range of a struct flock. */
static int decode_range(struct call *c, struct file *f, const struct flock *fl, struct lock *l)
{
	int64_t base = 0, start, end;
	int r;

	if (fl->l_whence == SEEK_CUR) {
		base = (int64_t)f->pos;
	} else if (fl->l_whence == SEEK_END) {
		r = vnode_attr(c, f->vn);
		if (r)
			return r;
		base = (int64_t)f->vn->attr.size_bytes;
	} else if (fl->l_whence != SEEK_SET) {
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, fl->l_start, &start))
		return -EOVERFLOW;
	end = INT64_MAX;
	if (fl->l_len > 0 && __builtin_add_overflow(start, fl->l_len - 1, &end))
		return -EOVERFLOW;
	if (fl->l_len < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, fl->l_len, &start))
			return -EOVERFLOW;
	}
	if (start < 0)
		return -EINVAL;
	l->first = (uint64_t)start;
	l->last = fl->l_len == 0 ? LOCK_EOF : (uint64_t)end;
	return 0;
}

static int64_t get_lock(struct call *c, struct file *f, struct flock *fl, const struct lock *want)
{
	const struct lock *l = lock_conflict(f->vn->locks, want);

	if (!l) {
		fl->l_type = F_UNLCK;
	} else {
		fl->l_type = l->type == LOCK_WRITE ? F_WRLCK : F_RDLCK;
		fl->l_whence = SEEK_SET;
		fl->l_start = (off_t)l->first;
		fl->l_len = l->last == LOCK_EOF ? 0 : (off_t)(l->last - l->first + 1);
		fl->l_pid = l->pid;
	}
	return user_write(c, c->args[2], fl, sizeof(*fl));
}

/* Takes the lock, waiting for conflicts if asked to. */
static int64_t acquire(struct call *c, struct file *f, const struct lock *want, bool can_wait)
{
	struct vnode *v = f->vn;

	while (lock_conflict(v->locks, want)) {
		int r;

		if (!can_wait)
			return -EAGAIN;
		r = waitq_sleep(c, &v->lock_wq, true);
		if (r)
			return -ERESTARTSYS;
	}
	return lock_set(&v->locks, want);
}

static int64_t release(struct vnode *v, const struct lock *range)
{
	int r = lock_clear(&v->locks, range);

	if (!r)
		waitq_wake(&v->lock_wq);
	return r;
}

int64_t lock_fcntl(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	bool is_ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct lock want = {.kind = LOCK_RECORD, .pid = is_ofd ? -1 : c->proc->pid};
	struct flock fl;
	int r;

	if (!f->vn)
		return -EBADF;
	if (user_read(c, &fl, arg, sizeof(fl)) != 0)
		return -EFAULT;
	want.owner = is_ofd ? (const void *)f : (const void *)c->proc->fds;
	r = decode_range(c, f, &fl, &want);
	if (r)
		return r;
	if (fl.l_type == F_UNLCK && cmd != F_GETLK && cmd != F_OFD_GETLK)
		return release(f->vn, &want);
	if (fl.l_type != F_RDLCK && fl.l_type != F_WRLCK)
		return -EINVAL;
	want.type = fl.l_type == F_WRLCK ? LOCK_WRITE : LOCK_READ;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return get_lock(c, f, &fl, &want);
	if (want.type == LOCK_WRITE ? !FILE_WRITABLE(f) : !FILE_READABLE(f))
		return -EBADF;
	return acquire(c, f, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

static int64_t do_flock(struct call *c, struct file *f, unsigned op)
{
	struct lock want = {.kind = LOCK_WHOLE, .owner = f, .pid = c->proc->pid, .last = LOCK_EOF};

	switch (op & ~(unsigned)LOCK_NB) {
	case LOCK_UN: return release(f->vn, &want);
	case LOCK_SH: want.type = LOCK_READ; break;
	case LOCK_EX: want.type = LOCK_WRITE; break;
	default: return -EINVAL;
	}
	/* A conversion gives the old lock up first, as on Linux. */
	if (lock_conflict(f->vn->locks, &want)) {
		int64_t r = release(f->vn, &want);

		if (r)
			return r;
	}
	return acquire(c, f, &want, !(op & LOCK_NB));
}

int64_t sys_flock(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r;

	if (!f)
		return -EBADF;
	r = f->vn ? do_flock(c, f, (unsigned)c->args[1]) : -EINVAL;
	file_unref(f);
	return r;
}
