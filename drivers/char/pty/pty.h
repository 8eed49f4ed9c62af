/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs of a pseudo-terminal's two ends:
 *
 *     program <--> line (lib/tty: discipline, rings) <--> master's end (here) <--> telnetd
 *
 *     FREE --open ptmx--> master --open--> master + slave --close--> master, slave gone --> ...
 *                           |                  | close master
 *                           v                  v
 *                          FREE <--close----- slave alone
 *
 * What the program writes waits in the line's output ring until the master reads it; what the master
 * writes goes through the discipline as if it was typed. When the slave was open and is closed, the
 * master reads what is left, and then EIO; when it has not been opened yet, the master waits.
 *
 * Memory of a line comes with the pair and goes with it. Nothing outlives this process.
 */
#ifndef PTY_PTY_H
#define PTY_PTY_H

#include "chardev/chardev.h"
#include "tty/line.h"

/* All take a request and answer it now or later; requests of vfs are validated. */
void pair_open(struct chardev_request *r);
void pair_close(struct chardev_request *r);
void pair_read(struct chardev_request *r);
void pair_write(struct chardev_request *r);
void pair_ioctl(struct chardev_request *r);
void pair_poll(struct chardev_request *r);
void pair_cancel(struct chardev_request *r);

unsigned pair_count(void); /* that are open, at one end at least */

#endif
