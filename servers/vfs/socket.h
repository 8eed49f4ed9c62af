/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets inside vfs: what the calls (sock.c, sockio.c) and the families (unix.c, inet.c) share. A
 * socket is a file whose ops have a `sock`; its obj belongs to the family.
 */
#ifndef SERVERS_VFS_SOCKET_H
#define SERVERS_VFS_SOCKET_H

#include "sockwire.h"
#include "vfs.h"

#define SOCK_ADDR_BYTES 128u /* struct sockaddr_storage */

struct sock_addr {
	uint32_t len; /* 0: none */
	uint8_t bytes[SOCK_ADDR_BYTES];
};
static inline uint16_t sock_addr_family(const struct sock_addr *a)
{
	return a->len < 2 ? 0 : (uint16_t)(a->bytes[0] | a->bytes[1] << 8);
}

struct rights; /* files on their way, unix.h */

/* One transfer: memory, flags, and what goes with it. */
struct xfer {
	struct io cur;  /* what is left of the present piece */
	uint64_t uiov;  /* struct iovec of the pieces that follow, in the caller's memory */
	unsigned iovs;  /* how many of them */
	uint64_t total; /* bytes of all pieces */
	uint32_t flags; /* MSG_* of the call; MSG_DONTWAIT also for O_NONBLOCK */
	uint32_t out_flags;
	struct sock_addr addr; /* send: destination; receive: sender */
	struct rights *rights; /* send: taken (set to NULL) when they are on their way */
	struct sock_cred cred; /* of the sender */
	bool has_cred;         /* receive: to be told */
};
/* Makes cur the next piece that is not empty: 1; 0: there is none; -errno. */
int xfer_next(struct call *c, struct xfer *x) MUST_CHECK;

struct sockopt {
	int level, name;
	uint64_t uval; /* in the caller */
	uint32_t len;
};

struct sock_ops {
	int (*bind)(struct call *c, struct file *f, const struct sock_addr *a);
	int (*connect)(struct call *c, struct file *f, const struct sock_addr *a);
	int (*listen)(struct call *c, struct file *f, int backlog);
	/* A new file, and the peer's address. */
	int (*accept)(struct call *c, struct file *f, uint32_t flags, struct file **out,
	              struct sock_addr *peer);
	int64_t (*send)(struct call *c, struct file *f, struct xfer *x);
	int64_t (*recv)(struct call *c, struct file *f, struct xfer *x);
	int (*shutdown)(struct call *c, struct file *f, int how);
	int (*name)(struct call *c, struct file *f, bool of_peer, struct sock_addr *out);
	int (*setopt)(struct call *c, struct file *f, const struct sockopt *o);
	int64_t (*getopt)(struct call *c, struct file *f, const struct sockopt *o); /* bytes */
	bool passes_files; /* control messages are understood */
};

/* Waits on q until the deadline (0: none): 0, -EAGAIN when it is over, -ERESTARTSYS or -EINTR. */
int sock_sleep(struct call *c, struct waitq *q, uint64_t deadline_ns) MUST_CHECK;
/* -EPIPE becomes SIGPIPE, too, unless the flags say otherwise. */
int64_t sock_epipe(struct call *c, const struct xfer *x, int64_t result);
/* readv and writev; is_write: the second. The vector has been checked. */
int64_t sock_vectored(struct call *c, struct file *f, struct xfer *x, bool is_write);
/* read and write of file_ops. */
int64_t sock_read(struct call *c, struct file *f, struct io *io);
int64_t sock_write(struct call *c, struct file *f, struct io *io);
uint32_t sock_new_number(void); /* of "socket:[N]" */

/* ---- unix.c ---- */
int unix_create(struct call *c, uint32_t type, uint32_t protocol, struct file **out) MUST_CHECK;
int unix_pair(struct call *c, uint32_t type, struct file *ends[2]) MUST_CHECK;
/* Sockets that only sockets on their way could still reach (unixgc.c); before each RECEIVE. */
void unix_idle(void);
int unix_text(char *buf, size_t size); /* of /proc/net/unix: bytes */

/* ---- rights ---- */
int rights_take(struct call *c, const struct control *ct, struct rights **out) MUST_CHECK;
void rights_drop(struct rights *r); /* NULL is allowed */
/* Descriptors for them in the caller; the others are closed. */
void rights_install(struct call *c, struct rights *r, struct control_out *o, bool cloexec);

/* ---- inet.c ---- */
void inet_label_changed(const char *label, endpoint_t ep);
void inet_message(const struct msg *m); /* SOCK_READY */
void inet_idle(void);                   /* closes that could not be sent yet */
int inet_create(struct call *c, const uint32_t domain_type_protocol[3],
                struct file **out) MUST_CHECK;
/* An interface request (SIOC*) made on a local socket. */
int64_t inet_ioctl_for_unix(struct call *c, unsigned cmd, uint64_t arg);

#endif
