/* SPDX-License-Identifier: BSD-2-Clause */
/* A text that grows in a buffer of fixed size; what does not fit is dropped at a line's end. Pure.
 */
#ifndef LIB_DUMP_TEXT_H
#define LIB_DUMP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *buf;
	size_t len, cap;
	bool is_full;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *t, const void *data, size_t len);
/* Room behind the text, for somebody who writes there by a grant; and what he says of it: bytes, which are
 * checked, or -errno. Returns 0 or -errno. */
uint32_t text_room(const struct text *t);
int text_take(struct text *t, int result);

#endif
