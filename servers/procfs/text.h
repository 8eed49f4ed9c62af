/* SPDX-License-Identifier: BSD-2-Clause */
/* A text that grows in a buffer of fixed size; what does not fit is dropped at a line's end. Pure.
 */
#ifndef PROCFS_TEXT_H
#define PROCFS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *buf;
	size_t len, cap;
	bool is_full;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *t, const void *data, size_t len);

#endif
