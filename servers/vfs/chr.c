/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of character drivers. A driver may die at any time:
 *
 *     DOWN --label known--> UP(gen) --label changed--> UP(gen + 1)
 *
 * A request waits while the device is down. One that was pending at a death is sent again to the
 * next incarnation, after CHR_OPEN (is_open_gen). Buffers are proxy grants to the incarnation that
 * is asked. A blocked request ends by CHR_CANCEL when its process is signalled; its reply is waited
 * for, because until then the driver may still use the buffer.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "chr.h"

#define CHRS_MAX 48u

struct chrdev {
	struct dev *dev; /* NULL: free */
	char label[LABEL_MAX];
	uint32_t minor;
	endpoint_t ep;     /* EP_NONE: no driver */
	uint32_t gen;      /* of the driver */
	uint32_t open_gen; /* in which it was opened at the driver; 0: not */
	bool is_opening;
	uint32_t opens;
	bool is_tty;
	struct tty tty;
	struct waitq wq; /* readiness, and changes of the driver */
};

static struct chrdev chrs[CHRS_MAX];

static struct chrdev *chr_named(const char *name)
{
	for (unsigned i = 0; i < CHRS_MAX; i++)
		if (chrs[i].dev && !strcmp(chrs[i].dev->name, name))
			return &chrs[i];
	return NULL;
}

static struct chrdev *chr_new(const char *name)
{
	for (unsigned i = 0; i < CHRS_MAX; i++) {
		struct chrdev *ch = &chrs[i];
		bool is_tty = !strncmp(name, "tty", 3);

		if (ch->dev)
			continue;
		*ch = (struct chrdev){.ep = EP_NONE};
		ch->dev = dev_add(DEV_CHR, name, S_IFCHR | (is_tty ? 0620 : 0660));
		if (!ch->dev)
			return NULL;
		ch->dev->gid = is_tty ? 5 : 0;
		ch->dev->obj = ch;
		ch->is_tty = is_tty && tty_register(&ch->tty, ch->dev) == 0;
		return ch;
	}
	return NULL;
}

static void set_driver(struct chrdev *ch, endpoint_t ep)
{
	if (ch->ep == ep)
		return;
	if (ch->ep != EP_NONE)
		await_dead(ch->ep);
	ch->ep = ep;
	ch->gen++;
	waitq_wake(&ch->wq);
}

/* "chr.console" is no device of its own but another name of one. */
static char console_value[DS_VALUE_MAX];

struct dev *chr_console(void)
{
	char value[LABEL_MAX + 16];

	for (unsigned i = 0; i < CHRS_MAX; i++) {
		struct chrdev *ch = &chrs[i];

		(void)snprintf(value, sizeof(value), "%s:%u", ch->label, ch->minor);
		if (ch->dev && !strcmp(value, console_value))
			return ch->dev;
	}
	return NULL;
}

void chr_announced(const char *name, const char *value)
{
	struct chrdev *ch = chr_named(name);
	const char *colon = strrchr(value, ':');
	endpoint_t ep;

	if (!strcmp(name, "console")) {
		(void)snprintf(console_value, sizeof(console_value), "%s", value);
		return;
	}
	if (!colon) { /* deleted */
		if (ch)
			dev_remove(ch->dev);
		return;
	}
	if (!ch)
		ch = chr_new(name);
	if (!ch || (size_t)(colon - value) >= sizeof(ch->label))
		return;
	memcpy(ch->label, value, (size_t)(colon - value));
	ch->label[colon - value] = '\0';
	ch->minor = (uint32_t)strtoul(colon + 1, NULL, 10);
	ch->dev->is_gone = false;
	set_driver(ch, ds_lookup_label(ch->label, &ep) == 0 ? ep : EP_NONE);
}

void chr_label_changed(const char *label, endpoint_t ep)
{
	for (unsigned i = 0; i < CHRS_MAX; i++)
		if (chrs[i].dev && !strcmp(chrs[i].label, label))
			set_driver(&chrs[i], ep);
}

void chr_message(const struct msg *m)
{
	struct chr_event ev;

	msg_get(m, &ev);
	for (unsigned i = 0; i < CHRS_MAX; i++) {
		struct chrdev *ch = &chrs[i];

		if (!ch->dev || ch->ep != m->source || ch->minor != ev.minor)
			continue;
		if (m->type == CHR_READY)
			waitq_wake(&ch->wq);
		else if (ch->is_tty && ev.arg > 0 && ev.arg < 65)
			tty_signal(&ch->tty, (int)ev.arg);
	}
}

/* ---- requests ---- */

struct chr_call {
	enum chr_msg op;
	struct chr_req req;
	const struct io *io; /* buffer, or NULL */
	unsigned access;     /* GRANT_* */
	bool can_cancel;
};

static int wait_reply(struct call *c, const struct chr_call *k)
{
	struct chr_cancel cancel = {.id = k->req.id};
	struct msg m;

	if (!k->can_cancel)
		return await_reply(c, false);
	msg_put(&m, CHR_CANCEL, &cancel);
	return await_reply_or_cancel(c, &m);
}

/* One request to the present driver: its result, or -EIO with *died. */
static int send_once(struct call *c, struct chrdev *ch, struct chr_call *k, bool *died)
{
	struct chr_rep rep;
	struct msg m;
	int r;

	*died = false;
	k->req.minor = ch->minor;
	k->req.grant = GRANT_INVALID;
	if (k->io) {
		k->req.grant = k->io->ep == EP_SELF
		                       ? grant_direct(ch->ep, (const void *)k->io->addr, k->io->len,
		                                      k->access)
		                       : grant_proxy(ch->ep, k->io->ep, k->io->addr, k->io->len,
		                                     k->access);
		if (k->req.grant == GRANT_INVALID)
			return -ENOMEM;
		k->req.len_bytes = k->io->len;
	}
	k->req.id = await_prepare(c, ch->ep, k->op);
	msg_put(&m, k->op, &k->req);
	r = await_send(c, &m);
	if (!r)
		r = wait_reply(c, k);
	grant_revoke(k->req.grant);
	if (r) {
		*died = r != -EINTR;
		return r;
	}
	msg_get(&c->aw.rep, &rep);
	return rep.result;
}

static int wait_for_driver(struct call *c, struct chrdev *ch, bool can_interrupt)
{
	while (ch->ep == EP_NONE) {
		int r = waitq_sleep(c, &ch->wq, can_interrupt);

		if (r)
			return r;
	}
	return 0;
}

/* Opens it at the driver if this incarnation has not done so. */
static int ensure_open(struct call *c, struct chrdev *ch)
{
	while (ch->open_gen != ch->gen || ch->ep == EP_NONE) {
		struct chr_call k = {.op = CHR_OPEN};
		uint32_t gen;
		bool died;
		int r = wait_for_driver(c, ch, true);

		if (r)
			return r;
		if (ch->is_opening) {
			r = waitq_sleep(c, &ch->wq, true);
			if (r)
				return r;
			continue;
		}
		ch->is_opening = true;
		gen = ch->gen;
		r = send_once(c, ch, &k, &died);
		ch->is_opening = false;
		if (!died && r >= 0)
			ch->open_gen = gen;
		waitq_wake(&ch->wq);
		if (!died && r < 0)
			return r;
		if (died && ch->gen == gen)
			(void)waitq_sleep(c, &ch->wq, false); /* until ds tells of the next one */
	}
	return 0;
}

static int chr_request(struct call *c, struct chrdev *ch, struct chr_call *k)
{
	for (;;) {
		uint32_t gen;
		bool died;
		int r = ensure_open(c, ch);

		if (r)
			return r;
		gen = ch->gen;
		r = send_once(c, ch, k, &died);
		if (died && ch->gen == gen)
			r = waitq_sleep(c, &ch->wq, k->can_cancel);
		else if (died)
			r = 0;
		if (died && r)
			return r;
		if (died)
			continue;
		if (r != -ENOTREADY || !k->io || k->io->ep == EP_SELF)
			return r;
		r = user_fault_in(c, k->io, k->access & GRANT_WRITE);
		if (r)
			return r;
	}
}

/* ---- files ---- */

static int64_t chr_read(struct call *c, struct file *f, struct io *io)
{
	struct chrdev *ch = f->obj;
	struct chr_call k = {.op = CHR_READ, .io = io, .access = GRANT_WRITE, .can_cancel = true};
	int64_t n;

	if (ch->is_tty) {
		n = tty_check_job(c, &ch->tty, SIGTTIN);
		if (n)
			return n;
	}
	if (io->len == 0)
		return 0;
	k.req.flags = io->flags & O_NONBLOCK ? CHR_NONBLOCK : 0;
	k.req.pos = io->pos;
	n = chr_request(c, ch, &k);
	return n > (int64_t)io->len ? -EIO : n;
}

static int64_t chr_write(struct call *c, struct file *f, struct io *io)
{
	struct chrdev *ch = f->obj;
	struct chr_call k = {.op = CHR_WRITE, .io = io, .access = GRANT_READ, .can_cancel = true};
	int64_t n;

	if (io->len == 0)
		return 0;
	k.req.flags = io->flags & O_NONBLOCK ? CHR_NONBLOCK : 0;
	k.req.pos = io->pos;
	n = chr_request(c, ch, &k);
	return n > (int64_t)io->len ? -EIO : n;
}

static unsigned chr_poll(struct call *c, struct file *f, unsigned wanted)
{
	struct chrdev *ch = f->obj;
	struct chr_call k = {.op = CHR_POLL, .req.arg = wanted};
	bool died;
	int r;

	if (ch->ep == EP_NONE || ch->open_gen != ch->gen) {
		/* Between two drivers nothing is ready; the next one is opened by whoever waits. */
		if (ch->ep == EP_NONE || ensure_open(c, ch) != 0)
			return 0;
	}
	r = send_once(c, ch, &k, &died);
	return died || r < 0 ? 0 : (unsigned)r & (wanted | POLLHUP | POLLERR);
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

static void chr_release(struct file *f)
{
	struct chrdev *ch = f->obj;
	struct chr_req req = {.minor = ch->minor, .grant = GRANT_INVALID};
	struct msg m;

	if (--ch->opens > 0 || ch->open_gen != ch->gen || ch->ep == EP_NONE)
		return;
	ch->open_gen = 0;
	msg_put(&m, CHR_CLOSE, &req); /* id 0: nobody waits for the reply */
	if (sys_asend(ch->ep, &m) != 0)
		sys_log("vfs: close of %s is lost", ch->dev->name);
}

static const struct file_ops chr_ops = {
	.read = chr_read,
	.write = chr_write,
	.ioctl = chr_ioctl,
	.poll = chr_poll,
	.release = chr_release,
};

int chr_open(struct call *c, struct dev *d, uint32_t flags, struct file **out)
{
	struct chrdev *ch = d->obj;
	struct file *f;
	int r = ensure_open(c, ch);

	if (r)
		return r;
	f = file_new(&chr_ops, flags);
	if (!f)
		return -ENFILE;
	f->obj = ch;
	f->wq = &ch->wq;
	ch->opens++;
	if (ch->is_tty)
		tty_opened(c, &ch->tty, flags);
	*out = f;
	return 0;
}
