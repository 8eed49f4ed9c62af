/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory routines that the compiler may call, and the copy routine for bulk data: unrolled 64-bit
 * moves or `rep movsb`, whichever is faster here (an emulator runs string instructions byte by
 * byte, a real CPU has fast microcode for them).
 */
#include "kernel.h"

#define TRIAL_BYTES 4096

void *memset(void *dst, int c, size_t n)
{
	uint8_t *d = dst;
	uint64_t word = 0x0101010101010101ul * (uint8_t)c;

	for (; n >= 8; n -= 8, d += 8)
		__builtin_memcpy(d, &word, 8);
	while (n--)
		*d++ = (uint8_t)c;
	return dst;
}

static void copy_unrolled(void *dst, const void *src, size_t n)
{
	uint64_t *d = dst;
	const uint64_t *s = src;

	for (; n >= 64; n -= 64, d += 8, s += 8) {
		uint64_t a = s[0], b = s[1], c = s[2], e = s[3];
		uint64_t f = s[4], g = s[5], h = s[6], i = s[7];

		d[0] = a, d[1] = b, d[2] = c, d[3] = e;
		d[4] = f, d[5] = g, d[6] = h, d[7] = i;
	}
	for (; n >= 8; n -= 8)
		*d++ = *s++;
	uint8_t *db = (uint8_t *)d;
	const uint8_t *sb = (const uint8_t *)s;
	while (n--)
		*db++ = *sb++;
}

static void copy_string(void *dst, const void *src, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

static void (*copy_fn)(void *, const void *, size_t) = copy_unrolled;

void copy_bytes(void *dst, const void *src, size_t len)
{
	if (len <= 256)
		copy_unrolled(dst, src, len);
	else
		copy_fn(dst, src, len);
}

static uint64_t time_copy(void (*fn)(void *, const void *, size_t))
{
	static uint8_t from[TRIAL_BYTES], to[TRIAL_BYTES + 192];
	uint64_t best = ~0ul;

	for (unsigned i = 0; i < 5; i++) {
		uint64_t t = time_read_tsc();

		fn(to + 192, from, TRIAL_BYTES);
		t = time_read_tsc() - t;
		best = t < best ? t : best;
	}
	return best;
}

void copy_choose(void)
{
	if (time_copy(copy_string) < time_copy(copy_unrolled))
		copy_fn = copy_string;
	kprintf("copy: %s\n", copy_fn == copy_string ? "rep movsb" : "unrolled 64-bit moves");
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	copy_unrolled(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d <= s || d >= s + n)
		return memcpy(dst, src, n);
	while (n--)
		d[n] = s[n];
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}
