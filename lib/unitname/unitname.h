/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of units in ds: "blk.<unit>" and "net.<unit>" are "<label>:<unit number>". What client halves of
 * protocols need to follow them.
 */
#ifndef LIB_UNITNAME_H
#define LIB_UNITNAME_H

#include "axolotl/ds.h"

#define UNITNAME_PATTERN_MAX sizeof(((struct ds_subscribe *)0)->pattern)

/* Label and number, below units_max; false if the value is malformed. */
bool unitname_parse(const char *value, unsigned units_max, char label[LABEL_MAX], uint32_t *unit);
/* A pattern that matches exactly this key, whatever regular expressions make of its characters;
 * -ENAMETOOLONG. */
int unitname_pattern(const char *key, char pattern[UNITNAME_PATTERN_MAX]) MUST_CHECK;

/* Keys that this process has subscribed to, once each. ds repeats an entry that exists already, so a
 * first connection and a reconnection take the same way. */
struct unitname_keys {
	char (*keys)[DS_KEY_MAX];
	unsigned max, count;
};
bool unitname_is_subscribed(const struct unitname_keys *k, const char *key);
int unitname_subscribe(struct unitname_keys *k, const char *key) MUST_CHECK;

/* Announces, and takes back, "<prefix><name>" = "<own label>:<unit>". */
int unitname_publish(const char *prefix, const char *name, unsigned unit) MUST_CHECK;
int unitname_unpublish(const char *prefix, const char *name) MUST_CHECK;

#endif
