/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Line discipline: what POSIX chapter 11 (General Terminal Interface) says happens between the
 * bytes of a device and those of a program, with the Linux extensions that shells and editors use
 * (IUCLC and the delays are left out). Pure: no IPC, no time; unit-tested.
 *
 *   device --ldisc_input--> input ring --ldisc_peek/consume--> reader
 *   writer --ldisc_output--> bytes for the device        echo goes to ops->emit
 *
 * Input ring: a byte may carry a mark: MARK_LINE ends a line, MARK_EOF ends one and is not read
 * itself. In canonical mode bytes after the last mark are still being edited and cannot be read
 * yet.
 */
#ifndef LIB_LDISC_H
#define LIB_LDISC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LDISC_INPUT_BYTES 65536u /* a power of two */
#define LDISC_CC          19

struct ktermios { /* as the kernel's interface has it, not as libc's */
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[LDISC_CC];
};
_Static_assert(sizeof(struct ktermios) == 36, "layout of TCGETS");

struct ldisc;
struct ldisc_ops {
	void (*emit)(struct ldisc *l, const uint8_t *bytes, size_t len); /* echo, to the device */
	void (*signal)(struct ldisc *l, int signo);
	void (*flow)(struct ldisc *l, bool is_stopped); /* output stopped or started */
};

struct ldisc {
	struct ktermios t;
	const struct ldisc_ops *ops;
	bool is_stopped;      /* output, by VSTOP */
	bool is_literal_next; /* VLNEXT was typed */
	unsigned column;      /* of the output, for tabs and erasing */
	unsigned line_column; /* where the edited line began */
	uint32_t head;        /* next byte to be read; free-running */
	uint32_t line;        /* first byte that is still edited */
	uint32_t tail;        /* next byte to be written */
	unsigned marks;       /* lines and ends of file between head and line */
	uint64_t dropped;
	uint8_t input[LDISC_INPUT_BYTES];
	uint8_t mark[LDISC_INPUT_BYTES];
};

enum { MARK_NONE, MARK_LINE, MARK_EOF };

void ldisc_init(struct ldisc *l, const struct ldisc_ops *ops, bool is_raw);
void ldisc_set_termios(struct ldisc *l, const struct ktermios *t);
void ldisc_input(struct ldisc *l, const uint8_t *bytes, size_t len);
/* Bytes that ldisc_input can take without dropping any. */
size_t ldisc_room(const struct ldisc *l);
/* Bytes that a read could get now (FIONREAD). */
size_t ldisc_readable(const struct ldisc *l);
/* Is there anything that ends a read: a line, an end of file, or `min` bytes in raw mode? */
bool ldisc_has_input(const struct ldisc *l, unsigned min);
/* Copies what a read of `len` bytes gets, without taking it; *eof_after: a MARK_EOF follows at
 * once. */
size_t ldisc_peek(const struct ldisc *l, uint8_t *buf, size_t len, bool *eof_after);
void ldisc_consume(struct ldisc *l, size_t len, bool eof_after);
/* Output processing: consumes from `in`, writes to `out`; returns bytes written, *used those read.
 * Stops when the next character might not fit. */
size_t ldisc_output(struct ldisc *l, const uint8_t *in, size_t in_len, size_t *used, uint8_t *out,
                    size_t out_len);
void ldisc_flush_input(struct ldisc *l);

#endif
