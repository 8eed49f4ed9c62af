/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keyboard: see keymap.h.
 */

#include "keymap.h"

#define CODE_EXTENDED 0xe0
#define CODE_RELEASE  0x80
#define CODE_CTRL     0x1d
#define CODE_LSHIFT   0x2a
#define CODE_RSHIFT   0x36
#define CODE_ALT      0x38
#define CODE_CAPS     0x3a
#define CODE_F1       0x3b
#define CODE_F10      0x44
#define CODE_F11      0x57
#define CODE_F12      0x58

static const char plain[] =
	"\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
	"\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
_Static_assert(sizeof(plain) == 0x3b && sizeof(shifted) == 0x3b, "codes 0 to 0x39 and a NUL");

static bool modifier(struct keymap *k, uint8_t code, bool is_down)
{
	switch (code) {
	case CODE_CTRL: k->has_ctrl = is_down; return true;
	case CODE_ALT: k->has_alt = is_down; return true;
	case CODE_LSHIFT:
	case CODE_RSHIFT:
		if (!k->is_extended) /* e0 2a is a fake shift around the grey keys */
			k->has_shift = is_down;
		return true;
	case CODE_CAPS: k->is_caps ^= is_down; return true;
	default: return false;
	}
}

static size_t sequence(const char *text, char *out)
{
	size_t n = 0;

	for (; text[n] != '\0'; n++)
		out[n] = text[n];
	return n;
}

/* Grey keys and, without 0xe0, the keypad (numeric lock off). */
static size_t cursor_key(uint8_t code, bool is_application, char *out)
{
	static const char *const normal[] = {[0x47 - 0x47] = "\033[1~", [0x48 - 0x47] = "\033[A",
	                                     [0x49 - 0x47] = "\033[5~", [0x4b - 0x47] = "\033[D",
	                                     [0x4d - 0x47] = "\033[C",  [0x4f - 0x47] = "\033[4~",
	                                     [0x50 - 0x47] = "\033[B",  [0x51 - 0x47] = "\033[6~",
	                                     [0x52 - 0x47] = "\033[2~", [0x53 - 0x47] = "\033[3~"};
	const char *text = code >= 0x47 && code <= 0x53 ? normal[code - 0x47] : NULL;
	size_t n;

	if (code == 0x4a || code == 0x4e) { /* - and + of the keypad */
		*out = code == 0x4a ? '-' : '+';
		return 1;
	}
	if (text == NULL)
		return 0;
	n = sequence(text, out);
	if (is_application && n == 3)
		out[1] = 'O';
	return n;
}

static size_t function_key(uint8_t code, char *out)
{
	static const char *const keys[] = {"\033[[A",  "\033[[B",  "\033[[C",  "\033[[D",
	                                   "\033[[E",  "\033[17~", "\033[18~", "\033[19~",
	                                   "\033[20~", "\033[21~"};

	if (code == CODE_F11 || code == CODE_F12)
		return sequence(code == CODE_F11 ? "\033[23~" : "\033[24~", out);
	return sequence(keys[code - CODE_F1], out);
}

static size_t character(const struct keymap *k, uint8_t code, char *out)
{
	char c = plain[code];
	size_t n = 0;
	bool is_letter = c >= 'a' && c <= 'z';

	if (k->has_shift != (is_letter && k->is_caps))
		c = shifted[code];
	if (k->has_ctrl && c >= '@' && c <= '~')
		c &= 0x1f;
	else if (k->has_ctrl && c == ' ')
		c = 0;
	else if (c == 0)
		return 0;
	if (k->has_alt)
		out[n++] = '\033';
	out[n++] = c;
	return n;
}

size_t keymap_input(struct keymap *k, uint8_t code, bool is_application, char out[KEY_BYTES_MAX])
{
	bool is_down = !(code & CODE_RELEASE), was_extended;
	size_t n = 0;

	if (code == CODE_EXTENDED) {
		k->is_extended = true;
		return 0;
	}
	was_extended = k->is_extended;
	code &= (uint8_t)~CODE_RELEASE;
	if (!modifier(k, code, is_down) && is_down) {
		if (was_extended && code == 0x1c)
			n = sequence("\r", out);
		else if (was_extended && code == 0x35)
			n = sequence("/", out);
		else if (code >= 0x47 && code <= 0x53)
			n = cursor_key(code, is_application, out);
		else if ((code >= CODE_F1 && code <= CODE_F10) || code == CODE_F11 ||
		         code == CODE_F12)
			n = function_key(code, out);
		else if (!was_extended && code < sizeof(plain) - 1)
			n = character(k, code, out);
	}
	k->is_extended = false;
	return n;
}

unsigned keymap_dump_key(const struct keymap *k, uint8_t code)
{
	bool is_function = code >= CODE_F1 && code <= CODE_F10;

	return k->has_shift && !k->is_extended && is_function ? code - CODE_F1 + 1u : 0;
}
