/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PS/2 scan codes of set 1 (as the controller translates them) to the bytes that a terminal sends,
 * US layout. Pure: state is the modifiers only.
 */
#ifndef TTY_KEYMAP_H
#define TTY_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES_MAX 8

struct keymap {
	bool is_extended; /* 0xe0 was seen */
	bool has_shift, has_ctrl, has_alt, is_caps;
};

/* One byte of the keyboard; returns how many bytes it types. */
size_t keymap_input(struct keymap *k, uint8_t code, bool is_application, char out[KEY_BYTES_MAX]);

/* Shift with F1 to F10: 1 to 10, else 0. Asked before keymap_input() gets the same byte. */
unsigned keymap_dump_key(const struct keymap *k, uint8_t code);

#endif
