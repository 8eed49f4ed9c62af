/* SPDX-License-Identifier: BSD-2-Clause */
/* Output side of the line discipline, as the input side uses it for echo. Private to ldisc*.c. */
#ifndef LIB_LDISC_OUT_H
#define LIB_LDISC_OUT_H

#include "ldisc/ldisc.h"

/* Echo of a typed character, if ECHO is on: control characters as ^X with ECHOCTL. */
void ldisc_echo(struct ldisc *l, uint8_t c);
void ldisc_echo_always(struct ldisc *l, uint8_t c);
/* Without interpretation beyond output processing. */
void ldisc_echo_raw(struct ldisc *l, const uint8_t *bytes, size_t len);

#endif
