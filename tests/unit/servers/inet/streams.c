/* SPDX-License-Identifier: BSD-2-Clause */
/* See streams.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "servers/inet/chunk.h"
#include "servers/inet/sack.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

#define PORT 5001

struct stream_end stream_client, stream_server;

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static uint8_t *find_room(struct stream_end *e, uint32_t *room)
{
	uint8_t *to = e->chunk != NULL ? chunk_room(e->chunk, room) : NULL;

	if (to != NULL && *room > 0)
		return to;
	chunk_release(e->chunk);
	e->chunk = chunk_new((uint32_t)(wire_random() % 40000));
	return e->chunk != NULL ? chunk_room(e->chunk, room) : NULL;
}

/* Bytes taken. */
static uint32_t push_some(struct stream_end *e, uint32_t n)
{
	uint8_t bytes[8192], *to = bytes;
	uint32_t room = sizeof(bytes);
	bool is_copied = wire_random() % 8 == 0;

	if (!is_copied)
		to = find_room(e, &room);
	if (to == NULL)
		return 0;
	n = n < room ? n : room;
	for (uint32_t k = 0; k < n; k++)
		to[k] = pattern(e->sent + k);
	if (!is_copied)
		return chunk_write(e->chunk, e->pcb, n, 0);
	return tcp_write(e->pcb, bytes, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK ? n : 0;
}

static void push(struct stream_end *e)
{
	while (e->pcb != NULL && e->sent < e->want) {
		uint64_t n = e->want - e->sent;
		uint32_t most = (uint32_t)(1 + wire_random() % 8192);

		if (n > most)
			n = most;
		if (n > tcp_sndbuf(e->pcb))
			n = tcp_sndbuf(e->pcb);
		n = n > 0 ? push_some(e, (uint32_t)n) : 0;
		if (n == 0)
			break;
		e->sent += n;
	}
	if (e->pcb != NULL)
		(void)tcp_output(e->pcb);
}

void stream_take(struct stream_end *e, struct pbuf *p)
{
	for (const struct pbuf *q = p; q != NULL; q = q->next)
		for (u16_t k = 0; k < q->len; k++)
			assert_int_equal(((const uint8_t *)q->payload)[k], pattern(e->got++));
	tcp_recved(e->pcb, p->tot_len);
	pbuf_free(p);
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct stream_end *e = arg;

	(void)pcb;
	(void)err;
	if (p == NULL)
		return ERR_OK;
	if (e->is_held && e->kept == NULL)
		e->kept = p;
	else if (e->is_held)
		pbuf_cat(e->kept, p);
	else
		stream_take(e, p);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	(void)len;
	sack_set_rtt(pcb, 4000, 2000); /* as sockets measure it */
	push(arg);
	return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
	struct stream_end *e = arg;

	(void)err;
	e->pcb = NULL;
	e->errors++;
}

static void attach(struct stream_end *e, struct tcp_pcb *pcb)
{
	e->pcb = pcb;
	tcp_arg(pcb, e);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	assert_int_equal(err, ERR_OK);
	attach(&stream_server, pcb);
	push(&stream_server);
	return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)pcb;
	assert_int_equal(err, ERR_OK);
	push(arg);
	return ERR_OK;
}

void streams_start(uint64_t up_bytes, uint64_t down_bytes)
{
	struct tcp_pcb *pcb = tcp_new();
	ip_addr_t peer;

	memset(&stream_client, 0, sizeof(stream_client));
	memset(&stream_server, 0, sizeof(stream_server));
	stream_client.want = up_bytes;
	stream_server.want = down_bytes;
	stream_server.listener = tcp_new();
	ip_set_option(stream_server.listener, SOF_REUSEADDR);
	assert_int_equal(tcp_bind(stream_server.listener, IP4_ADDR_ANY, PORT), ERR_OK);
	stream_server.listener = tcp_listen(stream_server.listener);
	tcp_accept(stream_server.listener, on_accept);
	attach(&stream_client, pcb);
	IP_ADDR4(&peer, 10, 0, 0, 2);
	assert_int_equal(tcp_connect(pcb, &peer, PORT, on_connected), ERR_OK);
}

bool streams_are_done(void)
{
	return stream_server.got == stream_client.want && stream_client.got == stream_server.want;
}

uint64_t streams_run(uint64_t limit_ms)
{
	uint64_t steps = 0;

	for (; steps < limit_ms && !streams_are_done(); steps++)
		wire_step();
	assert_true(streams_are_done());
	return steps;
}

void streams_release(void)
{
	chunk_release(stream_client.chunk);
	chunk_release(stream_server.chunk);
	stream_client.chunk = stream_server.chunk = NULL;
}

void streams_stop(void)
{
	assert_int_equal(stream_client.errors + stream_server.errors, 0);
	tcp_abort(stream_client.pcb);
	tcp_abort(stream_server.pcb);
	tcp_close(stream_server.listener);
	streams_release();
	wire_end();
}
