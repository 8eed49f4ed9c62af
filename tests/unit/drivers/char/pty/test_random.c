/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/char/pty/pair.c lib/tty/ lib/ldisc/ lib/chardev/queue.c tests/unit/drivers/char/pty/world.c
 *       tests/unit/support/panic.c */
/* Any request at either end of few pairs, in any order: each is answered once, and nothing stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <termios.h>
#include <cmocka.h>
#include "world.h"

#define STEPS    60000
#define REQUESTS 24

static uint8_t scratch[REQUESTS][512];
static struct request pool[REQUESTS];

static struct request *free_request(void)
{
	for (unsigned i = 0; i < REQUESTS; i++) {
		if (pool[i].r.is_used)
			continue;
		pool[i] = transfer(CHR_READ, scratch[i], sizeof(scratch[i]), 0);
		return &pool[i];
	}
	return NULL;
}

static void random_step(void)
{
	static const unsigned cmds[] = {TCGETS,     TCSETS,   TCSETSW,    TCSETSF, TIOCGWINSZ,
	                                TIOCSWINSZ, FIONREAD, TIOCSPTLCK, TCFLSH,  TCXONC,
	                                TIOCSIG,    TIOCOUTQ, TIOCGPTN,   0xdead};
	static const op_fn_t ops[] = {pair_open,  pair_close, pair_read,
	                              pair_write, pair_ioctl, pair_poll};
	uint32_t index = (uint32_t)rand() % 4, kind = (uint32_t)rand() % 8;
	unsigned op = (unsigned)rand() % 32;
	struct request *q = free_request();

	seen.now += 10000000;
	if (rand() % 16 == 0)
		lines_alarm(seen.now);
	if (!q || rand() % 8 == 0) {
		q = &pool[rand() % REQUESTS];
		if (q->r.is_used)
			pair_cancel(&q->r);
		return;
	}
	/* Closing is rare, or nothing would ever wait. */
	op = op < 2 ? op : 2 + op % 4;
	q->r.type = op == 3 ? CHR_WRITE : CHR_READ;
	q->r.req.flags = (uint32_t)rand() % 2;
	q->r.req.len_bytes = 64 + (uint64_t)rand() % 449;
	q->r.req.cmd = cmds[(unsigned)rand() % (sizeof(cmds) / sizeof(cmds[0]))];
	q->r.req.arg = (uint32_t)rand() % 40;
	q->fault = rand() % 20 == 0 ? -EFAULT : 0;
	for (unsigned i = 0; op == 3 && i < sizeof(scratch[0]); i++)
		q->memory[i] = (uint8_t)rand();
	(void)start(q, ops[op],
	            kind == 0  ? CHR_PTMX
	            : kind % 2 ? CHR_MASTER(index)
	                       : CHR_SLAVE(index));
}

static void random_requests_are_each_answered_once(void **state)
{
	(void)state;
	srand(5);
	for (unsigned i = 0; i < STEPS; i++)
		random_step();
	for (unsigned i = 0; i < CHR_PAIRS_MAX; i++) {
		(void)simple(pair_close, CHR_SLAVE(i));
		(void)simple(pair_close, CHR_MASTER(i));
	}
	for (unsigned i = 0; i < REQUESTS; i++)
		assert_false(pool[i].r.is_used);
	assert_int_equal(pair_count(), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_requests_are_each_answered_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
