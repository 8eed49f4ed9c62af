/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex(2): WAIT, WAKE, their BITSET forms, REQUEUE, CMP_REQUEUE, WAKE_OP; robust lists and
 * clear_child_tid at the end of a thread. pm handles one call at a time, so comparing the word and
 * queueing the caller is one step with respect to every other futex call.
 *
 * Key: a private futex is (address space, address). A shared one is named by the physical address
 * of its word, so that processes that map the same memory at different places meet; such pages stay
 * in place while they are mapped.
 */
#include <errno.h>
#include "pm.h"

#define FUTEX_OP_WAIT         0
#define FUTEX_OP_WAKE         1
#define FUTEX_OP_REQUEUE      3
#define FUTEX_OP_CMP_REQUEUE  4
#define FUTEX_OP_WAKE_OP      5
#define FUTEX_OP_WAIT_BITSET  9
#define FUTEX_OP_WAKE_BITSET  10
#define FUTEX_FLAG_PRIVATE    0x80u
#define FUTEX_FLAG_REALTIME   0x100u
#define FUTEX_ALL             0xffffffffu
#define FUTEX_WORD_OWNER_DIED 0x40000000u
#define FUTEX_WORD_TID        0x3fffffffu
#define FUTEX_WORD_WAITERS    0x80000000u
#define ROBUST_LIST_BYTES     24
#define ROBUST_MAX            2048

static struct futex_table futexes;

static int key_of(struct thread *t, uint64_t addr, bool is_private, struct futex_key *key)
{
	struct vm_key k = {.ep = t->ep, .addr = addr};
	struct vm_rep rep;
	int r;

	if (addr & 3)
		return -EINVAL;
	*key = (struct futex_key){.space = t->proc->space, .addr = addr};
	if (is_private)
		return 0;
	r = sys_call(EP_VM, VM_KEY, &k, &rep);
	if (r < 0 || rep.result < 0)
		return -EFAULT;
	if (rep.result == 1)
		*key = (struct futex_key){
			.space = rep.value, .addr = rep.value2, .is_shared = true};
	return 0;
}

void futex_cancel(struct thread *t)
{
	futex_dequeue(&futexes, &t->futex);
}

void futex_expired(struct thread *t)
{
	futex_cancel(t);
	call_reply(t, -ETIMEDOUT);
}

static void wake(struct futex_waiter *w)
{
	struct thread *t = (struct thread *)((char *)w - offsetof(struct thread, futex));

	timer_disarm(&t->sleep);
	call_reply(t, 0);
}

static int wake_some(const struct futex_key *key, int64_t count, uint32_t bitset)
{
	int woken = 0;

	while (woken < count) {
		struct futex_waiter *w = futex_take(&futexes, key, bitset);
		if (!w)
			break;
		wake(w);
		woken++;
	}
	return woken;
}

static int deadline_of(struct thread *t, const uint64_t *args, uint64_t *deadline)
{
	uint32_t op = (uint32_t)args[1];
	uint64_t ns, now = now_ns();
	int r;

	*deadline = 0;
	if (!args[3])
		return 0;
	r = timespec_read(t, args[3], &ns);
	if (r < 0)
		return r;
	if ((op & 0x7f) == FUTEX_OP_WAIT) {
		*deadline = now + ns;
	} else if (op & FUTEX_FLAG_REALTIME) {
		uint64_t wall = wall_ns();
		*deadline = ns > wall ? now + (ns - wall) : now;
	} else {
		*deadline = ns ? ns : 1;
	}
	return 0;
}

static int64_t futex_wait(struct thread *t, const uint64_t *args, uint32_t bitset)
{
	struct futex_key key;
	uint64_t deadline;
	uint32_t word;
	int r;

	if (!bitset || (args[0] & 3))
		return -EINVAL;
	r = deadline_of(t, args, &deadline);
	if (r == 0)
		r = copy_in(t, &word, args[0], sizeof(word));
	if (r == 0)
		r = key_of(t, args[0], args[1] & FUTEX_FLAG_PRIVATE, &key);
	if (r < 0)
		return r;
	if (word != (uint32_t)args[2])
		return -EAGAIN;
	if (!t->wake_ns)
		t->wake_ns = deadline;
	if (t->wake_ns && t->wake_ns <= now_ns())
		return -ETIMEDOUT;
	t->futex.key = key;
	t->futex.bitset = bitset;
	futex_enqueue(&futexes, &t->futex);
	if (t->wake_ns)
		timer_arm(&t->sleep, t->wake_ns);
	return call_block(t, BLOCK_FUTEX);
}

static int64_t futex_wake(struct thread *t, const uint64_t *args, uint32_t bitset)
{
	struct futex_key key;
	int r = key_of(t, args[0], args[1] & FUTEX_FLAG_PRIVATE, &key);

	if (!bitset)
		return -EINVAL;
	if (r == -EFAULT) /* nobody can wait on a page that is not there */
		return 0;
	return r < 0 ? r : wake_some(&key, (int32_t)args[2] > 0 ? (int32_t)args[2] : 1, bitset);
}

static int64_t futex_requeue(struct thread *t, const uint64_t *args, bool has_compare)
{
	bool is_private = args[1] & FUTEX_FLAG_PRIVATE;
	struct futex_key from, to;
	uint32_t word;
	int woken, moved, r = copy_in(t, &word, args[0], sizeof(word));

	if (r == 0)
		r = copy_probe(t, args[4], sizeof(word));
	if (r == 0)
		r = key_of(t, args[0], is_private, &from);
	if (r == 0)
		r = key_of(t, args[4], is_private, &to);
	if (r < 0)
		return r;
	if ((int32_t)args[2] < 0 || (int32_t)args[3] < 0)
		return -EINVAL;
	if (has_compare && word != (uint32_t)args[5])
		return -EAGAIN;
	woken = wake_some(&from, (int32_t)args[2], FUTEX_ALL);
	moved = futex_move(&futexes, &from, &to, (int32_t)args[3]);
	return has_compare ? woken + moved : woken;
}

static uint32_t op_result(uint32_t op, uint32_t old, uint32_t arg)
{
	switch (op) {
	case 0: return arg;
	case 1: return old + arg;
	case 2: return old | arg;
	case 3: return old & ~arg;
	default: return old ^ arg;
	}
}

static bool op_compare(uint32_t cmp, int32_t old, int32_t arg)
{
	switch (cmp) {
	case 0: return old == arg;
	case 1: return old != arg;
	case 2: return old < arg;
	case 3: return old <= arg;
	case 4: return old > arg;
	default: return old >= arg;
	}
}

static int64_t futex_wake_op(struct thread *t, const uint64_t *args)
{
	bool is_private = args[1] & FUTEX_FLAG_PRIVATE;
	uint32_t code = (uint32_t)args[5], op = code >> 28 & 7, cmp = code >> 24 & 15;
	uint32_t op_arg = code >> 12 & 0xfff, old, new;
	int32_t cmp_arg = (int32_t)(code << 20) >> 20;
	struct futex_key a, b;
	int woken, r = copy_in(t, &old, args[4], sizeof(old));

	if (code >> 31)
		op_arg = 1u << (op_arg & 31);
	else
		op_arg = (uint32_t)((int32_t)(op_arg << 20) >> 20);
	if (op > 4 || cmp > 5)
		return -ENOSYS;
	new = op_result(op, old, op_arg);
	if (r == 0)
		r = copy_out(t, args[4], &new, sizeof(new));
	if (r == 0)
		r = key_of(t, args[0], is_private, &a);
	if (r == 0)
		r = key_of(t, args[4], is_private, &b);
	if (r < 0)
		return r;
	woken = wake_some(&a, (int32_t)args[2], FUTEX_ALL);
	if (op_compare(cmp, (int32_t)old, cmp_arg))
		woken += wake_some(&b, (int32_t)args[3], FUTEX_ALL);
	return woken;
}

int64_t call_futex(struct thread *t, const uint64_t *args)
{
	switch (args[1] & 0x7f) {
	case FUTEX_OP_WAIT: return futex_wait(t, args, FUTEX_ALL);
	case FUTEX_OP_WAIT_BITSET: return futex_wait(t, args, (uint32_t)args[5]);
	case FUTEX_OP_WAKE: return futex_wake(t, args, FUTEX_ALL);
	case FUTEX_OP_WAKE_BITSET: return futex_wake(t, args, (uint32_t)args[5]);
	case FUTEX_OP_REQUEUE: return futex_requeue(t, args, false);
	case FUTEX_OP_CMP_REQUEUE: return futex_requeue(t, args, true);
	case FUTEX_OP_WAKE_OP: return futex_wake_op(t, args);
	default: return -ENOSYS;
	}
}

int64_t call_set_robust_list(struct thread *t, const uint64_t *args)
{
	if (args[1] != ROBUST_LIST_BYTES)
		return -EINVAL;
	t->robust_list = args[0];
	return 0;
}

int64_t call_get_robust_list(struct thread *t, const uint64_t *args)
{
	const struct thread *o = args[0] ? thread_by_tid((int32_t)args[0]) : t;
	const uint64_t len = ROBUST_LIST_BYTES;
	int r;

	if (!o)
		return -ESRCH;
	if (o->proc != t->proc && t->proc->cred.euid != 0)
		return -EPERM;
	r = copy_out(t, args[1], &o->robust_list, sizeof(o->robust_list));
	return r < 0 ? r : copy_out(t, args[2], &len, sizeof(len));
}

/* Wake waiters of both kinds: the word may have been waited for either way. */
static void wake_word(struct thread *t, uint64_t addr)
{
	struct futex_key key;

	if (key_of(t, addr, true, &key) == 0)
		wake_some(&key, 1, FUTEX_ALL);
	if (key_of(t, addr, false, &key) == 0)
		wake_some(&key, 1, FUTEX_ALL);
}

static void owner_died(struct thread *t, uint64_t addr)
{
	uint32_t word;

	if ((addr & 3) || copy_in_now(t, &word, addr, sizeof(word)) < 0)
		return;
	if ((word & FUTEX_WORD_TID) != (uint32_t)t->tid)
		return;
	word = (word & FUTEX_WORD_WAITERS) | FUTEX_WORD_OWNER_DIED;
	if (copy_out_now(t, addr, &word, sizeof(word)) == 0 && (word & FUTEX_WORD_WAITERS))
		wake_word(t, addr);
}

/* struct robust_list_head: first entry, offset of the word from an entry, entry under change. */
static void walk_robust_list(struct thread *t)
{
	uint64_t head[3], entry;

	if (copy_in_now(t, head, t->robust_list, sizeof(head)) < 0)
		return;
	entry = head[0];
	for (int i = 0; i < ROBUST_MAX && entry && entry != t->robust_list; i++) {
		uint64_t next;
		if (copy_in_now(t, &next, entry & ~1ull, sizeof(next)) < 0)
			return;
		if (entry != head[2])
			owner_died(t, (entry & ~1ull) + head[1]);
		entry = next;
	}
	if (head[2])
		owner_died(t, (head[2] & ~1ull) + head[1]);
}

void futex_thread_exit(struct thread *t)
{
	const uint32_t zero = 0;

	if (t->robust_list)
		walk_robust_list(t);
	t->robust_list = 0;
	if (t->clear_tid && t->proc->nthreads > 1 &&
	    copy_out_now(t, t->clear_tid, &zero, sizeof(zero)) == 0)
		wake_word(t, t->clear_tid);
	t->clear_tid = 0;
}
