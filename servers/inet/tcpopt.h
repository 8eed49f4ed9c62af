/* SPDX-License-Identifier: BSD-2-Clause */
/* The options behind a TCP header (RFC 9293, 3.1). Pure. */
#ifndef INET_TCPOPT_H
#define INET_TCPOPT_H

#include "axolotl/types.h"

enum { TCPOPT_END, TCPOPT_NOP };

/* Where the next option with a length begins, from `at` on; it is all there. len: there is none, or what is there makes no
 * sense. The one behind it: at + options[at + 1]. */
static inline size_t tcpopt_next(const uint8_t *options, size_t len, size_t at)
{
	while (at < len && options[at] == TCPOPT_NOP)
		at++;
	if (at + 2 > len || options[at] == TCPOPT_END || options[at + 1] < 2 ||
	    options[at + 1] > len - at)
		return len;
	return at;
}

#endif
