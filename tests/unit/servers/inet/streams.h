/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP connection over the wire (wire.h), from eth0 to eth1, that sends known bytes both ways and
 * checks each that arrives. */
#ifndef TESTS_INET_STREAMS_H
#define TESTS_INET_STREAMS_H

#include "axolotl/types.h"
#include "lwip/tcp.h"

struct stream_end {
	struct tcp_pcb *pcb; /* NULL: ended with an error */
	struct tcp_pcb *listener;
	struct chunk *
		chunk; /* that data to send are put into, as sockets do; sometimes they are copied */
	uint64_t sent, want, got;
	unsigned errors;
	bool is_held; /* does not read: pbufs are kept */
	struct pbuf *kept;
};
extern struct stream_end stream_client, stream_server;

void streams_start(uint64_t up_bytes, uint64_t down_bytes);
bool streams_are_done(void);
uint64_t streams_run(uint64_t limit_ms); /* to the end; milliseconds */
void streams_stop(void);                 /* and the wire's end */
void streams_release(void);              /* memory of connections that have ended with errors */
void stream_take(struct stream_end *e, struct pbuf *p);

#endif
