/* SPDX-License-Identifier: BSD-2-Clause */
/* States of legs, choice of reads: see set.h. The bitmap and resync are in bitmap.c. */
#include <stdio.h>
#include <string.h>
#include "axolotl/errno.h"
#include "mirror_impl.h"

static void set_state(struct mirror_set *set, unsigned leg, enum mirror_state state)
{
	set->leg[leg].state = state;
	set->super.states[leg] = (uint8_t)state;
}

static void change_state(struct mirror_set *set, unsigned leg, enum mirror_state state)
{
	set_state(set, leg, state);
	set->super.generation++;
	set->want_record = true;
}

/* ---- assembly ---- */

/* The present leg with the highest generation, or -1. */
static int find_truth(const struct mirror_set *set, const struct mirror_found *found)
{
	int truth = -1;

	for (unsigned i = 0; i < set->legs; i++) {
		if (!found[i].is_present || found[i].probe != MIRROR_VALID)
			continue;
		if (truth < 0 || found[i].super.generation > found[truth].super.generation)
			truth = (int)i;
	}
	return truth;
}

/* Is what a leg carries a part of the set that the truth describes? */
static bool is_member(const struct mirror_super *truth, const struct mirror_super *super,
                      unsigned leg)
{
	return memcmp(truth->uuid, super->uuid, sizeof(truth->uuid)) == 0 && super->self == leg &&
	       super->legs == truth->legs && super->data_sectors == truth->data_sectors;
}

/* It believes that a leg which the truth calls good had failed: it ran alone. */
static bool has_other_history(const struct mirror_super *truth, const struct mirror_super *super)
{
	for (unsigned i = 0; i < truth->legs; i++) {
		if (truth->states[i] == MIRROR_GOOD && super->states[i] == MIRROR_FAILED &&
		    super->generation < truth->generation &&
		    truth->states[super->self] != MIRROR_GOOD)
			return true;
	}
	return false;
}

/* State of a leg in the set that begins to run. */
static enum mirror_state first_state(const struct mirror_set *set, const struct mirror_found *found,
                                     unsigned leg)
{
	const struct mirror_super *truth = &set->super;

	if (!found[leg].is_present || found[leg].probe != MIRROR_VALID ||
	    !is_member(truth, &found[leg].super, leg) ||
	    has_other_history(truth, &found[leg].super))
		return MIRROR_FAILED;
	return truth->states[leg] == MIRROR_GOOD ? MIRROR_GOOD : MIRROR_RESYNC;
}

/* Is a leg missing that would take part? Nobody waits for those that are known to have failed. */
static bool some_missing(const struct mirror_set *set, const struct mirror_found *found, int truth)
{
	for (unsigned i = 0; i < set->legs; i++) {
		if (!found[i].is_present &&
		    (truth < 0 || found[truth].super.states[i] != MIRROR_FAILED))
			return true;
	}
	return false;
}

static enum mirror_verdict refuse(struct mirror_why *why, const char *text)
{
	snprintf(why->text, sizeof(why->text), "%s", text);
	return MIRROR_REFUSE;
}

static enum mirror_verdict begin(struct mirror_set *set, const struct mirror_found *found)
{
	enum mirror_state states[MIRROR_LEGS_MAX];
	bool has_changed = false;

	for (unsigned i = 0; i < set->legs; i++) {
		states[i] = first_state(set, found, i);
		has_changed |= states[i] != (enum mirror_state)set->super.states[i];
	}
	for (unsigned i = 0; i < set->legs; i++)
		set_state(set, i, states[i]);
	for (unsigned i = 0; i < set->legs; i++)
		has_changed |= mirror_takes_writes(set, i) &&
		               found[i].super.generation != set->super.generation;
	if (has_changed) {
		set->super.generation++;
		set->want_record = true;
	}
	set->is_running = true;
	return MIRROR_RUN;
}

enum mirror_verdict mirror_assemble(struct mirror_set *set, const struct mirror_found *found,
                                    bool is_late, struct mirror_why *why)
{
	int truth = find_truth(set, found);

	why->text[0] = '\0';
	if (some_missing(set, found, truth) && !is_late)
		return MIRROR_WAIT;
	if (truth < 0)
		return refuse(why,
		              "no leg has a valid superblock: run mkstack, or name other legs");
	set->super = found[truth].super;
	if (set->super.legs != set->legs)
		return refuse(why, "the legs belong to a mirror with another number of legs");
	if (set->super.self != (unsigned)truth)
		return refuse(why, "the legs are named in another order than they were formatted");
	set->regions = (uint32_t)((set->super.data_sectors - 1) / set->super.region_sectors + 1);
	for (unsigned i = 0; i < set->legs; i++) {
		if (first_state(set, found, i) == MIRROR_GOOD)
			return begin(set, found);
	}
	return refuse(why, "only legs that had failed are here; the good one is missing");
}

unsigned mirror_source(const struct mirror_set *set)
{
	unsigned best = 0;
	bool has_best = false;

	for (unsigned i = 0; i < set->legs; i++) {
		const struct mirror_leg *leg = &set->leg[i];

		if (leg->state != MIRROR_GOOD)
			continue;
		if (!has_best || leg->stale_count < set->leg[best].stale_count)
			best = i;
		has_best = true;
	}
	return best;
}

/* ---- states ---- */

bool mirror_fail(struct mirror_set *set, unsigned leg)
{
	struct mirror_leg *l = &set->leg[leg];
	bool has_other = false;

	if (!mirror_takes_writes(set, leg))
		return true; /* failed already */
	for (unsigned i = 0; i < set->legs; i++)
		has_other |= i != leg && set->leg[i].state == MIRROR_GOOD &&
		             set->leg[i].stale_count == 0;
	if (l->state == MIRROR_GOOD && !has_other)
		return false;
	/* A good leg with stale regions must not survive the only source of those. */
	change_state(set, leg, MIRROR_FAILED);
	mirror_forget_unsynced(set);
	return true;
}

int mirror_return(struct mirror_set *set, unsigned leg, const struct mirror_found *found)
{
	struct mirror_leg *l = &set->leg[leg];

	if (mirror_takes_writes(set, leg))
		return 0;
	if (found->probe != MIRROR_VALID || !is_member(&set->super, &found->super, leg))
		return -EUCLEAN;
	if (has_other_history(&set->super, &found->super))
		return -EBUSY;
	/* Every region written since it failed has its bit set. */
	l->stale = set->dirty;
	l->stale_count = mirror_bits_count(&l->stale);
	l->resync_offset = l->resync_region = 0;
	change_state(set, leg, MIRROR_RESYNC);
	return 0;
}

void mirror_super_for(const struct mirror_set *set, unsigned leg, struct mirror_super *out)
{
	*out = set->super;
	out->self = leg;
	mirror_super_seal(out);
}

bool mirror_is_degraded(const struct mirror_set *set)
{
	for (unsigned i = 0; i < set->legs; i++) {
		if (set->leg[i].state != MIRROR_GOOD)
			return true;
	}
	return false;
}

void mirror_leg_complete(struct mirror_set *set, unsigned leg)
{
	if (set->leg[leg].state == MIRROR_RESYNC)
		change_state(set, leg, MIRROR_GOOD);
}

/* ---- reads ---- */

static bool overlaps(const struct mirror_set *set, const struct mirror_bits *regions,
                     const struct mirror_read *r)
{
	uint32_t last = mirror_region_of(set, r->sector + r->sectors - 1);

	for (uint32_t i = mirror_region_of(set, r->sector); i <= last; i++) {
		if (mirror_bits_has(regions, i))
			return true;
	}
	return false;
}

/* Where legs may differ, all that do not ask for a certain one get the same answer: the source's, if
 * it can be read. */
static bool is_second_choice(const struct mirror_set *set, unsigned leg,
                             const struct mirror_read *r)
{
	unsigned source = mirror_source(set);

	return r->replica == 0 && leg != source && (r->tried >> source & 1) == 0 &&
	       set->unsynced_count > 0 && overlaps(set, &set->unsynced, r);
}

static bool may_serve(const struct mirror_set *set, unsigned leg, const struct mirror_read *r)
{
	const struct mirror_leg *l = &set->leg[leg];

	if (!mirror_takes_writes(set, leg) || (r->tried >> leg & 1) != 0)
		return false;
	if (r->replica != 0 && r->replica != leg + 1)
		return false;
	if (l->stale_count > 0 && overlaps(set, &l->stale, r))
		return false;
	return !is_second_choice(set, leg, r);
}

int mirror_choose(struct mirror_set *set, enum mirror_policy policy, const struct mirror_read *r)
{
	unsigned first = policy == MIRROR_ROUND_ROBIN
	                         ? (unsigned)(mirror_region_of(set, r->sector) % set->legs)
	                         : 0;
	int best = -1;

	for (unsigned k = 0; k < set->legs; k++) {
		unsigned leg = (first + k) % set->legs;

		if (!may_serve(set, leg, r))
			continue;
		if (policy != MIRROR_SHORTEST)
			return (int)leg;
		if (best < 0 || set->leg[leg].queue < set->leg[best].queue)
			best = (int)leg;
	}
	return best;
}
