/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: handles, dispatch of requests, those that wait, cancellation, readiness.
 *
 *   request --> operation --result--> reply
 *                  |  ^
 *        WOULD_BLOCK  sock_changed(), then sock_idle()          ended by: SOCK_CANCEL, deadline, close
 *                  v  |
 *               the socket's list of requests
 *
 * Requests of one type and socket are served in the order of their arrival: one that arrives behind a
 * waiting one of its type waits too. A handle has the slot in its low bits and a generation above, so a
 * stale one is refused (EBADF) and never names another socket.
 *
 * Nothing is kept over a restart: sockets end with us, and vfs knows (sock.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sys/sys.h"
#include "answer.h"
#include "sockif.h"
#include "sock_impl.h"

#define HANDLE_SLOT_BITS 12
_Static_assert(SOCKS_MAX <= 1u << HANDLE_SLOT_BITS, "slots fit a handle");

static struct sock *table[SOCKS_MAX];
static uint32_t generations[SOCKS_MAX];
static unsigned table_hint; /* slots below are in use */
static struct sock *changed, **changed_end = &changed;
static unsigned pending_count, deadline_count, starved_count;

/* ---- sockets ---- */

static void set_defaults(struct sock *s)
{
	s->opt = (struct sock_options){.sndbuf = BUF_DEFAULT,
	                               .rcvbuf = BUF_DEFAULT,
	                               .ttl = 64,
	                               .mcast_ttl = 1,
	                               .mcast_loop = true,
	                               .mcast_all = true,
	                               .rcvlowat = 1,
	                               .mtu_discover = IP_PMTUDISC_WANT,
	                               .mtu_discover6 = IP_PMTUDISC_WANT};
}

struct sock *sock_new(endpoint_t owner, const struct sock_ops *ops)
{
	struct sock *s;
	unsigned i = table_hint;

	while (i < SOCKS_MAX && table[i])
		i++;
	table_hint = i;
	if (i == SOCKS_MAX)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	generations[i] = (generations[i] + 1) & ((1u << (32 - HANDLE_SLOT_BITS)) - 1);
	if (generations[i] == 0)
		generations[i] = 1;
	s->handle = generations[i] << HANDLE_SLOT_BITS | i;
	s->owner = owner;
	s->ops = ops;
	s->requests_end = &s->requests;
	set_defaults(s);
	table[i] = s;
	return s;
}

static void unlink_changed(struct sock *s)
{
	struct sock **at = &changed;

	if (!s->is_changed)
		return;
	while (*at != s)
		at = &(*at)->next_changed;
	*at = s->next_changed;
	if (changed_end == &s->next_changed)
		changed_end = at;
	s->is_changed = false;
}

void sock_free(struct sock *s)
{
	unsigned i = s->handle & ((1u << HANDLE_SLOT_BITS) - 1);

	SYS_ASSERT(table[i] == s && s->requests == NULL);
	unlink_changed(s);
	starved_count -= s->is_starved;
	table[i] = NULL;
	if (i < table_hint)
		table_hint = i;
	free(s);
}

void sock_changed(struct sock *s)
{
	if (s->is_changed)
		return;
	s->is_changed = true;
	s->next_changed = NULL;
	*changed_end = s;
	changed_end = &s->next_changed;
}

struct sock *sock_next(const struct sock *s)
{
	unsigned i = s ? (s->handle & ((1u << HANDLE_SLOT_BITS) - 1)) + 1 : 0;

	while (i < SOCKS_MAX && !table[i])
		i++;
	return i < SOCKS_MAX ? table[i] : NULL;
}

struct sock *sock_find(bool (*fn)(struct sock *s, const void *arg), const void *arg)
{
	struct sock *s = NULL;

	while ((s = sock_next(s)) != NULL)
		if (fn(s, arg))
			return s;
	return NULL;
}

void sock_fail(struct sock *s, int error)
{
	s->error = error;
	sock_changed(s);
}

int sock_take_error(struct sock *s)
{
	int r = -s->error;

	s->error = 0;
	return r;
}

static struct sock *find_handle(uint32_t handle, endpoint_t owner)
{
	unsigned i = handle & ((1u << HANDLE_SLOT_BITS) - 1);
	struct sock *s = i < SOCKS_MAX ? table[i] : NULL;

	return s && s->handle == handle && s->owner == owner && !s->is_embryo && !s->is_closing
	               ? s
	               : NULL;
}

/* ---- requests ---- */

static void answer_request(const struct request *r, struct sock_rep *rep, int result)
{
	rep->id = r->q.id;
	rep->result = result;
	answer(r->from, r->type | MSG_REPLY, rep, sizeof(*rep));
}

/* What a request is told that ends before its time: bytes already moved count as success. */
static void end_early(struct request *r, int error)
{
	struct sock_rep rep = {0};

	answer_request(r, &rep, r->done_bytes ? (int)r->done_bytes : error);
}

static void remove_request(struct sock *s, struct request **at)
{
	struct request *r = *at;

	*at = r->next;
	if (s->requests_end == &r->next)
		s->requests_end = at;
	pending_count--;
	deadline_count -= r->t_deadline_ns != 0;
	free(r);
}

static bool is_waited_for(const struct sock *s, uint32_t type)
{
	for (const struct request *r = s->requests; r; r = r->next)
		if (r->type == type)
			return true;
	return false;
}

static uint64_t timeout_of(const struct sock *s, uint32_t type)
{
	bool is_out = type == SOCK_SEND || type == SOCK_CONNECT;
	uint64_t ns = is_out ? s->opt.sndtimeo_ns : s->opt.rcvtimeo_ns;

	if (type == SOCK_CLOSE)
		return now_ns() + (uint64_t)s->opt.linger_s * 1000000000ull;
	return ns ? now_ns() + ns : 0;
}

/* The request has to wait. */
static void keep(const struct request *r)
{
	struct request *copy = pending_count < PENDING_MAX ? malloc(sizeof(*copy)) : NULL;
	struct sock *s = r->s;

	if (!copy) {
		end_early((struct request *)(uintptr_t)r, -ENOBUFS);
		return;
	}
	*copy = *r;
	copy->next = NULL;
	copy->t_deadline_ns = timeout_of(s, r->type);
	*s->requests_end = copy;
	s->requests_end = &copy->next;
	pending_count++;
	deadline_count += copy->t_deadline_ns != 0;
}

/* Everybody who waits for a socket that is being closed. */
static void end_all(struct sock *s, int error)
{
	while (s->requests) {
		end_early(s->requests, error);
		remove_request(s, &s->requests);
	}
}

static void begin_close(struct sock *s)
{
	end_all(s, -EBADF);
	s->wanted = 0;
	s->word.is_used = false;
	s->is_closing = true;
}

static void finish(struct request *r, struct sock_rep *rep, int result)
{
	answer_request(r, rep, result);
	if (r->type == SOCK_CLOSE)
		sock_free(r->s);
}

static void start_request(const struct msg *m)
{
	struct request r = {.from = m->source, .type = m->type, .busy_errno = EAGAIN};
	struct sock_rep rep = {0};
	int e;

	msg_get(m, &r.q);
	r.s = find_handle(r.q.handle, m->source);
	if (!r.s || r.q.addr_len > SOCK_ADDR_MAX || r.q.len_bytes > INT32_MAX) {
		answer_request(&r, &rep, r.s ? -EINVAL : -EBADF);
		return;
	}
	if (r.type == SOCK_CLOSE)
		begin_close(r.s);
	e = is_waited_for(r.s, r.type) && r.type != SOCK_CONNECT ? WOULD_BLOCK
	                                                         : request_serve(&r, &rep);
	if (e == WOULD_BLOCK && (r.q.flags & SOCK_NOWAIT) && r.type != SOCK_CLOSE)
		e = r.done_bytes ? (int)r.done_bytes : -r.busy_errno;
	if (e == WOULD_BLOCK)
		keep(&r);
	else
		finish(&r, &rep, e);
	if (r.type != SOCK_CLOSE && r.type != SOCK_POLL)
		ready_changed(r.s);
}

static bool is_request_of(const struct request *r, endpoint_t from, uint32_t id)
{
	return r->from == from && r->q.id == id && r->type != SOCK_CLOSE;
}

static void cancel(endpoint_t from, uint32_t id)
{
	struct sock *s = NULL;

	while ((s = sock_next(s)) != NULL)
		for (struct request **at = &s->requests; *at; at = &(*at)->next)
			if (is_request_of(*at, from, id)) {
				end_early(*at, -EINTR);
				remove_request(s, at);
				sock_changed(s); /* the next one may be first now */
				return;
			}
}

/* Text of /proc/net/NAME. */
static void serve_info(const struct msg *m)
{
	static char text[PROCNET_BYTES_MAX];
	struct sock_rep rep = {0};
	struct sock_info q;
	int n;

	msg_get(m, &q);
	rep.id = q.id;
	q.name[sizeof(q.name) - 1] = 0;
	n = procnet_text(q.name, text, sizeof(text));
	if (n > 0 && (uint32_t)n > q.len_bytes)
		n = (int)q.len_bytes;
	if (n > 0) {
		int r = k_safecopy_to(m->source, q.grant, 0, text, (size_t)n);

		n = r < 0 ? -EFAULT : n;
	}
	rep.result = n;
	answer(m->source, m->type | MSG_REPLY, &rep, sizeof(rep));
}

static void serve_create(const struct msg *m)
{
	struct sock_rep rep = {0};
	struct sock_create c;

	msg_get(m, &c);
	rep.id = c.id;
	rep.result = sock_make(m->source, &c, &rep.value);
	answer(m->source, m->type | MSG_REPLY, &rep, sizeof(rep));
}

bool sock_message(const struct msg *m, enum ipc_primitive how)
{
	if (m->type <= MSG_SOCK_BASE || m->type >= SOCK_MSG_END || m->type == SOCK_READY)
		return false;
	/* Sockets are vfs' business alone; a text is told to whoever may talk to us. */
	if (how != IPC_ASEND || (m->source != EP_VFS && m->type != SOCK_INFO)) {
		sys_violation(m->source, VIOL_REQUEST, m->type);
		return true;
	}
	if (m->type == SOCK_CREATE) {
		serve_create(m);
	} else if (m->type == SOCK_INFO) {
		serve_info(m);
	} else if (m->type == SOCK_CANCEL) {
		struct sock_cancel c;

		msg_get(m, &c);
		cancel(m->source, c.id);
	} else {
		start_request(m);
	}
	return true;
}

/* ---- after something changed ---- */

/* Serves what waits, in order; later requests of a type that still waits are left alone. false: the
 * socket is gone. */
static bool retry_requests(struct sock *s)
{
	uint32_t blocked = 0; /* bit: type - MSG_SOCK_BASE */

	for (struct request **at = &s->requests; *at;) {
		struct request *r = *at;
		uint32_t bit = 1u << (r->type - MSG_SOCK_BASE);
		struct sock_rep rep = {0};
		int e = blocked & bit ? WOULD_BLOCK : request_serve(r, &rep);

		if (e == WOULD_BLOCK) {
			blocked |= bit;
			at = &r->next;
			continue;
		}
		answer_request(r, &rep, e);
		bit = r->type == SOCK_CLOSE;
		remove_request(s, at);
		if (bit) {
			sock_free(s);
			return false;
		}
	}
	return true;
}

/* Memory was given back: who was refused some looks again. */
void sock_retry(void)
{
	struct sock *s = NULL;

	while (starved_count && (s = sock_next(s)) != NULL)
		if (s->is_starved) {
			s->is_starved = false;
			starved_count--;
			sock_changed(s);
		}
}

void sock_starved(struct sock *s)
{
	starved_count += !s->is_starved;
	s->is_starved = true;
}

bool sock_idle(void)
{
	/* Serving marks sockets again (a window opens, a peer here is freed): the next round's. */
	struct sock *last = NULL;

	for (struct sock *s = changed; s; s = s->next_changed)
		last = s;
	while (changed && last) {
		struct sock *s = changed;
		bool is_last = s == last;

		unlink_changed(s);
		if (!s->is_embryo && retry_requests(s))
			ready_changed(s);
		if (is_last)
			break;
	}
	return changed != NULL;
}

void sock_answer(void)
{
	answers_flush();
}

/* ---- deadlines ---- */

static void expire(struct sock *s, uint64_t t_now)
{
	for (struct request **at = &s->requests; *at;) {
		struct request *r = *at;

		if (r->t_deadline_ns == 0 || r->t_deadline_ns > t_now) {
			at = &r->next;
			continue;
		}
		if (r->type == SOCK_CLOSE) {
			s->opt.linger_on = false; /* waited long enough: close as if without it */
			sock_changed(s);
			r->t_deadline_ns = 0;
			deadline_count--;
			at = &r->next;
			continue;
		}
		end_early(r, -r->busy_errno);
		remove_request(s, at);
		sock_changed(s);
	}
}

void sock_alarm(uint64_t now)
{
	struct sock *s = NULL;

	while ((s = sock_next(s)) != NULL)
		expire(s, now);
}

uint64_t sock_next_deadline(void)
{
	uint64_t first = answers_next_try();
	struct sock *s = NULL;

	if (changed)
		return 1; /* at once */
	if (deadline_count == 0)
		return first;
	while ((s = sock_next(s)) != NULL)
		for (const struct request *r = s->requests; r; r = r->next)
			if (r->t_deadline_ns && (first == 0 || r->t_deadline_ns < first))
				first = r->t_deadline_ns;
	return first;
}

/* There are no netlink groups to tell; sockets learn of routes and addresses when they send. */
void sock_net_changed(struct netif *netif)
{
	(void)netif;
}

int sock_status_text(char *buf, size_t len)
{
	unsigned sockets = 0;
	struct sock *s = NULL;
	int n;

	while ((s = sock_next(s)) != NULL)
		sockets++;
	n = snprintf(buf, len, "sockets=%u\npending=%u\nstarved=%u\n", sockets, pending_count,
	             starved_count);
	return n < 0 || (size_t)n >= len ? 0 : n;
}

void sock_init(void)
{
	icmp_watch_init();
}
