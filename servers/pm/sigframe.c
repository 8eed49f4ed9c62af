/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building and reading signal frames (see sigframe.h). The kernel checks registers again when pm
 * loads them (SIGRETURN); the checks here only decide between a good frame and SIGSEGV. References:
 * System V psABI 3.2.2 (red zone, alignment), Linux UAPI asm/sigcontext.h, signal(7).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include "axolotl/errno.h"
#include "axolotl/vm.h"
#include "sigframe.h"

#define RED_ZONE        128
#define FX_BYTES        512
#define CALL_INSN_BYTES 2 /* syscall */
#define FLAG_TF         0x100u
#define FLAG_DF         0x400u
#define FLAG_RF         0x10000u
/* CF PF AF ZF SF TF DF OF RF AC: what a program may set by itself. */
#define FLAGS_USER      0x50dd5u
#define FLAGS_FIXED     0x202u /* bit 1, IF */
#define USER_CS         0x33
#define USER_SS         0x2b

bool sigframe_on_alt(const struct kstack *alt, uint64_t sp)
{
	return alt->size != 0 && sp > alt->sp && sp - alt->sp <= alt->size;
}

static uint64_t stack_top(const struct kregs *regs, const struct sigframe_req *req)
{
	if ((req->act->flags & SA_ONSTACK) && req->alt->size != 0 &&
	    !sigframe_on_alt(req->alt, regs->rsp))
		return req->alt->sp + req->alt->size;
	return regs->rsp - RED_ZONE;
}

static void put_context(struct ksigcontext *mc, const struct kregs *r)
{
	mc->r8 = r->r8;
	mc->r9 = r->r9;
	mc->r10 = r->r10;
	mc->r11 = r->r11;
	mc->r12 = r->r12;
	mc->r13 = r->r13;
	mc->r14 = r->r14;
	mc->r15 = r->r15;
	mc->rdi = r->rdi;
	mc->rsi = r->rsi;
	mc->rbp = r->rbp;
	mc->rbx = r->rbx;
	mc->rdx = r->rdx;
	mc->rax = r->rax;
	mc->rcx = r->rcx;
	mc->rsp = r->rsp;
	mc->rip = r->rip;
	mc->eflags = r->rflags;
	mc->cs = USER_CS;
	mc->ss = USER_SS;
}

int sigframe_build(const struct kregs *regs, const struct sigframe_req *req,
                   struct sigframe_image *img)
{
	uint64_t top = stack_top(regs, req);
	bool is_switch = top != regs->rsp - RED_ZONE;
	struct kucontext *uc = &img->frame.uc;

	if (top < FX_BYTES + sizeof(struct ksigframe) + 4096 || top > VM_USER_TOP)
		return -EFAULT;
	img->fx_addr = (top - FX_BYTES) & ~63ull;
	img->addr = ((img->fx_addr - sizeof(struct ksigframe)) & ~15ull) - 8;
	if (is_switch && img->addr < req->alt->sp)
		return -EFAULT;
	if (!is_switch && sigframe_on_alt(req->alt, regs->rsp) &&
	    !sigframe_on_alt(req->alt, img->addr))
		return -EFAULT;
	memset(&img->frame, 0, sizeof(img->frame));
	img->frame.pretcode = req->act->restorer;
	uc->flags = KUC_SIGCONTEXT_SS | KUC_STRICT_RESTORE_SS;
	uc->stack = *req->alt;
	if (!req->alt->size)
		uc->stack.flags = KSS_DISABLE;
	else if (sigframe_on_alt(req->alt, regs->rsp))
		uc->stack.flags |= KSS_ONSTACK;
	put_context(&uc->mc, regs);
	uc->mc.fpstate = img->fx_addr;
	uc->mc.oldmask = req->mask;
	if (req->info->signo == SIGSEGV || req->info->signo == SIGBUS)
		uc->mc.cr2 = req->info->value;
	uc->sigmask = req->mask;
	sig_expand(req->info, &img->frame.info);
	return 0;
}

void sigframe_enter(struct kregs *regs, const struct sigframe_req *req,
                    const struct sigframe_image *img)
{
	regs->rdi = (uint64_t)req->info->signo;
	regs->rsi = img->addr + offsetof(struct ksigframe, info);
	regs->rdx = img->addr + offsetof(struct ksigframe, uc);
	regs->rax = 0;
	regs->rsp = img->addr;
	regs->rip = req->act->handler;
	regs->rflags &= ~(uint64_t)(FLAG_TF | FLAG_DF | FLAG_RF);
	regs->orig_rax = ~0ull;
}

int sigframe_leave(struct kregs *regs, const struct ksigframe *frame)
{
	const struct ksigcontext *mc = &frame->uc.mc;

	if (mc->rip >= VM_USER_TOP || mc->rsp >= VM_USER_TOP)
		return -EFAULT;
	regs->r8 = mc->r8;
	regs->r9 = mc->r9;
	regs->r10 = mc->r10;
	regs->r11 = mc->r11;
	regs->r12 = mc->r12;
	regs->r13 = mc->r13;
	regs->r14 = mc->r14;
	regs->r15 = mc->r15;
	regs->rdi = mc->rdi;
	regs->rsi = mc->rsi;
	regs->rbp = mc->rbp;
	regs->rbx = mc->rbx;
	regs->rdx = mc->rdx;
	regs->rax = mc->rax;
	regs->rcx = mc->rcx;
	regs->rsp = mc->rsp;
	regs->rip = mc->rip;
	regs->rflags = (mc->eflags & FLAGS_USER) | FLAGS_FIXED;
	regs->orig_rax = ~0ull;
	return 0;
}

bool sigframe_is_eintr_only(uint64_t number)
{
	static const uint16_t calls[] = {
		SYS_pause,      SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_nanosleep,
		SYS_poll,       SYS_ppoll,         SYS_select,          SYS_pselect6,
		SYS_epoll_wait, SYS_epoll_pwait,   SYS_clock_nanosleep, SYS_semop,
		SYS_semtimedop, SYS_msgrcv,        SYS_msgsnd,          SYS_io_getevents,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == number)
			return true;
	return false;
}

void sigframe_restart(struct kregs *regs, bool has_handler, uint64_t sa_flags)
{
	if (regs->orig_rax == ~0ull || (int64_t)regs->rax != -ERESTARTSYS)
		return;
	if (has_handler && (!(sa_flags & SA_RESTART) || sigframe_is_eintr_only(regs->orig_rax))) {
		regs->rax = (uint64_t)(int64_t)-EINTR;
	} else {
		regs->rax = regs->orig_rax;
		regs->rip -= CALL_INSN_BYTES;
	}
	regs->orig_rax = ~0ull;
}
