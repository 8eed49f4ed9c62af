/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local sockets (AF_UNIX), private to unix*.c.
 *
 *     fresh --listen--> listening            fresh --connect, socketpair--> connected
 *
 * Streams and sequenced packets: a connection is two sockets that point to each other; one that was made
 * by connect() and not yet accepted has no file and waits in its listener's queue. Datagrams: `peer` is
 * where they go by default, and may point anywhere. A socket that ends clears every pointer to itself,
 * so a call looks at `peer` again after each wait. Its own socket stays, for the call holds the file.
 *
 * Data are packets in the receiver's queue, made of blocks of one common pool.
 */
#ifndef SERVERS_VFS_UNIX_H
#define SERVERS_VFS_UNIX_H

#include "socket.h"

#define UNIX_SOCKS_MAX  1024u
#define UNIX_BUFFER     212992u /* bytes in a queue, as Linux has it unless SO_SNDBUF says more */
#define UNIX_BUFFER_MIN 4608u
#define UNIX_BUFFER_MAX 425984u
#define UNIX_DGRAMS_MAX 10u /* net.unix.max_dgram_qlen */
#define BLOCK_DATA      4088u
#define BLOCKS_MAX      4096u
#define PACKETS_MAX     4096u
#define PACKET_COST     256u /* of a packet in a queue, beside its data */
#define STREAM_CHUNK    32768u
#define RIGHTS_MAX      64u /* messages with files that are on their way at a time */

struct block {
	struct block *next;
	uint8_t data[BLOCK_DATA];
};
struct packet {
	struct packet *next;
	struct block *blocks;
	uint32_t len;
	uint32_t taken; /* stream: bytes that were read */
	struct rights *rights;
	struct sock_cred cred;
	struct unix_addr from;
};
struct rights {
	struct rights *next; /* free, or to be closed */
	unsigned count;
	bool in_use;
	bool in_flight; /* counted by the collector */
	struct file *files[RIGHTS_FDS_MAX];
};

enum unix_state { UNIX_FREE, UNIX_FRESH, UNIX_LISTENING, UNIX_CONNECTED };
#define SHUT_IN  1u
#define SHUT_OUT 2u

struct unix_sock {
	enum unix_state state;
	uint32_t type;     /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
	struct file *file; /* NULL: not accepted yet */
	uint32_t number;
	struct waitq wq; /* never cleared: an epoll may still be in it */

	struct unix_addr addr;
	struct vnode *vn; /* path: what it is bound to, with a reference */
	bool is_binding;
	bool owns_name; /* abstract: found by it; an accepted connection only shows it */

	struct unix_sock *peer;
	unsigned pointed; /* sockets whose peer we are */
	bool is_refused;  /* datagram: the peer has ended and that was not told yet */
	unsigned shut;    /* SHUT_* */
	int error;        /* for the next call, > 0 */
	struct sock_cred own, peer_cred;
	bool has_peer_cred;

	struct packet *first, **end;
	uint32_t packets, bytes; /* in the queue; bytes with PACKET_COST */
	bool is_read;            /* a reader is copying the first packets */

	unsigned backlog, waiting; /* listener */
	struct unix_sock *accept_first, *accept_next, *listener;

	bool pass_cred, is_reusable, is_broadcast, is_kept_alive;
	uint32_t send_buffer, recv_buffer;
	uint64_t recv_timeout_ns, send_timeout_ns; /* 0: none */

	bool is_marked; /* collector */
	unsigned in_flight;
	struct unix_sock *mark_next;
};

/* ---- unix.c ---- */
extern const struct file_ops unix_file_ops;
extern struct unix_sock unix_socks[UNIX_SOCKS_MAX];
struct unix_sock *unix_of(const struct file *f); /* NULL: another kind of file */
void unix_set_peer(struct unix_sock *s, struct unix_sock *peer);
/* Room in s's queue, or s's own state: whoever sends there or reads looks again. */
void unix_wake(struct unix_sock *s);
extern struct waitq unix_room_wq; /* senders that wait for room, blocks, or a place in a backlog */
int unix_take_error(struct unix_sock *s);
uint64_t unix_deadline(uint64_t timeout_ns);
struct sock_cred unix_cred_of(const struct proc *p);

/* ---- unixname.c ---- */
int unix_bind(struct call *c, struct file *f, const struct sock_addr *a);
int unix_name(struct call *c, struct file *f, bool of_peer, struct sock_addr *out);
/* The socket that an address names, with a reference on its file. */
int unix_find(struct call *c, const struct sock_addr *a, uint32_t type, struct file **out);
void unix_put_name(const struct unix_addr *from, struct sock_addr *to);

/* ---- unixio.c ---- */
int64_t unix_send(struct call *c, struct file *f, struct xfer *x);
int64_t unix_recv(struct call *c, struct file *f, struct xfer *x);

/* ---- unixopt.c ---- */
int unix_setopt(struct call *c, struct file *f, const struct sockopt *o);
int64_t unix_getopt(struct call *c, struct file *f, const struct sockopt *o);
int64_t unix_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg);
unsigned unix_poll(struct call *c, struct file *f, unsigned wanted);
/* May s send to its peer now? */
bool unix_has_room(const struct unix_sock *s, const struct unix_sock *to, uint32_t len);

/* ---- unixq.c ---- */
/* A packet with room for len bytes; NULL: the pools are empty, and unix_room_wq tells of more. */
struct packet *packet_new(uint32_t len);
void packet_free(struct packet *p);
/* Between a packet and a transfer; may wait. Bytes or -errno. */
int64_t packet_fill(struct call *c, struct packet *p, struct xfer *x);
int64_t packet_drain(struct call *c, const struct packet *p, uint32_t offset, struct xfer *x);
void queue_add(struct unix_sock *s, struct packet *p);
void queue_remove_first(struct unix_sock *s); /* and frees it */
void queue_drop_all(struct unix_sock *s);
struct rights *rights_copy(const struct rights *r); /* NULL: no more */

/* ---- unixgc.c ---- */
void flight_begin(struct rights *r); /* its sockets are reachable by queues now, too */
void flight_end(struct rights *r);
void unix_dropped(struct file *f);

#endif
