/* SPDX-License-Identifier: BSD-2-Clause */
/* The only place that touches registers. Unit tests have a simulated controller instead. */
#include "ahci.h"

uint32_t reg_read(const volatile uint32_t *regs, unsigned reg)
{
	return regs[reg / 4];
}

void reg_write(volatile uint32_t *regs, unsigned reg, uint32_t value)
{
	regs[reg / 4] = value;
}
