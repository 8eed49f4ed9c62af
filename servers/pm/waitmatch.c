/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait4 and waitid: which child matches, what it has to tell, and how the status is encoded. Pure.
 * Reference: POSIX.1-2017 wait(), waitid().
 */
#include <sys/wait.h>
#include "proc.h"

#define STATUS_CONTINUED 0xffff

static bool is_wanted(const struct proc *child, const struct wait_spec *spec)
{
	switch (spec->by) {
	case WAIT_BY_PID: return child->pid == spec->id;
	case WAIT_BY_GROUP: return child->pgid == spec->id;
	default: return true;
	}
}

static enum wait_event event_of(const struct proc *child, uint32_t options)
{
	if (child->state == PROC_ZOMBIE)
		return (options & WEXITED) ? WAIT_EXITED : WAIT_NOTHING;
	if (child->state != PROC_ALIVE)
		return WAIT_NOTHING;
	if (child->is_stopped && child->has_stop_report && (options & WSTOPPED))
		return WAIT_STOPPED;
	if (child->has_cont_report && (options & WCONTINUED))
		return WAIT_CONTINUED;
	return WAIT_NOTHING;
}

enum wait_event wait_find(const struct proc *p, const struct wait_spec *spec, struct proc **found)
{
	enum wait_event result = WAIT_NO_CHILD;

	for (struct proc *child = p->children; child; child = child->sibling) {
		enum wait_event ev;
		if (!is_wanted(child, spec))
			continue;
		result = WAIT_NOTHING;
		ev = event_of(child, spec->options);
		if (ev != WAIT_NOTHING) {
			*found = child;
			return ev;
		}
	}
	return result;
}

int32_t wait_status(enum wait_event ev, const struct proc *child)
{
	switch (ev) {
	case WAIT_EXITED: return child->exit_status;
	case WAIT_STOPPED: return child->stop_signo << 8 | 0x7f;
	case WAIT_CONTINUED: return STATUS_CONTINUED;
	case WAIT_NO_CHILD:
	case WAIT_NOTHING: break;
	}
	return 0;
}
