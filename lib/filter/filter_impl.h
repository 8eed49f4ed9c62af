/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to lib/filter. */
#ifndef LIB_FILTER_IMPL_H
#define LIB_FILTER_IMPL_H

#include "filter/filter.h"

/* single.c: ops around a filter's submit, and its lower unit. */
const struct bserver_ops *filter_single_ops(void (*submit)(struct bserver_request *r));
int filter_single_open(void) MUST_CHECK;

#endif
