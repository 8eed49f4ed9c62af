/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to tty: lines (one a minor) and the devices under them.
 *
 *   main.c    start, dispatch            line.c   reads, writes, polls, output ring
 *   ioctl.c   terminal ioctls, ds state  uart.c   16550 lines    console.c  VGA text and keyboard
 *   dumpkey.c debug dumps               ldisc*.c, screen*.c, keymap.c  pure
 */
#ifndef TTY_TTY_H
#define TTY_TTY_H

#include <sys/ioctl.h>

#include "chardev/chardev.h"
#include "ldisc.h"
#include "sys/sys.h"

#define OUT_BYTES 65536u /* a power of two */

enum tty_minor { MINOR_TTY0, MINOR_TTYS0, MINOR_TTYS1, MINORS };

struct line;
struct line_device {
	/* There is output (line_output) and it is not stopped: take what can be taken now. */
	void (*start_output)(struct line *l);
	/* Readers made room in the input ring. */
	void (*input_room)(struct line *l);
	/* Termios changed; may be NULL. */
	void (*configure)(struct line *l);
};

struct request_queue {
	struct chardev_request *head, *tail;
};

struct line {
	struct ldisc ldisc; /* first: its ops get the line by a cast-free container */
	unsigned minor;
	const char *name;
	const struct line_device *device; /* NULL: the hardware is not there */
	struct winsize size;
	unsigned opens;
	struct request_queue readers, writers, drainers;
	unsigned poll_wanted;
	uint64_t t_read_ns;          /* VTIME of the first reader; 0: none */
	bool is_suspended;           /* TCOOFF */
	uint32_t out_head, out_tail; /* free-running */
	uint64_t out_dropped;        /* echo that found the ring full */
	uint8_t out[OUT_BYTES];
};

extern struct line tty_lines[MINORS];

/* line.c */
void line_init(struct line *l, unsigned minor, const char *name, bool is_raw);
void line_read(struct line *l, struct chardev_request *r);
void line_write(struct line *l, struct chardev_request *r);
void line_poll(struct line *l, struct chardev_request *r);
void line_cancel(struct line *l, struct chardev_request *r);
void line_wait_drained(struct line *l, struct chardev_request *r);
bool line_is_drained(const struct line *l);
void line_flush_output(struct line *l);
void line_emit(struct line *l, const uint8_t *bytes, size_t len);
/* From devices: received bytes; contiguous bytes to send; so many of them were sent. */
void line_received(struct line *l, const uint8_t *bytes, size_t len);
size_t line_output(const struct line *l, const uint8_t **bytes);
void line_sent(struct line *l, size_t len);
/* Runs what may run now: writers, readers, polls, drains, the device. */
void line_work(struct line *l);
void line_alarm(struct line *l, uint64_t now);

/* ioctl.c */
void line_ioctl(struct line *l, struct chardev_request *r);
void line_ioctl_drained(struct line *l, struct chardev_request *r);
void line_restore(struct line *l); /* termios and size from ds */

/* dumpkey.c */
void dumpkey_pressed(struct line *l, unsigned key); /* 1..10 */
bool dumpkey_message(const struct msg *m);

/* uart.c */
bool uart_init(struct line *l, unsigned index);
void uart_interrupt(uint64_t hooks);

/* console.c */
bool console_init(struct line *l);
void console_interrupt(uint64_t hooks);
void console_idle(void);

#endif
