/* SPDX-License-Identifier: BSD-2-Clause */
/* The network server as vfs knows it: its incarnations, requests to it, sockets and their ends. */
#include <string.h>
#include "inet.h"

#define LABEL         "inet"
#define WAIT_NS       5000000000ull /* for the next incarnation */
#define UNTAKEN_MAX   64u           /* messages to inet, as call.c has it */
#define CLOSE_STEP_NS 1000000ull

static struct inet_sock socks[INET_SOCKS_MAX];
static unsigned closing;
static endpoint_t inet_ep = EP_NONE;
static uint32_t inet_gen; /* 0: there never was one */
static struct waitq inet_wq;
/* State words (sock.h), written by inet, and its grant for them. */
static uint32_t words[INET_SOCKS_MAX];
static grant_t words_grant = GRANT_INVALID;

static void grant_words(endpoint_t to)
{
	grant_revoke(words_grant);
	words_grant =
		to == EP_NONE ? GRANT_INVALID : grant_direct(to, words, sizeof(words), GRANT_WRITE);
}

void inet_label_changed(const char *label, endpoint_t ep)
{
	if (strcmp(label, LABEL) != 0 || ep == inet_ep)
		return;
	if (inet_ep != EP_NONE)
		await_dead(inet_ep);
	inet_ep = ep;
	inet_gen++;
	grant_words(ep);
	for (unsigned i = 0; i < INET_SOCKS_MAX; i++)
		if (socks[i].file)
			waitq_wake(&socks[i].wq);
	waitq_wake(&inet_wq);
}

bool inet_is_lost(const struct inet_sock *s)
{
	return s->gen != inet_gen || inet_ep == EP_NONE;
}

uint32_t inet_root_flag(const struct call *c)
{
	return c->proc->euid == 0 ? SOCK_IS_ROOT : 0;
}

void inet_message(const struct msg *m)
{
	struct sock_event ev;

	msg_get(m, &ev);
	for (unsigned i = 0; i < INET_SOCKS_MAX && m->source == inet_ep; i++)
		if (socks[i].file && socks[i].handle == ev.handle && !inet_is_lost(&socks[i])) {
			socks[i].armed = 0;
			waitq_wake(&socks[i].wq);
		}
}

static uint32_t word_of(const struct inet_sock *s)
{
	return __atomic_load_n(&words[s - socks], __ATOMIC_RELAXED);
}

bool inet_ready(const struct inet_sock *s, unsigned asked, unsigned *ready)
{
	if (inet_is_lost(s) || !s->is_watched)
		return false;
	*ready = SOCK_WORD_EVENTS(word_of(s)) & asked;
	return *ready || !(asked & ~s->armed);
}

bool inet_is_full(const struct inet_sock *s, uint64_t len)
{
	uint32_t too_kib = inet_is_lost(s) || !s->is_watched ? 0 : SOCK_WORD_TOO_KIB(word_of(s));

	return too_kib && len / 1024 >= too_kib;
}

/* ---- requests ---- */

static grant_t grant_for(const struct inet_call *k)
{
	const struct io *io = k->io;

	return io->ep == EP_SELF ? grant_direct(inet_ep, (const void *)io->addr, io->len, k->access)
	                         : grant_proxy(inet_ep, io->ep, io->addr, io->len, k->access);
}

/* Sends it and waits: 0, with k->rep; -ECONNRESET; -EINTR: inet died before a cancelled one ended. */
static int send_once(struct call *c, struct inet_call *k)
{
	struct msg m, cancel;
	int r;

	k->req.grant = GRANT_INVALID;
	k->req.len_bytes = 0;
	if (k->io && k->io->len) {
		k->req.grant = grant_for(k);
		if (k->req.grant == GRANT_INVALID)
			return -ENOBUFS;
		k->req.len_bytes = (uint32_t)k->io->len;
	} else if (k->is_poll) {
		k->req.grant = words_grant;
		k->req.len_bytes = sizeof(words[0]);
	}
	k->req.id = await_prepare(c, inet_ep, k->op);
	msg_put(&m, k->op, &k->req);
	r = await_send(c, &m);
	msg_put(&cancel, SOCK_CANCEL, &(struct sock_cancel){.id = k->req.id});
	if (!r)
		r = k->can_cancel ? await_reply_or_cancel(c, &cancel) : await_reply(c, false);
	if (!k->is_poll)
		grant_revoke(k->req.grant);
	if (r)
		return r == -EINTR ? r : -ECONNRESET;
	msg_get(&c->aw.rep, &k->rep);
	return 0;
}

static int interrupted(const struct inet_sock *s, const struct inet_call *k)
{
	bool is_send = k->op == SOCK_SEND || k->op == SOCK_CONNECT;

	return s->has_timeout[is_send] ? -EINTR : -ERESTARTSYS;
}

int inet_request(struct call *c, struct inet_sock *s, struct inet_call *k)
{
	bool was_brought_in = false;

	k->req.handle = s->handle;
	if (k->is_poll)
		k->req.grant_offset = (uint32_t)((s - socks) * (ptrdiff_t)sizeof(words[0]));
	for (;;) {
		int r = inet_is_lost(s) ? -ECONNRESET : send_once(c, k);

		if (!r)
			r = k->rep.result;
		if (r == -EINTR)
			return interrupted(s, k);
		/* A page of a file may not have been in memory. */
		if (r != -EFAULT || was_brought_in || !k->io || k->io->ep == EP_SELF)
			return r;
		r = user_fault_in(c, k->io, k->access & GRANT_WRITE);
		if (r)
			return r;
		was_brought_in = true;
	}
}

/* ---- sockets ---- */

/* False: there is no room for the message yet. */
static bool send_close(const struct inet_sock *s)
{
	struct sock_req req = {.handle = s->handle, .grant = GRANT_INVALID};
	struct msg m;

	if (inet_is_lost(s))
		return true; /* the socket ended with its server */
	if (sys_asend_pending(inet_ep) >= UNTAKEN_MAX)
		return false;
	msg_put(&m, SOCK_CLOSE, &req); /* id 0: nobody waits for the reply */
	return sys_asend(inet_ep, &m) != -EAGAIN;
}

static void close_sock(struct inet_sock *s)
{
	s->file = NULL;
	s->is_closing = !send_close(s);
	closing += s->is_closing;
}

void inet_idle(void)
{
	for (unsigned i = 0; i < INET_SOCKS_MAX && closing > 0; i++) {
		if (!socks[i].is_closing || !send_close(&socks[i]))
			continue;
		socks[i].is_closing = false;
		closing--;
	}
	if (closing > 0)
		alarm_at(deadline_after(CLOSE_STEP_NS));
}

void inet_release(struct file *f)
{
	close_sock(f->obj);
}

static struct inet_sock *find_free(void)
{
	for (unsigned i = 0; i < INET_SOCKS_MAX; i++)
		if (!socks[i].file && !socks[i].is_closing)
			return &socks[i];
	return NULL;
}

int inet_adopt(const struct inet_sock *like, uint32_t handle, struct file **out)
{
	struct inet_sock *s = find_free(), given = *like;
	struct file *f = s ? file_new(&inet_file_ops, O_RDWR) : NULL;
	struct waitq wq;

	given.handle = handle;
	if (!f) {
		if (!send_close(&given))
			sys_log("vfs: a socket of inet is lost");
		return -ENFILE;
	}
	wq = s->wq;
	*s = given;
	s->wq = wq;
	s->is_closing = s->is_watched = false;
	s->armed = 0;
	s->number = sock_new_number();
	s->file = f;
	f->obj = s;
	f->arg = s->number;
	f->wq = &s->wq;
	*out = f;
	return 0;
}

/* Until there is an inet that is not the one of `gen`. */
static int wait_for_inet(struct call *c, uint32_t gen, uint64_t deadline_ns)
{
	while (inet_ep == EP_NONE || inet_gen == gen) {
		int r = sock_sleep(c, &inet_wq, deadline_ns);

		if (r)
			return r == -EAGAIN ? -ENETDOWN : -ERESTARTSYS;
	}
	return 0;
}

/* A socket at inet, whichever incarnation answers. */
static int create_at_inet(struct call *c, struct sock_create *req, struct inet_sock *s)
{
	uint64_t deadline_ns = deadline_after(WAIT_NS);
	uint32_t gen = 0;
	struct sock_rep rep;
	struct msg m;
	int r;

	if (inet_gen == 0)
		return -EAFNOSUPPORT;
	do {
		r = wait_for_inet(c, gen, deadline_ns);
		if (r)
			return r;
		gen = inet_gen;
		req->id = await_prepare(c, inet_ep, SOCK_CREATE);
		msg_put(&m, SOCK_CREATE, req);
		r = await_answer(c, &m);
	} while (r);
	msg_get(&c->aw.rep, &rep);
	*s = (struct inet_sock){
		.handle = rep.value, .gen = gen, .domain = req->domain, .type = req->type};
	return rep.result > 0 ? -EIO : rep.result;
}

int inet_create(struct call *c, const uint32_t domain_type_protocol[3], struct file **out)
{
	struct sock_create req = {.domain = domain_type_protocol[0],
	                          .type = domain_type_protocol[1],
	                          .protocol = domain_type_protocol[2],
	                          .flags = inet_root_flag(c)};
	struct inet_sock s;
	int r = create_at_inet(c, &req, &s);

	return r ? r : inet_adopt(&s, s.handle, out);
}

int64_t inet_ioctl_for_unix(struct call *c, unsigned cmd, uint64_t arg)
{
	struct file *f;
	int64_t r =
		inet_gen == 0 ? -ENOTTY : inet_create(c, (uint32_t[3]){AF_INET, SOCK_DGRAM, 0}, &f);

	if (r)
		return r;
	r = inet_ioctl(c, f, cmd, arg);
	file_unref(f);
	return r;
}

const struct file_ops inet_file_ops = {
	.read = sock_read,
	.write = sock_write,
	.ioctl = inet_ioctl,
	.poll = inet_poll,
	.release = inet_release,
	.sock = &inet_ops,
};
