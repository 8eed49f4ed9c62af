/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of /proc/net: procnet.c (interfaces, routes, counters), procsock.c (sockets). */
#ifndef INET_PROCNET_H
#define INET_PROCNET_H

#include "sock_impl.h"

struct text {
	char *buf;
	size_t len, cap;
	bool is_full;
};
/* One line, filled up with blanks to `width`; the end of line is added. */
void text_line(struct text *t, unsigned width, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void procnet_tcp(struct text *t, bool is_6);
void procnet_datagrams(struct text *t, const struct sock_ops *ops, bool is_6);
void procnet_sockstat(struct text *t);
unsigned procnet_established(void);
uint64_t procnet_udp_drops(void);

#endif
