/* SPDX-License-Identifier: BSD-2-Clause */
/* Network sockets: everything but the transfer of data. */
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include "inet.h"

#define IFREQ_BYTES   40u
#define IN6_IFREQ     24u
#define RTENTRY_BYTES 120u
#define IN6_RTMSG     80u
#define ARPREQ_BYTES  68u
#define OPT_BYTES_MAX 65536u
#define SIOCDARP_NR   0x8953u
#define SIOCSARP_NR   0x8955u
#define SIOCADDRT_NR  0x890bu
#define SIOCDELRT_NR  0x890cu
#define SIOCIF_FIRST  0x8910u
#define SIOCIF_LAST   0x8949u
#define LEVEL_MAX     0xffff

/* ---- requests without memory ---- */

static void put_address(struct inet_call *k, const struct sock_addr *a)
{
	k->req.addr_len = (uint16_t)(a->len < SOCK_ADDR_MAX ? a->len : SOCK_ADDR_MAX);
	memcpy(k->req.addr, a->bytes, k->req.addr_len);
}

static void get_address(const struct inet_call *k, struct sock_addr *out)
{
	out->len = k->rep.addr_len <= SOCK_ADDR_MAX ? k->rep.addr_len : 0;
	memcpy(out->bytes, k->rep.addr, out->len);
}

static int inet_bind(struct call *c, struct file *f, const struct sock_addr *a)
{
	struct inet_call k = {.op = SOCK_BIND, .req.flags = (uint16_t)inet_root_flag(c)};

	put_address(&k, a);
	return inet_request(c, f->obj, &k);
}

static uint16_t nonblock_flag(const struct file *f)
{
	return f->flags & O_NONBLOCK ? SOCK_NOWAIT : 0;
}

static int inet_connect(struct call *c, struct file *f, const struct sock_addr *a)
{
	struct inet_call k = {
		.op = SOCK_CONNECT, .req.flags = nonblock_flag(f), .can_cancel = true};

	put_address(&k, a);
	return inet_request(c, f->obj, &k);
}

static int inet_listen(struct call *c, struct file *f, int backlog)
{
	struct inet_call k = {.op = SOCK_LISTEN, .req.arg = (uint32_t)backlog};

	return inet_request(c, f->obj, &k);
}

static int inet_accept(struct call *c, struct file *f, uint32_t flags, struct file **out,
                       struct sock_addr *peer)
{
	struct inet_call k = {.op = SOCK_ACCEPT, .req.flags = nonblock_flag(f), .can_cancel = true};
	int r = inet_request(c, f->obj, &k);

	(void)flags;
	if (r < 0)
		return r;
	get_address(&k, peer);
	return inet_adopt(f->obj, k.rep.value, out);
}

static int inet_shutdown(struct call *c, struct file *f, int how)
{
	struct inet_call k = {.op = SOCK_SHUTDOWN, .req.arg = (uint32_t)how};

	return inet_request(c, f->obj, &k);
}

static int inet_name(struct call *c, struct file *f, bool of_peer, struct sock_addr *out)
{
	struct inet_call k = {.op = SOCK_NAME, .req.arg = of_peer};
	int r = inet_request(c, f->obj, &k);

	if (!r)
		get_address(&k, out);
	return r;
}

unsigned inet_poll(struct call *c, struct file *f, unsigned wanted)
{
	struct inet_call k = {.op = SOCK_POLL, .req.arg = wanted, .is_poll = true};
	unsigned asked = wanted | POLLERR | POLLHUP, ready;
	struct inet_sock *s = f->obj;
	int r;

	if (inet_ready(s, asked, &ready))
		return ready;
	r = inet_request(c, s, &k);
	/* Whatever is done with a lost socket does not block. */
	if (r < 0)
		return (POLLERR | POLLHUP | POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM) & asked;
	s->is_watched = k.rep.value == SOCK_WATCHED;
	if (!r)
		s->armed |= asked;
	return (unsigned)r & asked;
}

/* ---- options ---- */

static int option_call(struct inet_call *k, const struct sockopt *o)
{
	if (o->level < 0 || o->level > LEVEL_MAX || o->name < 0 || o->name > LEVEL_MAX)
		return -ENOPROTOOPT;
	k->req.arg = (uint32_t)o->level << 16 | (uint32_t)o->name;
	return 0;
}

static void note_timeout(struct call *c, struct inet_sock *s, const struct sockopt *o)
{
	struct timeval tv;

	if (o->level != SOL_SOCKET || (o->name != SO_RCVTIMEO && o->name != SO_SNDTIMEO) ||
	    user_read(c, &tv, o->uval, sizeof(tv)) != 0)
		return;
	s->has_timeout[o->name == SO_SNDTIMEO] = tv.tv_sec || tv.tv_usec;
}

static int inet_setopt(struct call *c, struct file *f, const struct sockopt *o)
{
	struct io io = {.ep = c->ep,
	                .addr = o->uval,
	                .len = o->len < OPT_BYTES_MAX ? o->len : OPT_BYTES_MAX};
	struct inet_call k = {.op = SOCK_SETOPT, .io = &io, .access = GRANT_READ};
	int r = option_call(&k, o);

	k.req.flags = (uint16_t)inet_root_flag(c);
	if (!r)
		r = inet_request(c, f->obj, &k);
	if (!r)
		note_timeout(c, f->obj, o);
	return r > 0 ? 0 : r;
}

static int64_t inet_getopt(struct call *c, struct file *f, const struct sockopt *o)
{
	struct io io = {.ep = c->ep,
	                .addr = o->uval,
	                .len = o->len < OPT_BYTES_MAX ? o->len : OPT_BYTES_MAX};
	struct inet_call k = {.op = SOCK_GETOPT, .io = &io, .access = GRANT_WRITE};
	int error = ECONNRESET;
	int r = option_call(&k, o);

	if (!r)
		r = inet_request(c, f->obj, &k);
	if (r > 0 && (uint64_t)r > io.len)
		return -EIO;
	if (r != -ECONNRESET || o->level != SOL_SOCKET || o->name != SO_ERROR)
		return r;
	/* The one thing that a lost socket can still tell. */
	r = user_write(c, o->uval, &error, o->len < sizeof(error) ? o->len : sizeof(error));
	return r ? r : (int64_t)(o->len < sizeof(error) ? o->len : sizeof(error));
}

/* ---- ioctl ---- */

/* Size and direction of the argument; false: not for us. */
static bool ioctl_argument(unsigned cmd, uint32_t domain, struct io *io, unsigned *access)
{
	bool is_v6 = domain == AF_INET6;

	*access = GRANT_READ | GRANT_WRITE;
	if (cmd == FIONREAD || cmd == TIOCOUTQ || cmd == SIOCATMARK) {
		io->len = sizeof(int);
		*access = GRANT_WRITE;
	} else if (cmd == SIOCADDRT_NR || cmd == SIOCDELRT_NR) {
		io->len = is_v6 ? IN6_RTMSG : RTENTRY_BYTES;
		*access = GRANT_READ;
	} else if (is_v6 && (cmd == SIOCSIFADDR || cmd == SIOCDIFADDR)) {
		io->len = IN6_IFREQ;
		*access = GRANT_READ;
	} else if (cmd >= SIOCIF_FIRST && cmd <= SIOCIF_LAST) {
		io->len = IFREQ_BYTES;
	} else if (cmd >= SIOCDARP_NR && cmd <= SIOCSARP_NR) {
		io->len = ARPREQ_BYTES;
	} else {
		return false;
	}
	return true;
}

static int64_t get_ifconf(struct call *c, struct inet_sock *s, uint64_t arg)
{
	struct inet_call k = {.op = SOCK_IFCONF, .access = GRANT_WRITE};
	struct ifconf conf;
	struct io io = {.ep = c->ep};
	int r;

	if (user_read(c, &conf, arg, sizeof(conf)) != 0)
		return -EFAULT;
	if (conf.ifc_len < 0)
		return -EINVAL;
	if (conf.ifc_buf) { /* else its size is asked for */
		io.addr = (uint64_t)conf.ifc_buf;
		io.len = (uint64_t)conf.ifc_len;
		k.io = &io;
	}
	if (conf.ifc_buf && conf.ifc_len < (int)IFREQ_BYTES) {
		r = 0;
	} else {
		r = inet_request(c, s, &k);
		if (r < 0)
			return r;
	}
	conf.ifc_len = r;
	return user_write(c, arg, &conf, sizeof(conf));
}

int64_t inet_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	struct inet_sock *s = f->obj;
	struct io io = {.ep = c->ep, .addr = arg};
	struct inet_call k = {.op = SOCK_IOCTL, .io = &io};
	int r;

	if (cmd == SIOCGIFCONF)
		return get_ifconf(c, s, arg);
	if (!ioctl_argument(cmd, s->domain, &io, &k.access))
		return -ENOTTY;
	k.req.arg = cmd;
	k.req.flags = (uint16_t)inet_root_flag(c);
	r = inet_request(c, s, &k);
	return r > 0 ? 0 : r;
}

const struct sock_ops inet_ops = {
	.bind = inet_bind,
	.connect = inet_connect,
	.listen = inet_listen,
	.accept = inet_accept,
	.send = inet_send,
	.recv = inet_recv,
	.shutdown = inet_shutdown,
	.name = inet_name,
	.setopt = inet_setopt,
	.getopt = inet_getopt,
};
