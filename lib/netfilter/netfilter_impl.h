/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to lib/netfilter: netfilter.c has both units, pass.c what passes through.
 */
#ifndef LIB_NETFILTER_IMPL_H
#define LIB_NETFILTER_IMPL_H

#include "netfilter/netfilter.h"

extern const struct netfilter *netfilter_self;
extern struct netdev *netfilter_below;

bool pass_tx(struct nserver_tx *t); /* nserver_ops.tx */
bool pass_rx(struct nserver_rx *r); /* nserver_ops.rx */
void pass_drop_reserve(void);
uint64_t pass_activity(void); /* grows with all that moves */

#endif
