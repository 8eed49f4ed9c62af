/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people may call a component: its label; a unit that it serves (sata0, disk, e1000_0, as ds
 * has them); or the name of its binary with a 0 (ahci0), if only one component runs that binary.
 */
#include <stdio.h>
#include <string.h>
#include "rs.h"

static struct component *find_unit(const char *unit)
{
	static const char *const classes[] = {"blk", "net", "chr"};
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];

	for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		char *colon;

		if (snprintf(key, sizeof(key), "%s.%s", classes[i], unit) >= DS_KEY_MAX ||
		    ds_lookup_str(key, value, sizeof(value)) < 0)
			continue;
		colon = strrchr(value, ':');
		if (colon == NULL)
			continue;
		*colon = '\0';
		return table_find(value);
	}
	return NULL;
}

static struct component *find_binary(const char *word, unsigned *count)
{
	struct component *found = NULL;
	size_t len = strlen(word);

	if (len < 2 || word[len - 1] != '0')
		return NULL;
	len--;
	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		struct component *c = &components[i];

		if (!c->is_used || c->is_fixed || strlen(c->program) != len ||
		    memcmp(c->program, word, len) != 0)
			continue;
		found = c;
		++*count;
	}
	return *count == 1 ? found : NULL;
}

struct component *names_find(const char *word, unsigned *count)
{
	struct component *c = table_find(word);

	*count = 0;
	if (c == NULL)
		c = find_unit(word);
	if (c == NULL)
		return find_binary(word, count);
	*count = 1;
	return c;
}
