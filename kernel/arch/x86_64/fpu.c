/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FPU and SSE registers, switched lazily: a process that does not use them never pays. CR0.TS is
 * set while the registers belong to somebody else; the first use raises #NM. AVX stays off (no
 * OSXSAVE).
 */
#include "proc.h"

#define CR0_TS (1ul << 3)

static void set_ts(bool on)
{
	uint64_t cr0 = read_cr0();

	if (!on)
		__asm__ volatile("clts");
	else if (!(cr0 & CR0_TS))
		write_cr0(cr0 | CR0_TS);
}

void fpu_switch(struct proc *p)
{
	set_ts(this_cpu()->fpu_owner != p);
}

void fpu_save(struct proc *p)
{
	if (this_cpu()->fpu_owner != p)
		return;
	set_ts(false);
	__asm__ volatile("fxsave64 %0" : "=m"(p->fx));
	set_ts(this_cpu()->current != p);
}

void fpu_take(struct proc *p)
{
	struct cpu *c = this_cpu();

	if (c->fpu_owner)
		fpu_save(c->fpu_owner);
	set_ts(false);
	__asm__ volatile("fxrstor64 %0" : : "m"(p->fx));
	c->fpu_owner = p;
}

void fpu_forget(struct proc *p)
{
	if (this_cpu()->fpu_owner != p)
		return;
	this_cpu()->fpu_owner = NULL;
	set_ts(true);
}

/* State after FNINIT with the MXCSR of the psABI (3.2.3). */
void fpu_reset(uint8_t fx[512])
{
	const uint16_t fcw = 0x37f;
	const uint32_t mxcsr = 0x1f80;

	memset(fx, 0, 512);
	memcpy(fx, &fcw, sizeof(fcw));
	memcpy(fx + 24, &mxcsr, sizeof(mxcsr));
}
