/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * termios and window size of each line are kept in ds ("tty.<name>", private), so that a restart does
 * not lose them.
 */
#include <stdio.h>

#include "tty.h"

#define SAVED_MAGIC 0x31797474u /* "tty1" */

struct saved {
	uint32_t magic;
	struct ktermios t;
	struct winsize size;
	uint32_t column;
};

static void saved_key(const struct line *l, char key[DS_KEY_MAX])
{
	snprintf(key, DS_KEY_MAX, "tty.%s", tty_names[l->minor]);
}

void settings_save(struct line *l)
{
	struct saved s = {
		.magic = SAVED_MAGIC, .t = l->ldisc.t, .size = l->size, .column = l->ldisc.column};
	char key[DS_KEY_MAX];

	saved_key(l, key);
	if (ds_save(key, &s, sizeof(s)) < 0)
		sys_log("tty: settings of %s are not saved\n", tty_names[l->minor]);
}

void settings_restore(struct line *l)
{
	struct saved s;
	char key[DS_KEY_MAX];

	saved_key(l, key);
	if (ds_load(key, &s, sizeof(s)) != (int)sizeof(s) || s.magic != SAVED_MAGIC)
		return;
	ldisc_set_termios(&l->ldisc, &s.t);
	l->size = s.size;
	l->ldisc.column = s.column;
}
