/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stack without any filter is a unit of a driver under a second name: storage=sata0 publishes
 * "blk.disk" with the value of "blk.sata0". The value names a label and a unit number, so it stays
 * right over restarts of the driver.
 */
#include <stdio.h>
#include <string.h>
#include "rs.h"

#define ALIASES_MAX 8

struct alias {
	char key[DS_KEY_MAX];    /* blk.disk */
	char target[DS_KEY_MAX]; /* blk.sata0 */
};
static struct alias aliases[ALIASES_MAX];
static unsigned alias_count;

static void publish(const struct alias *a)
{
	char value[DS_VALUE_MAX];

	if (ds_lookup_str(a->target, value, sizeof(value)) < 0)
		return; /* not there yet: ds tells us */
	if (ds_publish_str(a->key, value) != 0)
		sys_log("the name %s is taken", a->key);
}

int alias_add(const char *name, const char *unit)
{
	struct alias *a = &aliases[alias_count];
	char pattern[DS_KEY_MAX + 4];
	int result;

	if (alias_count == ALIASES_MAX)
		return -ENOSPC;
	if (snprintf(a->key, DS_KEY_MAX, "blk.%s", name) >= DS_KEY_MAX ||
	    snprintf(a->target, DS_KEY_MAX, "blk.%s", unit) >= DS_KEY_MAX)
		return -ENAMETOOLONG;
	snprintf(pattern, sizeof(pattern), "blk\\.%s", unit);
	result = ds_subscribe(pattern);
	if (result != 0)
		return result;
	alias_count++;
	publish(a);
	return 0;
}

/* ds rang: take all changes, then look again. */
void alias_ds_changed(void)
{
	struct ds_change change;
	uint32_t nothing = 0;

	for (;;) {
		memset(&change, 0, sizeof(change));
		if (sys_call(EP_DS, DS_CHECK, &nothing, &change) != 0 || change.result < 0)
			break;
	}
	for (unsigned i = 0; i < alias_count; i++)
		publish(&aliases[i]);
}
