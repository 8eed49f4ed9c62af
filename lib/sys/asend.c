/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of asynchronous messages of a process. The kernel reads and completes slots whenever a
 * receiver is ready, so a slot is filled first and made valid last. Delivery follows the cookies.
 */
#include <errno.h>
#include "sys/sys.h"

static struct asend_slot table[ASEND_MAX];
static unsigned high;     /* slots from here on are free */
static uint64_t sequence; /* next cookie */
static bool is_due;       /* the kernel has not been told of all of them */

static bool is_pending(const struct asend_slot *s)
{
	return (__atomic_load_n(&s->flags, __ATOMIC_ACQUIRE) & (AMF_VALID | AMF_DONE)) == AMF_VALID;
}

/* First free slot, or ASEND_MAX; lowers `high` where it can. */
static unsigned find_free(void)
{
	unsigned first = ASEND_MAX, last = 0;

	for (unsigned i = 0; i < high; i++) {
		if (is_pending(&table[i]))
			last = i + 1;
		else if (first == ASEND_MAX)
			first = i;
	}
	high = last;
	return first < high ? first : high;
}

int sys_asend_later(endpoint_t dst, const struct msg *m)
{
	unsigned i = find_free();
	struct asend_slot *s = &table[i];

	if (i == ASEND_MAX)
		return -EAGAIN;
	__atomic_store_n(&s->flags, 0, __ATOMIC_RELEASE);
	s->dst = dst;
	s->status = 0;
	s->cookie = ++sequence;
	s->m = *m;
	__atomic_store_n(&s->flags, AMF_VALID, __ATOMIC_RELEASE);
	if (i >= high)
		high = i + 1;
	is_due = true;
	return 0;
}

int sys_asend(endpoint_t dst, const struct msg *m)
{
	int r = sys_asend_later(dst, m);

	if (r != 0)
		return r;
	is_due = false;
	return ipc_asend(table, high);
}

int sys_receive(struct msg *m)
{
	if (!is_due)
		return ipc_receive(EP_ANY, m);
	is_due = false;
	return ipc_asend_receive(table, high, EP_ANY, m);
}

unsigned sys_asend_pending(endpoint_t dst)
{
	unsigned n = 0;

	for (unsigned i = 0; i < high; i++)
		n += is_pending(&table[i]) && table[i].dst == dst;
	return n;
}

void sys_asend_cancel(endpoint_t dst)
{
	for (unsigned i = 0; i < high; i++)
		if (is_pending(&table[i]) && table[i].dst == dst)
			__atomic_store_n(&table[i].flags, 0, __ATOMIC_RELEASE);
}
