/* SPDX-License-Identifier: BSD-2-Clause */
/* Host's side of the tests of inet's socket layer (world.h). */
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
#include "lwip_hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/netif.h"
#include "servers/inet/ifctl.h"
#include "servers/inet/route.h"
#include "servers/inet/sockif.h"
#include "world.h"

#undef htons

#define GRANTS  4096u
#define ANSWERS (1u << 20)

static uint64_t now = 1000000000ull;
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
static size_t arena_used;
static bool is_memory_denied, is_asend_denied;

/* ---- lib/sys and the kernel ---- */

uint64_t now_ns(void)
{
	return now;
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

int sys_asend(endpoint_t dst, const struct msg *m)
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

/* ---- the core of inet ---- */

void *arena_alloc(size_t len)
{
	size_t *p = is_memory_denied ? NULL : malloc(len + 16);

	if (!p)
		return NULL;
	*p = len;
	arena_used += len;
	return p + 2;
}

void *arena_calloc(size_t count, size_t len)
{
	void *p = arena_alloc(count * len);

	return p ? memset(p, 0, count * len) : NULL;
}

void arena_free(void *ptr)
{
	size_t *p = (size_t *)ptr - 2;

	arena_used -= *p;
	free(p);
}

uint16_t inet_sum(const void *data, int len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (int i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] | p[i + 1] << 8);
	if (len & 1)
		sum += p[len - 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint32_t inet_random(void)
{
	static uint32_t x = 12345;

	x = x * 1664525u + 1013904223u;
	return x;
}

u32_t inet_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                   u16_t remote_port)
{
	(void)local_ip;
	(void)remote_ip;
	return inet_random() + local_port + remote_port;
}

u32_t sys_now(void)
{
	return (u32_t)(now / 1000000u);
}

struct netif *route_ip4(const ip4_addr_t *src, const ip4_addr_t *dst)
{
	(void)src;
	(void)dst;
	return NULL;
}

const ip4_addr_t *route_gateway4(struct netif *netif, const ip4_addr_t *dst)
{
	(void)netif;
	(void)dst;
	return NULL;
}

struct netif *route_ip6(const ip6_addr_t *src, const ip6_addr_t *dst)
{
	(void)src;
	return ip6_addr_isloopback(dst) ? netif_list : NULL;
}

const ip6_addr_t *route_gateway6(struct netif *netif, const ip6_addr_t *dst)
{
	(void)netif;
	(void)dst;
	return NULL;
}

void tcp_timer_needed(void)
{
	/* world_tick() runs it always */
}

void dns_init(void)
{
}

void dns_setserver(u8_t number, const ip_addr_t *ip)
{
	(void)number;
	(void)ip;
}

const ip_addr_t *dns_getserver(u8_t number)
{
	(void)number;
	return IP_ADDR_ANY;
}

/* ---- interfaces: the loopback alone ---- */

static struct route routes[8];
static unsigned route_count;

struct netif *ifctl_find(const char *name)
{
	return strcmp(name, "lo") == 0 ? netif_list : NULL;
}

struct netif *ifctl_by_index(unsigned index)
{
	return index == 1 ? netif_list : NULL;
}

struct netif *ifctl_next(const struct netif *n)
{
	return n ? NULL : netif_list;
}

unsigned ifctl_index(const struct netif *n)
{
	return netif_get_index(n);
}

const char *ifctl_name(const struct netif *n)
{
	(void)n;
	return "lo";
}

unsigned ifctl_flags(const struct netif *n)
{
	return IFF_LOOPBACK | (netif_is_up(n) ? IFF_UP | IFF_RUNNING : 0);
}

int ifctl_set_flags(struct netif *n, unsigned flags)
{
	if (flags & IFF_UP)
		netif_set_up(n);
	else
		netif_set_down(n);
	return 0;
}

int ifctl_set_mtu(struct netif *n, unsigned mtu)
{
	if (mtu < 68 || mtu > 65535)
		return -EINVAL;
	n->mtu = (u16_t)mtu;
	return 0;
}

int ifctl_set_address4(struct netif *n, const ip4_addr_t *address)
{
	netif_set_ipaddr(n, address);
	return 0;
}

int ifctl_set_mask4(struct netif *n, const ip4_addr_t *mask)
{
	netif_set_netmask(n, mask);
	return 0;
}

int ifctl_add_address6(struct netif *n, const ip6_addr_t *address)
{
	return netif_add_ip6_address(n, address, NULL) == ERR_OK ? 0 : -ENOSPC;
}

int ifctl_del_address6(struct netif *n, const ip6_addr_t *address)
{
	int i = netif_get_ip6_addr_match(n, address);

	if (i < 0)
		return -EADDRNOTAVAIL;
	netif_ip6_addr_set_state(n, i, IP6_ADDR_INVALID);
	return 0;
}

void ifctl_get_counters(const struct netif *n, struct ifctl_counters *c)
{
	memset(c, 0, sizeof(*c));
	c->rx_bytes = n->mib2_counters.ifinoctets;
	c->tx_bytes = n->mib2_counters.ifoutoctets;
}

int route_add(const struct route *r)
{
	assert_true(route_count < 8);
	routes[route_count] = *r;
	if (!r->netif)
		routes[route_count].netif = netif_list;
	route_count++;
	return 0;
}

int route_del(const struct route *r)
{
	for (unsigned i = 0; i < route_count; i++)
		if (ip_addr_cmp(&routes[i].dst, &r->dst) &&
		    routes[i].prefix_bits == r->prefix_bits) {
			routes[i] = routes[--route_count];
			return 0;
		}
	return -ESRCH;
}

bool route_get(unsigned i, struct route *r)
{
	if (i < route_count)
		*r = routes[i];
	return i < route_count;
}

int config_pnp_text(char *buf, size_t len)
{
	return snprintf(buf, len, "#PROTO: DHCP\nnameserver 10.0.2.3\n");
}

/* ---- the world ---- */

void world_start(void)
{
	static bool is_started;

	if (is_started)
		return;
	is_started = true;
	lwip_init();
	sock_init();
}

void world_pump(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		bool is_busy = netif_list->loop_first != NULL;

		netif_poll_all();
		sock_idle();
		if (!is_busy && !netif_list->loop_first && sock_next_deadline() != 1)
			return;
	}
	fail_msg("the world does not come to rest");
}

void world_tick(void)
{
	now += TCP_TMR_INTERVAL * 1000000ull;
	tcp_tmr();
	sock_alarm(now);
	world_pump();
}

void world_pass(uint64_t ns)
{
	for (uint64_t end = now + ns; now < end;)
		world_tick();
}

void world_deny_memory(bool denied)
{
	is_memory_denied = denied;
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
	assert_true(answered[q.id]);
	return answers[q.id].result;
}

bool world_is_clean(void)
{
	static const char none[] = "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0";
	char buf[512];
	int n;

	world_pass(200000000000ull); /* TIME_WAIT and everything else that takes time */
	n = world_text("sockstat", buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = 0;
	if (strncmp(buf, none, sizeof(none) - 1) == 0 && arena_used == 0)
		return true;
	fprintf(stderr, "left over: %zu bytes of the arena, and\n%s", arena_used, buf);
	return false;
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
	struct call c = {.handle = (uint32_t)h, .addr = &a, .flags = SOCK_NONBLOCK};

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
	struct call c = {.handle = (uint32_t)h, .flags = SOCK_NONBLOCK};
	int r = world_call(SOCK_ACCEPT, &c);

	return r < 0 ? r : (int)c.rep.value;
}

int t_send(int h, const void *buf, uint32_t len)
{
	struct call c = {.handle = (uint32_t)h,
	                 .buf = (void *)(uintptr_t)buf,
	                 .len = len,
	                 .is_readonly = true,
	                 .flags = SOCK_NONBLOCK};

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
	                 .flags = SOCK_NONBLOCK};

	c.addr_len = t_make_addr(ip, port, &a);
	return world_call(SOCK_SEND, &c);
}

int t_recv(int h, void *buf, uint32_t len)
{
	struct call c = {.handle = (uint32_t)h, .buf = buf, .len = len, .flags = SOCK_NONBLOCK};

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
