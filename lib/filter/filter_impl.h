/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to lib/filter. */
#ifndef LIB_FILTER_IMPL_H
#define LIB_FILTER_IMPL_H

#include "filter/filter.h"

void filter_run_timers(uint64_t now_ns_value);
/* single.c: ops around a filter's submit, and its lower unit. */
const struct bserver_ops *filter_single_ops(void (*submit)(struct bserver_request *r));
int filter_single_open(void) MUST_CHECK;
uint64_t filter_next_timer(void); /* 0: none */

#endif
