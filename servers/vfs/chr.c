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
#include <stdlib.h>
#include <string.h>
#include "chrdev.h"

#define CHRS_MAX (48u + 2 * CHR_PAIRS_MAX)

static struct chrdev chrs[CHRS_MAX];

static struct chrdev *chr_named(const char *name)
{
	for (unsigned i = 0; i < CHRS_MAX; i++)
		if (chrs[i].kind != KIND_FREE && !chr_is_end(&chrs[i]) &&
		    !strcmp(chrs[i].dev->name, name))
			return &chrs[i];
	return NULL;
}

struct chrdev *chr_alloc(enum chr_kind kind)
{
	for (unsigned i = 0; i < CHRS_MAX; i++) {
		if (chrs[i].kind != KIND_FREE)
			continue;
		chrs[i] = (struct chrdev){.kind = kind, .ep = EP_NONE};
		return &chrs[i];
	}
	return NULL;
}

void chr_free(struct chrdev *ch)
{
	ch->kind = KIND_FREE;
}

static struct chrdev *chr_new(const char *name)
{
	bool is_tty = !strncmp(name, "tty", 3), is_ptmx = !strcmp(name, "ptmx");
	struct chrdev *ch = chr_alloc(is_ptmx ? KIND_PTMX : KIND_PLAIN);

	if (!ch)
		return NULL;
	ch->dev = dev_add(DEV_CHR, name, S_IFCHR | (is_tty ? 0620 : is_ptmx ? 0666 : 0660));
	if (!ch->dev) {
		chr_free(ch);
		return NULL;
	}
	ch->dev->gid = is_tty || is_ptmx ? 5 : 0;
	ch->dev->obj = ch;
	ch->is_tty = is_tty && tty_register(&ch->tty, ch->dev) == 0;
	return ch;
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
		if (ch->kind == KIND_PLAIN && !strcmp(value, console_value))
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
	for (unsigned i = 0; i < CHRS_MAX; i++) {
		struct chrdev *ch = &chrs[i];

		if (ch->kind == KIND_FREE || strcmp(ch->label, label) != 0)
			continue;
		if (!chr_is_end(ch))
			set_driver(ch, ep);
		else if (ch->ep != ep)
			pty_driver_died(ch);
	}
}

void chr_message(const struct msg *m)
{
	struct chr_event ev;

	msg_get(m, &ev);
	for (unsigned i = 0; i < CHRS_MAX; i++) {
		struct chrdev *ch = &chrs[i];

		if (ch->kind == KIND_FREE || ch->is_dead || ch->ep != m->source ||
		    ch->minor != ev.minor)
			continue;
		if (m->type == CHR_READY)
			waitq_wake(&ch->wq);
		else if (ch->is_tty && ev.arg > 0 && ev.arg < 65)
			tty_signal(&ch->tty, (int)ev.arg);
	}
}

/* ---- requests ---- */

static int wait_reply(struct call *c, const struct chr_call *k)
{
	struct chr_cancel cancel = {.id = k->req.id};
	struct msg m;

	if (!k->can_cancel)
		return await_reply(c, false);
	msg_put(&m, CHR_CANCEL, &cancel);
	return await_reply_or_cancel(c, &m);
}

int chr_send_once(struct call *c, struct chrdev *ch, struct chr_call *k, bool *died)
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

int chr_wait_for_driver(struct call *c, struct chrdev *ch, bool can_interrupt)
{
	while (ch->ep == EP_NONE) {
		int r = waitq_sleep(c, &ch->wq, can_interrupt);

		if (r)
			return r;
	}
	return 0;
}

int chr_ensure_open(struct call *c, struct chrdev *ch)
{
	if (chr_is_end(ch))
		return ch->is_dead ? -EIO : 0;
	while (ch->open_gen != ch->gen || ch->ep == EP_NONE) {
		struct chr_call k = {.op = CHR_OPEN};
		uint32_t gen;
		bool died;
		int r = chr_wait_for_driver(c, ch, true);

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
		r = chr_send_once(c, ch, &k, &died);
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

int chr_request(struct call *c, struct chrdev *ch, struct chr_call *k)
{
	for (;;) {
		uint32_t gen;
		bool died;
		int r = chr_ensure_open(c, ch);

		if (r)
			return r;
		gen = ch->gen;
		r = chr_send_once(c, ch, k, &died);
		if (died && chr_is_end(ch))
			return -EIO;
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

void chr_close_at_driver(struct chrdev *ch)
{
	struct chr_req req = {.minor = ch->minor, .grant = GRANT_INVALID};
	struct msg m;

	if (ch->open_gen != ch->gen || ch->ep == EP_NONE)
		return;
	ch->open_gen = 0;
	msg_put(&m, CHR_CLOSE, &req); /* id 0: nobody waits for the reply */
	if (sys_asend(ch->ep, &m) != 0)
		sys_log("vfs: a close of %s:%u is lost", ch->label, ch->minor);
}
