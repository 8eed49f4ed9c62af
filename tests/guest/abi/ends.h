/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rows about pseudo-terminals share: pty.c (one process), ptyjob.c (sessions). */
#ifndef ABI_ENDS_H
#define ABI_ENDS_H

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include "abi.h"

struct ends {
	int master, slave; /* both O_NOCTTY */
	char name[32];
};

/* A pair that is unlocked and open at both ends. */
struct ends ends_open(void);
void ends_close(const struct ends *e);
void set_raw(int fd);
void put(int fd, const char *text);
/* Reads until so many bytes came; they must be these. */
void expect(int fd, const char *text);
unsigned polled(int fd, unsigned events, int ms);

#endif
