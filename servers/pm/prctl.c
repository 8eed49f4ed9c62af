/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prctl(2): what programs use of it. Options that are not here are refused with EINVAL, as a kernel
 * without them would.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include "pm.h"

#define TIMER_SLACK_NS 50000
#define CAP_LAST       40

static int64_t set_name(struct thread *t, uint64_t addr)
{
	char name[PROC_NAME] = {0};
	int r = 0;

	/* Byte by byte up to the end: the string may end where the memory does. */
	for (int i = 0; i < PROC_NAME - 1 && r == 0; i++) {
		r = copy_in(t, &name[i], addr + (uint64_t)i, 1);
		if (r == 0 && name[i] == '\0')
			break;
	}
	if (r == 0)
		memcpy(t->proc->name, name, sizeof(name));
	return r;
}

static int64_t set_death_signal(struct proc *p, uint64_t signo)
{
	if (signo > SIG_COUNT)
		return -EINVAL;
	p->pdeath_signal = (uint8_t)signo;
	return 0;
}

static int64_t put_int(struct thread *t, uint64_t addr, int32_t value)
{
	return copy_out(t, addr, &value, sizeof(value));
}

static int64_t set_flag(bool *flag, uint64_t value)
{
	if (value > 1)
		return -EINVAL;
	*flag = value;
	return 0;
}

int64_t call_prctl(struct thread *t, const uint64_t *args)
{
	struct proc *p = t->proc;

	switch ((int32_t)args[0]) {
	case PR_SET_NAME: return set_name(t, args[1]);
	case PR_GET_NAME: return copy_out(t, args[1], p->name, sizeof(p->name));
	case PR_SET_PDEATHSIG: return set_death_signal(p, args[1]);
	case PR_GET_PDEATHSIG: return put_int(t, args[1], p->pdeath_signal);
	case PR_GET_DUMPABLE: return p->is_dumpable;
	case PR_SET_DUMPABLE: return set_flag(&p->is_dumpable, args[1]);
	case PR_GET_KEEPCAPS: return p->keep_caps;
	case PR_SET_KEEPCAPS: return set_flag(&p->keep_caps, args[1]);
	case PR_SET_CHILD_SUBREAPER: p->is_subreaper = args[1] != 0; return 0;
	case PR_GET_CHILD_SUBREAPER: return put_int(t, args[1], p->is_subreaper);
	case PR_SET_NO_NEW_PRIVS:
		if (args[1] != 1 || args[2] || args[3] || args[4])
			return -EINVAL;
		p->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS: return p->no_new_privs;
	case PR_GET_SECUREBITS: return 0;
	case PR_CAPBSET_READ: return args[1] <= CAP_LAST ? 1 : -EINVAL;
	case PR_GET_TIMERSLACK: return TIMER_SLACK_NS;
	case PR_SET_TIMERSLACK: return 0; /* a hint: deadlines are exact here */
	default: return -EINVAL;
	}
}
