/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: TSC for reading, the local APIC's one-shot timer for deadlines. Both are calibrated against
 * PIT channel 2 at start. The timer is armed lazily: an early shot costs one interrupt, an exact
 * one would cost a device access at every context switch. Nothing ticks while nothing is due.
 * References: Intel 8254 data sheet; MC146818 (RTC); Intel SDM volume 3 section 11.5.4.
 */
#include "proc.h"

#define PIT_HZ          1193182u
#define CALIBRATE_TRIES 20
#define CALIBRATE_PIT   8000u /* PIT ticks, 6.7 ms */
#define LOAD_STEP_NS    (5 * NS_PER_SEC)
#define LOAD_ONE        65536u

static union {
	struct time_page page;
	uint8_t bytes[PAGE_BYTES];
} time_area __attribute__((aligned(4096)));
struct time_page *time_page = &time_area.page;

static uint64_t timer_mult;  /* APIC ticks = ns * mult >> 32 */
static uint64_t armed_ns;    /* when the timer will fire; 0: not armed */
static struct proc *alarms;  /* sorted by time */
static unsigned idle_alarms; /* with PF_IDLE */
static uint32_t loads[3];
static uint64_t load_ns;

uint64_t clock_now(void)
{
	return time_scale(time_read_tsc() - time_page->tsc_base, time_page->mult, time_page->shift);
}

struct sample {
	uint64_t tsc;
	uint32_t apic;
	uint16_t pit;
};

/* The tightest of some readings: an emulator may stop us between two instructions. */
static struct sample take_sample(void)
{
	struct sample best = {0, 0, 0};
	uint64_t best_width = ~0ul;

	for (unsigned i = 0; i < 8; i++) {
		struct sample s;
		uint64_t t = time_read_tsc();

		outb(0x43, 0x80); /* latch channel 2 */
		s.pit = inb(0x42);
		s.pit = (uint16_t)(s.pit | inb(0x42) << 8);
		s.apic = apic_calibrate_read();
		s.tsc = time_read_tsc();
		if (s.tsc - t < best_width) {
			best_width = s.tsc - t;
			best = s;
		}
	}
	return best;
}

static void measure(uint64_t *tsc_hz, uint64_t *apic_hz)
{
	struct sample a, b;

	outb(0x61, (uint8_t)((inb(0x61) & ~2u) | 1u)); /* gate on, speaker off */
	outb(0x43, 0xb4);                              /* channel 2, mode 2, 16 bits */
	outb(0x42, 0);
	outb(0x42, 0);
	apic_calibrate_start();
	a = take_sample();
	do {
		b = take_sample();
	} while ((uint16_t)(a.pit - b.pit) < CALIBRATE_PIT);
	*tsc_hz = (b.tsc - a.tsc) * PIT_HZ / (uint16_t)(a.pit - b.pit);
	*apic_hz = (uint64_t)(b.apic - a.apic) * PIT_HZ / (uint16_t)(a.pit - b.pit);
}

/*
 * The PIT counts modulo 55 ms: where the CPU is taken from us for longer, one measurement comes out
 * wrong by a factor. Two in a row that agree are right.
 */
static void calibrate(uint64_t *tsc_hz, uint64_t *apic_hz)
{
	uint64_t last_hz, off;

	measure(tsc_hz, apic_hz);
	for (unsigned tries = 0; tries < CALIBRATE_TRIES; tries++) {
		last_hz = *tsc_hz;
		measure(tsc_hz, apic_hz);
		off = *tsc_hz > last_hz ? *tsc_hz - last_hz : last_hz - *tsc_hz;
		if (off < last_hz / 1000)
			return;
	}
	kprintf("clock: measurements of the TSC disagree, the last one is taken\n");
}

static unsigned rtc(unsigned reg)
{
	outb(0x70, (uint8_t)reg);
	return inb(0x71);
}

static unsigned from_bcd(unsigned v)
{
	return (v >> 4) * 10 + (v & 15);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static uint64_t days_to(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	unsigned leaps = (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return (year - 1970) * 365ul + leaps + before[(month - 1) % 12] + (month > 2 && is_leap) +
	       day - 1;
}

/* Seconds since the epoch; read until two readings agree (the RTC may be updating). */
static uint64_t read_rtc(void)
{
	static const uint8_t regs[] = {0, 2, 4, 7, 8, 9};
	unsigned now[6], last[6] = {0};

	for (unsigned tries = 0; tries < 1000; tries++) {
		for (unsigned i = 0; i < 6; i++)
			now[i] = rtc(regs[i]);
		if (!(rtc(10) & 0x80) && memcmp(now, last, sizeof(now)) == 0)
			break;
		memcpy(last, now, sizeof(now));
	}
	for (unsigned i = 0; i < 6 && !(rtc(11) & 4); i++)
		now[i] = i == 2 ? from_bcd(now[i] & 0x7f) : from_bcd(now[i]);
	return days_to(2000 + now[5], now[4], now[3]) * 86400 + now[2] * 3600 + now[1] * 60 +
	       now[0];
}

void clock_init(void)
{
	uint64_t tsc_hz, apic_hz;

	calibrate(&tsc_hz, &apic_hz);
	time_page->tsc_hz = tsc_hz;
	time_page->shift = 32;
	time_page->mult = (NS_PER_SEC << 32) / tsc_hz;
	time_page->tsc_base = time_read_tsc();
	time_page->wall_base_ns = read_rtc() * NS_PER_SEC;
	timer_mult = (apic_hz << 32) / NS_PER_SEC;
	boot.time_page_pa = (uint64_t)time_page - KERNEL_BASE;
	kprintf("clock: TSC %lu kHz, APIC timer %lu kHz\n", tsc_hz / 1000, apic_hz / 1000);
}

void clock_set_wall(uint64_t utc_ns)
{
	time_page->seq++;
	__asm__ volatile("" ::: "memory");
	time_page->wall_base_ns = utc_ns - clock_now();
	__asm__ volatile("" ::: "memory");
	time_page->seq++;
}

void clock_cancel_alarm(struct proc *p)
{
	struct proc **at = &alarms;

	if (!(p->flags & PF_ALARM))
		return;
	while (*at != p)
		at = &(*at)->alarm_next;
	*at = p->alarm_next;
	idle_alarms -= (p->flags & PF_IDLE) != 0;
	p->flags &= ~(PF_ALARM | PF_IDLE);
}

void clock_set_alarm(struct proc *p, uint64_t t_ns, bool is_idle)
{
	struct proc **at = &alarms;

	clock_cancel_alarm(p);
	if (t_ns == 0)
		return;
	while (*at && (*at)->alarm_ns <= t_ns)
		at = &(*at)->alarm_next;
	p->alarm_ns = t_ns;
	p->alarm_next = *at;
	*at = p;
	p->flags |= PF_ALARM | (is_idle ? PF_IDLE : 0);
	idle_alarms += is_idle;
}

bool clock_idle(void)
{
	bool any = idle_alarms > 0;
	struct proc *p = alarms;

	while (idle_alarms > 0) {
		struct proc *next = p->alarm_next;

		if (p->flags & PF_IDLE) {
			clock_cancel_alarm(p);
			ipc_notify_clock(p);
		}
		p = next;
	}
	return any;
}

/* Fixed-point decay for 5 s steps: 2^16 * e^(-5/60), e^(-5/300), e^(-5/900). */
static void update_load(uint64_t now)
{
	static const uint32_t decay[] = {60296, 64453, 65173};
	uint64_t steps = (now - load_ns) / LOAD_STEP_NS;

	load_ns += steps * LOAD_STEP_NS;
	for (uint64_t s = 0; s < steps && s < 1000; s++) {
		uint64_t active = s + 1 == steps ? sched_runnable() : 0;

		for (unsigned i = 0; i < 3; i++)
			loads[i] = (uint32_t)((loads[i] * (uint64_t)decay[i] +
			                       active * LOAD_ONE * (LOAD_ONE - decay[i])) >>
			                      16);
	}
}

void clock_load(uint32_t out[3])
{
	update_load(clock_now());
	memcpy(out, loads, sizeof(loads));
}

void clock_interrupt(void)
{
	uint64_t now = clock_now();

	armed_ns = 0;
	while (alarms && alarms->alarm_ns <= now) {
		struct proc *p = alarms;

		clock_cancel_alarm(p);
		ipc_notify_clock(p);
	}
	if (sched_boost_due() && sched_boost_due() <= now)
		sched_boost();
	update_load(now);
}

void clock_arm(uint64_t quantum_end_ns)
{
	uint64_t want = quantum_end_ns, boost = sched_boost_due(), now;

	if (alarms && (want == 0 || alarms->alarm_ns < want))
		want = alarms->alarm_ns;
	if (boost && (want == 0 || boost < want))
		want = boost;
	if (want == 0 || (armed_ns && armed_ns <= want))
		return;
	now = clock_now();
	armed_ns = want > now ? want : now;
	apic_timer_set((uint64_t)(((unsigned __int128)(armed_ns - now) * timer_mult) >> 32) + 1);
}
