/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal lines: requests of vfs on one side, a device on the other, the line discipline between.
 * Users: tty (serial lines, the screen) and pty (slaves; the device is the master's end).
 *
 *   line.c   reads, writes, polls, output ring     ioctl.c   terminal ioctls
 *   timer.c  VTIME of all lines of the process
 *
 * A line belongs to its driver, which has its memory zeroed, calls line_init() and, before it frees
 * a line, line_hang_up() and line_end(). Requests are answered by the line, each exactly once.
 */
#ifndef LIB_TTY_LINE_H
#define LIB_TTY_LINE_H

#include <sys/ioctl.h>

#include "chardev/chardev.h"
#include "ldisc/ldisc.h"

#define OUT_BYTES 65536u /* a power of two */

struct line;
struct line_device {
	/* There is output (line_output) and it is not stopped: take what can be taken now. */
	void (*start_output)(struct line *l);
	/* Readers made room in the input ring. */
	void (*input_room)(struct line *l);
	/* Termios or window size are others now; NULL: who cares. */
	void (*settings_changed)(struct line *l);
	/* Output counts as sent when it is in the ring: nobody waits until the device took it. */
	bool is_instant;
};

struct line {
	struct ldisc ldisc;
	unsigned minor;
	const struct line_device *device; /* NULL: the hardware is not there */
	struct winsize size;
	struct chardev_queue readers, writers, drainers;
	unsigned poll_wanted;
	uint64_t t_read_ns;          /* VTIME of the first reader; 0: none */
	bool is_suspended;           /* TCOOFF */
	uint32_t out_head, out_tail; /* free-running */
	uint64_t out_dropped;        /* echo that found the ring full */
	struct line *next;           /* timer.c */
	uint8_t out[OUT_BYTES];
};

/* *l is zeroed. A raw line transports bytes as they are until somebody sets its termios. */
void line_init(struct line *l, unsigned minor, bool is_raw);
void line_end(struct line *l); /* nothing waits in it any more */

/* Requests of vfs; each is answered now or later. */
void line_read(struct line *l, struct chardev_request *r);
void line_write(struct line *l, struct chardev_request *r);
void line_poll(struct line *l, struct chardev_request *r);
void line_ioctl(struct line *l, struct chardev_request *r);
void line_cancel(struct line *l, struct chardev_request *r);
/* Answers all that wait: -EIO, or what was moved. */
void line_hang_up(struct line *l);

/* From devices: received bytes, at most ldisc_room(); contiguous bytes to send; so many of them were
 * sent. */
void line_received(struct line *l, const uint8_t *bytes, size_t len);
size_t line_output(const struct line *l, const uint8_t **bytes);
void line_sent(struct line *l, size_t len);
/* Bytes past the line discipline to the output; dropped if they do not fit. */
void line_emit(struct line *l, const uint8_t *bytes, size_t len);
void line_flush_output(struct line *l);
/* TCFLSH: 0 or -EINVAL; both directions as the program at the line names them. */
int line_flush(struct line *l, unsigned which) MUST_CHECK;
/* Runs what may run now: writers, readers, polls, drains, the device. */
void line_work(struct line *l);

/* The component's alarm fired; and from its idle(): sets the alarm to the first VTIME of any line. */
void lines_alarm(uint64_t now);
void lines_set_alarm(void);

#endif
