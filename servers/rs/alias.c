/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stack without any filter is a unit of a driver under a second name: storage=sata0 publishes
 * "blk.disk" with the value of "blk.sata0". The value names a label and a unit number, so it stays
 * right over restarts of the driver. A network unit with a second name is also marked as taken
 * ("netup.<unit>"), because inet takes every unit that nobody stands on.
 */
#include <stdio.h>
#include <string.h>
#include "rs.h"

#define ALIASES_MAX 8

struct alias {
	bool is_used, is_there;
	char name[LABEL_MAX], unit[LABEL_MAX];
	char key[DS_KEY_MAX];    /* blk.disk, net.net0 */
	char target[DS_KEY_MAX]; /* blk.sata0, net.e1000_0 */
	char taken[DS_KEY_MAX];  /* netup.e1000_0, or "" */
};
static struct alias aliases[ALIASES_MAX];

static void publish(struct alias *a)
{
	char value[DS_VALUE_MAX];

	a->is_there = ds_lookup_str(a->target, value, sizeof(value)) >= 0;
	if (!a->is_there)
		return; /* not there yet: ds tells us */
	a->is_there = ds_publish_str(a->key, value) == 0;
	if (!a->is_there)
		sys_log("the name %s is taken", a->key);
}

static struct alias *free_slot(void)
{
	for (unsigned i = 0; i < ALIASES_MAX; i++)
		if (!aliases[i].is_used)
			return &aliases[i];
	return NULL;
}

static struct alias *find(const char *name)
{
	for (unsigned i = 0; i < ALIASES_MAX; i++)
		if (aliases[i].is_used && strcmp(aliases[i].name, name) == 0)
			return &aliases[i];
	return NULL;
}

static int fill(struct alias *a, const struct alias_want *w)
{
	const char *class = w->class == POLICY_NET ? "net" : "blk";
	int taken = 0;

	memset(a, 0, sizeof(*a));
	if (w->class == POLICY_NET)
		taken = snprintf(a->taken, DS_KEY_MAX, "netup.%s", w->unit);
	if (taken >= DS_KEY_MAX || snprintf(a->name, LABEL_MAX, "%s", w->name) >= LABEL_MAX ||
	    snprintf(a->unit, LABEL_MAX, "%s", w->unit) >= LABEL_MAX ||
	    snprintf(a->key, DS_KEY_MAX, "%s.%s", class, w->name) >= DS_KEY_MAX ||
	    snprintf(a->target, DS_KEY_MAX, "%s.%s", class, w->unit) >= DS_KEY_MAX)
		return -ENAMETOOLONG;
	return 0;
}

int alias_add(const struct alias_want *w)
{
	struct alias *a = free_slot();
	char pattern[DS_KEY_MAX + 4];
	int result;

	if (a == NULL)
		return -ENOSPC;
	result = fill(a, w);
	if (result != 0)
		return result;
	snprintf(pattern, sizeof(pattern), "%.3s\\.%s", a->target, w->unit);
	result = ds_subscribe(pattern);
	if (result == 0 && a->taken[0] != '\0')
		result = ds_publish_str(a->taken, w->name);
	if (result != 0)
		return result;
	a->is_used = true;
	publish(a);
	return 0;
}

/* ds has no way to end one subscription: what it still tells about the unit is not looked at. */
bool alias_remove(const char *name)
{
	struct alias *a = find(name);

	if (a == NULL)
		return false;
	if (a->is_there && ds_delete(a->key) != 0)
		sys_log("ds keeps %s", a->key);
	if (a->taken[0] != '\0' && ds_delete(a->taken) != 0)
		sys_log("ds keeps %s", a->taken);
	a->is_used = false;
	return true;
}

const char *alias_unit(const char *name)
{
	const struct alias *a = find(name);

	return a != NULL ? a->unit : NULL;
}

bool alias_is_there(const char *name)
{
	const struct alias *a = find(name);

	return a != NULL && a->is_there;
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
	for (unsigned i = 0; i < ALIASES_MAX; i++)
		if (aliases[i].is_used)
			publish(&aliases[i]);
}
