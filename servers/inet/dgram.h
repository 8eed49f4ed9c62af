/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received datagrams of a UDP or raw socket, in order, bounded by SO_RCVBUF: a datagram is charged with
 * its memory, not its length (as Linux' truesize), and dropped when it does not fit any more.
 */
#ifndef INET_DGRAM_H
#define INET_DGRAM_H

#include "sock_impl.h"

struct dgram {
	struct dgram *next;
	struct pbuf *p;
	ip_addr_t ip; /* sender */
	uint16_t port;
};
struct dgram_queue {
	struct dgram *first, *last;
	uint32_t charged_bytes;
	uint64_t dropped;
};

/* Takes p over in any case. */
void dgram_push(struct sock *s, struct dgram_queue *q, struct pbuf *p,
                const struct sock_addr *from);
/* SOCK_RECV: data, sender, MSG_TRUNC. */
int dgram_recv(struct sock *s, struct dgram_queue *q, const struct request *r,
               struct sock_rep *rep);
/* Next datagram's length, 0 if there is none (FIONREAD). */
int dgram_first_bytes(const struct dgram_queue *q);
void dgram_free_all(struct dgram_queue *q);
/* What to send: destination of the request or the connected one; data in a fresh pbuf with room for
 * headers. 0 or -errno. */
struct dgram_out {
	struct sock_addr to;
	struct pbuf *p;
};
int dgram_prepare(struct sock *s, const struct request *r, const struct sock_addr *peer,
                  struct dgram_out *out) MUST_CHECK;
/* Size, address and broadcast rules; before anything is copied. */
int dgram_send_result(err_t err, uint32_t len);

#endif
