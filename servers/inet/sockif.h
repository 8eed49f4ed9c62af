/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the core of inet (main.c, ifaces.c, ...) and its socket layer (sock*.c). The core calls the
 * first group from its main loop; the socket layer calls lwIP's raw API, the core's headers (config.h,
 * route.h, arena.h) and the second group.
 *
 * What the socket layer may rely on
 * - One thread; lwIP's callbacks run inside the core's hooks, never inside a call of the socket layer
 *   other than into lwIP itself. Frames leave in idle(), after sock_idle().
 * - Received TCP and UDP pbufs are chains whose payload is in the receive arena or the send arena. A
 *   driver may still write into the receive arena, so payload is copied once, to the application, and
 *   never interpreted in place. Hold them as long as TCP's window allows; when the receive pool runs
 *   low the core copies instead of lending buffers.
 * - Data of TCP are copied into chunks and given to lwIP by chunk_write() (chunk.h): a frame may be waiting for
 *   a driver long after its data was acknowledged, and keeps the chunk as long. tcp_write() with
 *   TCP_WRITE_FLAG_COPY works, too.
 * - Both may fail for lack of memory; sock_retry() is called when memory was given back after some was
 *   refused.
 */
#ifndef INET_SOCKIF_H
#define INET_SOCKIF_H

#include "axolotl/ipc.h"
#include "lwip/netif.h"

/* ---- the socket layer's ---- */

void sock_init(void);
bool sock_message(const struct msg *m, enum ipc_primitive how); /* true: it was ours */
/* Before each RECEIVE; true: serving made more to do, it must be called again before sleeping. */
bool sock_idle(void);
/* After the last sock_idle() of a turn: what was decided is told. */
void sock_answer(void);
void sock_retry(void);
/* Deadlines of its requests (SO_RCVTIMEO, linger): absolute, now_ns(); 0: none. */
uint64_t sock_next_deadline(void);
void sock_alarm(uint64_t now_ns);
/* The same for data that TCP connections hold for a moment (tcpsend.c). */
uint64_t tcp_hold_deadline(void);
void tcp_hold_run(uint64_t now_ns);
/* An interface, its addresses, its state or the routes changed (netlink multicast groups). */
void sock_net_changed(struct netif *netif);
/* key=value lines for the component's status; bytes. */
int sock_status_text(char *buf, size_t len);

/* ---- the core's ---- */

/* Text of /proc/net/pnp: "#PROTO: DHCP" and "nameserver a" lines; bytes written, cut at len. */
int config_pnp_text(char *buf, size_t len);

#endif
