/* SPDX-License-Identifier: BSD-2-Clause */
/* Name cache, set associative, round-robin replacement; see dcache.h. */
#include <string.h>
#include "dcache.h"

#define SETS 2048u
#define WAYS 4u

struct entry {
	uint8_t in_use;
	uint8_t mount;
	uint32_t dir, ino;
	char name[DCACHE_NAME_MAX + 1];
};
_Static_assert(sizeof(struct entry) == 64, "one cache line");

static struct entry sets[SETS][WAYS];
static uint8_t next_way[SETS];

static unsigned set_of(const struct dcache_key *k)
{
	uint32_t h = 2166136261u ^ k->mount;

	h = (h ^ k->dir) * 16777619u;
	for (const char *p = k->name; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	return (h ^ h >> 15) % SETS;
}

static struct entry *find(const struct dcache_key *k, unsigned set)
{
	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *e = &sets[set][i];

		if (e->in_use && e->mount == k->mount && e->dir == k->dir &&
		    !strcmp(e->name, k->name))
			return e;
	}
	return NULL;
}

void dcache_put(const struct dcache_key *k, uint32_t ino)
{
	size_t len = strlen(k->name);
	unsigned set;
	struct entry *e;

	if (len > DCACHE_NAME_MAX)
		return;
	set = set_of(k);
	e = find(k, set);
	for (unsigned i = 0; !e && i < WAYS; i++)
		if (!sets[set][i].in_use)
			e = &sets[set][i];
	if (!e)
		e = &sets[set][next_way[set]++ % WAYS];
	e->in_use = 1;
	e->mount = (uint8_t)k->mount;
	e->dir = k->dir;
	e->ino = ino;
	memcpy(e->name, k->name, len + 1);
}

bool dcache_get(const struct dcache_key *k, uint32_t *ino)
{
	const struct entry *e = find(k, set_of(k));

	if (!e)
		return false;
	*ino = e->ino;
	return true;
}

void dcache_drop(const struct dcache_key *k)
{
	struct entry *e = find(k, set_of(k));

	if (e)
		e->in_use = 0;
}

void dcache_drop_mount(unsigned mount)
{
	for (unsigned s = 0; s < SETS; s++)
		for (unsigned i = 0; i < WAYS; i++)
			if (sets[s][i].mount == mount)
				sets[s][i].in_use = 0;
}

bool dcache_name_of(unsigned mount, uint32_t ino, uint32_t *dir, char *name)
{
	for (unsigned s = 0; s < SETS; s++) {
		for (unsigned i = 0; i < WAYS; i++) {
			const struct entry *e = &sets[s][i];

			if (!e->in_use || e->mount != mount || e->ino != ino)
				continue;
			*dir = e->dir;
			memcpy(name, e->name, sizeof(e->name));
			return true;
		}
	}
	return false;
}
