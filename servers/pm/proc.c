/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of processes and threads (see proc.h): allocation, lookup, pids, parents. Pure.
 */
#include <errno.h>
#include <string.h>
#include "proc.h"

struct proc_table table;

struct proc *proc_alloc(int32_t pid)
{
	for (unsigned i = 0; i < PROCS_MAX; i++) {
		struct proc *p = &table.procs[i];
		if (p->state != PROC_FREE)
			continue;
		memset(p, 0, sizeof(*p));
		memset(table.actions[i], 0, sizeof(table.actions[i]));
		p->actions = table.actions[i];
		p->state = PROC_ALIVE;
		p->pid = pid;
		p->real.kind = TIMER_REAL;
		p->virtual.kind = TIMER_VIRTUAL;
		p->prof.kind = TIMER_PROF;
		p->next = table.first;
		if (table.first)
			table.first->prev = p;
		table.first = p;
		table.count++;
		return p;
	}
	return NULL;
}

static void leave_parent(struct proc *p)
{
	struct proc **link;

	if (!p->parent)
		return;
	for (link = &p->parent->children; *link; link = &(*link)->sibling) {
		if (*link == p) {
			*link = p->sibling;
			break;
		}
	}
	p->parent = NULL;
	p->sibling = NULL;
}

void proc_free(struct proc *p)
{
	leave_parent(p);
	if (p->prev)
		p->prev->next = p->next;
	else
		table.first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	p->state = PROC_FREE;
	table.count--;
}

void proc_adopt(struct proc *parent, struct proc *child)
{
	struct proc **link = &parent->children;

	leave_parent(child);
	while (*link)
		link = &(*link)->sibling;
	*link = child;
	child->parent = parent;
}

uint32_t proc_new_space(void)
{
	return ++table.last_space;
}

struct proc *proc_by_pid(int32_t pid)
{
	for (struct proc *p = table.first; p; p = p->next)
		if (p->pid == pid)
			return p;
	return NULL;
}

static bool pid_is_used(int32_t pid)
{
	for (const struct proc *p = table.first; p; p = p->next) {
		if (p->pid == pid || p->pgid == pid || p->sid == pid)
			return true;
		for (const struct thread *t = p->threads; t; t = t->next)
			if (t->tid == pid)
				return true;
	}
	return false;
}

int32_t pid_alloc(void)
{
	for (int32_t tries = 0; tries < PID_MAX; tries++) {
		table.last_pid = table.last_pid + 1 < PID_MAX ? table.last_pid + 1 : PID_FIRST;
		if (table.last_pid >= PID_FIRST && !pid_is_used(table.last_pid))
			return table.last_pid;
	}
	return -EAGAIN;
}

struct thread *thread_alloc(endpoint_t ep, struct proc *p, int32_t tid)
{
	struct thread *t, **link = &p->threads;

	if (ep < 0 || EP_SLOT(ep) >= NR_PROCS || table.threads[EP_SLOT(ep)].is_used)
		return NULL;
	t = &table.threads[EP_SLOT(ep)];
	memset(t, 0, sizeof(*t));
	t->is_used = true;
	t->ep = ep;
	t->tid = tid;
	t->proc = p;
	t->sleep.kind = TIMER_SLEEP;
	while (*link)
		link = &(*link)->next;
	*link = t;
	p->nthreads++;
	table.thread_count++;
	return t;
}

void thread_free(struct thread *t)
{
	struct thread **link = &t->proc->threads;

	while (*link && *link != t)
		link = &(*link)->next;
	if (*link)
		*link = t->next;
	t->proc->nthreads--;
	table.thread_count--;
	t->is_used = false;
}

struct thread *thread_by_ep(endpoint_t ep)
{
	struct thread *t;

	if (ep < 0 || EP_SLOT(ep) >= NR_PROCS)
		return NULL;
	t = &table.threads[EP_SLOT(ep)];
	return t->is_used && t->ep == ep ? t : NULL;
}

struct thread *thread_by_tid(int32_t tid)
{
	for (struct proc *p = table.first; p; p = p->next)
		for (struct thread *t = p->threads; t; t = t->next)
			if (t->tid == tid)
				return t;
	return NULL;
}
