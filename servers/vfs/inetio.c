/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers of network sockets. inet copies from or to the application's memory itself. A stream is one
 * request for each piece of a vector; a datagram of several pieces goes by way of our own memory.
 */
#include <string.h>
#include "inet.h"

#define GATHERS_MAX     64u
#define GATHER_BYTES    65536u
#define MSG_ERRQUEUE_NR 0x2000u

struct gather {
	bool in_use;
	uint8_t data[GATHER_BYTES];
};
static struct gather gathers[GATHERS_MAX];

static uint16_t protocol_flags(uint32_t flags)
{
	static const struct {
		uint32_t theirs;
		uint16_t ours;
	} map[] = {
		{MSG_DONTWAIT, SOCK_NOWAIT}, {MSG_PEEK, SOCK_PEEK},   {MSG_WAITALL, SOCK_WAITALL},
		{MSG_OOB, SOCK_OOB},         {MSG_TRUNC, SOCK_TRUNC}, {MSG_MORE, SOCK_MORE},
	};
	uint16_t out = 0;

	for (unsigned i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (flags & map[i].theirs)
			out |= map[i].ours;
	return out;
}

/* ---- memory of ours ---- */

/* Memory for `len` bytes, the call's own if that is enough; NULL: none. */
static uint8_t *take_memory(struct call *c, uint64_t len, struct gather **g)
{
	*g = NULL;
	if (len <= sizeof(c->buf))
		return (uint8_t *)c->buf;
	for (unsigned i = 0; i < GATHERS_MAX; i++) {
		if (gathers[i].in_use)
			continue;
		gathers[i].in_use = true;
		*g = &gathers[i];
		return gathers[i].data;
	}
	return NULL;
}

static void give_memory(struct gather *g)
{
	if (g)
		g->in_use = false;
}

struct span {
	uint8_t *data;
	uint64_t len;
};

/* Between ours and the pieces of a transfer. */
static int move(struct call *c, struct xfer *x, const struct span *m, bool to_user)
{
	uint8_t *data = m->data;
	uint64_t len = m->len;
	uint64_t done = 0;

	while (done < len) {
		uint64_t n;
		int r = xfer_next(c, x);

		if (r <= 0)
			return r ? r : -EFAULT;
		n = x->cur.len < len - done ? x->cur.len : len - done;
		r = to_user ? io_put(c, &x->cur, data + done, n)
		            : io_get(c, &x->cur, data + done, n);
		if (r)
			return r;
		io_advance(&x->cur, n);
		done += n;
	}
	return 0;
}

/* ---- send ---- */

static int send_piece(struct call *c, struct inet_sock *s, struct xfer *x, const struct io *io)
{
	struct inet_call k = {.op = SOCK_SEND, .io = io, .access = GRANT_READ, .can_cancel = true};
	int r;

	k.req.flags = protocol_flags(x->flags & ~(uint32_t)(MSG_PEEK | MSG_TRUNC | MSG_WAITALL)) |
	              (uint16_t)inet_root_flag(c);
	k.req.addr_len = (uint16_t)(x->addr.len < SOCK_ADDR_MAX ? x->addr.len : SOCK_ADDR_MAX);
	memcpy(k.req.addr, x->addr.bytes, k.req.addr_len);
	r = inet_request(c, s, &k);
	return r > 0 && (uint64_t)r > io->len ? -EIO : r;
}

static int64_t send_stream(struct call *c, struct inet_sock *s, struct xfer *x)
{
	uint32_t flags = x->flags;
	int64_t done = 0;

	for (;;) {
		uint64_t len;
		int r = xfer_next(c, x);

		if (r > 0) {
			len = x->cur.len;
			x->flags = flags | (x->iovs ? MSG_MORE : 0);
			r = (flags & (MSG_DONTWAIT | MSG_OOB)) == MSG_DONTWAIT &&
			                    inet_is_full(s, len)
			            ? -EAGAIN
			            : send_piece(c, s, x, &x->cur);
			x->flags = flags;
			if (r > 0) {
				io_advance(&x->cur, (uint64_t)r);
				done += r;
				if ((uint64_t)r == len)
					continue;
			}
		}
		return done ? done : sock_epipe(c, x, r);
	}
}

static int64_t send_gathered(struct call *c, struct inet_sock *s, struct xfer *x)
{
	struct io io = {.ep = EP_SELF, .len = x->total};
	struct gather *g;
	uint8_t *data;
	int64_t r;

	if (x->total > GATHER_BYTES)
		return -EMSGSIZE;
	data = take_memory(c, x->total, &g);
	if (!data)
		return -ENOBUFS;
	io.addr = (uint64_t)data;
	r = move(c, x, &(struct span){data, x->total}, false);
	if (!r)
		r = send_piece(c, s, x, &io);
	give_memory(g);
	return r;
}

int64_t inet_send(struct call *c, struct file *f, struct xfer *x)
{
	struct inet_sock *s = f->obj;
	int r;

	if (s->type == SOCK_STREAM && x->total > 0)
		return send_stream(c, s, x);
	r = xfer_next(c, x);
	if (r < 0)
		return r;
	if (x->cur.len == x->total)
		return sock_epipe(c, x, send_piece(c, s, x, &x->cur));
	return send_gathered(c, s, x);
}

/* ---- receive ---- */

static int recv_piece(struct call *c, struct inet_sock *s, struct xfer *x, const struct io *io)
{
	struct inet_call k = {.op = SOCK_RECV, .io = io, .access = GRANT_WRITE, .can_cancel = true};
	int r;

	k.req.flags = protocol_flags(x->flags);
	r = inet_request(c, s, &k);
	if (r < 0)
		return r;
	if ((uint64_t)r > io->len && !(x->flags & MSG_TRUNC))
		return -EIO;
	x->out_flags |= k.rep.flags;
	if (k.rep.addr_len <= SOCK_ADDR_MAX) {
		x->addr.len = k.rep.addr_len;
		memcpy(x->addr.bytes, k.rep.addr, k.rep.addr_len);
	}
	return r;
}

/* Behind the first piece only what is there already counts, unless all is wanted. */
static int64_t recv_stream(struct call *c, struct inet_sock *s, struct xfer *x)
{
	int64_t done = 0;

	for (;;) {
		uint64_t len;
		int r = xfer_next(c, x);

		if (r <= 0)
			return done ? done : r;
		len = x->cur.len;
		if (done && !(x->flags & MSG_WAITALL))
			x->flags |= MSG_DONTWAIT;
		r = recv_piece(c, s, x, &x->cur);
		if (r <= 0)
			return done ? done : r;
		done += r;
		if ((uint64_t)r < len)
			return done;
		io_advance(&x->cur, len);
	}
}

static int64_t recv_gathered(struct call *c, struct inet_sock *s, struct xfer *x)
{
	struct io io = {.ep = EP_SELF};
	struct gather *g;
	uint8_t *data;
	int64_t n;
	int r;

	io.len = x->total < GATHER_BYTES ? x->total : GATHER_BYTES;
	data = take_memory(c, io.len, &g);
	if (!data)
		return -ENOBUFS;
	io.addr = (uint64_t)data;
	n = recv_piece(c, s, x, &io);
	if (n > 0) {
		struct span got = {data, (uint64_t)n < io.len ? (uint64_t)n : io.len};

		r = move(c, x, &got, true);
		n = r ? r : n;
	}
	give_memory(g);
	return n;
}

int64_t inet_recv(struct call *c, struct file *f, struct xfer *x)
{
	struct inet_sock *s = f->obj;
	int r;

	if (x->flags & MSG_ERRQUEUE_NR)
		return -EAGAIN; /* there is no such queue, so nothing is ever in it */
	if (s->type == SOCK_STREAM && !(x->flags & MSG_PEEK) && x->total > 0)
		return recv_stream(c, s, x);
	r = xfer_next(c, x);
	if (r < 0)
		return r;
	return x->cur.len == x->total ? recv_piece(c, s, x, &x->cur) : recv_gathered(c, s, x);
}
