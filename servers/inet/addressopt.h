/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot word address= (config.h). Pure. */
#ifndef INET_ADDRESSOPT_H
#define INET_ADDRESSOPT_H

#include "axolotl/types.h"

#define ADDRESSOPT_DNS_MAX 3

struct addressopt {
	bool is_none;           /* no address: neither static nor DHCP */
	uint32_t address;       /* network order, as all here */
	uint32_t mask, gateway; /* gateway 0: none */
	uint32_t dns[ADDRESSOPT_DNS_MAX];
	unsigned dns_count;
};

/* The word for ethN out of a command line: 1 found, 0 there is none, -EINVAL it makes no sense. */
int addressopt_find(const char *cmdline, unsigned number, struct addressopt *o) MUST_CHECK;

#endif
