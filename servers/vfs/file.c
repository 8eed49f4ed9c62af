/* SPDX-License-Identifier: BSD-2-Clause */
/* Open file descriptions: the pool, references, descriptors, and dispatch to their operations. */
#include <poll.h>
#include <string.h>
#include "vfs.h"
#include "lock.h"

static struct file files[FILES_MAX];
static unsigned search_from;
static struct waitq pos_wq; /* somebody waits for a file's position */

struct file *file_new(const struct file_ops *ops, uint32_t flags)
{
	for (unsigned n = 0; n < FILES_MAX; n++) {
		unsigned i = (search_from + n) % FILES_MAX;

		if (files[i].refs)
			continue;
		search_from = i + 1;
		memset(&files[i], 0, sizeof(files[i]));
		files[i].refs = 1;
		files[i].ops = ops;
		files[i].flags = flags;
		return &files[i];
	}
	return NULL;
}

void file_ref(struct file *f)
{
	f->refs++;
}

void file_unref(struct file *f)
{
	SYS_ASSERT(f->refs > 0);
	if (f->refs > 1) {
		f->refs--;
		if (f->ops->dropped)
			f->ops->dropped(f);
		return;
	}
	if (f->vn)
		lock_file_closed(f);
	if (f->epolls)
		epoll_file_closed(f);
	if (f->ops->release)
		f->ops->release(f);
	vnode_unref(f->vn);
	f->refs = 0;
	if ((unsigned)(f - files) < search_from)
		search_from = (unsigned)(f - files);
}

struct file *file_get(struct call *c, int fd)
{
	struct file *f = fdtab_get(c->proc->fds, fd);

	if (f)
		file_ref(f);
	return f;
}

int file_install(struct call *c, struct file *f, bool cloexec)
{
	int fd = fdtab_find_free(c->proc->fds, 0);

	if (fd < 0)
		file_unref(f);
	else
		fdtab_set(c->proc->fds, (unsigned)fd, f, cloexec);
	return fd;
}

int file_close(struct proc *p, int fd)
{
	struct file *f = fdtab_clear(p->fds, fd);

	if (!f)
		return -EBADF;
	if (f->vn)
		lock_fd_closed(f->vn, p->fds);
	file_unref(f);
	return 0;
}

int64_t file_read(struct call *c, struct file *f, struct io *io)
{
	if (!FILE_READABLE(f))
		return -EBADF;
	if (!f->ops->read)
		return -EINVAL;
	io->flags = f->flags;
	return f->ops->read(c, f, io);
}

int64_t file_write(struct call *c, struct file *f, struct io *io)
{
	if (!FILE_WRITABLE(f))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	io->flags = f->flags;
	return f->ops->write(c, f, io);
}

void file_pos_lock(struct call *c, struct file *f)
{
	while (f->pos_busy)
		(void)waitq_sleep(c, &pos_wq, false);
	f->pos_busy = true;
}

void file_pos_unlock(struct file *f)
{
	f->pos_busy = false;
	if (pos_wq.head)
		waitq_wake(&pos_wq);
}

unsigned file_poll(struct call *c, struct file *f, unsigned wanted)
{
	if (f->ops->poll)
		return f->ops->poll(c, f, wanted);
	return (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM) & wanted;
}
