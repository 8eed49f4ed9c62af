/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket protocol: vfs is the client, inet the server (AF_INET, AF_INET6, AF_NETLINK/route, AF_PACKET is
 * refused). vfs owns file descriptors, blocking and signals; inet owns sockets, named by a handle.
 * ASEND both ways; each request has an id and exactly one reply (struct sock_rep, type | MSG_REPLY).
 *
 * Errors are Linux errno values, as the Linux call of that name would return. Application data moves by
 * grants that vfs makes to inet: proxy grants on the application's memory, or direct grants on its own.
 * A request that would block is answered -EAGAIN if SOCK_NOWAIT is set in its flags, else kept until it
 * can be answered or SOCK_CANCEL ends it (-EINTR, or the bytes moved so far). Deadlines (SO_RCVTIMEO,
 * SO_SNDTIMEO) are inet's work: -EAGAIN.
 *
 * When inet dies all its sockets are gone: vfs wakes everybody, calls end with ECONNRESET (never hang),
 * poll says POLLERR | POLLHUP; new sockets work as soon as inet is back.
 */
#ifndef AXOLOTL_SOCK_H
#define AXOLOTL_SOCK_H

#include "axolotl/ipc.h"

enum sock_msg {
	SOCK_CREATE = MSG_SOCK_BASE + 1, /* struct sock_create; value = handle */
	SOCK_BIND,                       /* struct sock_req: addr */
	SOCK_CONNECT,                    /* struct sock_req: addr; non-blocking: -EINPROGRESS */
	SOCK_LISTEN,                     /* struct sock_req: arg = backlog */
	SOCK_ACCEPT, /* struct sock_req; struct sock_rep: value = new handle, addr = peer */
	SOCK_SEND,   /* struct sock_req: grant, len; addr_len > 0: sendto; result = bytes */
	SOCK_RECV, /* struct sock_req: grant, len; result = bytes, addr = sender; arg: bytes of the
	                   datagram (MSG_TRUNC) */
	SOCK_SHUTDOWN, /* struct sock_req: arg = SHUT_* */
	SOCK_NAME,     /* struct sock_req: arg 0 = getsockname, 1 = getpeername; reply addr */
	SOCK_SETOPT,   /* struct sock_req: arg = level << 16 | name; value through the grant */
	SOCK_GETOPT,   /* the same; result = bytes written into the grant */
	SOCK_IOCTL, /* struct sock_req: arg = request (SIOCGIFCONF, FIONREAD, ...); grant: the argument; the
	                   memory that an argument points to (ifc_buf) is a second request's: see SOCK_IFCONF */
	SOCK_IFCONF, /* SIOCGIFCONF: grant = the buffer itself; result = bytes */
	SOCK_POLL, /* struct sock_req: arg = wanted POLL*; result = ready now; if none of them: 0, and one
	                   SOCK_READY later. With a grant of 4 bytes (and grant_offset): the state word of the
	                   socket, see SOCK_WATCHED */
	SOCK_CLOSE, /* struct sock_req: last close; always answered; SO_LINGER may delay the reply */
	SOCK_CANCEL, /* struct sock_cancel, no reply of its own */
	SOCK_READY,  /* inet -> vfs: struct sock_event */
	SOCK_INFO, /* procfs via vfs or directly, ASEND: struct sock_info: text of /proc/net/NAME */
	SOCK_MSG_END
};

#define SOCK_NOWAIT  1u    /* O_NONBLOCK or MSG_DONTWAIT */
#define SOCK_PEEK    2u    /* MSG_PEEK */
#define SOCK_WAITALL 4u    /* MSG_WAITALL */
#define SOCK_OOB     8u    /* MSG_OOB */
#define SOCK_TRUNC   0x10u /* MSG_TRUNC asked for: result is the datagram's length */
#define SOCK_MORE    0x20u /* MSG_MORE */
#define SOCK_IS_ROOT                                                                               \
	0x40u /* the caller has effective uid 0: low ports, raw sockets, interface changes */

/*
 * The state word. vfs may give a socket an aligned word of its own memory, in SOCK_POLL. If the answer's value is
 * SOCK_WATCHED, inet has written there what is ready (all of POLL*, 16 bits) and writes it again whenever that
 * changes, until the socket is closed; before the answer to the request, and before the SOCK_READY, that the change
 * goes with. So vfs knows without a question. The upper 16 bits: 0, or a SOCK_SEND with SOCK_NOWAIT of so many KiB or more
 * would be answered EAGAIN. The word is a statement of inet's like any answer.
 */
#define SOCK_WATCHED         1u
#define SOCK_WORD_EVENTS(w)  ((w)&0xffffu)
#define SOCK_WORD_TOO_KIB(w) ((w) >> 16)

#define SOCK_ADDR_MAX 28 /* struct sockaddr_in6; sockaddr_nl and sockaddr_in are shorter */

struct sock_create {
	uint32_t id;
	uint32_t domain, type,
		protocol; /* as in socket(2), type without SOCK_CLOEXEC, SOCK_NONBLOCK */
	uint32_t flags;   /* SOCK_IS_ROOT */
};
struct sock_req {
	uint32_t id;
	uint32_t handle;
	grant_t grant;
	uint32_t len_bytes;
	uint32_t arg;
	uint16_t flags;
	uint16_t addr_len;
	uint8_t addr[SOCK_ADDR_MAX]; /* struct sockaddr as the application gave it */
	uint32_t grant_offset;       /* first byte of the grant that this request is about */
};
_Static_assert(sizeof(struct sock_req) <= MSG_PAYLOAD, "request size");
struct sock_rep {
	uint32_t id;
	int32_t result;
	uint32_t value;
	uint32_t arg;
	uint16_t addr_len;
	uint16_t flags; /* MSG_TRUNC, MSG_OOB as Linux numbers, for msg_flags */
	uint8_t addr[SOCK_ADDR_MAX];
};
_Static_assert(sizeof(struct sock_rep) <= MSG_PAYLOAD, "reply size");
struct sock_cancel {
	uint32_t id; /* of the request */
};
struct sock_event {
	uint32_t handle;
	uint32_t events; /* POLL* that became true */
};
struct sock_info {
	uint32_t id;
	grant_t grant;
	uint32_t len_bytes;
	char name
		[24]; /* "dev", "tcp", "tcp6", "udp", "udp6", "raw", "route", "arp", "if_inet6", "snmp", "netstat", "pnp" */
};

#endif
