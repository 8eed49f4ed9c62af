/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/pm/proc.c servers/pm/group.c servers/pm/waitmatch.c servers/pm/cred.c */
/* The process table, groups and sessions, wait matching, the rules of set*id. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "servers/pm/proc.h"

static struct proc *init, *shell;

static struct proc *make(struct proc *parent, int32_t pgid)
{
	struct proc *p = proc_alloc(pid_alloc());

	assert_non_null(p);
	p->pgid = pgid ? pgid : p->pid;
	p->sid = parent->sid;
	proc_adopt(parent, p);
	return p;
}

static int reset(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	table.last_pid = PID_INIT;
	init = proc_alloc(PID_INIT);
	init->sid = init->pgid = PID_INIT;
	shell = make(init, 0);
	shell->sid = shell->pid;
	return 0;
}

static void pids_are_not_reused_while_a_group_has_them(void **state)
{
	struct proc *a = make(shell, 0), *b = make(shell, a->pid);
	int32_t pid = a->pid;

	(void)state;
	proc_free(a);
	table.last_pid = pid - 1;
	assert_int_not_equal(pid_alloc(), pid);
	proc_free(b);
	table.last_pid = pid - 1;
	assert_int_equal(pid_alloc(), pid);
}

static void table_ends_without_harm(void **state)
{
	unsigned n = 0;

	(void)state;
	while (proc_alloc((int32_t)n + 100))
		n++;
	assert_int_equal(n, PROCS_MAX - 2);
	assert_int_equal(table.count, PROCS_MAX);
}

static void old_endpoints_are_unknown(void **state)
{
	struct thread *t = thread_alloc(EP_MAKE(3, 17), shell, shell->pid);

	(void)state;
	assert_ptr_equal(thread_by_ep(EP_MAKE(3, 17)), t);
	assert_null(thread_by_ep(EP_MAKE(2, 17)));
	assert_null(thread_by_ep(EP_NONE));
	assert_null(thread_by_ep(EP_MAKE(0, 1023)));
	assert_null(thread_alloc(EP_MAKE(4, 17), shell, 99));
	thread_free(t);
	assert_null(thread_by_ep(EP_MAKE(3, 17)));
	assert_int_equal(shell->nthreads, 0);
}

static void group_is_orphaned_when_no_parent_watches(void **state)
{
	struct proc *job = make(shell, 0), *child = make(job, job->pid);

	(void)state;
	assert_false(group_is_orphaned(job->pid, NULL));
	assert_true(group_is_orphaned(shell->pid, NULL)); /* its parent is init */
	proc_adopt(init, child);
	assert_false(group_is_orphaned(job->pid, NULL));
	assert_true(group_is_orphaned(job->pid, job));
	job->state = PROC_ZOMBIE;
	assert_true(group_is_orphaned(job->pid, NULL));
}

static void setpgid_keeps_to_its_rules(void **state)
{
	struct proc *a = make(shell, shell->pid), *b = make(shell, 0);

	(void)state;
	assert_int_equal(group_check_move(shell, a, a->pid), 0);
	assert_int_equal(group_check_move(shell, a, b->pid), 0);
	assert_int_equal(group_check_move(shell, a, 9999), -EPERM);
	assert_int_equal(group_check_move(shell, a, -1), -EINVAL);
	assert_int_equal(group_check_move(a, b, 0), -ESRCH);
	assert_int_equal(group_check_move(shell, shell, shell->pid), -EPERM); /* session leader */
	a->has_execed = true;
	assert_int_equal(group_check_move(shell, a, a->pid), -EACCES);
	assert_int_equal(group_check_move(a, a, a->pid), 0);
	b->sid = 77;
	assert_int_equal(group_check_move(shell, b, b->pid), -EPERM);
}

static void setsid_is_not_for_group_leaders(void **state)
{
	struct proc *a = make(shell, shell->pid), *b = make(shell, 0);

	(void)state;
	assert_int_equal(group_check_setsid(a), 0);
	assert_int_equal(group_check_setsid(b), -EPERM);
}

static void wait_finds_what_it_asks_for(void **state)
{
	struct proc *a = make(shell, 0), *b = make(shell, 0), *found;
	struct wait_spec any = {WAIT_BY_ANY, 0, WEXITED};
	struct wait_spec pid = {WAIT_BY_PID, b->pid, WEXITED};
	struct wait_spec group = {WAIT_BY_GROUP, a->pid, WEXITED | WSTOPPED};

	(void)state;
	assert_int_equal(wait_find(b, &any, &found), WAIT_NO_CHILD);
	assert_int_equal(wait_find(shell, &any, &found), WAIT_NOTHING);
	a->is_stopped = a->has_stop_report = true;
	a->stop_signo = SIGTSTP;
	assert_int_equal(wait_find(shell, &any, &found), WAIT_NOTHING);
	assert_int_equal(wait_find(shell, &group, &found), WAIT_STOPPED);
	assert_ptr_equal(found, a);
	assert_true(WIFSTOPPED(wait_status(WAIT_STOPPED, a)));
	assert_int_equal(WSTOPSIG(wait_status(WAIT_STOPPED, a)), SIGTSTP);
	b->state = PROC_EXITING;
	assert_int_equal(wait_find(shell, &pid, &found), WAIT_NOTHING);
	b->state = PROC_ZOMBIE;
	b->exit_status = 3 << 8;
	assert_int_equal(wait_find(shell, &pid, &found), WAIT_EXITED);
	assert_int_equal(WEXITSTATUS(wait_status(WAIT_EXITED, b)), 3);
	pid.id = 12345;
	assert_int_equal(wait_find(shell, &pid, &found), WAIT_NO_CHILD);
	a->is_stopped = false;
	a->has_cont_report = true;
	any.options = WCONTINUED;
	assert_int_equal(wait_find(shell, &any, &found), WAIT_CONTINUED);
	assert_true(WIFCONTINUED(wait_status(WAIT_CONTINUED, a)));
}

static void setuid_of_a_user_only_swaps(void **state)
{
	struct cred c = {.uid = 5, .euid = 0, .suid = 0};

	(void)state;
	assert_int_equal(cred_setresuid(&c, ID_KEEP, 5, ID_KEEP), 0);
	assert_int_equal(c.euid, 5);
	assert_int_equal(cred_setuid(&c, 7), -EPERM);
	assert_int_equal(cred_setuid(&c, 0), 0); /* the saved id */
	assert_int_equal(c.euid, 0);
	assert_int_equal(cred_setuid(&c, 9), 0);
	assert_int_equal(c.uid + c.euid + c.suid + c.fsuid, 36);
	assert_int_equal(cred_setuid(&c, 0), -EPERM);
	assert_int_equal(cred_setresuid(&c, ID_KEEP, ID_KEEP, 0), -EPERM);
	assert_int_equal(cred_setuid(&c, ID_KEEP), -EINVAL);
}

static void setreuid_moves_the_saved_id(void **state)
{
	struct cred c = {.uid = 5, .euid = 6, .suid = 6};

	(void)state;
	assert_int_equal(cred_setreuid(&c, 6, 5), 0);
	assert_int_equal(c.uid, 6);
	assert_int_equal(c.euid, 5);
	assert_int_equal(c.suid, 5);
	assert_int_equal(cred_setreuid(&c, 9, ID_KEEP), -EPERM);
	c = (struct cred){.gid = 1, .egid = 0, .euid = 0};
	assert_int_equal(cred_setregid(&c, ID_KEEP, 4), 0);
	assert_int_equal(c.egid, 4);
	assert_int_equal(cred_setgid(&c, 8), 0);
	assert_int_equal(cred_setresgid(&c, 1, 2, 3), 0);
	assert_int_equal(c.sgid, 3);
}

static void signals_need_the_same_user(void **state)
{
	struct cred root = {0}, a = {.uid = 5, .euid = 5, .suid = 5};
	struct cred b = {.uid = 6, .euid = 5, .suid = 6};

	(void)state;
	assert_true(cred_may_signal(&root, &a));
	assert_false(cred_may_signal(&a, &root));
	assert_true(cred_may_signal(&b, &a));
	assert_false(cred_may_signal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pids_are_not_reused_while_a_group_has_them, reset),
		cmocka_unit_test_setup(table_ends_without_harm, reset),
		cmocka_unit_test_setup(old_endpoints_are_unknown, reset),
		cmocka_unit_test_setup(group_is_orphaned_when_no_parent_watches, reset),
		cmocka_unit_test_setup(setpgid_keeps_to_its_rules, reset),
		cmocka_unit_test_setup(setsid_is_not_for_group_leaders, reset),
		cmocka_unit_test_setup(wait_finds_what_it_asks_for, reset),
		cmocka_unit_test(setuid_of_a_user_only_swaps),
		cmocka_unit_test(setreuid_moves_the_saved_id),
		cmocka_unit_test(signals_need_the_same_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
