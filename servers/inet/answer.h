/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to vfs that must not be lost. They are collected and leave at the end of a turn, in order: vfs would run
 * before us at each of them, and what it learns by other ways (the state words) is true then. An answer that finds
 * the table of asynchronous messages full stays until there is room.
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
