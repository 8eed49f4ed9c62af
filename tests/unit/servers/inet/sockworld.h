/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket layer of inet on the host: real lwIP with its loopback interface, messages and grants of a
 * pretended vfs, a clock that tests turn.
 */
/* uses: servers/inet/ack.c servers/inet/addr.c servers/inet/answer.c servers/inet/chunk.c
 *   servers/inet/copy.c servers/inet/dgram.c servers/inet/halfopen.c servers/inet/icmp.c
 *   servers/inet/ifioctl.c servers/inet/mcast.c servers/inet/netlink.c servers/inet/nlchange.c
 *   servers/inet/nldump.c servers/inet/nlmsg.c servers/inet/opts.c servers/inet/paws.c
 *   servers/inet/procnet.c servers/inet/procsock.c servers/inet/prr.c servers/inet/rawsock.c
 *   servers/inet/resend.c servers/inet/retrans.c servers/inet/sack.c servers/inet/sackprobe.c
 *   servers/inet/scoreboard.c servers/inet/sieve.c servers/inet/sock.c servers/inet/sockcall.c
 *   servers/inet/sockready.c servers/inet/tcp.c servers/inet/tcpclose.c servers/inet/tcpdata.c
 *   servers/inet/tcpopts.c servers/inet/tcpsend.c servers/inet/udp.c
 *   tests/unit/servers/inet/sock*.c */
#ifndef TEST_INET_SOCKWORLD_H
#define TEST_INET_SOCKWORLD_H

#include <netinet/in.h>
#include <sys/socket.h>
#include "axolotl/sock.h"

#define PENDING INT32_MIN /* no answer yet */

struct call {
	uint32_t id, handle, arg, flags;
	void *buf;
	uint32_t len;
	const void *addr;
	uint32_t addr_len;
	bool is_readonly;    /* the grant does not allow writing */
	struct sock_rep rep; /* of the answer */
};

extern uint64_t world_now;      /* monotonic, ns */
extern size_t world_arena_used; /* bytes of memory that lwIP holds */
extern bool world_memory_denied;
extern bool
	world_is_busy; /* something always runs: data that connections hold stay where they are */

/* A test of cmocka's; at its end no sockets, no arena memory, no requests may be left. */
int world_start(void **state);
int world_end(void **state);
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_start, world_end)

void world_pump(void);        /* until lwIP's loopback and the socket layer are quiet */
void world_pass(uint64_t ns); /* time goes by, timers run */
void world_tick(void);        /* one tick of lwIP's timers */
int world_text(const char *name, char *buf, uint32_t len); /* of /proc/net: bytes or -errno */
void world_deny_memory(bool denied);                       /* arena_alloc() fails */
void world_deny_asend(bool denied); /* the table of asynchronous messages is full */

/* A request; pumped. The result, or PENDING: ask again with world_result(). */
int world_call(uint32_t type, struct call *c);
int world_result(struct call *c); /* after pumping */
void world_cancel(const struct call *c);
uint32_t world_events(uint32_t handle); /* of SOCK_READY since the last time; 0: none */

/* Shorter ways; all non-blocking unless said otherwise. */
int t_socket(int domain, int type, int protocol); /* handle or -errno; as root */
int t_socket_user(int domain, int type, int protocol);
int t_addr(uint32_t type, int h, const char *ip,
           int port); /* bind, connect: IPv4 or IPv6 by its look */
int t_bind(int h, const char *ip, int port);
int t_connect(int h, const char *ip, int port);
int t_listen(int h, int backlog);
int t_accept(int h); /* handle or -errno */
int t_send(int h, const void *buf, uint32_t len);
int t_recv(int h, void *buf, uint32_t len);
int t_sendto(int h, const void *buf, uint32_t len, const char *ip, int port);
int t_close(int h);
int t_shutdown(int h, int how);
int t_setopt(int h, int level, int name, int v);
int t_getopt(int h, int level, int name); /* value, or -1000 - errno */
int t_poll(int h, int wanted);
int t_port(int h); /* local one */
int t_ioctl(int h, uint32_t request, void *buf, uint32_t len, uint32_t flags);
/* Two connected TCP sockets over the loopback. */
void t_pair(int *a, int *b);
uint32_t t_make_addr(const char *ip, int port, struct sockaddr_in6 *out);

#endif
