/* SPDX-License-Identifier: BSD-2-Clause */
/* The components that rs knows, by label and by endpoint. Static; a slot is reused after removal.
 */
#include <string.h>
#include "rs.h"

struct component components[COMPONENTS_MAX];

struct component *table_find(const char *label)
{
	for (unsigned i = 0; i < COMPONENTS_MAX; i++)
		if (components[i].is_used && strcmp(components[i].label, label) == 0)
			return &components[i];
	return NULL;
}

struct component *table_by_ep(endpoint_t ep)
{
	for (unsigned i = 0; ep >= 0 && i < COMPONENTS_MAX; i++)
		if (components[i].is_used && components[i].life.now.ep == ep)
			return &components[i];
	return NULL;
}

struct component *table_by_standby(endpoint_t ep)
{
	for (unsigned i = 0; ep >= 0 && i < COMPONENTS_MAX; i++)
		if (components[i].is_used && components[i].life.standby.ep == ep)
			return &components[i];
	return NULL;
}

struct component *table_new(const char *label)
{
	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		struct component *c = &components[i];

		if (c->is_used)
			continue;
		memset(c, 0, sizeof(*c));
		c->is_used = true;
		memcpy(c->label, label, strnlen(label, LABEL_MAX - 1));
		c->published = EP_NONE;
		machine_init(c);
		return c;
	}
	return NULL;
}

void table_free(struct component *c)
{
	c->is_used = false;
}
