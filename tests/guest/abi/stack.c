/* SPDX-License-Identifier: BSD-2-Clause */
/* Where handlers run, and what they must leave as it was: stacks, registers, masks. */
#include <setjmp.h>
#include <sys/syscall.h>
#include "abi.h"

static volatile sig_atomic_t count;

static char alt_stack[65536];
static volatile uintptr_t where;
static volatile int altstack_error;

static void on_alt(int signo)
{
	stack_t none = {.ss_flags = SS_DISABLE}, now;

	(void)signo;
	where = (uintptr_t)__builtin_frame_address(0);
	altstack_error = sigaltstack(&none, NULL) == -1 ? errno : 0;
	if (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_ONSTACK))
		altstack_error = -1;
}

static void handler_uses_the_alternate_stack(void)
{
	stack_t s = {.ss_sp = alt_stack, .ss_size = sizeof(alt_stack)}, old;

	CHECK(sigaltstack(&s, &old) == 0);
	CHECK(old.ss_flags & SS_DISABLE);
	catch_signal(SIGUSR1, on_alt, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(where > (uintptr_t)alt_stack && where < (uintptr_t)alt_stack + sizeof(alt_stack));
	CHECK(altstack_error == EPERM);
	CHECK(sigaltstack(NULL, &old) == 0);
	CHECK(old.ss_sp == alt_stack && old.ss_flags == 0);
	s.ss_size = 100;
	CHECK_ERR(sigaltstack(&s, NULL), ENOMEM);
}

static void clobber(int signo)
{
	double x = 3.0;

	(void)signo;
	for (int i = 0; i < 50; i++)
		__asm__ volatile("addsd %0, %0; movq %0, %%xmm7; movq %0, %%xmm15"
		                 : "+x"(x)::"xmm7", "xmm15");
	__asm__ volatile("" ::: "rbx", "r10", "r15");
	count++;
}

/* All registers of the interrupted code come back: it raises by the bare call and compares. */
static void registers_survive_a_handler(void)
{
	uint64_t bad;
	pid_t pid = getpid();

	catch_signal(SIGUSR1, clobber, 0);
	__asm__ volatile("movabs $0x1111222233334444, %%rbx\n"
	                 "movabs $0x5555666677778888, %%r15\n"
	                 "movabs $0x123456789abcdef0, %%r10\n"
	                 "movq %%rbx, %%xmm7\n"
	                 "movq %%r15, %%xmm15\n"
	                 "syscall\n"
	                 "movabs $0x1111222233334444, %%rdx\n"
	                 "xor %%rdx, %%rbx\n"
	                 "movabs $0x123456789abcdef0, %%rcx\n"
	                 "xor %%rcx, %%r10\n"
	                 "or %%r10, %%rbx\n"
	                 "movq %%xmm7, %%rcx\n"
	                 "xor %%rdx, %%rcx\n"
	                 "or %%rcx, %%rbx\n"
	                 "movabs $0x5555666677778888, %%rdx\n"
	                 "movq %%xmm15, %%rcx\n"
	                 "xor %%rdx, %%rcx\n"
	                 "or %%rcx, %%rbx\n"
	                 "xor %%rdx, %%r15\n"
	                 "or %%r15, %%rbx\n"
	                 "or %%rbx, %%rax\n"
	                 : "=a"(bad)
	                 : "a"((uint64_t)SYS_kill), "D"((uint64_t)pid), "S"((uint64_t)SIGUSR1)
	                 : "rbx", "rcx", "rdx", "r10", "r11", "r15", "xmm7", "xmm15", "memory",
	                   "cc");
	CHECK(bad == 0);
	CHECK(count == 1);
}

static sigjmp_buf jump;

static void jump_out(int signo)
{
	siglongjmp(jump, signo);
}

static void longjmp_restores_the_mask(void)
{
	sigset_t now;

	catch_signal(SIGUSR1, jump_out, 0);
	for (volatile int i = 0; i < 3; i++)
		if (sigsetjmp(jump, 1) == 0) {
			raise(SIGUSR1);
			CHECK(false);
		}
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(!sigismember(&now, SIGUSR1));
}

const struct row rows_stack[] = {
	{"handler_uses_the_alternate_stack", handler_uses_the_alternate_stack},
	{"registers_survive_a_handler", registers_survive_a_handler},
	{"longjmp_restores_the_mask", longjmp_restores_the_mask},
	{NULL, NULL},
};
