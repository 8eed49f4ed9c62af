/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of the network server: the client half of axolotl/sock.h, private to inet*.c.
 *
 *     open(gen) --inet dies--> lost --close--> free         open(gen) --close--> closing --> free
 *
 * A socket belongs to the incarnation of inet that made it. When that one dies, what is pending ends with
 * ECONNRESET and everything that follows does too; only closing works. New sockets are made by the
 * next incarnation, for which socket() waits a while. Nothing here waits for inet but the call itself.
 */
#ifndef SERVERS_VFS_INET_H
#define SERVERS_VFS_INET_H

#include <sys/socket.h>
#include "axolotl/sock.h"
#include "socket.h"

#define INET_SOCKS_MAX 1024u

struct inet_sock {
	struct file *file; /* NULL: free, or closing */
	bool is_closing;   /* SOCK_CLOSE is still to be sent */
	uint32_t handle;   /* of inet */
	uint32_t gen;      /* of inet: the handle's incarnation */
	uint32_t domain, type;
	uint32_t number;
	bool has_timeout[2]; /* SO_RCVTIMEO, SO_SNDTIMEO: then a signal is EINTR */
	bool is_watched;     /* its state word says what is ready */
	uint32_t armed;      /* POLL* that inet owes a SOCK_READY for */
	struct waitq wq;     /* never cleared: an epoll may still be in it */
};

struct inet_call {
	enum sock_msg op;
	struct sock_req req; /* arg, flags, addr */
	const struct io *io; /* memory of the request, or NULL */
	unsigned access;     /* GRANT_* */
	bool can_cancel;
	bool is_poll; /* with the socket's state word */
	struct sock_rep rep;
};
extern const struct file_ops inet_file_ops;

bool inet_is_lost(const struct inet_sock *s);
/* One request: result >= 0 or -errno. -ECONNRESET: inet died. -ERESTARTSYS: a signal came first. */
int inet_request(struct call *c, struct inet_sock *s, struct inet_call *k) MUST_CHECK;
/* A file for a handle that inet has just given out; the handle is closed when there is no room. */
int inet_adopt(const struct inet_sock *like, uint32_t handle, struct file **out) MUST_CHECK;
/* What of `asked` is ready, if that is known without inet; false: it must be asked. */
bool inet_ready(const struct inet_sock *s, unsigned asked, unsigned *ready);
/* Is it known that there is no room for so many bytes of a stream? */
bool inet_is_full(const struct inet_sock *s, uint64_t len);
uint32_t inet_root_flag(const struct call *c);
void inet_release(struct file *f);

/* ---- inetio.c ---- */
int64_t inet_send(struct call *c, struct file *f, struct xfer *x);
int64_t inet_recv(struct call *c, struct file *f, struct xfer *x);

/* ---- inetops.c ---- */
int64_t inet_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg);
unsigned inet_poll(struct call *c, struct file *f, unsigned wanted);
extern const struct sock_ops inet_ops;

#endif
