/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that nobody outside can guess: TCP's initial sequence numbers (RFC 6528), ports, DHCP and IPv6
 * identifiers. SipHash-2-4 (Aumasson and Bernstein, 2012) under a secret of this life of inet; the secret comes
 * from the CPU's generator where there is one, and from the time-stamp counter, which is what a
 * machine without one has.
 */
#include <cpuid.h>
#include <stdint.h>
#include <string.h>

#include "lwip/ip_addr.h"
#include "lwip/lwip_hooks.h"
#include "random.h"
#include "sys/sys.h"

static uint64_t secret[2], counter;

static uint64_t rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t random_siphash(const uint64_t key[2], const void *data, size_t len)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
	                 key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
	const uint8_t *p = data;
	uint64_t word, last = (uint64_t)len << 56;

	for (size_t left = len; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		sip_word(v, word);
	}
	for (unsigned i = 0; i < len % 8; i++)
		last |= (uint64_t)p[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static bool has_rdrand(void)
{
	unsigned a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
}

static uint64_t hardware_word(void)
{
	unsigned long long v = 0;
	unsigned char ok = 0;

	/* It may be empty for a moment; ten times in a row means that it is broken. */
	for (unsigned i = 0; i < 10 && !ok; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok)::"cc");
	return ok ? v : 0;
}

void random_init(const uint64_t *seed)
{
	bool is_hardware = has_rdrand();

	if (seed != NULL) {
		secret[0] = *seed;
		secret[1] = counter = 0;
		return;
	}
	for (unsigned i = 0; i < 8; i++) {
		uint64_t word = __builtin_ia32_rdtsc() ^ (is_hardware ? hardware_word() : 0);

		secret[i % 2] ^= random_siphash(secret, &word, sizeof(word));
	}
}

uint32_t inet_random(void)
{
	counter++;
	return (uint32_t)random_siphash(secret, &counter, sizeof(counter));
}

u32_t inet_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                   u16_t remote_port)
{
	struct {
		uint32_t local[4], remote[4];
		uint16_t local_port, remote_port;
		uint32_t kind;
	} tuple = {.local_port = local_port, .remote_port = remote_port, .kind = 1};

	if (IP_IS_V6(local_ip)) {
		memcpy(tuple.local, ip_2_ip6(local_ip)->addr, sizeof(tuple.local));
		memcpy(tuple.remote, ip_2_ip6(remote_ip)->addr, sizeof(tuple.remote));
	} else {
		tuple.local[0] = ip_2_ip4(local_ip)->addr;
		tuple.remote[0] = ip_2_ip4(remote_ip)->addr;
	}
	/* A clock of 4 us, so that a new connection of the same ports starts above the old one. */
	return (u32_t)random_siphash(secret, &tuple, sizeof(tuple)) + (u32_t)(now_ns() / 4000);
}
