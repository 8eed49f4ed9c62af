/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the socket layer: sockets, requests, and the operations of a protocol.
 *
 *   sock.c       handle table, dispatch, pending requests, cancel
 *   sockcall.c   new sockets; what of a request is the same for all protocols
 *   sockready.c  poll: answers, events, the word that vfs reads
 *   answer.c     answers that must not be lost      copy.c  grants <-> pbufs
 *   addr.c       struct sockaddr <-> lwIP addresses, checks
 *   tcp.c        connections: bind, connect, listen, accept
 *   tcpclose.c   shutdown, close, lingering         tcpdata.c, tcpopts.c
 *   udp.c        datagrams      rawsock.c  ICMP and other protocols      dgram.c  queues of both
 *   icmp.c       ICMP errors for UDP and TCP        mcast.c  multicast groups
 *   opts.c       socket options                     ifioctl.c  ioctls of interfaces, routes, neighbours
 *   netlink.c    AF_NETLINK: socket, dispatch       nlmsg.c, nldump.c, nlchange.c
 *   procnet.c    texts of /proc/net                 procsock.c
 *
 * Operations that may have to wait return WOULD_BLOCK, keep what they have done in the request and are
 * called again when the socket was marked with sock_changed(). All other results are final.
 */
#ifndef INET_SOCK_IMPL_H
#define INET_SOCK_IMPL_H

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "axolotl/errno.h"
#include "axolotl/sock.h"
#include "lwip/ip.h"
#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"

#define SOCKS_MAX       2048u
#define PENDING_MAX     4096u
#define QUEUED_MAX      4096u /* answers that the kernel could not take yet */
#define OPT_BYTES_MAX   512u  /* of an option's value */
#define BUF_DEFAULT     212992u
#define BUF_MAX         (4u << 20)
#define BUF_MIN         2304u
#define DATAGRAM_MAX    65507u
#define WOULD_BLOCK     (-ESUSPENDREP)
#define SOCK_ADDR_UNSET 0xffu

struct sock;

struct sock_addr {
	ip_addr_t ip;
	uint16_t port;
	bool is_unspec; /* AF_UNSPEC: connect() that dissolves */
};

/* A request that is being served. Bytes are counted in done; SOCK_CANCEL and deadlines end it. */
struct request {
	struct request *next; /* of the socket, in order of arrival */
	struct sock *s;
	endpoint_t from;
	uint32_t type;
	struct sock_req q;
	uint32_t done_bytes;
	int busy_errno; /* what a non-blocking caller and an expired deadline are told */
	uint64_t t_deadline_ns;
	bool has_started; /* connect: this request sent the SYN; close: lingering */
};

struct sock_ops {
	int (*bind)(struct sock *s, const struct sock_addr *a);
	int (*connect)(struct sock *s, struct request *r);
	int (*listen)(struct sock *s, uint32_t backlog);
	int (*accept)(struct sock *s, struct sock **child);
	int (*send)(struct sock *s, struct request *r);
	int (*recv)(struct sock *s, struct request *r, struct sock_rep *rep);
	int (*shutdown)(struct sock *s, uint32_t how);
	int (*name)(struct sock *s, bool is_peer, struct sock_rep *rep);
	unsigned (*poll)(struct sock *s);
	/* So many KiB are too much to be sent without waiting now; 0: not known. May be NULL. */
	uint32_t (*too_much_kib)(struct sock *s);
	/* WOULD_BLOCK: lingering, called again; else everything of the protocol is gone. */
	int (*close)(struct sock *s, struct request *r);
	/* -ENOPROTOOPT: not an option of the protocol. setopt gets a copy of the value. */
	int (*setopt)(struct sock *s, int level, int name, const void *value, uint32_t len);
	int (*getopt)(struct sock *s, int level, int name, void *value, uint32_t len);
	int (*inq)(struct sock *s);  /* FIONREAD */
	int (*outq)(struct sock *s); /* SIOCOUTQ */
	void (*options_changed)(
		struct sock *s); /* ttl, tos, device, keepalive...: apply to the pcb */
};

/* Options that all protocols share. */
struct sock_options {
	uint32_t sndbuf, rcvbuf; /* as getsockopt returns them: twice what was set */
	bool is_sndbuf_set, is_rcvbuf_set;
	uint64_t sndtimeo_ns, rcvtimeo_ns; /* 0: none */
	bool reuseaddr, reuseport, keepalive, broadcast, dontroute, oobinline, timestamp;
	bool v6only;
	bool linger_on;
	int linger_s;
	int priority, mark, rcvlowat;
	uint8_t netif_idx; /* SO_BINDTODEVICE; 0: none */
	uint8_t tos, ttl, mcast_ttl, mcast_if;
	bool mcast_loop, mcast_all, recverr, hdrincl;
	int mtu_discover, mtu_discover6;
};

/* The word in its owner's memory that says what is ready (sock.h). */
struct sock_word {
	bool is_used;
	grant_t grant;
	uint32_t offset;
	uint32_t told; /* what it says */
};

struct sock {
	uint32_t handle;
	endpoint_t owner;
	const struct sock_ops *ops;
	int domain, type, protocol;
	bool is_root;    /* of the creator */
	bool is_changed; /* in the list of changed sockets */
	bool is_closing; /* SOCK_CLOSE was asked for: no other request is taken */
	bool is_embryo;  /* accepted by TCP, not by the application */
	bool is_starved; /* lwIP had no memory for it: sock_retry() */
	int error;       /* SO_ERROR, positive */
	uint32_t wanted; /* POLL* that a SOCK_READY is owed for */
	struct sock_word word;
	struct sock *next_changed;
	struct request *requests, **requests_end;
	struct sock_options opt;
	union {
		struct tcp_sock *tcp;
		struct udp_sock *udp;
		struct raw_sock *raw;
		struct nl_sock *nl;
	};
};

extern const struct sock_ops tcp_ops, udp_ops, raw_ops, netlink_ops;

/* ---- sock.c ---- */

/* NULL: table full or out of memory. domain, type, protocol and options are the caller's to fill. */
struct sock *sock_new(endpoint_t owner, const struct sock_ops *ops);
/* Frees an embryo, or a socket whose close is done. */
void sock_free(struct sock *s);
/* Something happened that requests or poll may wait for. */
void sock_changed(struct sock *s);
/* Calls fn for each socket until it returns true; that socket, or NULL. */
struct sock *sock_find(bool (*fn)(struct sock *s, const void *arg), const void *arg);
struct sock *sock_next(const struct sock *s); /* NULL: the first one */
void sock_fail(struct sock *s, int error);    /* sets SO_ERROR and marks */
int sock_take_error(struct sock *s);          /* 0 or -errno; cleared */
/* Copy between a request's grant and our memory, `at` bytes from the start of the request. */
int request_in(const struct request *r, uint32_t at, void *to, uint32_t len) MUST_CHECK;
int request_out(const struct request *r, uint32_t at, const void *from, uint32_t len) MUST_CHECK;
/* Copies a part of a pbuf chain out, in as few kernel calls as possible. */
int request_out_pbuf(const struct request *r, uint32_t at, const struct pbuf *p, uint32_t skip,
                     uint32_t len) MUST_CHECK;
/* lwIP had no memory: sock_retry() marks the socket. */
void sock_starved(struct sock *s);
/* Fills a fresh pbuf chain from the request. */
int request_in_pbuf(const struct request *r, struct pbuf *p, uint32_t len) MUST_CHECK;

/* ---- sockcall.c ---- */

/* SOCK_CREATE: 0 or -errno. */
int sock_make(endpoint_t from, const struct sock_create *c, uint32_t *handle) MUST_CHECK;
/* One attempt at a request: its result, or WOULD_BLOCK. */
int request_serve(struct request *r, struct sock_rep *rep) MUST_CHECK;

/* ---- sockready.c ---- */

/* SOCK_POLL: what of the wanted is ready. */
int ready_poll(struct sock *s, const struct request *r, struct sock_rep *rep) MUST_CHECK;
/* Perhaps: whoever waits for it is told. */
void ready_changed(struct sock *s);

/* ---- addr.c ---- */

/* 0 or -errno as Linux's bind(), connect() and sendto() of the domain. */
int addr_parse(const struct sock *s, const void *bytes, uint32_t len,
               struct sock_addr *a) MUST_CHECK;
/* The same for bind: only unicast of ours, multicast, broadcast and any. */
int addr_check_local(const struct sock *s, const struct sock_addr *a) MUST_CHECK;
/* Fills the reply's address as the socket's domain has it (v4-mapped where that is needed). */
void addr_put(const struct sock *s, const ip_addr_t *ip, uint16_t port, struct sock_rep *rep);
void addr_set4(ip_addr_t *ip, uint32_t address);    /* network order */
void addr_set6(ip_addr_t *ip, const void *address); /* 16 bytes; no zone */
void addr_set_any(ip_addr_t *ip, bool is_6);
bool addr_is_any(const ip_addr_t *ip);
bool addr_is_broadcast(const ip_addr_t *ip);
int addr_err(err_t err); /* lwIP's error as -errno */
/* The type of a new pcb: IPADDR_TYPE_*. */
uint8_t addr_pcb_type(const struct sock *s);
/* Destination 0.0.0.0 and :: mean this machine, as in Linux. */
void addr_fix_destination(struct sock_addr *a);
struct bind_check {
	const struct sock *self;
	const struct sock_addr *a;
};
/* Does a socket of the same protocol, bound to (ip, port), stand in the way of binding self? */
bool addr_overlaps(const struct bind_check *b, const struct sock *other, const ip_addr_t *ip,
                   uint16_t port);

/* ---- the protocols' parts of a fresh socket: 0 or -errno ---- */

int tcp_attach(struct sock *s) MUST_CHECK;
int udp_attach(struct sock *s) MUST_CHECK;
int raw_attach(struct sock *s) MUST_CHECK;
int netlink_attach(struct sock *s) MUST_CHECK;
int netlink_bind(struct sock *s, const void *addr, uint32_t len) MUST_CHECK;
bool tcp_is_listening(const struct sock *s);
void tcp_peer_name(const struct sock *s, struct sock_rep *rep);

/* ---- opts.c, ifioctl.c, netlink.c, procnet.c ---- */

int opts_set(struct sock *s, const struct request *r);
int opts_get(struct sock *s, const struct request *r);
int ioctl_request(struct sock *s, const struct request *r);
int ifconf_request(struct sock *s, const struct request *r);
#define PROCNET_BYTES_MAX 65536u
int procnet_text(const char *name, char *buf, size_t len); /* bytes or -errno */

/* ---- icmp.c: errors that ICMP brought about a packet of ours ---- */

struct icmp_error {
	const ip_addr_t *remote; /* where the packet went */
	uint16_t local_port, remote_port;
	uint32_t seq; /* TCP */
	int error;    /* errno */
	bool is_hard; /* not one that routing may repair */
};
void icmp_watch_init(void);
void udp_icmp_error(const struct icmp_error *e);
void tcp_icmp_error(const struct icmp_error *e);

#endif
