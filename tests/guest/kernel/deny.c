/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything is denied by default, counted by kind (thesis Fig. 5.5), and survives random
 * arguments. */
#include <stdio.h>
#include <stdlib.h>
#include "random/random.h"
#include "sys/trap.h"
#include "ktest.h"

static volatile long answer;
#define PATIENCE_MS 500 /* a call that does not come back has not been denied */

static void try_trap(long number)
{
	answer = sys_trap(number, EP_VM, 0, 0, 0, 0, 0);
}

static long answer_to(long number, enum violation kind, uint64_t *count)
{
	endpoint_t c;
	uint64_t before;
	struct msg m;

	c = child_start(try_trap, number, 0);
	before = violations_of(child_priv(c), kind);
	answer = 1;
	for (unsigned ms = 0; ms < PATIENCE_MS && answer == 1; ms++) {
		CHECK(k_setalarm(clock_read() + 1000000) == 0);
		CHECK(receive(EP_CLOCK, &m) == IPC_NOTIFY);
	}
	*count = violations_of(child_priv(c), kind) - before;
	child_end(c);
	return answer;
}

static void kernel_calls_are_denied(void)
{
	uint64_t n;

	for (long k = 0; k < KC_COUNT; k++) {
		if (k == KC_EXIT)
			continue;
		CHECK(answer_to(KCALL_TRAP_BASE + k, VIOL_KCALL_DENIED, &n) == -ECALLDENIED &&
		      n == 1);
	}
	CHECK(answer_to(KCALL_TRAP_BASE + KC_COUNT, VIOL_KCALL_NUMBER, &n) == -ENOSYS && n == 1);
}

static void linux_calls_are_denied(void)
{
	uint64_t n;

	CHECK(answer_to(1, VIOL_LINUX, &n) == -ENOSYS && n == 1);
}

static uint64_t rng_state;
static uint64_t rng(void)
{
	return random_xorshift(&rng_state);
}

/* A value that is likely to be interesting to somebody: small, an endpoint, an address, or
 * anything. */
static long pick(void)
{
	static uint8_t area[8192];
	uint64_t r = rng();

	switch (rng() % 6) {
	case 0: return (long)(r % 64);
	case 1: return (long)(r % 12);
	case 2: return (long)(area + r % sizeof(area));
	case 3: return -(long)(r % 8);
	case 4: return (long)(r & 0xfffffffffffful);
	default: return (long)r;
	}
}

/* Calls that would end the test itself, or the machine, are left out. */
static bool is_fair(long number)
{
	return number != KCALL_TRAP_BASE + KC_EXIT && number != IPC_TRAP_BASE + IPC_RECEIVE &&
	       number != IPC_TRAP_BASE + IPC_SEND && number != IPC_TRAP_BASE + IPC_SENDREC;
}

static volatile uint64_t fuzzed;
static void fuzz(long rounds)
{
	while (rounds-- > 0) {
		long number = IPC_TRAP_BASE + (long)(rng() % 0x70);

		if (rng() % 8 == 0)
			number = (long)(rng() % 2048);
		if (is_fair(number))
			sys_trap(number, pick(), pick(), pick(), pick(), pick(), pick());
		fuzzed++;
	}
}

/* From `seed=HEX` on the kernel's command line; never 0, which xorshift cannot leave. */
static uint64_t seed_of_boot(void)
{
	static struct boot_info info;
	const char *word;
	uint64_t seed = 0;

	CHECK(k_getinfo(KINFO_BOOT, &info, sizeof(info), 0) == 0);
	word = strstr(info.cmdline, "seed=");
	if (word)
		seed = strtoul(word + 5, NULL, 16);
	return seed ? seed : 0x9e3779b97f4a7c15ul;
}

static void random_calls_do_no_harm(void)
{
	uint64_t calls = (1ul << KC_COUNT) - 1, stable;
	struct msg m;
	char text[64];

	rng_state = seed_of_boot();
	snprintf(text, sizeof(text), "  seed %lx\n", rng_state);
	CHECK(k_sysctl(SYSCTL_DIAG, text, strlen(text)) == 0);
	/* once with nothing allowed, once with all kernel calls allowed (but no manager's rights)
	 */
	for (int all = 0; all < 2; all++) {
		endpoint_t c;

		fuzzed = 0;
		c = child_start(fuzz, 200000, all ? calls & ~(1ul << KC_SYSCTL) : 0);
		for (stable = ~0ul; stable != fuzzed;) {
			stable = fuzzed;
			CHECK(k_setalarm(clock_read() + 300000000) == 0);
			do
				CHECK(receive(EP_ANY, &m) >= 0);
			while (m.source != EP_CLOCK);
		}
		CHECK(fuzzed > 1000);
		child_end(c);
	}
}

const struct ktest deny_tests[] = {
	{"kernel_calls_are_denied", kernel_calls_are_denied},
	{"linux_calls_are_denied", linux_calls_are_denied},
	{"random_calls_do_no_harm", random_calls_do_no_harm},
	{NULL, NULL},
};
