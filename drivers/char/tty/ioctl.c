/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal ioctls (tty_ioctl(4) of Linux). Structures come and go through the request's grant;
 * integer arguments are in `arg`. Process groups and sessions are vfs's; unknown ones: ENOTTY.
 * termios and window size are kept in ds ("tty.<name>", private), so that a restart does not lose
 * them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "tty.h"

#define SAVED_MAGIC 0x31797474u /* "tty1" */

struct saved {
	uint32_t magic;
	struct ktermios t;
	struct winsize size;
	uint32_t column;
};

static void saved_key(const struct line *l, char key[DS_KEY_MAX])
{
	snprintf(key, DS_KEY_MAX, "tty.%s", l->name);
}

static void save(struct line *l)
{
	struct saved s = {
		.magic = SAVED_MAGIC, .t = l->ldisc.t, .size = l->size, .column = l->ldisc.column};
	char key[DS_KEY_MAX];

	saved_key(l, key);
	if (ds_save(key, &s, sizeof(s)) < 0)
		sys_log("tty: settings of %s are not saved\n", l->name);
}

void line_restore(struct line *l)
{
	struct saved s;
	char key[DS_KEY_MAX];

	saved_key(l, key);
	if (ds_load(key, &s, sizeof(s)) != (int)sizeof(s) || s.magic != SAVED_MAGIC)
		return;
	ldisc_set_termios(&l->ldisc, &s.t);
	l->size = s.size;
	l->ldisc.column = s.column;
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
	if (l->device != NULL && l->device->configure != NULL)
		l->device->configure(l);
	save(l);
	return 0;
}

static int set_size(struct line *l, struct chardev_request *r)
{
	struct winsize size;
	int err = chardev_copy_in(r, 0, &size, sizeof(size));

	if (err != 0 || memcmp(&size, &l->size, sizeof(size)) == 0)
		return err;
	l->size = size;
	save(l);
	chardev_signal(l->minor, SIGWINCH);
	return 0;
}

static int flush(struct line *l, unsigned which)
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

static int immediate(struct line *l, struct chardev_request *r)
{
	switch (r->req.cmd) {
	case TCGETS: return chardev_copy_out(r, 0, &l->ldisc.t, sizeof(l->ldisc.t));
	case TCSETS: return set_termios(l, r);
	case TIOCGWINSZ: return chardev_copy_out(r, 0, &l->size, sizeof(l->size));
	case TIOCSWINSZ: return set_size(l, r);
	case TCFLSH: return flush(l, r->req.arg);
	case TCXONC: return flow(l, r->req.arg);
	case FIONREAD: return copy_count(r, ldisc_readable(&l->ldisc));
	case TIOCOUTQ: return copy_count(r, l->out_tail - l->out_head);
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
