/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to lib/dstable. */
#ifndef LIB_DSTABLE_IMPL_H
#define LIB_DSTABLE_IMPL_H

#include "dstable/dstable.h"

/* Set the change bit of an entry for each subscriber that may see it. */
void dstable_mark_changed(struct dstable *t, const struct dstable_entry *e);
/* Free a tombstone that no subscriber waits for. */
void dstable_bury(struct dstable *t, struct dstable_entry *e);

#endif
