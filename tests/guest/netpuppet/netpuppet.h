/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of the program; see main.c. Its other end is tests/system/puppet.py. */
#ifndef TESTS_GUEST_NETPUPPET_H
#define TESTS_GUEST_NETPUPPET_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * What streams consist of: blocks of 4096 bytes. Each starts with seed and number of the block (32 bits,
 * little endian), the rest is cut out of a tile of random bytes at a place that depends on both. So bytes
 * of another stream or of another place are seen.
 */
#define PATTERN_BLOCK 4096u
void pattern_fill(uint32_t seed, uint64_t pos_bytes, uint8_t *out, size_t len_bytes);

/* IPv4 or IPv6; 0 or -EINVAL. */
int parse_address(const char *ip, const char *port, struct sockaddr_storage *out);
socklen_t address_bytes(const struct sockaddr_storage *address);

/* netpuppet crowd ADDRESS PORT CONNECTIONS BYTES */
int crowd_main(int argc, char **argv);
/* netpuppet watch INTERFACE [LOOKS] */
int watch_main(int argc, char **argv);

#endif
