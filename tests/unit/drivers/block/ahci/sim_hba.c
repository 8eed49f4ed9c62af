/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, interrupts and links of the simulated controller: see sim.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/block/ahci/ahci.h"
#include "random/random.h"
#include "sim.h"

#define ACCESS_NS  250u
#define SETTLE_NS  2000u /* FR follows FRE */
#define HOLD_NS    1000000u
#define LINK_UP    0x123u /* 3 Gbit/s, active */
#define RESET_NS   5000000u
#define RFIS_D2H   0x40
#define CMD_WRITES (CMD_ST | CMD_FRE | CMD_SUD | CMD_POD | CMD_ICC_ACTIVE)

struct sim sim;
uint64_t *sim_clock;
volatile uint32_t sim_bar[SIM_BAR_BYTES / 4];

void sim_wrong(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail_msg("controller at %llu us: %s", (unsigned long long)(*sim_clock / 1000), text);
}

uint32_t sim_random(uint32_t below)
{
	return random_below(&sim.random, below);
}

void sim_plan(struct sim_plan *plan, enum sim_fate fate, unsigned count)
{
	while (count-- > 0) {
		assert_true(plan->count < SIM_PLAN_MAX);
		plan->fate[plan->count++] = fate;
	}
}

/* ---- interrupts ---- */

/* PRCS and PCS show bits of PxSERR, and go with them. */
static uint32_t causes(const struct sim_port *p)
{
	return p->is | (p->serr & SERR_DIAG_N ? PIS_PRCS : 0) |
	       (p->serr & SERR_DIAG_X ? PIS_PCS : 0);
}

/* One message each time that a port's bit becomes set. */
static void update_interrupts(void)
{
	for (unsigned i = 0; i < SIM_PORTS; i++) {
		const struct sim_port *p = &sim.port[i];

		if (!(causes(p) & p->ie) || (sim.is >> i & 1))
			continue;
		sim.is |= 1u << i;
		sim.has_interrupt |= (sim.ghc & GHC_IE) != 0;
	}
}

void sim_raise(struct sim_port *p, uint32_t bits)
{
	p->is |= bits;
	update_interrupts();
}

bool sim_take_interrupt(void)
{
	bool has = sim.has_interrupt;

	sim.has_interrupt = false;
	return has;
}

void sim_spurious(unsigned port, uint32_t bits)
{
	sim_raise(&sim.port[port], bits);
}

/* ---- links ---- */

static void link_down(struct sim_port *p)
{
	p->ssts = 0;
	p->t_link = p->t_signature = 0;
	sim_drop_slots(p); /* PxCI and PxSACT stay */
}

static void link_up(struct sim_port *p)
{
	p->t_link = 0;
	p->ssts = LINK_UP;
	p->serr |= SERR_DIAG_N | SERR_DIAG_X;
	p->tfd = TFD_BSY;
	p->t_signature = *sim_clock + sim.signature_ns;
	p->disk->is_queue_failed = false;
	update_interrupts();
}

/* Without FRE, or while PxSERR.DIAG.X is set, the FIS waits. */
static void signature(struct sim_port *p)
{
	p->t_signature = 0;
	if (p->has_stuck_bsy)
		return;
	if (!(p->cmd & CMD_FRE) || (p->serr & SERR_DIAG_X)) {
		p->t_signature = *sim_clock + SETTLE_NS;
		return;
	}
	p->tfd = TFD_READY;
	p->sig = p->signature;
	sim_receive(p, RFIS_D2H, 0x34);
	sim_fetch_again(p); /* a list that nobody stopped is sent again */
}

void sim_plug(unsigned port, struct sim_disk *disk)
{
	struct sim_port *p = &sim.port[port];

	assert_null(p->disk);
	p->disk = disk;
	if ((p->sctl & 0xf) == 0 && p->cmd & CMD_SUD)
		p->t_link = *sim_clock + sim.link_ns;
}

void sim_unplug(unsigned port)
{
	struct sim_port *p = &sim.port[port];

	if (p->disk == NULL)
		return;
	sim_disk_lose_power(p->disk);
	p->disk = NULL;
	p->tfd = TFD_NONE;
	if (SSTS_DET(p->ssts) == DET_PRESENT)
		p->serr |= SERR_DIAG_N;
	link_down(p);
	update_interrupts();
}

void sim_glitch(unsigned port, bool with_reset)
{
	struct sim_port *p = &sim.port[port];
	uint32_t ssts = p->ssts;

	if (SSTS_DET(ssts) != DET_PRESENT)
		return;
	link_down(p);
	if (with_reset) {
		link_up(p);
		return;
	}
	p->ssts = ssts;
	p->serr |= SERR_DIAG_N;
	update_interrupts();
}

/* ---- events ---- */

static void reset_done(void)
{
	sim.t_reset_done = 0;
	sim.ghc = 0;
	sim.is = 0;
	for (unsigned i = 0; i < SIM_PORTS; i++) {
		struct sim_port *p = &sim.port[i];

		p->clb = p->fb = 0;
		p->is = p->ie = p->sctl = p->serr = p->sact = p->ci = 0;
		p->cmd = CMD_SUD | CMD_POD;
		p->tfd = TFD_NONE;
		p->sig = ~0u;
		p->t_cr = p->t_fr = 0;
		p->is_halted = p->has_stuck_cr = p->has_stuck_fr = false;
		sim_drop_slots(p);
		link_down(p);
		if (p->disk != NULL)
			p->t_link = *sim_clock + sim.link_ns;
	}
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint64_t next_of(const struct sim_port *p)
{
	uint64_t t = sooner(sooner(p->t_cr, p->t_fr), sooner(p->t_link, p->t_signature));

	for (unsigned i = 0; i < SLOTS_MAX; i++)
		t = sooner(t, sooner(p->slots[i].t_fetch, p->slots[i].t_done));
	return t;
}

uint64_t sim_next(void)
{
	uint64_t t = sim.t_reset_done;

	for (unsigned i = 0; i < SIM_PORTS; i++)
		t = sooner(t, next_of(&sim.port[i]));
	return t;
}

static void engine_off(struct sim_port *p)
{
	p->t_cr = 0;
	sim_stopping(p);
	p->cmd &= ~CMD_CR;
	p->is_halted = false;
	sim_drop_slots(p);
}

static void run_slots(struct sim_port *p, uint64_t t)
{
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		if (p->slots[i].t_fetch == t)
			sim_fetch(p, i);
		else if (p->slots[i].t_done == t)
			sim_complete(p, i);
	}
}

static void run_port(struct sim_port *p, uint64_t t)
{
	if (p->t_cr == t) {
		engine_off(p);
	} else if (p->t_fr == t) {
		p->t_fr = 0;
		p->cmd &= ~CMD_FR;
	} else if (p->t_link == t) {
		link_up(p);
	} else if (p->t_signature == t) {
		signature(p);
	} else {
		run_slots(p, t);
	}
}

void sim_run(void)
{
	uint64_t now = *sim_clock, t;

	while ((t = sim_next()) != 0 && t <= now) {
		if (t == sim.t_reset_done) {
			reset_done();
			continue;
		}
		for (unsigned i = 0; i < SIM_PORTS; i++)
			if (next_of(&sim.port[i]) == t)
				run_port(&sim.port[i], t);
	}
}

/* ---- registers ---- */

static void start_engine(struct sim_port *p)
{
	if (p->cmd & CMD_CR)
		sim_wrong("ST is set while CR is set");
	if (!(p->cmd & CMD_FRE))
		sim_wrong("ST is set without FRE");
	if (p->tfd & (TFD_BSY | TFD_DRQ) || SSTS_DET(p->ssts) != DET_PRESENT)
		sim_wrong("ST is set, status %02x, link %03x", p->tfd, p->ssts);
	p->cmd |= CMD_CR;
}

static void stop_engine(struct sim_port *p)
{
	p->ci = p->sact = 0;
	p->t_cr = p->has_stuck_cr ? 0 : *sim_clock + sim.stop_ns;
}

static void write_cmd(struct sim_port *p, uint32_t value)
{
	uint32_t changed = p->cmd ^ value;

	if (changed & value & CMD_FRE) {
		p->t_fr = 0;
		p->cmd |= CMD_FR;
	}
	if (changed & ~value & CMD_FRE) {
		if (value & CMD_ST || p->cmd & CMD_CR)
			sim_wrong("FRE is cleared while the engine runs");
		p->t_fr = p->has_stuck_fr ? 0 : *sim_clock + SETTLE_NS;
	}
	p->cmd = (p->cmd & ~CMD_WRITES) | (value & CMD_WRITES & ~CMD_ICC_ACTIVE);
	if (changed & value & CMD_ST)
		start_engine(p);
	if (changed & ~value & CMD_ST)
		stop_engine(p);
}

static void write_sctl(struct sim_port *p, uint32_t value)
{
	bool was = (p->sctl & 0xf) == SCTL_DET_RESET, is = (value & 0xf) == SCTL_DET_RESET;

	p->sctl = value;
	if (is && !was) {
		if (p->cmd & (CMD_ST | CMD_CR))
			sim_wrong("COMRESET while the engine runs");
		p->comresets++;
		p->t_reset = *sim_clock;
		p->tfd = TFD_NONE;
		if (SSTS_DET(p->ssts) == DET_PRESENT)
			p->serr |= SERR_DIAG_N;
		link_down(p);
	} else if (was && !is) {
		if (*sim_clock - p->t_reset < HOLD_NS)
			sim_wrong("COMRESET of %llu us",
			          (unsigned long long)(*sim_clock - p->t_reset) / 1000);
		if (p->disk != NULL)
			p->t_link = *sim_clock + sim.link_ns;
	}
}

static void write_base(const struct sim_port *p, uint64_t *base, unsigned shift, uint32_t value)
{
	uint64_t now = (*base & ~(0xffffffffull << shift)) | (uint64_t)value << shift;

	if (now != *base && p->cmd & (CMD_CR | (base == &p->fb ? CMD_FR : 0)))
		sim_wrong("a base address is changed while an engine runs");
	*base = now;
}

static uint32_t read_port(const struct sim_port *p, unsigned reg)
{
	switch (reg) {
	case PX_CLB: return (uint32_t)p->clb;
	case PX_CLBU: return (uint32_t)(p->clb >> 32);
	case PX_FB: return (uint32_t)p->fb;
	case PX_FBU: return (uint32_t)(p->fb >> 32);
	case PX_IS: return causes(p);
	case PX_IE: return p->ie;
	case PX_CMD: return p->cmd;
	case PX_TFD: return p->tfd;
	case PX_SIG: return p->sig;
	case PX_SSTS: return p->ssts;
	case PX_SCTL: return p->sctl;
	case PX_SERR: return p->serr;
	case PX_SACT: return p->sact;
	case PX_CI: return p->ci;
	default: sim_wrong("port register %#x is read", reg); return 0;
	}
}

static void write_port(struct sim_port *p, unsigned reg, uint32_t value)
{
	switch (reg) {
	case PX_CLB: write_base(p, &p->clb, 0, value); break;
	case PX_CLBU: write_base(p, &p->clb, 32, value); break;
	case PX_FB: write_base(p, &p->fb, 0, value); break;
	case PX_FBU: write_base(p, &p->fb, 32, value); break;
	case PX_IS: p->is &= ~value; break;
	case PX_IE: p->ie = value; break;
	case PX_CMD: write_cmd(p, value); break;
	case PX_SCTL: write_sctl(p, value); break;
	case PX_SERR: p->serr &= ~value; break;
	case PX_SACT:
		if (!(p->cmd & CMD_ST))
			sim_wrong("PxSACT is written while ST is clear");
		p->sact |= value;
		break;
	case PX_CI: sim_issue(p, value); break;
	default: sim_wrong("port register %#x is written", reg);
	}
}

static void write_ghc(uint32_t value)
{
	if (!(value & GHC_AE))
		sim_wrong("AHCI is switched off");
	sim.ghc = value;
	if (value & GHC_HR) {
		sim.resets++;
		sim.t_reset_done = sim.has_stuck_reset ? 0 : *sim_clock + RESET_NS;
	}
	if (value & GHC_IE && sim.is != 0)
		sim.has_interrupt = true;
}

static struct sim_port *port_at(const volatile uint32_t *regs, unsigned *reg)
{
	size_t at = (size_t)(regs - sim_bar) * 4 + *reg;

	*sim_clock += ACCESS_NS;
	sim_run();
	if (at < HBA_PORTS) {
		*reg = (unsigned)at;
		return NULL;
	}
	*reg = (unsigned)(at - HBA_PORTS) % PORT_BYTES;
	if ((at - HBA_PORTS) / PORT_BYTES >= SIM_PORTS)
		sim_wrong("register %#zx of a port that does not exist", at);
	return &sim.port[(at - HBA_PORTS) / PORT_BYTES];
}

uint32_t reg_read(const volatile uint32_t *regs, unsigned reg)
{
	const struct sim_port *p = port_at(regs, &reg);

	if (p != NULL)
		return read_port(p, reg);
	switch (reg) {
	case HBA_CAP: return sim.cap;
	case HBA_GHC: return sim.ghc;
	case HBA_IS: return sim.has_storm ? 1 : sim.is;
	case HBA_PI: return (1u << SIM_PORTS) - 1;
	default: sim_wrong("register %#x is read", reg); return 0;
	}
}

void reg_write(volatile uint32_t *regs, unsigned reg, uint32_t value)
{
	struct sim_port *p = port_at(regs, &reg);

	if (p != NULL)
		write_port(p, reg, value);
	else if (reg == HBA_GHC)
		write_ghc(value);
	else if (reg == HBA_IS)
		sim.is &= ~value;
	else
		sim_wrong("register %#x is written", reg);
	update_interrupts();
}

void sim_start(uint64_t *clock, uint32_t seed)
{
	memset(&sim, 0, sizeof(sim));
	sim_forget_memory();
	sim_clock = clock;
	sim.random = seed;
	sim.cap = CAP_S64A | CAP_SNCQ | 31u << 8;
	sim.command_ns = 200000;
	sim.link_ns = 2000000;
	sim.signature_ns = 3000000;
	sim.stop_ns = 20000;
	sim.late_ns = 3000000000;
	for (unsigned i = 0; i < SIM_PORTS; i++)
		sim.port[i] = (struct sim_port){.cmd = CMD_SUD | CMD_POD,
		                                .tfd = TFD_NONE,
		                                .sig = ~0u,
		                                .signature = SIG_ATA};
}
