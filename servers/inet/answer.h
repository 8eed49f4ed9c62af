/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to vfs that must not be lost: an answer that finds the table of asynchronous messages full is
 * kept, in order, and sent when there is room.
 */
#ifndef INET_ANSWER_H
#define INET_ANSWER_H

#include <stddef.h>
#include "axolotl/types.h"

void answer(endpoint_t to, uint32_t type, const void *payload, size_t len);
void answers_flush(void);
/* When to try again: 1 (at once is too early: a moment later) or 0 when nothing is kept. */
uint64_t answers_next_try(void);

#endif
