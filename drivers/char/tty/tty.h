/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to tty: lines (one a minor) and the devices under them.
 *
 *   main.c     start, dispatch    settings.c  what is kept in ds
 *   uart.c     16550 lines        console.c   VGA text and keyboard
 *   dumpkey.c  debug dumps        screen*.c, keymap.c  pure
 *
 * Lines themselves, with requests, ioctls and line discipline, are in lib/tty and lib/ldisc.
 */
#ifndef TTY_TTY_H
#define TTY_TTY_H

#include "sys/sys.h"
#include "tty/line.h"

enum tty_minor { MINOR_TTY0, MINOR_TTYS0, MINOR_TTYS1, MINORS };

extern struct line tty_lines[MINORS];
extern const char *const tty_names[MINORS];

/* settings.c */
void settings_save(struct line *l);
void settings_restore(struct line *l);

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
