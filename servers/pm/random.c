/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getrandom(2). Entropy comes from the CPU's RDSEED or RDRAND where CPUID has them (both are mixed
 * in, neither is trusted alone), and from the time-stamp counter: its value at the start, the
 * jitter between reads at the start, and its value at each alarm,
 * death of a thread, and request. Without RDRAND, on an emulated machine, the result is as good as
 * that jitter; programs get no warning, as Linux gives none once its pool counts as initialised.
 */
#include <cpuid.h>
#include <errno.h>
#include <sys/random.h>
#include "axolotl/timepage.h"
#include "pm.h"
#include "rng.h"

#define GETRANDOM_MAX  (32u << 20)
#define JITTER_SAMPLES 4096
#define STIR_SAMPLES   16
#define CHUNK_BYTES    4096

static struct rng rng;
static uint64_t samples[STIR_SAMPLES];
static unsigned sample_count;

static bool read_rdrand(uint64_t *v)
{
	unsigned char is_valid;

	__asm__ volatile("rdrand %0; setc %1" : "=r"(*v), "=qm"(is_valid)::"cc");
	return is_valid;
}

static bool read_rdseed(uint64_t *v)
{
	unsigned char is_valid;

	__asm__ volatile("rdseed %0; setc %1" : "=r"(*v), "=qm"(is_valid)::"cc");
	return is_valid;
}

static void mix_hardware(void)
{
	unsigned a, b, c, d;
	uint64_t v[8] = {0};

	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND))
		for (int i = 0; i < 4; i++)
			(void)read_rdrand(&v[i]);
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_RDSEED))
		for (int i = 4; i < 8; i++)
			(void)read_rdseed(&v[i]);
	rng_mix(&rng, v, sizeof(v));
}

void random_init(void)
{
	uint64_t wall = wall_ns();

	rng_mix(&rng, &wall, sizeof(wall));
	for (int i = 0; i < JITTER_SAMPLES; i++)
		random_stir(time_read_tsc());
	mix_hardware();
}

void random_stir(uint64_t sample)
{
	samples[sample_count++] = sample;
	if (sample_count < STIR_SAMPLES)
		return;
	sample_count = 0;
	rng_mix(&rng, samples, sizeof(samples));
}

int64_t call_getrandom(struct thread *t, const uint64_t *args)
{
	uint64_t len = args[1] < GETRANDOM_MAX ? args[1] : GETRANDOM_MAX, done = 0;
	uint8_t chunk[CHUNK_BYTES];

	if (args[2] & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | 4))
		return -EINVAL;
	random_stir(time_read_tsc());
	mix_hardware();
	while (done < len) {
		size_t n = len - done < sizeof(chunk) ? len - done : sizeof(chunk);
		int r;
		rng_bytes(&rng, chunk, n);
		r = copy_out(t, args[0] + done, chunk, n);
		if (r < 0)
			return r == -ESUSPENDREP || done == 0 ? r : (int64_t)done;
		done += n;
	}
	return (int64_t)done;
}
