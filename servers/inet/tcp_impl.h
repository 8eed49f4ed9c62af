/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP socket.
 *
 *   TS_CLOSED --listen--> TS_LISTEN
 *      |  ^ connect failed
 *      v  |
 *   TS_CONNECTING --connected--> TS_OPEN --RST, time-out--> TS_DEAD
 *                    accept ---->          (FIN both ways: still TS_OPEN, without a pcb)
 *
 * TS_CLOSED may have a pcb (bound) or not yet. lwIP frees a pcb by itself when a connection fails (our
 * errf is called) or after TIME_WAIT (nobody is told): so we let go of it as soon as both FINs have
 * passed, and names of both ends are kept here.
 */
#ifndef INET_TCP_IMPL_H
#define INET_TCP_IMPL_H

#include "lwip/tcp.h"
#include "sock_impl.h"

enum tcp_sock_state { TS_CLOSED, TS_CONNECTING, TS_OPEN, TS_LISTEN, TS_DEAD };

/* Received data, in order. Small pieces are gathered in one buffer, so that a peer that sends single
 * bytes cannot make us keep a frame for each. */
struct rx_piece {
	struct rx_piece *next;
	struct pbuf *p;
	uint32_t taken; /* bytes at its start that were consumed */
	uint32_t room;  /* bytes free behind p->len, of a gathering buffer */
};

struct tcp_sock {
	enum tcp_sock_state state;
	struct tcp_pcb *pcb;       /* or struct tcp_pcb_listen in TS_LISTEN */
	struct sock *listener;     /* of an embryo */
	struct sock *first, *last; /* listening: queue of embryos, by next_embryo */
	struct sock *next_embryo;
	uint32_t embryo_count, backlog;

	struct rx_piece *rx, **rx_end;
	uint32_t rx_bytes;
	struct chunk *chunk;  /* that is being filled, or NULL */
	uint32_t chunk_bytes; /* of the next one at least */
	uint64_t t_hold_ns;   /* unsent data wait until then at most; 0: they do not */
	struct tcp_sock *next_holding;
	uint64_t t_last_write_ns;
	unsigned writes; /* since the application read something: STREAM_FROM at most */

	bool has_fin; /* the peer sends no more */
	bool wr_shut, rd_shut;
	bool was_connected;

	/* options */
	bool nodelay, cork;
	uint32_t keep_idle_s, keep_intvl_s, keep_cnt;
	uint16_t maxseg;

	/* names, kept after the pcb is gone */
	ip_addr_t local_ip, remote_ip;
	uint16_t local_port, remote_port;

	/* measurements for TCP_INFO */
	uint32_t rtt_seq;  /* the sample ends when this was acknowledged */
	uint64_t t_rtt_ns; /* 0: no sample under way */
	uint32_t srtt_us, rttvar_us, min_rtt_us;
	uint32_t retrans_total; /* as of the last acknowledgement */
	uint64_t bytes_sent, bytes_acked, bytes_received;
	uint64_t t_last_sent_ns, t_last_recv_ns, t_last_ack_ns;
};

/* tcp.c */
void tcp_let_go(struct sock *s); /* of the pcb: it lives on without us */
void tcp_apply_options(struct sock *s);
void tcp_limit_mss(struct tcp_sock *t); /* TCP_MAXSEG, on an open connection */

int tcp_dissolve(struct sock *s); /* connect() to AF_UNSPEC */
int tcp_do_accept(struct sock *s, struct sock **child);

/* tcpclose.c */
int tcp_do_shutdown(struct sock *s, uint32_t how);
int tcp_do_close(struct sock *s, struct request *r);

/* tcpdata.c */
void tcp_data_init(struct tcp_sock *t);
void tcp_data_free(struct tcp_sock *t);
err_t tcp_on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err);
err_t tcp_on_sent(void *arg, struct tcp_pcb *pcb, u16_t len);
err_t tcp_on_poll(void *arg, struct tcp_pcb *pcb);
int tcp_receive_data(struct sock *s, struct request *r, struct sock_rep *rep);
void tcp_give_window(struct tcp_sock *t);

/* tcpsend.c */
int tcp_send(struct sock *s, struct request *r);
uint32_t tcp_send_limit(const struct sock *s);            /* bytes that may be unacknowledged */
uint32_t tcp_send_room(const struct sock *s);             /* of them free now */
void tcp_push(struct tcp_sock *t);                        /* what is unsent goes out now */
void tcp_send_turn(struct tcp_sock *t, bool has_nothing); /* the application reads */
void tcp_send_acked(struct tcp_sock *t);
void tcp_send_end(struct tcp_sock *t); /* of sending: nothing is held any more */

/* tcpopts.c */
unsigned tcp_linux_state(const struct tcp_pcb *pcb); /* TCP_ESTABLISHED... of linux/tcp_states.h */
int tcp_setopt(struct sock *s, int level, int name, const void *value, uint32_t len);
int tcp_getopt(struct sock *s, int level, int name, void *value, uint32_t len);

#endif
