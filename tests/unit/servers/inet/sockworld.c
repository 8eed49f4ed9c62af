/* SPDX-License-Identifier: BSD-2-Clause */
/* Host's side of the tests of inet's socket layer (sockworld.h). */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sys/sys.h"
#include "lwip/init.h"
#include "lwip/dns.h"
#include "lwip/sys.h"
#include "servers/inet/lwip/lwip_hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/netif.h"
#include "servers/inet/ifctl.h"
#include "servers/inet/recover.h"
#include "servers/inet/route.h"
#include "servers/inet/sockif.h"
#include "sockworld.h"

#undef htons

#define GRANTS  4096u
#define ANSWERS (1u << 20)

uint64_t world_now = 1000000000ull;
bool world_is_busy;
static struct {
	uint8_t *base;
	uint32_t len;
	bool is_readonly;
} grants[GRANTS];
static unsigned grant_next = 1;
static struct sock_rep answers[ANSWERS];
static bool answered[ANSWERS];
static uint32_t next_id = 1;
static struct sock_event events[4096];
static unsigned event_count;
static bool is_asend_denied;

/* ---- lib/sys and the kernel ---- */

/* There is only the loopback, and nothing dies. */
void recover_segment(struct tcp_pcb *pcb, const struct tcp_hdr *header, uint32_t len)
{
	(void)pcb;
	(void)header;
	(void)len;
}

uint64_t now_ns(void)
{
	return world_now;
}

void sys_log(const char *fmt, ...)
{
	(void)fmt;
}

void sys_panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "panic: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

void sys_violation(endpoint_t ep, enum violation kind, uint64_t detail)
{
	(void)ep;
	(void)kind;
	(void)detail;
}

static int copy(grant_t g, uint64_t offset, void *local, size_t len, bool to_grant)
{
	if (g <= 0 || (unsigned)g >= GRANTS || !grants[g].base || offset > grants[g].len ||
	    len > grants[g].len - offset || (to_grant && grants[g].is_readonly))
		return -EPERM;
	if (to_grant)
		memcpy(grants[g].base + offset, local, len);
	else
		memcpy(local, grants[g].base + offset, len);
	return 0;
}

int k_safecopy_from(endpoint_t grantor, grant_t g, uint64_t offset, void *local, size_t len)
{
	return grantor == EP_VFS ? copy(g, offset, local, len, false) : -EPERM;
}

int k_safecopy_to(endpoint_t grantor, grant_t g, uint64_t offset, const void *local, size_t len)
{
	return grantor == EP_VFS ? copy(g, offset, (void *)(uintptr_t)local, len, true) : -EPERM;
}

int k_vsafecopy(const struct safecopy_vec *vec, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int r = copy(vec[i].grant, vec[i].offset, (void *)(uintptr_t)vec[i].local,
		             vec[i].len_bytes, vec[i].to_grantor);

		if (r < 0)
			return r;
	}
	return 0;
}

int sys_asend_later(endpoint_t dst, const struct msg *m)
{
	if (is_asend_denied)
		return -EAGAIN;
	assert_int_equal(dst, EP_VFS);
	if (m->type == SOCK_READY) {
		assert_true(event_count < 4096);
		msg_get(m, &events[event_count]);
		event_count++;
	} else {
		struct sock_rep rep;

		msg_get(m, &rep);
		assert_true(m->type & MSG_REPLY);
		assert_in_range(rep.id, 1, ANSWERS - 1);
		assert_false(answered[rep.id]); /* exactly one answer */
		answered[rep.id] = true;
		answers[rep.id] = rep;
	}
	return 0;
}

/* ---- the world ---- */

int world_start(void **state)
{
	static bool is_started;

	(void)state;
	world_is_busy = false;
	if (is_started)
		return 0;
	is_started = true;
	lwip_init();
	sock_init();
	return 0;
}

void world_pump(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		bool is_busy = netif_list->loop_first != NULL;

		netif_poll_all();
		sock_idle();
		sock_answer();
		if (is_busy || netif_list->loop_first || sock_next_deadline() == 1)
			continue;
		if (tcp_hold_deadline() == 0 || world_is_busy)
			return;
		world_now = tcp_hold_deadline();
		tcp_hold_run(world_now);
	}
	fail_msg("the world does not come to rest");
}

void world_tick(void)
{
	world_now += TCP_TMR_INTERVAL * 1000000ull;
	tcp_tmr();
	sock_alarm(world_now);
	world_pump();
}

void world_pass(uint64_t ns)
{
	for (uint64_t end = world_now + ns; world_now < end;)
		world_tick();
}

void world_deny_memory(bool denied)
{
	world_memory_denied = denied;
	if (!denied)
		sock_retry();
}

void world_deny_asend(bool denied)
{
	is_asend_denied = denied;
}

static unsigned new_grant(void *buf, uint32_t len, bool is_readonly)
{
	unsigned g = grant_next;

	grant_next = grant_next + 1 == GRANTS ? 1 : grant_next + 1;
	grants[g].base = buf;
	grants[g].len = len;
	grants[g].is_readonly = is_readonly;
	return g;
}

int world_text(const char *name, char *buf, uint32_t len)
{
	struct sock_info q = {.id = next_id++, .len_bytes = len};
	struct msg m;

	snprintf(q.name, sizeof(q.name), "%s", name);
	q.grant = (grant_t)new_grant(buf, len, false);
	msg_put(&m, SOCK_INFO, &q);
	m.source = EP_VFS;
	assert_true(sock_message(&m, IPC_ASEND));
	sock_answer();
	assert_true(answered[q.id]);
	return answers[q.id].result;
}

static bool is_clean(void)
{
	static const char none[] = "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0";
	char buf[512];
	int n;

	world_pass(200000000000ull); /* TIME_WAIT and everything else that takes time */
	n = world_text("sockstat", buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = 0;
	if (strncmp(buf, none, sizeof(none) - 1) == 0 && world_arena_used == 0)
		return true;
	fprintf(stderr, "left over: %zu bytes of the arena, and\n%s", world_arena_used, buf);
	return false;
}

int world_end(void **state)
{
	(void)state;
	return is_clean() ? 0 : -1;
}

int world_result(struct call *c)
{
	if (!answered[c->id])
		return PENDING;
	c->rep = answers[c->id];
	return c->rep.result;
}

int world_call(uint32_t type, struct call *c)
{
	struct sock_req q = {.handle = c->handle,
	                     .len_bytes = c->len,
	                     .arg = c->arg,
	                     .flags = (uint16_t)c->flags,
	                     .addr_len = (uint16_t)c->addr_len};
	struct msg m;

	q.id = c->id = next_id++;
	if (c->addr)
		memcpy(q.addr, c->addr, c->addr_len < SOCK_ADDR_MAX ? c->addr_len : SOCK_ADDR_MAX);
	if (c->buf)
		q.grant = (grant_t)new_grant(c->buf, c->len, c->is_readonly);
	msg_put(&m, type, &q);
	m.source = EP_VFS;
	assert_true(sock_message(&m, IPC_ASEND));
	world_pump();
	return world_result(c);
}

void world_cancel(const struct call *c)
{
	struct sock_cancel q = {.id = c->id};
	struct msg m;

	msg_put(&m, SOCK_CANCEL, &q);
	m.source = EP_VFS;
	assert_true(sock_message(&m, IPC_ASEND));
	world_pump();
}

uint32_t world_events(uint32_t handle)
{
	uint32_t all = 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < event_count; i++) {
		if (events[i].handle == handle)
			all |= events[i].events;
		else
			events[kept++] = events[i];
	}
	event_count = kept;
	return all;
}

/* ---- shorter ways ---- */

static int make_socket(int domain, int type, int protocol, uint32_t flags)
{
	struct sock_create c = {.id = next_id++,
	                        .domain = (uint32_t)domain,
	                        .type = (uint32_t)type,
	                        .protocol = (uint32_t)protocol,
	                        .flags = flags};
	struct msg m;

	msg_put(&m, SOCK_CREATE, &c);
	m.source = EP_VFS;
	assert_true(sock_message(&m, IPC_ASEND));
	sock_answer();
	assert_true(answered[c.id]);
	return answers[c.id].result < 0 ? answers[c.id].result : (int)answers[c.id].value;
}

int t_socket(int domain, int type, int protocol)
{
	return make_socket(domain, type, protocol, SOCK_IS_ROOT);
}

int t_socket_user(int domain, int type, int protocol)
{
	return make_socket(domain, type, protocol, 0);
}

uint32_t t_make_addr(const char *ip, int port, struct sockaddr_in6 *out)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = lwip_htons((u16_t)port)};

	memset(out, 0, sizeof(*out));
	if (strchr(ip, ':')) {
		out->sin6_family = AF_INET6;
		out->sin6_port = lwip_htons((u16_t)port);
		assert_int_equal(inet_pton(AF_INET6, ip, &out->sin6_addr), 1);
		return sizeof(*out);
	}
	assert_int_equal(inet_pton(AF_INET, ip, &sin.sin_addr), 1);
	memcpy(out, &sin, sizeof(sin));
	return sizeof(sin);
}

int t_addr(uint32_t type, int h, const char *ip, int port)
{
	struct sockaddr_in6 a;
	struct call c = {.handle = (uint32_t)h, .addr = &a, .flags = SOCK_NOWAIT};

	c.addr_len = t_make_addr(ip, port, &a);
	return world_call(type, &c);
}

int t_bind(int h, const char *ip, int port)
{
	return t_addr(SOCK_BIND, h, ip, port);
}

int t_connect(int h, const char *ip, int port)
{
	return t_addr(SOCK_CONNECT, h, ip, port);
}

int t_listen(int h, int backlog)
{
	struct call c = {.handle = (uint32_t)h, .arg = (uint32_t)backlog};

	return world_call(SOCK_LISTEN, &c);
}

int t_accept(int h)
{
	struct call c = {.handle = (uint32_t)h, .flags = SOCK_NOWAIT};
	int r = world_call(SOCK_ACCEPT, &c);

	return r < 0 ? r : (int)c.rep.value;
}

int t_send(int h, const void *buf, uint32_t len)
{
	struct call c = {.handle = (uint32_t)h,
	                 .buf = (void *)(uintptr_t)buf,
	                 .len = len,
	                 .is_readonly = true,
	                 .flags = SOCK_NOWAIT};

	return world_call(SOCK_SEND, &c);
}

int t_sendto(int h, const void *buf, uint32_t len, const char *ip, int port)
{
	struct sockaddr_in6 a;
	struct call c = {.handle = (uint32_t)h,
	                 .buf = (void *)(uintptr_t)buf,
	                 .len = len,
	                 .is_readonly = true,
	                 .addr = &a,
	                 .flags = SOCK_NOWAIT};

	c.addr_len = t_make_addr(ip, port, &a);
	return world_call(SOCK_SEND, &c);
}

int t_recv(int h, void *buf, uint32_t len)
{
	struct call c = {.handle = (uint32_t)h, .buf = buf, .len = len, .flags = SOCK_NOWAIT};

	return world_call(SOCK_RECV, &c);
}

int t_close(int h)
{
	struct call c = {.handle = (uint32_t)h};

	return world_call(SOCK_CLOSE, &c);
}

int t_shutdown(int h, int how)
{
	struct call c = {.handle = (uint32_t)h, .arg = (uint32_t)how};

	return world_call(SOCK_SHUTDOWN, &c);
}

int t_setopt(int h, int level, int name, int v)
{
	struct call c = {.handle = (uint32_t)h,
	                 .arg = (uint32_t)level << 16 | (uint32_t)name,
	                 .buf = &v,
	                 .len = sizeof(v),
	                 .flags = SOCK_IS_ROOT};

	return world_call(SOCK_SETOPT, &c);
}

int t_getopt(int h, int level, int name)
{
	int v = 0;
	struct call c = {.handle = (uint32_t)h,
	                 .arg = (uint32_t)level << 16 | (uint32_t)name,
	                 .buf = &v,
	                 .len = sizeof(v)};
	int r = world_call(SOCK_GETOPT, &c);

	return r < 0 ? r - 1000 : v;
}

int t_poll(int h, int wanted)
{
	struct call c = {.handle = (uint32_t)h, .arg = (uint32_t)wanted};

	return world_call(SOCK_POLL, &c);
}

int t_port(int h)
{
	struct call c = {.handle = (uint32_t)h};
	struct sockaddr_in sin;

	assert_int_equal(world_call(SOCK_NAME, &c), 0);
	memcpy(&sin, c.rep.addr, sizeof(sin)); /* the port is at the same place in both */
	return lwip_ntohs(sin.sin_port);
}

int t_ioctl(int h, uint32_t request, void *buf, uint32_t len, uint32_t flags)
{
	struct call c = {
		.handle = (uint32_t)h, .arg = request, .buf = buf, .len = len, .flags = flags};

	return world_call(SOCK_IOCTL, &c);
}

void t_pair(int *a, int *b)
{
	int l = t_socket(AF_INET, SOCK_STREAM, 0);

	assert_true(l > 0);
	assert_int_equal(t_bind(l, "127.0.0.1", 0), 0);
	assert_int_equal(t_listen(l, 1), 0);
	*a = t_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(t_connect(*a, "127.0.0.1", t_port(l)), -EINPROGRESS);
	*b = t_accept(l);
	assert_true(*b > 0);
	assert_int_equal(t_getopt(*a, SOL_SOCKET, SO_ERROR), 0);
	assert_int_equal(t_close(l), 0);
	/* Tests send many small pieces and count on them. */
	assert_int_equal(t_setopt(*a, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	assert_int_equal(t_setopt(*b, IPPROTO_TCP, TCP_NODELAY, 1), 0);
}
