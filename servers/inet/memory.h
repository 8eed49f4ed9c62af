/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two areas of arena.h. Without a card and without sockets there is neither: the send area comes with the
 * first of both, the receive area with the first unit.
 */
#ifndef INET_MEMORY_H
#define INET_MEMORY_H

#include "axolotl/types.h"

/* 0, also when it is there already, or -errno. Without it lwIP finds no memory, and says so. */
int memory_for_sockets(void) MUST_CHECK;
/* Both areas and the receive pool, before a unit is opened. */
int memory_for_units(void) MUST_CHECK;

#endif
