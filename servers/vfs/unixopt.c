/* SPDX-License-Identifier: BSD-2-Clause */
/* Options, readiness and ioctls of local sockets; how much a queue takes. */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "unix.h"

#define RECV_BUFFER_MIN 2304u
#define SIOC_FIRST      0x8900u
#define SIOC_LAST       0x89ffu

/* ---- room ---- */

bool unix_has_room(const struct unix_sock *s, const struct unix_sock *to, uint32_t len)
{
	if (s->type == SOCK_DGRAM && to->peer != s && to->packets > UNIX_DGRAMS_MAX)
		return false;
	return to->packets == 0 || to->bytes + len + PACKET_COST <= s->send_buffer;
}

static bool is_writable(const struct unix_sock *s)
{
	const struct unix_sock *to = s->peer;

	if (s->state == UNIX_LISTENING)
		return false;
	if (!to)
		return true;
	if (s->type == SOCK_DGRAM && !unix_has_room(s, to, 0))
		return false;
	return to->bytes * 4 <= s->send_buffer;
}

unsigned unix_poll(struct call *c, struct file *f, unsigned wanted)
{
	const struct unix_sock *s = f->obj;
	unsigned events = 0;

	(void)c;
	if (s->error)
		events |= POLLERR;
	if (s->first || s->accept_first)
		events |= POLLIN | POLLRDNORM;
	if (s->shut & SHUT_IN)
		events |= POLLIN | POLLRDNORM | POLLRDHUP;
	if ((s->shut & (SHUT_IN | SHUT_OUT)) == (SHUT_IN | SHUT_OUT) ||
	    (s->type != SOCK_DGRAM && s->state == UNIX_FRESH))
		events |= POLLHUP;
	if (is_writable(s))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events & (wanted | POLLHUP | POLLERR);
}

/* ---- ioctl ---- */

static int64_t put_int(struct call *c, uint64_t arg, uint32_t value)
{
	int n = (int)value;

	return user_write(c, arg, &n, sizeof(n));
}

static uint32_t unread(const struct unix_sock *s)
{
	if (!s->first)
		return 0;
	return s->type == SOCK_DGRAM ? s->first->len : s->bytes - s->packets * PACKET_COST;
}

int64_t unix_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	const struct unix_sock *s = f->obj;

	if (cmd == FIONREAD)
		return s->state == UNIX_LISTENING ? -EINVAL : put_int(c, arg, unread(s));
	if (cmd == TIOCOUTQ)
		return put_int(c, arg, s->peer ? s->peer->bytes : 0);
	/* The C library asks about interfaces on whatever socket it has. */
	return cmd >= SIOC_FIRST && cmd <= SIOC_LAST ? inet_ioctl_for_unix(c, cmd, arg) : -ENOTTY;
}

/* ---- options ---- */

static uint32_t buffer_size(int wanted, uint32_t smallest)
{
	uint32_t n = wanted < 0 || (uint32_t)wanted > UNIX_BUFFER_MAX / 2 ? UNIX_BUFFER_MAX
	                                                                  : 2 * (uint32_t)wanted;

	return n < smallest ? smallest : n;
}

static int set_timeout(struct call *c, const struct sockopt *o, uint64_t *timeout_ns)
{
	struct timeval tv;

	if (o->len < sizeof(tv))
		return -EINVAL;
	if (user_read(c, &tv, o->uval, sizeof(tv)) != 0)
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	*timeout_ns = 0;
	if (tv.tv_sec < 0)
		*timeout_ns = 1; /* over at once */
	else if (tv.tv_sec < INT32_MAX)
		*timeout_ns = (uint64_t)tv.tv_sec * 1000000000u + (uint64_t)tv.tv_usec * 1000u;
	return 0;
}

static int set_int(struct unix_sock *s, int name, int value)
{
	switch (name) {
	case SO_PASSCRED: s->pass_cred = value != 0; return 0;
	case SO_REUSEADDR: s->is_reusable = value != 0; return 0;
	case SO_BROADCAST: s->is_broadcast = value != 0; return 0;
	case SO_KEEPALIVE: s->is_kept_alive = value != 0; return 0;
	case SO_SNDBUF: s->send_buffer = buffer_size(value, UNIX_BUFFER_MIN); return 0;
	case SO_RCVBUF: s->recv_buffer = buffer_size(value, RECV_BUFFER_MIN); return 0;
	default: return -ENOPROTOOPT;
	}
}

int unix_setopt(struct call *c, struct file *f, const struct sockopt *o)
{
	struct unix_sock *s = f->obj;
	int value;

	if (o->level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (o->len < sizeof(value))
		return -EINVAL;
	if (o->name == SO_RCVTIMEO)
		return set_timeout(c, o, &s->recv_timeout_ns);
	if (o->name == SO_SNDTIMEO)
		return set_timeout(c, o, &s->send_timeout_ns);
	if (user_read(c, &value, o->uval, sizeof(value)) != 0)
		return -EFAULT;
	return set_int(s, o->name, value);
}

static int get_int(struct unix_sock *s, int name, int *value)
{
	switch (name) {
	case SO_TYPE: *value = (int)s->type; break;
	case SO_DOMAIN: *value = AF_UNIX; break;
	case SO_PROTOCOL: *value = 0; break;
	case SO_ERROR: *value = -unix_take_error(s); break;
	case SO_ACCEPTCONN: *value = s->state == UNIX_LISTENING; break;
	case SO_PASSCRED: *value = s->pass_cred; break;
	case SO_REUSEADDR: *value = s->is_reusable; break;
	case SO_BROADCAST: *value = s->is_broadcast; break;
	case SO_KEEPALIVE: *value = s->is_kept_alive; break;
	case SO_SNDBUF: *value = (int)s->send_buffer; break;
	case SO_RCVBUF: *value = (int)s->recv_buffer; break;
	case SO_RCVLOWAT: *value = 1; break;
	default: return -ENOPROTOOPT;
	}
	return 0;
}

static int64_t put_option(struct call *c, const struct sockopt *o, const void *value, uint32_t len)
{
	uint32_t n = o->len < len ? o->len : len;
	int r = user_write(c, o->uval, value, n);

	return r ? r : (int64_t)n;
}

static int64_t put_timeout(struct call *c, const struct sockopt *o, uint64_t ns)
{
	struct timeval tv = {(time_t)(ns / 1000000000u), (suseconds_t)(ns / 1000u % 1000000u)};

	return put_option(c, o, &tv, sizeof(tv));
}

int64_t unix_getopt(struct call *c, struct file *f, const struct sockopt *o)
{
	static const struct sock_cred nobody = {0, UINT32_MAX, UINT32_MAX};
	static const struct linger no_linger;
	struct unix_sock *s = f->obj;
	int value, r;

	if (o->level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (o->name == SO_RCVTIMEO)
		return put_timeout(c, o, s->recv_timeout_ns);
	if (o->name == SO_SNDTIMEO)
		return put_timeout(c, o, s->send_timeout_ns);
	if (o->name == SO_LINGER)
		return put_option(c, o, &no_linger, sizeof(no_linger));
	if (o->name == SO_PEERCRED)
		return put_option(c, o, s->has_peer_cred ? &s->peer_cred : &nobody, sizeof(nobody));
	r = get_int(s, o->name, &value);
	return r ? r : put_option(c, o, &value, sizeof(value));
}
