/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors: dup, fcntl, flags, umask. */
#include <string.h>
#include "lock.h"
#include "vfs.h"

#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int64_t dup_from(struct call *c, int fd, unsigned from, bool cloexec)
{
	struct file *f = file_get(c, fd);
	int r;

	if (!f)
		return -EBADF;
	r = from < FDS_MAX ? fdtab_find_free(c->proc->fds, from) : -EINVAL;
	if (r < 0)
		file_unref(f);
	else
		fdtab_set(c->proc->fds, (unsigned)r, f, cloexec);
	return r;
}

static int64_t dup_to(struct call *c, int from, int to, bool cloexec)
{
	struct file *f;

	if (to < 0 || to >= FDS_MAX)
		return -EBADF;
	f = file_get(c, from);
	if (!f)
		return -EBADF;
	if (fdtab_get(c->proc->fds, to))
		(void)file_close(c->proc, to);
	fdtab_set(c->proc->fds, (unsigned)to, f, cloexec);
	return to;
}

int64_t sys_dup(struct call *c)
{
	return dup_from(c, (int)c->args[0], 0, false);
}

int64_t sys_dup2(struct call *c)
{
	int from = (int)c->args[0], to = (int)c->args[1];

	if (from == to)
		return fdtab_get(c->proc->fds, from) ? from : -EBADF;
	return dup_to(c, from, to, false);
}

int64_t sys_dup3(struct call *c)
{
	if (c->args[2] & ~(uint64_t)O_CLOEXEC || (int)c->args[0] == (int)c->args[1])
		return -EINVAL;
	return dup_to(c, (int)c->args[0], (int)c->args[1], c->args[2] & O_CLOEXEC);
}

static int64_t on_descriptor(struct call *c, int fd, unsigned cmd, uint64_t arg)
{
	struct fdtab *t = c->proc->fds;

	switch (cmd) {
	case F_DUPFD: return dup_from(c, fd, arg < FDS_MAX ? (unsigned)arg : FDS_MAX, false);
	case F_DUPFD_CLOEXEC: return dup_from(c, fd, arg < FDS_MAX ? (unsigned)arg : FDS_MAX, true);
	case F_GETFD: return fdtab_cloexec(t, (unsigned)fd) ? FD_CLOEXEC : 0;
	default: fdtab_set_cloexec(t, (unsigned)fd, arg & FD_CLOEXEC); return 0;
	}
}

static int64_t on_file(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case F_GETFL: return f->flags & ~(uint32_t)(O_DIRECTORY | O_NOFOLLOW);
	case F_SETFL:
		f->flags = (f->flags & ~(uint32_t)SETFL_FLAGS) | ((uint32_t)arg & SETFL_FLAGS);
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW: return lock_fcntl(c, f, cmd, arg);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ: return file_is_pipe(f) ? 65536 : -EBADF; /* pipes have one size */
	case F_SETOWN:
	case F_SETSIG: return 0; /* there is no signal-driven input */
	case F_GETOWN:
	case F_GETSIG: return 0;
	default: return -EINVAL;
	}
}

int64_t sys_fcntl(struct call *c)
{
	int fd = (int)c->args[0];
	unsigned cmd = (unsigned)c->args[1];
	struct file *f = file_get(c, fd);
	int64_t r;

	if (!f)
		return -EBADF;
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD || cmd == F_SETFD)
		r = on_descriptor(c, fd, cmd, c->args[2]);
	else
		r = on_file(c, f, cmd, c->args[2]);
	file_unref(f);
	return r;
}

int64_t sys_umask(struct call *c)
{
	uint32_t old = c->proc->fs->umask;

	c->proc->fs->umask = (uint32_t)c->args[0] & 0777;
	return old;
}
