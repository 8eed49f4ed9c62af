/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network of one host: what it sends to x.2 comes back to it as from x.3, and the other way round, so a client and
 * a server on the same machine talk over the card. ARP requests for both are answered. Pure.
 */
#ifndef BADNIC_HAIRPIN_H
#define BADNIC_HAIRPIN_H

#include "axolotl/types.h"

/* Turns a sent frame into the one that comes back; false: nobody is there. */
bool hairpin_turn(uint8_t *frame, size_t bytes);

#endif
