/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: @tests/unit/servers/inet/sockworld.h */
/* ports: lwip */
/* What is ready: the state word that saves vfs the question, and how much waits unread. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/ioctl.h>

#include "lwip/priv/tcp_priv.h"
#include "sockworld.h"

#define IN   (POLLIN | POLLRDNORM)
#define OUT  (POLLOUT | POLLWRNORM)
#define MUCH (1u << 20)

/* SOCK_POLL with a word; what it says is ready of `wanted`. */
static int watch(int h, int wanted, uint32_t *word)
{
	struct call c = {.handle = (uint32_t)h, .arg = (uint32_t)wanted, .buf = word, .len = 4};
	int r = world_call(SOCK_POLL, &c);

	assert_int_equal(c.rep.value, SOCK_WATCHED);
	return r;
}

static void the_word_follows_the_socket(void **state)
{
	uint32_t word = 0;
	char buf[8];
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(watch(b, POLLIN, &word), 0);
	assert_int_equal(word, OUT);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(t_send(a, "abc", 3), 3);
		assert_int_equal(word, IN | OUT);
		assert_int_equal(world_events((uint32_t)b), i == 0 ? POLLIN : 0);
		assert_int_equal(t_recv(b, buf, 2), 2);
		assert_int_equal(word, IN | OUT);
		assert_int_equal(t_recv(b, buf, 2), 1);
		assert_int_equal(word, OUT);
	}
	assert_int_equal(t_setopt(b, SOL_SOCKET, SO_RCVLOWAT, 3), 0);
	assert_int_equal(t_send(a, "ab", 2), 2);
	assert_int_equal(word, OUT);
	assert_int_equal(t_setopt(b, SOL_SOCKET, SO_RCVLOWAT, 1), 0);
	assert_int_equal(word, IN | OUT);
	assert_int_equal(t_close(a), 0);
	assert_int_equal(word, IN | OUT | POLLRDHUP);
	assert_int_equal(t_close(b), 0);
}

static void a_closed_socket_writes_no_more(void **state)
{
	uint32_t word = 0;
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(watch(b, POLLIN, &word), 0);
	assert_int_equal(t_send(b, "x", 1), 1);
	assert_int_equal(t_close(b), 0);
	word = 0x1234; /* another socket's now */
	assert_int_equal(t_send(a, "abc", 3), 3);
	assert_int_equal(t_close(a), 0);
	world_pass(1000000000ull);
	assert_int_equal(word, 0x1234);
}

static void an_error_is_in_the_word(void **state)
{
	uint32_t word = 0;
	struct linger {
		int on, s;
	} reset = {1, 0};
	struct call o = {.arg = SOL_SOCKET << 16 | SO_LINGER, .buf = &reset, .len = 8};
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(watch(b, POLLIN, &word), 0);
	o.handle = (uint32_t)a;
	assert_int_equal(world_call(SOCK_SETOPT, &o), 0);
	assert_int_equal(t_close(a), 0);
	assert_int_equal(word & (POLLERR | POLLHUP | IN), POLLERR | POLLHUP | IN);
	assert_int_equal(world_events((uint32_t)b) & POLLIN, POLLIN);
	assert_int_equal(t_getopt(b, SOL_SOCKET, SO_ERROR), ECONNRESET);
	assert_int_equal(word & POLLERR, 0);
	assert_int_equal(t_close(b), 0);
}

static void a_word_that_cannot_be_written_is_not_used(void **state)
{
	uint32_t word = 7;
	struct call c = {.arg = POLLOUT, .buf = &word, .len = 4, .is_readonly = true};
	int a, b;

	(void)state;
	t_pair(&a, &b);
	c.handle = (uint32_t)b;
	assert_int_equal(world_call(SOCK_POLL, &c), POLLOUT);
	assert_int_equal(c.rep.value, 0);
	c = (struct call){.handle = (uint32_t)b, .arg = POLLIN, .buf = &word, .len = 3};
	assert_int_equal(world_call(SOCK_POLL, &c), 0);
	assert_int_equal(c.rep.value, 0);
	assert_int_equal(t_send(a, "x", 1), 1);
	assert_int_equal(world_events((uint32_t)b), POLLIN);
	assert_int_equal(word, 7);
	t_close(a);
	t_close(b);
}

static void the_word_knows_what_is_too_much(void **state)
{
	uint8_t *data = calloc(1, MUCH);
	uint32_t word = 0;
	int a, b, n;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(watch(a, POLLOUT, &word), POLLOUT);
	assert_int_equal(SOCK_WORD_TOO_KIB(word), 0);
	while (SOCK_WORD_TOO_KIB(word) == 0)
		assert_true(t_send(a, data, 65536) > 0);
	assert_int_equal(SOCK_WORD_EVENTS(word) & POLLOUT, 0);
	assert_int_equal(t_send(a, data, SOCK_WORD_TOO_KIB(word) * 1024), -EAGAIN);
	while ((n = t_recv(b, data, MUCH)) > 0)
		;
	assert_int_equal(n, -EAGAIN);
	assert_int_equal(SOCK_WORD_TOO_KIB(word), 0);
	assert_int_equal(SOCK_WORD_EVENTS(word) & POLLOUT, POLLOUT);
	assert_int_equal(t_shutdown(a, SHUT_WR), 0);
	assert_int_equal(SOCK_WORD_TOO_KIB(word), 0);
	t_close(a);
	t_close(b);
	free(data);
}

/* As if the peers had not agreed on scaling. */
static void stop_scaling(void)
{
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
		pcb->flags &= (tcpflags_t)~TF_WND_SCALE;
		pcb->rcv_scale = pcb->snd_scale = 0;
		pcb->rcv_wnd = pcb->rcv_ann_wnd = pcb->snd_wnd = pcb->snd_wnd_max = 0xffff;
		pcb->rcv_ann_right_edge = pcb->rcv_nxt + 0xffff;
	}
}

static int waiting(int h)
{
	int n = 0;

	assert_int_equal(t_ioctl(h, FIONREAD, &n, sizeof(n), 0), 0);
	return n;
}

/* 64 KB is what such a window can say, not what fits. */
static void a_window_without_scaling_opens_before_it_is_read(void **state)
{
	uint8_t *data = calloc(1, MUCH);
	int a, b, total = 0, n;

	(void)state;
	t_pair(&a, &b);
	stop_scaling();
	while ((n = t_send(a, data, 65536)) > 0)
		total += n;
	world_pass(2000000000ull);
	assert_in_range(waiting(b), 192 << 10, 256 << 10);
	while ((n = t_recv(b, data, MUCH)) > 0) {
		total -= n;
		world_pass(1000000000ull); /* the persist timer of the sender */
	}
	assert_int_equal(total, 0);
	assert_int_equal(t_setopt(b, SOL_SOCKET, SO_RCVBUF, 20000), 0);
	while (t_send(a, data, 65536) > 0)
		;
	world_pass(2000000000ull);
	assert_in_range(waiting(b), 1, 0xffff); /* one window was open already */
	t_close(b);
	t_close(a);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_word_follows_the_socket),
		WORLD_TEST(a_closed_socket_writes_no_more),
		WORLD_TEST(an_error_is_in_the_word),
		WORLD_TEST(a_word_that_cannot_be_written_is_not_used),
		WORLD_TEST(the_word_knows_what_is_too_much),
		WORLD_TEST(a_window_without_scaling_opens_before_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
