/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which units of ds are interfaces: "net.<unit>" that no "netup.<unit>" covers. A filter that is put on
 * a unit takes over its number, so eth0 stays eth0 with a guard or a capture under it. Numbers are kept
 * in ds (private entry "units"), so they are the same after a restart of inet.
 */
#ifndef INET_UNITS_H
#define INET_UNITS_H

#include "axolotl/ds.h"

int units_init(void) MUST_CHECK; /* subscribes */
bool units_ds_change(const struct ds_change *c);
/* Makes and ends interfaces, when all changes that ds has are known: they come in no order, and a unit may be
 * covered by one of them. */
void units_settle(void);
void units_gone(const char *unit); /* netdev says that its name was deleted */

#endif
