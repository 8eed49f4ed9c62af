/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of interfaces at their start: DHCP, unless the kernel's command line has a word
 *
 *     address=[ethN:]10.0.2.15/24[,gw=10.0.2.2][,dns=10.0.2.3]...      or      address=[ethN:]none
 *
 * without ethN it is about eth0; the word may stand once for each interface. IPv6 addresses come from
 * router advertisements. Name servers (DHCP, dns=, RDNSS) are kept for /proc/net/pnp.
 */
#ifndef INET_CONFIG_H
#define INET_CONFIG_H

#include "axolotl/types.h"
#include "lwip/netif.h"

void config_init(const char *cmdline); /* before lwip_init() */
void config_started(struct netif *n);  /* it is new, and up */
void config_link_changed(struct netif *n);
void config_ended(struct netif *n);
/* DHCP on or off by hand; -EOPNOTSUPP on lo. */
int config_set_dhcp(struct netif *n, bool is_on);
bool config_uses_dhcp(const struct netif *n);

#endif
