/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pending signals: sets, queues and selection (see sig.h). Called by signal.c; POSIX.1-2017 2.4,
 * signal(7).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "sig.h"

#define SYNC_SET                                                                                   \
	(SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) |                 \
	 SIG_BIT(SIGFPE) | SIG_BIT(SIGSYS))
#define IGNORE_SET (SIG_BIT(SIGCHLD) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH))
#define STOP_SET   (SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define CORE_SET                                                                                   \
	(SYNC_SET | SIG_BIT(SIGQUIT) | SIG_BIT(SIGABRT) | SIG_BIT(SIGXCPU) | SIG_BIT(SIGXFSZ))

enum sig_default sig_default_of(int signo)
{
	uint64_t bit = SIG_BIT(signo);

	if (bit & IGNORE_SET)
		return SIGDEF_IGNORE;
	if (bit & STOP_SET)
		return SIGDEF_STOP;
	if (signo == SIGCONT)
		return SIGDEF_CONT;
	return (bit & CORE_SET) ? SIGDEF_CORE : SIGDEF_TERM;
}

uint64_t sig_sanitize_mask(uint64_t mask)
{
	return mask & ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
}

uint64_t sig_stop_set(void)
{
	return STOP_SET;
}

bool sig_is_ignored(const struct ksigaction *act, int signo)
{
	if (act->handler == KSIG_IGN)
		return true;
	return act->handler == KSIG_DFL && (SIG_BIT(signo) & IGNORE_SET) != 0;
}

static uint16_t entry_alloc(struct sig_pool *pool)
{
	uint16_t id = pool->free;

	if (id) {
		pool->free = pool->entries[id - 1].next;
		return id;
	}
	return pool->fresh < SIG_POOL ? ++pool->fresh : 0;
}

static void entry_free(struct sig_pool *pool, uint16_t id)
{
	pool->entries[id - 1].next = pool->free;
	pool->free = id;
}

int sig_enqueue(struct sig_pool *pool, struct sig_pending *p, const struct sig_info *info)
{
	uint64_t bit = SIG_BIT(info->signo);
	uint16_t *link = &p->head;
	uint16_t id;

	if (info->signo < SIG_RT_FIRST && (p->set & bit))
		return 0;
	id = p->count < SIG_QUEUE_MAX ? entry_alloc(pool) : 0;
	if (!id && info->signo >= SIG_RT_FIRST)
		return -EAGAIN;
	p->set |= bit;
	if (!id)
		return 0;
	while (*link)
		link = &pool->entries[*link - 1].next;
	*link = id;
	pool->entries[id - 1].info = *info;
	pool->entries[id - 1].next = 0;
	p->count++;
	return 0;
}

bool sig_take(struct sig_pool *pool, struct sig_pending *p, int signo, struct sig_info *out)
{
	uint16_t *link = &p->head;
	bool is_found = false, has_more = false;

	if (!(p->set & SIG_BIT(signo)))
		return false;
	*out = (struct sig_info){.signo = signo};
	while (*link) {
		struct sig_entry *e = &pool->entries[*link - 1];
		if (e->info.signo == signo && !is_found) {
			uint16_t id = *link;
			*out = e->info;
			is_found = true;
			*link = e->next;
			entry_free(pool, id);
			p->count--;
			continue;
		}
		has_more = has_more || e->info.signo == signo;
		link = &e->next;
	}
	if (!has_more)
		p->set &= ~SIG_BIT(signo);
	return true;
}

void sig_discard(struct sig_pool *pool, struct sig_pending *p, uint64_t set)
{
	uint16_t *link = &p->head;

	p->set &= ~set;
	while (*link) {
		uint16_t id = *link;
		struct sig_entry *e = &pool->entries[id - 1];
		if (set & SIG_BIT(e->info.signo)) {
			*link = e->next;
			entry_free(pool, id);
			p->count--;
		} else {
			link = &e->next;
		}
	}
}

int sig_next(uint64_t set)
{
	if (!set)
		return 0;
	if (set & SYNC_SET)
		set &= SYNC_SET;
	return __builtin_ctzll(set) + 1;
}

void sig_expand(const struct sig_info *info, struct ksiginfo *out)
{
	memset(out, 0, sizeof(*out));
	out->signo = info->signo;
	out->code = info->code;
	if (info->code == SI_TIMER) {
		out->u.timer.tid = info->pid;
		out->u.timer.overrun = (int32_t)info->uid;
		out->u.timer.value = info->value;
		return;
	}
	if (info->code > 0 && info->code != SI_KERNEL && (SIG_BIT(info->signo) & SYNC_SET)) {
		out->u.addr = info->value;
		return;
	}
	out->u.from.pid = info->pid;
	out->u.from.uid = info->uid;
	if (info->signo == SIGCHLD && info->code > 0) {
		out->u.from.u.child.status = info->status;
		out->u.from.u.child.utime = (int64_t)info->value;
		out->u.from.u.child.stime = (int64_t)info->value2;
	} else {
		out->u.from.u.value = info->value;
	}
}
