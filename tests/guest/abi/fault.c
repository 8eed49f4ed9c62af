/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults as signals, and bad pointers as EFAULT. */
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include "abi.h"

static int *volatile wild = (int *)0x10;

static sigjmp_buf jump;
static volatile sig_atomic_t signo_seen, code_seen;
static void *volatile addr_seen;

static void on_fault(int signo, siginfo_t *info, void *uc)
{
	(void)uc;
	signo_seen = signo;
	code_seen = info->si_code;
	addr_seen = info->si_addr;
	siglongjmp(jump, 1);
}

static void catch_fault(int signo)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO};

	a.sa_sigaction = on_fault;
	CHECK(sigaction(signo, &a, NULL) == 0);
}

static void wild_write_tells_its_address(void)
{
	catch_fault(SIGSEGV);
	if (sigsetjmp(jump, 1) == 0) {
		*wild = 1;
		CHECK(false);
	}
	CHECK(signo_seen == SIGSEGV && code_seen == SEGV_MAPERR && addr_seen == wild);
}

static void write_to_read_only_is_accerr(void)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK(*(volatile char *)p == 0);
	catch_fault(SIGSEGV);
	if (sigsetjmp(jump, 1) == 0) {
		*(volatile char *)p = 1;
		CHECK(false);
	}
	CHECK(signo_seen == SIGSEGV && code_seen == SEGV_ACCERR && addr_seen == p);
}

static void division_by_zero_is_sigfpe(void)
{
	catch_fault(SIGFPE);
	if (sigsetjmp(jump, 1) == 0) {
		__asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cdq; idiv %%ecx" ::
		                         : "eax", "ecx", "edx", "cc");
		CHECK(false);
	}
	CHECK(signo_seen == SIGFPE && code_seen == FPE_INTDIV);
}

static void bad_instruction_is_sigill(void)
{
	catch_fault(SIGILL);
	if (sigsetjmp(jump, 1) == 0) {
		__asm__ volatile("ud2");
		CHECK(false);
	}
	CHECK(signo_seen == SIGILL);
}

static void privileged_instruction_is_sigsegv(void)
{
	catch_fault(SIGSEGV);
	if (sigsetjmp(jump, 1) == 0) {
		__asm__ volatile("hlt");
		CHECK(false);
	}
	CHECK(signo_seen == SIGSEGV);
}

static void blocked_fault_is_death(void)
{
	sigset_t all;
	pid_t pid = fork();

	if (pid == 0) {
		catch_fault(SIGSEGV);
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		*wild = 1;
		_exit(0);
	}
	CHECK(WTERMSIG(wait_for(pid)) == SIGSEGV);
}

static volatile sig_atomic_t skipped;

static void skip_it(int signo, siginfo_t *info, void *uc)
{
	ucontext_t *c = uc;

	(void)signo;
	(void)info;
	c->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
	c->uc_mcontext.gregs[REG_RAX] = 1234;
	skipped++;
}

static void handler_may_change_the_context(void)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO};
	uint64_t rax = 1;

	a.sa_sigaction = skip_it;
	CHECK(sigaction(SIGILL, &a, NULL) == 0);
	__asm__ volatile("ud2" : "+a"(rax)::"memory");
	CHECK(rax == 1234 && skipped == 1);
}

static char overflow_stack[65536];

static void stack_overflow_is_caught_on_the_other_stack(void)
{
	stack_t s = {.ss_sp = overflow_stack, .ss_size = sizeof(overflow_stack)};
	struct sigaction a = {.sa_flags = SA_SIGINFO | SA_ONSTACK};

	a.sa_sigaction = on_fault;
	CHECK(sigaltstack(&s, NULL) == 0);
	CHECK(sigaction(SIGSEGV, &a, NULL) == 0);
	if (sigsetjmp(jump, 1) == 0) {
		__asm__ volatile("mov $64, %%rsp; push %%rax" ::: "memory");
		CHECK(false);
	}
	CHECK(signo_seen == SIGSEGV);
}

static void no_stack_for_the_handler_is_death(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		catch_fault(SIGSEGV);
		__asm__ volatile("mov $64, %%rsp; push %%rax" ::: "memory");
		_exit(0);
	}
	CHECK(WTERMSIG(wait_for(pid)) == SIGSEGV);
}

static void bad_pointers_are_efault(void)
{
	const struct {
		long number;
		long args[4];
	} calls[] = {
		{SYS_rt_sigaction, {SIGUSR1, 16, 0, 8}},
		{SYS_rt_sigprocmask, {SIG_BLOCK, 16, 0, 8}},
		{SYS_rt_sigpending, {16, 8, 0, 0}},
		{SYS_rt_sigsuspend, {16, 8, 0, 0}},
		{SYS_rt_sigtimedwait, {16, 0, 0, 8}},
		{SYS_nanosleep, {16, 0, 0, 0}},
		{SYS_clock_gettime, {CLOCK_MONOTONIC, 16, 0, 0}},
		{SYS_gettimeofday, {16, 0, 0, 0}},
		{SYS_uname, {16, 0, 0, 0}},
		{SYS_getrlimit, {RLIMIT_CORE, 16, 0, 0}},
		{SYS_setrlimit, {RLIMIT_CORE, 16, 0, 0}},
		{SYS_getrusage, {RUSAGE_SELF, 16, 0, 0}},
		{SYS_sysinfo, {16, 0, 0, 0}},
		{SYS_times, {16, 0, 0, 0}},
		{SYS_setitimer, {ITIMER_REAL, 16, 0, 0}},
		{SYS_getitimer, {ITIMER_REAL, 16, 0, 0}},
		{SYS_getresuid, {16, 16, 16, 0}},
		{SYS_getrandom, {16, 8, 0, 0}},
		{SYS_futex, {16, 0, 0, 0}},
		{SYS_getrandom, {(long)0xffff800000000000, 8, 0, 0}},
		{SYS_uname, {-8, 0, 0, 0}},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const long *a = calls[i].args;
		errno = 0;
		if (syscall(calls[i].number, a[0], a[1], a[2], a[3]) != -1 || errno != EFAULT) {
			printf("  call %ld: errno %d\n", calls[i].number, errno);
			CHECK(false);
		}
	}
}

static void wait_with_a_bad_pointer_keeps_the_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	sleep_us(20000);
	errno = 0;
	if (waitpid(pid, wild, 0) == -1) {
		CHECK(errno == EFAULT);
		/* Linux has reaped it by now, we have not: both are allowed. */
		(void)waitpid(pid, NULL, WNOHANG);
	}
}

static void unknown_calls_are_enosys(void)
{
	CHECK_ERR(syscall(5000), ENOSYS);
	CHECK_ERR(syscall(SYS_afs_syscall), ENOSYS);
	CHECK_ERR(syscall(-5), ENOSYS);
}

const struct row rows_fault[] = {
	{"wild_write_tells_its_address", wild_write_tells_its_address},
	{"write_to_read_only_is_accerr", write_to_read_only_is_accerr},
	{"division_by_zero_is_sigfpe", division_by_zero_is_sigfpe},
	{"bad_instruction_is_sigill", bad_instruction_is_sigill},
	{"privileged_instruction_is_sigsegv", privileged_instruction_is_sigsegv},
	{"blocked_fault_is_death", blocked_fault_is_death},
	{"handler_may_change_the_context", handler_may_change_the_context},
	{"stack_overflow_is_caught_on_the_other_stack",
         stack_overflow_is_caught_on_the_other_stack},
	{"no_stack_for_the_handler_is_death", no_stack_for_the_handler_is_death},
	{"bad_pointers_are_efault", bad_pointers_are_efault},
	{"wait_with_a_bad_pointer_keeps_the_child", wait_with_a_bad_pointer_keeps_the_child},
	{"unknown_calls_are_enosys", unknown_calls_are_enosys},
	{NULL, NULL},
};
