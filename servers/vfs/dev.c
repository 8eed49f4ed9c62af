/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening devices; the built-in ones: null, zero, full, random, tty, console. ioctl. Changes in ds.
 */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include "blkdev.h"
#include "chr.h"
#include "devfs.h"
#include "random.h"
#include "socket.h"
#include "vfs.h"

static int64_t null_read(struct call *c, struct file *f, struct io *io)
{
	(void)c;
	(void)f;
	(void)io;
	return 0;
}

static int64_t sink_write(struct call *c, struct file *f, struct io *io)
{
	uint64_t n = io->len;

	(void)c;
	(void)f;
	io_advance(io, n);
	return (int64_t)n;
}

static int64_t full_write(struct call *c, struct file *f, struct io *io)
{
	(void)c;
	(void)f;
	(void)io;
	return -ENOSPC;
}

static int64_t fill(struct call *c, struct io *io, bool is_random)
{
	static const uint8_t zeros[16 * PAGE_BYTES];
	int64_t done = 0;

	while (io->len > 0) {
		size_t limit = is_random ? sizeof(c->buf) : sizeof(zeros);
		size_t n = io->len < limit ? io->len : limit;
		int r;

		if (is_random)
			random_bytes(c->buf, n);
		r = io_put(c, io, is_random ? c->buf : (const void *)zeros, n);
		if (r)
			return done ? done : r;
		io_advance(io, n);
		done += (int64_t)n;
	}
	return done;
}

static int64_t zero_read(struct call *c, struct file *f, struct io *io)
{
	(void)f;
	return fill(c, io, false);
}

static int64_t random_read(struct call *c, struct file *f, struct io *io)
{
	(void)f;
	return fill(c, io, true);
}

static int64_t random_write(struct call *c, struct file *f, struct io *io)
{
	uint64_t len = io->len;

	(void)f;
	while (io->len > 0) {
		size_t n = io->len < sizeof(c->buf) ? io->len : sizeof(c->buf);
		int r = io_get(c, io, c->buf, n);

		if (r)
			return r;
		random_stir(c->buf, n);
		io_advance(io, n);
	}
	return (int64_t)len;
}

static const struct file_ops null_ops = {
	.read = null_read, .write = sink_write, .is_seekable = true};
static const struct file_ops zero_ops = {
	.read = zero_read, .write = sink_write, .is_seekable = true};
static const struct file_ops full_ops = {
	.read = zero_read, .write = full_write, .is_seekable = true};
static const struct file_ops random_ops = {
	.read = random_read, .write = random_write, .is_seekable = true};

static int open_builtin(const struct file_ops *ops, uint32_t flags, struct file **out)
{
	*out = file_new(ops, flags);
	return *out ? 0 : -ENFILE;
}

/* The terminal behind /dev/tty or /dev/console. */
static int open_terminal(struct call *c, struct dev *d, uint32_t flags, struct file **out)
{
	struct dev *target = NULL;

	if (d->kind == DEV_TTY) {
		struct tty *t = c->proc ? tty_of_session(c->proc->sid) : NULL;

		target = t ? t->dev : NULL;
	} else {
		target = chr_console();
		flags |= O_NOCTTY;
	}
	if (!target)
		return -ENXIO;
	return chr_open(c, target, flags, out);
}

int dev_open(struct call *c, struct dev *d, uint32_t flags, struct file **out)
{
	if (d->is_gone)
		return -ENXIO;
	switch (d->kind) {
	case DEV_NULL: return open_builtin(&null_ops, flags, out);
	case DEV_ZERO: return open_builtin(&zero_ops, flags, out);
	case DEV_FULL: return open_builtin(&full_ops, flags, out);
	case DEV_RANDOM: return open_builtin(&random_ops, flags, out);
	case DEV_TTY:
	case DEV_CONSOLE: return open_terminal(c, d, flags, out);
	case DEV_CHR: return chr_open(c, d, flags, out);
	case DEV_BLK: return blk_open(c, d, flags, out);
	case DEV_FREE:
	case DEV_LINK:
	case DEV_DIR: break;
	}
	return -ENXIO;
}

/* ---- ioctl ---- */

static int64_t set_flag(struct call *c, struct file *f, uint32_t flag, uint64_t arg)
{
	int on;

	if (user_read(c, &on, arg, sizeof(on)) != 0)
		return -EFAULT;
	f->flags = on ? f->flags | flag : f->flags & ~flag;
	return 0;
}

static int64_t do_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	int64_t r;
	int left;

	switch (cmd) {
	case FIONBIO: return set_flag(c, f, O_NONBLOCK, arg);
	case FIOCLEX: fdtab_set_cloexec(c->proc->fds, (unsigned)c->args[0], true); return 0;
	case FIONCLEX: fdtab_set_cloexec(c->proc->fds, (unsigned)c->args[0], false); return 0;
	default: break;
	}
	if (f->ops->ioctl)
		return f->ops->ioctl(c, f, cmd, arg);
	if (cmd != FIONREAD || f->ops != &regular_ops || !VN_IS(f->vn, S_IFREG))
		return -ENOTTY;
	r = vnode_attr(c, f->vn);
	if (r)
		return r;
	left = f->vn->attr.size_bytes > f->pos ? (int)(f->vn->attr.size_bytes - f->pos) : 0;
	return user_write(c, arg, &left, sizeof(left));
}

int64_t sys_ioctl(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r;

	if (!f)
		return -EBADF;
	r = do_ioctl(c, f, (unsigned)c->args[1], c->args[2]);
	file_unref(f);
	return r == -EINTR ? -ERESTARTSYS : r;
}

/* ---- ds ---- */

void dev_ds_change(const struct ds_change *ch)
{
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];

	memcpy(key, ch->key, sizeof(key));
	key[sizeof(key) - 1] = '\0';
	if (ch->result == DS_LABEL) {
		mount_label_changed(key, ch->value.label.ep);
		chr_label_changed(key, ch->value.label.ep);
		inet_label_changed(key, ch->value.label.ep);
		return;
	}
	if (ch->result != DS_STR)
		return;
	memcpy(value, ch->value.str, sizeof(value));
	value[sizeof(value) - 1] = '\0';
	if (!strncmp(key, "chr.", 4))
		chr_announced(key + 4, value);
	else if (!strncmp(key, "blk.", 4))
		blk_announced(key + 4, value);
}
