/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers that wait for the end of the turn, or for room (answer.h): a queue of fixed size, first in, first out. */
#include <errno.h>
#include "sys/sys.h"
#include "answer.h"

#define KEPT_MAX 4096u /* as many as requests can be pending, with their events */
#define RETRY_NS 1000000ull

static struct kept {
	endpoint_t to;
	struct msg m;
} kept[KEPT_MAX];
static uint32_t head, tail; /* free-running */

void answers_flush(void)
{
	while (head != tail) {
		const struct kept *k = &kept[head % KEPT_MAX];

		if (sys_asend_later(k->to, &k->m) == -EAGAIN)
			return;
		head++;
	}
}

void answer(endpoint_t to, uint32_t type, const void *payload, size_t len)
{
	struct kept *k = &kept[tail % KEPT_MAX];

	if (tail - head >= KEPT_MAX / 2)
		answers_flush();
	if (tail - head == KEPT_MAX)
		sys_panic("more than %u answers undelivered", KEPT_MAX);
	k->to = to;
	msg_put_bytes(&k->m, type, payload, len);
	tail++;
}

uint64_t answers_next_try(void)
{
	return head == tail ? 0 : now_ns() + RETRY_NS;
}
