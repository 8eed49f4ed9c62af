/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/pm/sig.c servers/pm/sigframe.c */
/* Pending signals, selection, siginfo, and the frame of a handler with its way back. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "servers/pm/sig.h"
#include "servers/pm/sigframe.h"

#define SA_RESTORER_FLAG 0x04000000u

static struct sig_pool pool;
static struct sig_pending pending;

static int reset(void **state)
{
	(void)state;
	memset(&pool, 0, sizeof(pool));
	memset(&pending, 0, sizeof(pending));
	return 0;
}

static int put(int signo, uint64_t value)
{
	struct sig_info i = {.signo = signo, .code = SI_QUEUE, .value = value};

	return sig_enqueue(&pool, &pending, &i);
}

static void standard_signal_is_pending_once(void **state)
{
	struct sig_info i;

	(void)state;
	assert_int_equal(put(SIGUSR1, 1), 0);
	assert_int_equal(put(SIGUSR1, 2), 0);
	assert_true(sig_take(&pool, &pending, SIGUSR1, &i));
	assert_int_equal(i.value, 1);
	assert_false(sig_take(&pool, &pending, SIGUSR1, &i));
}

static void realtime_signals_queue_in_order(void **state)
{
	struct sig_info i;

	(void)state;
	for (uint64_t v = 0; v < 5; v++)
		assert_int_equal(put(40, v), 0);
	for (uint64_t v = 0; v < 5; v++) {
		assert_true(sig_take(&pool, &pending, 40, &i));
		assert_int_equal(i.value, v);
	}
	assert_int_equal(pending.set, 0);
}

static void full_pool_refuses_realtime_and_keeps_standard(void **state)
{
	static struct sig_pending others[SIG_POOL / SIG_QUEUE_MAX];
	struct sig_info i = {.signo = 50};

	(void)state;
	memset(others, 0, sizeof(others));
	for (int n = 0; n < SIG_POOL; n++)
		assert_int_equal(sig_enqueue(&pool, &others[n / SIG_QUEUE_MAX], &i), 0);
	assert_int_equal(sig_enqueue(&pool, &others[0], &i), -EAGAIN);
	assert_int_equal(put(51, 0), -EAGAIN);
	assert_int_equal(put(SIGTERM, 7), 0);
	assert_true(sig_take(&pool, &pending, SIGTERM, &i));
	assert_int_equal(i.signo, SIGTERM);
	for (int n = 0; n < SIG_POOL / SIG_QUEUE_MAX; n++) {
		sig_discard(&pool, &others[n], ~0ull);
		assert_int_equal(others[n].head, 0);
		assert_int_equal(others[n].count, 0);
	}
	assert_int_equal(put(51, 0), 0);
}

static void discard_leaves_the_others(void **state)
{
	struct sig_info i;

	(void)state;
	put(SIGINT, 1);
	put(40, 2);
	put(40, 3);
	put(SIGHUP, 4);
	sig_discard(&pool, &pending, SIG_BIT(40));
	assert_int_equal(pending.set, SIG_BIT(SIGINT) | SIG_BIT(SIGHUP));
	assert_true(sig_take(&pool, &pending, SIGHUP, &i));
	assert_int_equal(i.value, 4);
}

static void faults_come_before_lower_numbers(void **state)
{
	(void)state;
	assert_int_equal(sig_next(0), 0);
	assert_int_equal(sig_next(SIG_BIT(SIGHUP) | SIG_BIT(SIGSEGV)), SIGSEGV);
	assert_int_equal(sig_next(SIG_BIT(SIGTERM) | SIG_BIT(SIGINT)), SIGINT);
	assert_int_equal(sig_next(SIG_BIT(64)), 64);
}

static void default_actions_are_those_of_signal_7(void **state)
{
	(void)state;
	assert_int_equal(sig_default_of(SIGTERM), SIGDEF_TERM);
	assert_int_equal(sig_default_of(SIGSEGV), SIGDEF_CORE);
	assert_int_equal(sig_default_of(SIGCHLD), SIGDEF_IGNORE);
	assert_int_equal(sig_default_of(SIGTSTP), SIGDEF_STOP);
	assert_int_equal(sig_default_of(SIGCONT), SIGDEF_CONT);
	assert_int_equal(sig_default_of(64), SIGDEF_TERM);
	assert_int_equal(sig_sanitize_mask(~0ull) & (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP)), 0);
}

static struct kregs start_regs(void)
{
	return (struct kregs){.rip = 0x401000,
	                      .rsp = 0x7ffeffff1238,
	                      .rax = 7,
	                      .rbx = 8,
	                      .r15 = 9,
	                      .rflags = 0x246,
	                      .orig_rax = ~0ull};
}

static void frame_is_aligned_below_the_red_zone(void **state)
{
	struct ksigaction act = {
		.handler = 0x402000, .flags = SA_RESTORER_FLAG, .restorer = 0x403000};
	struct sig_info info = {.signo = SIGUSR1, .code = SI_USER, .pid = 42, .uid = 3};
	struct kstack alt = {0};
	struct kregs regs = start_regs(), before = regs;
	struct sigframe_req req = {&act, &info, 0x55, &alt};
	struct sigframe_image img;

	(void)state;
	assert_int_equal(sigframe_build(&regs, &req, &img), 0);
	assert_int_equal((img.addr + 8) % 16, 0);
	assert_int_equal(img.fx_addr % 64, 0);
	assert_true(img.fx_addr + 512 <= regs.rsp - 128);
	assert_true(img.addr + sizeof(struct ksigframe) <= img.fx_addr);
	assert_int_equal(img.frame.pretcode, 0x403000);
	assert_int_equal(img.frame.info.u.from.pid, 42);
	assert_int_equal(img.frame.uc.stack.flags, KSS_DISABLE);
	sigframe_enter(&regs, &req, &img);
	assert_int_equal(regs.rdi, SIGUSR1);
	assert_int_equal(regs.rsi, img.addr + offsetof(struct ksigframe, info));
	assert_int_equal(regs.rsp, img.addr);
	assert_int_equal(sigframe_leave(&regs, &img.frame), 0);
	before.rflags = regs.rflags;
	assert_memory_equal(&regs, &before, offsetof(struct kregs, fs_base));
	assert_int_equal(img.frame.uc.sigmask, 0x55);
}

static void frame_goes_to_the_alternate_stack_once(void **state)
{
	struct ksigaction act = {.handler = 1, .flags = SA_ONSTACK};
	struct sig_info info = {.signo = SIGUSR1};
	struct kstack alt = {.sp = 0x600000, .size = 8192};
	struct kregs regs = start_regs();
	struct sigframe_req req = {&act, &info, 0, &alt};
	struct sigframe_image first, second;

	(void)state;
	assert_int_equal(sigframe_build(&regs, &req, &first), 0);
	assert_true(first.addr > alt.sp && first.fx_addr + 512 <= alt.sp + alt.size);
	sigframe_enter(&regs, &req, &first);
	assert_int_equal(sigframe_build(&regs, &req, &second), 0);
	assert_true(second.fx_addr + 512 <= first.addr - 128);
	assert_int_equal(second.frame.uc.stack.flags & KSS_ONSTACK, KSS_ONSTACK);
	regs.rsp = alt.sp + 600; /* overflow */
	assert_int_equal(sigframe_build(&regs, &req, &second), -EFAULT);
}

static void frame_on_a_wild_stack_is_refused(void **state)
{
	struct ksigaction act = {.handler = 1};
	struct sig_info info = {.signo = SIGSEGV};
	struct kstack alt = {0};
	struct kregs regs = start_regs();
	struct sigframe_req req = {&act, &info, 0, &alt};
	struct sigframe_image img;
	const uint64_t wild[] = {0, 100, 0x1000, ~0ull, 0x800000000000};

	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		regs.rsp = wild[i];
		assert_int_equal(sigframe_build(&regs, &req, &img), -EFAULT);
	}
}

static void sigreturn_cannot_gain_privilege(void **state)
{
	struct ksigframe f;
	struct kregs regs = {0};

	(void)state;
	memset(&f, 0, sizeof(f));
	f.uc.mc.eflags = ~0ull;
	assert_int_equal(sigframe_leave(&regs, &f), 0);
	assert_int_equal(regs.rflags & 0x3000, 0); /* IOPL */
	assert_int_equal(regs.rflags & 0x200, 0x200);
	f.uc.mc.rip = 0xffffffff80000000;
	assert_int_equal(sigframe_leave(&regs, &f), -EFAULT);
}

static struct kregs interrupted(uint64_t call)
{
	return (struct kregs){
		.rip = 1002, .rax = (uint64_t)(int64_t)-ERESTARTSYS, .orig_rax = call};
}

static void restart_follows_sa_restart(void **state)
{
	struct kregs r = interrupted(SYS_read);

	(void)state;
	sigframe_restart(&r, true, 0);
	assert_int_equal((int64_t)r.rax, -EINTR);
	assert_int_equal(r.rip, 1002);
	r = interrupted(SYS_read);
	sigframe_restart(&r, true, SA_RESTART);
	assert_int_equal(r.rax, SYS_read);
	assert_int_equal(r.rip, 1000);
	sigframe_restart(&r, true, 0); /* only once */
	assert_int_equal(r.rip, 1000);
	r = interrupted(SYS_poll);
	sigframe_restart(&r, true, SA_RESTART);
	assert_int_equal((int64_t)r.rax, -EINTR);
	r = interrupted(SYS_poll);
	sigframe_restart(&r, false, 0);
	assert_int_equal(r.rax, SYS_poll);
	r = interrupted(SYS_read);
	r.rax = 5;
	sigframe_restart(&r, true, 0);
	assert_int_equal(r.rax, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(standard_signal_is_pending_once, reset),
		cmocka_unit_test_setup(realtime_signals_queue_in_order, reset),
		cmocka_unit_test_setup(full_pool_refuses_realtime_and_keeps_standard, reset),
		cmocka_unit_test_setup(discard_leaves_the_others, reset),
		cmocka_unit_test(faults_come_before_lower_numbers),
		cmocka_unit_test(default_actions_are_those_of_signal_7),
		cmocka_unit_test(frame_is_aligned_below_the_red_zone),
		cmocka_unit_test(frame_goes_to_the_alternate_stack_once),
		cmocka_unit_test(frame_on_a_wild_stack_is_refused),
		cmocka_unit_test(sigreturn_cannot_gain_privilege),
		cmocka_unit_test(restart_follows_sa_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
