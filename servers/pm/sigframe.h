/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame of a signal handler on the user's stack, as Linux x86-64 lays it out. Pure.
 *
 *   high   interrupted stack, 128 bytes of red zone (or the top of the alternate stack)
 *          FXSAVE image, 512 bytes, aligned to 64
 *          struct ksigframe, so that (frame + 8) % 16 == 0
 *   low    frame = rsp of the handler: pretcode is its return address (SA_RESTORER)
 */
#ifndef PM_SIGFRAME_H
#define PM_SIGFRAME_H

#include "axolotl/kcall.h"
#include "sig.h"

struct sigframe_req {
	const struct ksigaction *act;
	const struct sig_info *info;
	uint64_t mask; /* to be restored by rt_sigreturn */
	const struct kstack *alt;
};
struct sigframe_image {
	uint64_t addr;    /* of the frame in the application */
	uint64_t fx_addr; /* of the FXSAVE image */
	struct ksigframe frame;
};

/* Is sp on the alternate stack? */
bool sigframe_on_alt(const struct kstack *alt, uint64_t sp);
/* Builds the frame for regs; -EFAULT if there is no room for it in the address space. */
int sigframe_build(const struct kregs *regs, const struct sigframe_req *req,
                   struct sigframe_image *img);
/* Registers with which the handler starts. */
void sigframe_enter(struct kregs *regs, const struct sigframe_req *req,
                    const struct sigframe_image *img);
/* rt_sigreturn: registers from the frame; flags are cleaned, addresses checked (-EFAULT). */
int sigframe_leave(struct kregs *regs, const struct ksigframe *frame);
/* After a call that ended with -ERESTARTSYS: go back to the call instruction, or -EINTR. */
void sigframe_restart(struct kregs *regs, bool has_handler, uint64_t sa_flags);
/* Calls that are never repeated once a handler ran, whatever SA_RESTART says (signal(7)). */
bool sigframe_is_eintr_only(uint64_t number);

#endif
