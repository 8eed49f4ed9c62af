/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal ioctls (tty_ioctl(4) of Linux). Structures come and go through the request's grant;
 * integer arguments are in `arg`. Process groups and sessions are vfs's; unknown ones: ENOTTY.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>

#include "tty/line_impl.h"

static void settings_changed(struct line *l)
{
	if (l->device != NULL && l->device->settings_changed != NULL)
		l->device->settings_changed(l);
}

static int set_termios(struct line *l, struct chardev_request *r)
{
	struct ktermios t;
	int err = chardev_copy_in(r, 0, &t, sizeof(t));

	if (err != 0)
		return err;
	if (r->req.cmd == TCSETSF)
		ldisc_flush_input(&l->ldisc);
	ldisc_set_termios(&l->ldisc, &t);
	settings_changed(l);
	return 0;
}

static int set_size(struct line *l, struct chardev_request *r)
{
	struct winsize size;
	int err = chardev_copy_in(r, 0, &size, sizeof(size));

	if (err != 0 || memcmp(&size, &l->size, sizeof(size)) == 0)
		return err;
	l->size = size;
	settings_changed(l);
	chardev_signal(l->minor, SIGWINCH);
	return 0;
}

int line_flush(struct line *l, unsigned which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which != TCOFLUSH) {
		ldisc_flush_input(&l->ldisc);
		if (l->device != NULL)
			l->device->input_room(l);
	}
	if (which != TCIFLUSH)
		line_flush_output(l);
	return 0;
}

static int flow(struct line *l, unsigned what)
{
	uint8_t c;

	switch (what) {
	case TCOOFF: l->is_suspended = true; return 0;
	case TCOON: l->is_suspended = false; return 0;
	case TCIOFF:
	case TCION:
		c = l->ldisc.t.c_cc[what == TCIOFF ? VSTOP : VSTART];
		if (c != 0)
			line_emit(l, &c, 1);
		return 0;
	default: return -EINVAL;
	}
}

/* What is done once all output is out. */
void line_ioctl_drained(struct line *l, struct chardev_request *r)
{
	bool is_set = r->req.cmd == TCSETSW || r->req.cmd == TCSETSF;

	chardev_reply(r, is_set ? set_termios(l, r) : 0);
}

static int copy_count(struct chardev_request *r, size_t count)
{
	int32_t n = (int32_t)count;

	return chardev_copy_out(r, 0, &n, sizeof(n));
}

static size_t unsent(const struct line *l)
{
	return l->device != NULL && l->device->is_instant ? 0 : l->out_tail - l->out_head;
}

static int immediate(struct line *l, struct chardev_request *r)
{
	switch (r->req.cmd) {
	case TCGETS: return chardev_copy_out(r, 0, &l->ldisc.t, sizeof(l->ldisc.t));
	case TCSETS: return set_termios(l, r);
	case TIOCGWINSZ: return chardev_copy_out(r, 0, &l->size, sizeof(l->size));
	case TIOCSWINSZ: return set_size(l, r);
	case TCFLSH: return line_flush(l, r->req.arg);
	case TCXONC: return flow(l, r->req.arg);
	case FIONREAD: return copy_count(r, ldisc_readable(&l->ldisc));
	case TIOCOUTQ: return copy_count(r, unsent(l));
	case TIOCEXCL:
	case TIOCNXCL: return 0;
	default: return -ENOTTY;
	}
}

void line_ioctl(struct line *l, struct chardev_request *r)
{
	switch (r->req.cmd) {
	case TCSETSW:
	case TCSETSF:
	case TCSBRK: /* a break is not sent: drain only */
	case TCSBRKP: line_wait_drained(l, r); return;
	default: chardev_reply(r, immediate(l, r)); line_work(l);
	}
}
