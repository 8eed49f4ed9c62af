/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of lib/tty. */
#ifndef LIB_TTY_LINE_IMPL_H
#define LIB_TTY_LINE_IMPL_H

#include "tty/line.h"

/* line.c: r waits until all output is out, then line_ioctl_drained(). */
void line_wait_drained(struct line *l, struct chardev_request *r);
/* The timer of the first reader ran out. */
void line_alarm(struct line *l, uint64_t now);

/* ioctl.c */
void line_ioctl_drained(struct line *l, struct chardev_request *r);

/* timer.c */
void line_timer_add(struct line *l);
void line_timer_remove(struct line *l);

#endif
