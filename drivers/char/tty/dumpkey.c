/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shift+F1 to F10: the tables of is on the screen. One question at a time; a key that comes before the answer
 * asks anew, so a dead or hanging is costs nothing but its answer.
 */
#include <string.h>

#include "axolotl/is.h"
#include "tty.h"

#define TEXT_BYTES 16384u /* about 200 lines: more would scroll away unread */

static char text[TEXT_BYTES];
static struct line *shown_on;
static endpoint_t asked = EP_NONE;
static grant_t grant = GRANT_INVALID;
static uint32_t last_id;

static void forget(void)
{
	grant_revoke(grant);
	grant = GRANT_INVALID;
	asked = EP_NONE;
}

static void show(const char *bytes, size_t len)
{
	const char *end = bytes + len;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t n = (size_t)((newline != NULL ? newline : end) - bytes);

		line_emit(shown_on, (const uint8_t *)bytes, n);
		if (newline != NULL)
			line_emit(shown_on, (const uint8_t *)"\r\n", 2);
		bytes += n + (newline != NULL);
	}
	line_work(shown_on);
}

void dumpkey_pressed(struct line *l, unsigned key)
{
	static const char absent[] = "\nis is not running\n";
	struct is_dump req = {.id = ++last_id, .table = key, .len_bytes = TEXT_BYTES};
	struct msg m;

	forget();
	shown_on = l;
	if (ds_lookup_label("is", &asked) == 0)
		grant = grant_direct(asked, text, sizeof(text), GRANT_WRITE);
	req.grant = grant;
	msg_put(&m, IS_DUMP, &req);
	if (grant == GRANT_INVALID || sys_asend(asked, &m) != 0) {
		forget();
		show(absent, sizeof(absent) - 1);
	}
}

bool dumpkey_message(const struct msg *m)
{
	struct is_rep rep;

	if (m->type != (IS_DUMP | MSG_REPLY))
		return false;
	msg_get(m, &rep);
	if (m->source != asked || rep.id != last_id)
		return true; /* of a question that nobody waits for any more */
	forget();
	if (rep.result > 0 && (size_t)rep.result <= sizeof(text))
		show(text, (size_t)rep.result);
	return true;
}
