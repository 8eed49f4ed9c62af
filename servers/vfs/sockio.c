/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of sockets that move data: send and recv in all their forms. A message's parts are
 * fetched and checked here; the family moves the bytes from or to the pieces of the application's
 * memory (xfer_next()).
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "socket.h"
#include "sockcall.h"

#define CONTROL_MAX 4096u /* bytes of control messages */
#define VLEN_MAX    1024u

/* struct msghdr and struct mmsghdr as the calls have them. */
struct user_msghdr {
	uint64_t name;
	int32_t namelen;
	uint32_t pad;
	uint64_t iov, iovlen;
	uint64_t control, controllen;
	uint32_t flags;
	uint32_t pad2;
};
struct user_mmsghdr {
	struct user_msghdr hdr;
	uint32_t len;
	uint32_t pad;
};

/* ---- pieces ---- */

int xfer_next(struct call *c, struct xfer *x)
{
	while (x->cur.len == 0) {
		struct iovec iov;

		if (x->iovs == 0)
			return 0;
		if (user_read(c, &iov, x->uiov, sizeof(iov)) != 0)
			return -EFAULT;
		x->uiov += sizeof(iov);
		x->iovs--;
		x->cur.ep = c->ep;
		x->cur.addr = (uint64_t)iov.iov_base;
		x->cur.len = iov.iov_len;
		/* Another thread may have changed the vector since it was added up. */
		if (x->cur.len &&
		    (x->cur.addr >= VM_USER_TOP || x->cur.len > VM_USER_TOP - x->cur.addr))
			return -EFAULT;
	}
	return 1;
}

static int set_buffer(struct call *c, struct xfer *x, uint64_t addr, uint64_t len)
{
	if (len > IO_BYTES_MAX)
		len = IO_BYTES_MAX;
	if (len && (addr >= VM_USER_TOP || len > VM_USER_TOP - addr))
		return -EFAULT;
	x->cur = (struct io){.ep = c->ep, .addr = addr, .len = len};
	x->total = len;
	return 0;
}

static int set_vector(struct call *c, struct xfer *x, const struct user_msghdr *h)
{
	struct vector v = {.addr = h->iov, .count = (unsigned)h->iovlen};
	int r;

	if (h->iovlen > IOV_MAX)
		return -EMSGSIZE;
	r = vector_check(c, &v);
	if (r)
		return r;
	x->uiov = v.addr;
	x->iovs = v.count;
	x->total = v.total;
	return 0;
}

static void set_call_flags(struct xfer *x, const struct file *f, uint64_t flags)
{
	x->flags = (uint32_t)flags | (f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
}

/* ---- read and write ---- */

/* There is no room for files that come along: they are closed. */
static int64_t plain_recv(struct call *c, struct file *f, struct xfer *x)
{
	int64_t n = f->ops->sock->recv(c, f, x);

	rights_drop(x->rights);
	return n;
}

int64_t sock_read(struct call *c, struct file *f, struct io *io)
{
	struct xfer x = {.cur = *io, .total = io->len};

	if (io->len == 0)
		return 0;
	set_call_flags(&x, f, 0);
	return plain_recv(c, f, &x);
}

int64_t sock_write(struct call *c, struct file *f, struct io *io)
{
	struct xfer x = {.cur = *io, .total = io->len};

	set_call_flags(&x, f, 0);
	return f->ops->sock->send(c, f, &x);
}

int64_t sock_vectored(struct call *c, struct file *f, struct xfer *x, bool is_write)
{
	set_call_flags(x, f, 0);
	return is_write ? f->ops->sock->send(c, f, x) : plain_recv(c, f, x);
}

/* ---- send ---- */

static int64_t do_sendto(struct call *c, struct file *f)
{
	struct xfer x = {0};
	int64_t n;

	set_call_flags(&x, f, c->args[3]);
	n = set_buffer(c, &x, c->args[1], c->args[2]);
	if (!n && c->args[4])
		n = sock_get_addr(c, c->args[4], c->args[5], &x.addr);
	return n ? n : f->ops->sock->send(c, f, &x);
}

int64_t sys_sendto(struct call *c)
{
	return sock_with(c, do_sendto);
}

/* What the sender says about itself; root may say anything. */
static int check_cred(const struct proc *p, const struct sock_cred *k)
{
	if (p->euid == 0)
		return 0;
	return k->pid == p->pid && (k->uid == p->uid || k->uid == p->euid) &&
	                       (k->gid == p->gid || k->gid == p->egid)
	               ? 0
	               : -EPERM;
}

static int fetch_control(struct call *c, const struct file *f, const struct user_msghdr *h,
                         struct xfer *x)
{
	struct control ct;
	int r;

	if (h->controllen == 0)
		return 0;
	if (h->controllen > CONTROL_MAX)
		return -ENOBUFS;
	_Static_assert(CONTROL_MAX <= sizeof(c->buf), "control messages fit the call's buffer");
	if (user_read(c, c->buf, h->control, h->controllen) != 0)
		return -EFAULT;
	r = control_parse(c->buf, h->controllen, &ct);
	if (r)
		return r;
	if (!f->ops->sock->passes_files)
		return -EINVAL; /* none of theirs is known */
	if (ct.has_cred) {
		r = check_cred(c->proc, &ct.cred);
		if (r)
			return r;
		x->cred = ct.cred;
		x->has_cred = true;
	}
	return ct.fds_count ? rights_take(c, &ct, &x->rights) : 0;
}

static int fetch_message(struct call *c, const struct file *f, const struct user_msghdr *h,
                         struct xfer *x)
{
	int r = set_vector(c, x, h);

	if (!r && h->name && h->namelen)
		r = h->namelen < 0 ? -EINVAL
		                   : sock_get_addr(c, h->name,
		                                   (uint32_t)h->namelen < SOCK_ADDR_BYTES
		                                           ? (uint32_t)h->namelen
		                                           : SOCK_ADDR_BYTES,
		                                   &x->addr);
	return r ? r : fetch_control(c, f, h, x);
}

static int64_t send_message(struct call *c, struct file *f, uint64_t uhdr, uint32_t flags)
{
	struct user_msghdr h;
	struct xfer x = {0};
	int64_t n;

	if (user_read(c, &h, uhdr, sizeof(h)) != 0)
		return -EFAULT;
	set_call_flags(&x, f, flags);
	n = fetch_message(c, f, &h, &x);
	if (!n)
		n = f->ops->sock->send(c, f, &x);
	rights_drop(x.rights);
	return n;
}

/* ---- receive ---- */

static int64_t do_recvfrom(struct call *c, struct file *f)
{
	struct xfer x = {0};
	int64_t n;
	int r = 0;

	set_call_flags(&x, f, c->args[3]);
	n = set_buffer(c, &x, c->args[1], c->args[2]);
	if (!n)
		n = plain_recv(c, f, &x);
	if (n >= 0 && c->args[4])
		r = sock_put_addr(c, c->args[4], c->args[5], &x.addr);
	return r ? r : n;
}

int64_t sys_recvfrom(struct call *c)
{
	return sock_with(c, do_recvfrom);
}

/* Credentials and files that came along, into the application's buffer. */
static int store_control(struct call *c, struct user_msghdr *h, struct xfer *x)
{
	struct control_out o = {.buf = (uint8_t *)c->buf,
	                        .size = h->controllen < CONTROL_MAX ? h->controllen : CONTROL_MAX};
	struct rights *r = x->rights;

	memset(c->buf, 0, o.size);
	if (x->has_cred)
		control_put_cred(&o, &x->cred);
	x->rights = NULL;
	if (r)
		rights_install(c, r, &o, x->flags & MSG_CMSG_CLOEXEC);
	if (o.is_truncated)
		x->out_flags |= MSG_CTRUNC;
	h->controllen = o.used;
	return user_write(c, h->control, c->buf, o.used);
}

static int store_message(struct call *c, uint64_t uhdr, struct user_msghdr *h, struct xfer *x)
{
	int r = 0;

	if (h->name) {
		uint32_t room =
			(uint32_t)h->namelen < x->addr.len ? (uint32_t)h->namelen : x->addr.len;

		r = user_write(c, h->name, x->addr.bytes, room);
		h->namelen = (int32_t)x->addr.len;
	}
	if (!r)
		r = store_control(c, h, x);
	h->flags = x->out_flags | (x->flags & MSG_CMSG_CLOEXEC);
	return r ? r : user_write(c, uhdr, h, sizeof(*h));
}

static int64_t recv_message(struct call *c, struct file *f, uint64_t uhdr, uint32_t flags)
{
	struct user_msghdr h;
	struct xfer x = {0};
	int64_t n;

	if (user_read(c, &h, uhdr, sizeof(h)) != 0)
		return -EFAULT;
	if (h.name && h.namelen < 0)
		return -EINVAL;
	set_call_flags(&x, f, flags);
	n = set_vector(c, &x, &h);
	if (!n)
		n = f->ops->sock->recv(c, f, &x);
	if (n >= 0) {
		int r = store_message(c, uhdr, &h, &x);

		n = r ? r : n;
	}
	rights_drop(x.rights);
	return n;
}

/* ---- one message ---- */

static int64_t do_sendmsg(struct call *c, struct file *f)
{
	return send_message(c, f, c->args[1], (uint32_t)c->args[2]);
}

int64_t sys_sendmsg(struct call *c)
{
	return sock_with(c, do_sendmsg);
}

static int64_t do_recvmsg(struct call *c, struct file *f)
{
	return recv_message(c, f, c->args[1], (uint32_t)c->args[2]);
}

int64_t sys_recvmsg(struct call *c)
{
	return sock_with(c, do_recvmsg);
}

/* ---- many messages ---- */

typedef int64_t (*message_fn_t)(struct call *c, struct file *f, uint64_t uhdr, uint32_t flags);

struct batch {
	message_fn_t fn;
	uint32_t flags;
	uint64_t deadline_ns; /* 0: none; looked at between messages, as Linux does */
};

/* An error behind the first message is told by the next call, which meets it again. */
static int64_t run_batch(struct call *c, struct file *f, const struct batch *b)
{
	unsigned count = (uint32_t)c->args[2] < VLEN_MAX ? (uint32_t)c->args[2] : VLEN_MAX;
	uint32_t flags = b->flags & ~(uint32_t)MSG_WAITFORONE;

	for (unsigned i = 0; i < count; i++) {
		uint64_t at = c->args[1] + i * sizeof(struct user_mmsghdr);
		int64_t n = b->fn(c, f, at, flags);
		uint32_t len = (uint32_t)n;

		if (n < 0)
			return i ? (int64_t)i : n;
		if (user_write(c, at + offsetof(struct user_mmsghdr, len), &len, sizeof(len)) != 0)
			return i ? (int64_t)i : -EFAULT;
		if (b->flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (b->deadline_ns && now_ns() >= b->deadline_ns)
			return i + 1;
	}
	return count;
}

static int64_t do_sendmmsg(struct call *c, struct file *f)
{
	return run_batch(c, f, &(struct batch){.fn = send_message, .flags = (uint32_t)c->args[3]});
}

int64_t sys_sendmmsg(struct call *c)
{
	return sock_with(c, do_sendmmsg);
}

static int64_t do_recvmmsg(struct call *c, struct file *f)
{
	struct batch b = {.fn = recv_message, .flags = (uint32_t)c->args[3]};
	int r = deadline_from_timespec(c, c->args[4], &b.deadline_ns);

	return r ? r : run_batch(c, f, &b);
}

int64_t sys_recvmmsg(struct call *c)
{
	return sock_with(c, do_recvmmsg);
}
