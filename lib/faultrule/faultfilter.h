/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules in a filter's process: arguments rules="..." and seed=N, and what is kept over a restart (in ds), so
 * that one neither repeats nor forgets shots.
 */
#ifndef LIB_FAULTRULE_FAULTFILTER_H
#define LIB_FAULTRULE_FAULTFILTER_H

#include "faultrule/faultrule.h"
#include "filterbase/filterbase.h"

/* 0, or -EINVAL after a message. */
int fault_configure(struct fault_rules *r, const struct fault_grammar *g,
                    const struct stack_options *o) MUST_CHECK;
void fault_restore(struct fault_rules *r); /* in start() */
void fault_save(const struct fault_rules *r);

#endif
