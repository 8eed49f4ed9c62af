/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files of character devices. Those of an end of a pair that is dead were hung up: reads give 0, at
 * a master EIO, all else EIO, and the driver is not asked.
 */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include "chrdev.h"

/* What k->io asks for; a driver that says it moved more is not believed. */
static int64_t transfer(struct call *c, struct chrdev *ch, struct chr_call *k)
{
	int64_t n;

	if (k->io->len == 0)
		return 0;
	k->req.flags = k->io->flags & O_NONBLOCK ? CHR_NONBLOCK : 0;
	k->req.pos = k->io->pos;
	n = chr_request(c, ch, k);
	return n > (int64_t)k->io->len ? -EIO : n;
}

static int64_t chr_read(struct call *c, struct file *f, struct io *io)
{
	struct chrdev *ch = f->obj;
	struct chr_call k = {.op = CHR_READ, .io = io, .access = GRANT_WRITE, .can_cancel = true};
	int64_t n;

	if (ch->is_dead)
		return ch->kind == KIND_MASTER ? -EIO : 0;
	if (ch->is_tty) {
		n = tty_check_job(c, &ch->tty, SIGTTIN);
		if (n)
			return n;
	}
	return transfer(c, ch, &k);
}

static int64_t chr_write(struct call *c, struct file *f, struct io *io)
{
	struct chrdev *ch = f->obj;
	struct chr_call k = {.op = CHR_WRITE, .io = io, .access = GRANT_READ, .can_cancel = true};

	if (ch->is_dead)
		return -EIO;
	return transfer(c, ch, &k);
}

static unsigned chr_poll(struct call *c, struct file *f, unsigned wanted)
{
	struct chrdev *ch = f->obj;
	struct chr_call k = {.op = CHR_POLL, .req.arg = wanted};
	unsigned always = wanted | POLLHUP | POLLERR;
	bool died;
	int r;

	if (ch->is_dead)
		return (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLERR) & always;
	if (ch->ep == EP_NONE || ch->open_gen != ch->gen) {
		/* Between two drivers nothing is ready; the next one is opened by whoever waits. */
		if (ch->ep == EP_NONE || chr_ensure_open(c, ch) != 0)
			return 0;
	}
	r = chr_send_once(c, ch, &k, &died);
	return died || r < 0 ? 0 : (unsigned)r & always;
}

/* Size and direction of an ioctl's argument; false: there is none (arg is a number). */
static bool ioctl_buffer(unsigned cmd, struct io *io, unsigned *access)
{
	static const struct {
		unsigned cmd;
		uint16_t len, access;
	} known[] = {
		{TCGETS, 36, GRANT_WRITE},    {TCSETS, 36, GRANT_READ},
		{TCSETSW, 36, GRANT_READ},    {TCSETSF, 36, GRANT_READ},
		{TIOCGWINSZ, 8, GRANT_WRITE}, {TIOCSWINSZ, 8, GRANT_READ},
		{FIONREAD, 4, GRANT_WRITE},   {TIOCOUTQ, 4, GRANT_WRITE},
		{TIOCMGET, 4, GRANT_WRITE},   {TIOCMSET, 4, GRANT_READ},
		{TIOCMBIS, 4, GRANT_READ},    {TIOCMBIC, 4, GRANT_READ},
		{TIOCGETD, 4, GRANT_WRITE},   {TIOCSETD, 4, GRANT_READ},
		{TIOCGPTN, 4, GRANT_WRITE},   {TIOCSPTLCK, 4, GRANT_READ},
		{TIOCGPTLCK, 4, GRANT_WRITE},
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].cmd != cmd)
			continue;
		io->len = known[i].len;
		*access = known[i].access;
		return true;
	}
	return false;
}

static bool changes_tty(unsigned cmd)
{
	return cmd == TCSETS || cmd == TCSETSW || cmd == TCSETSF || cmd == TCFLSH ||
	       cmd == TCSBRK || cmd == TCXONC;
}

static int64_t chr_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	struct chrdev *ch = f->obj;
	struct chr_call k = {
		.op = CHR_IOCTL, .req.cmd = cmd, .req.arg = (uint32_t)arg, .can_cancel = true};
	struct io io = {.ep = c->ep, .addr = arg};
	int64_t r;

	if (ch->is_dead)
		return -EIO;
	if (ch->kind == KIND_MASTER) {
		r = pty_master_ioctl(c, ch, cmd, arg);
		if (r != TTY_NOT_OURS)
			return r;
	}
	if (ch->is_tty) {
		r = tty_ioctl(c, &ch->tty, cmd, arg);
		if (r != TTY_NOT_OURS)
			return r;
		if (changes_tty(cmd)) {
			r = tty_check_job(c, &ch->tty, SIGTTOU);
			if (r && r != -EIO)
				return r;
		}
	}
	if (ioctl_buffer(cmd, &io, &k.access))
		k.io = &io;
	r = chr_request(c, ch, &k);
	return r == -ENOSYS ? -ENOTTY : r;
}

void chr_put(struct chrdev *ch)
{
	if (--ch->opens > 0)
		return;
	chr_close_at_driver(ch);
	if (chr_is_end(ch))
		pty_unused(ch);
}

static void chr_release(struct file *f)
{
	chr_put(f->obj);
}

static const struct file_ops chr_ops = {
	.read = chr_read,
	.write = chr_write,
	.ioctl = chr_ioctl,
	.poll = chr_poll,
	.release = chr_release,
};

struct file *chr_file(struct chrdev *ch, uint32_t flags)
{
	struct file *f = file_new(&chr_ops, flags);

	if (!f)
		return NULL;
	f->obj = ch;
	f->wq = &ch->wq;
	return f;
}

int chr_open(struct call *c, struct dev *d, uint32_t flags, struct file **out)
{
	struct chrdev *ch = d->obj;
	int r;

	if (!ch) /* the name of a pair's end that is dead */
		return -ENXIO;
	if (ch->kind == KIND_PTMX)
		return pty_open_master(c, ch, flags, out);
	ch->opens++; /* from now on, so that a close meanwhile is not the last one */
	r = ch->kind == KIND_SLAVE ? pty_open_slave(c, ch) : chr_ensure_open(c, ch);
	*out = r ? NULL : chr_file(ch, flags);
	if (!*out) {
		chr_put(ch);
		return r ? r : -ENFILE;
	}
	if (ch->is_tty && !ch->is_dead)
		tty_opened(c, &ch->tty, flags);
	return 0;
}
