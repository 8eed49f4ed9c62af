/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults, and those of them that wait for pages of files. Each process can have one fault (its slot
 * is the index); vfs can have some VM_FAULTIN requests under way besides.
 *
 *   idle --fault, pages cached--> answered at once
 *   idle --fault, page must be fetched--> waiting --fetch done--> tried again: answered or waiting
 *
 * Only a process's own access waits. A kernel copy on behalf of a server ends with -ENOTREADY
 * instead: the server may be the one that the file must come from (linux-abi: vfs uses VM_FAULTIN
 * and tries again).
 */
#include <errno.h>
#include <signal.h>
#include "sys/sys.h"
#include "vm.h"

#define FAULTINS_MAX 128u

enum waiter_kind { WAIT_NONE, WAIT_FAULT, WAIT_FAULTIN };

struct waiter {
	uint8_t kind;      /* enum waiter_kind */
	bool is_fetching;  /* false: found no fetch slot, wants to try again */
	endpoint_t source; /* who is held, or who asked */
	endpoint_t target; /* whose space */
	uint32_t id;       /* FAULTIN */
	struct access_range range;
	struct object *object; /* what is awaited */
	uint64_t page;
	bool has_failed; /* a fetch of `page` has ended: it must be there now */
};

static struct waiter waiters[NR_PROCS + FAULTINS_MAX];
static bool want_retry;

/* 0, an error, or -EINPROGRESS: the waiter goes on waiting. */
static int attempt(struct waiter *w)
{
	struct space *s = space_of(w->target);
	struct need need = {0};
	int err;

	if (s == NULL)
		return -EFAULT;
	do
		err = space_make_present(s, &w->range, &need);
	while (err == -ENOMEM && oom_relieve());
	if (err != -EINPROGRESS)
		return err;
	if (w->has_failed && w->object == need.object && w->page == need.page)
		return -EIO;
	w->object = need.object;
	w->page = need.page;
	w->has_failed = false;
	s->major_faults++;
	err = fetch_start(&need);
	w->is_fetching = err == 0;
	if (err == -EAGAIN)
		want_retry = true;
	return err == 0 || err == -EAGAIN ? -EINPROGRESS : err;
}

static int signal_of(int err)
{
	if (err == -EFAULT)
		return SIGSEGV;
	if (err == -EIO)
		return SIGBUS;
	return err < 0 ? SIGKILL : 0; /* out of memory */
}

static void answer(const struct waiter *w, int err)
{
	struct vm_rep rep = {.result = err == -EIO ? -EFAULT : err, .id = w->id};
	struct msg m;

	if (err == -ENOMEM)
		sys_log("out of memory for process %d at %lx\n", w->target, w->range.addr);
	if (w->kind == WAIT_FAULT) {
		hw_clear_fault(w->source, signal_of(err));
		return;
	}
	msg_put(&m, VM_FAULTIN | MSG_REPLY, &rep);
	if (sys_asend(w->source, &m) < 0)
		sys_log("an answer to VM_FAULTIN of %d is lost: too many undelivered\n", w->source);
}

static void run_waiter(struct waiter *w)
{
	int err = attempt(w);

	if (err == -EINPROGRESS)
		return;
	answer(w, err);
	w->kind = WAIT_NONE;
}

static unsigned access_of(uint32_t kfault)
{
	return ((kfault & KFAULT_WRITE) ? ACCESS_WRITE : ACCESS_READ) |
	       ((kfault & KFAULT_EXEC) ? ACCESS_EXEC : 0);
}

/* A copy by a kernel call of somebody: never waits. */
static void copy_fault(struct waiter *w)
{
	int err = attempt(w);

	if (err == -EINPROGRESS)
		err = -ENOTREADY;
	if (err == -EIO)
		err = -EFAULT;
	hw_clear_fault(w->source, err);
	w->kind = WAIT_NONE;
}

void wait_fault(const struct msg *m)
{
	struct kmsg_fault f;
	struct waiter *w;
	struct space *s;

	msg_get(m, &f);
	VM_ASSERT(m->source >= 0 && EP_SLOT(m->source) < NR_PROCS);
	w = &waiters[EP_SLOT(m->source)];
	*w = (struct waiter){
		.kind = WAIT_FAULT,
		.source = m->source,
		.target = f.target,
		.range = {f.addr, f.len_bytes > 0 ? f.len_bytes : 1, access_of(f.flags)}};
	s = space_of(f.target);
	if (s != NULL)
		s->minor_faults++;
	if (f.flags & KFAULT_COPY)
		copy_fault(w);
	else
		run_waiter(w);
}

static unsigned access_of_faultin(const struct vm_faultin *req)
{
	if (req->is_write == VM_FAULTIN_PRIVATE)
		return ACCESS_WRITE | ACCESS_FORCE;
	return req->is_write ? ACCESS_WRITE : ACCESS_READ;
}

void wait_faultin_now(const struct msg *m, struct vm_rep *rep)
{
	struct waiter w = {0};
	struct vm_faultin req;

	msg_get(m, &req);
	w.target = req.ep;
	w.range = (struct access_range){req.addr, req.len_bytes, access_of_faultin(&req)};
	rep->id = req.id;
	rep->result = attempt(&w);
	if (rep->result == -EINPROGRESS)
		rep->result = -ENOTREADY;
	if (rep->result == -EIO)
		rep->result = -EFAULT;
}

void wait_faultin(const struct msg *m)
{
	struct vm_faultin req;

	msg_get(m, &req);
	for (unsigned i = NR_PROCS; i < ARRAY_LEN(waiters); i++) {
		struct waiter *w = &waiters[i];

		if (w->kind != WAIT_NONE)
			continue;
		*w = (struct waiter){.kind = WAIT_FAULTIN,
		                     .source = m->source,
		                     .target = req.ep,
		                     .id = req.id,
		                     .range = {req.addr, req.len_bytes, access_of_faultin(&req)}};
		run_waiter(w);
		return;
	}
	answer(&(struct waiter){.kind = WAIT_FAULTIN, .source = m->source, .id = req.id}, -EAGAIN);
}

void wait_forget(endpoint_t ep)
{
	for (unsigned i = 0; i < ARRAY_LEN(waiters); i++) {
		struct waiter *w = &waiters[i];

		if (w->kind == WAIT_NONE)
			continue;
		if (w->source == ep) {
			w->kind = WAIT_NONE;
		} else if (w->target == ep) {
			answer(w, -EFAULT);
			w->kind = WAIT_NONE;
		}
	}
}

void wait_fetch_done(const struct need *n)
{
	for (unsigned i = 0; i < ARRAY_LEN(waiters); i++) {
		struct waiter *w = &waiters[i];

		if (w->kind == WAIT_NONE || !w->is_fetching || w->object != n->object ||
		    w->page < n->page || w->page >= n->limit_pages)
			continue;
		w->has_failed = true;
		run_waiter(w);
	}
	want_retry = true; /* a slot is free for those who found none */
}

void wait_retry(void)
{
	if (!want_retry)
		return;
	want_retry = false;
	for (unsigned i = 0; i < ARRAY_LEN(waiters); i++)
		if (waiters[i].kind != WAIT_NONE && !waiters[i].is_fetching)
			run_waiter(&waiters[i]);
}
