/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of units in ds: subscriptions and announcements. See unitname.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sys/sys.h"
#include "unitname/unitname.h"

bool unitname_is_subscribed(const struct unitname_keys *k, const char *key)
{
	for (unsigned i = 0; i < k->count; i++)
		if (strcmp(k->keys[i], key) == 0)
			return true;
	return false;
}

int unitname_subscribe(struct unitname_keys *k, const char *key)
{
	char pattern[UNITNAME_PATTERN_MAX];
	int err;

	if (k->count == k->max || strlen(key) >= DS_KEY_MAX)
		return -ENOSPC;
	err = unitname_pattern(key, pattern);
	if (err == 0)
		err = ds_subscribe(pattern);
	if (err == 0)
		strcpy(k->keys[k->count++], key);
	return err;
}

static int make_key(char key[DS_KEY_MAX], const char *prefix, const char *name)
{
	return snprintf(key, DS_KEY_MAX, "%s%s", prefix, name) >= DS_KEY_MAX ? -ENAMETOOLONG : 0;
}

int unitname_publish(const char *prefix, const char *name, unsigned unit)
{
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];

	if (make_key(key, prefix, name) != 0 ||
	    snprintf(value, sizeof(value), "%s:%u", sys_label(), unit) >= (int)sizeof(value))
		return -ENAMETOOLONG;
	return ds_publish_str(key, value);
}

int unitname_unpublish(const char *prefix, const char *name)
{
	char key[DS_KEY_MAX];

	return make_key(key, prefix, name) != 0 ? -ENAMETOOLONG : ds_delete(key);
}
