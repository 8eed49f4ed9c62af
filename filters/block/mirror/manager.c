/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manager: a fiber that assembles the set and then does one thing after the other, most urgent
 * first: superblocks (completions wait), bitmap (writes wait), regions that may differ, legs that are
 * back. Another one forgets regions that are no longer written.
 */
#include <stdio.h>
#include <string.h>
#include "mirror.h"

#define TICK_NS          500000000ull
#define SWEEP_NS         2000000000ull
#define SETTLE_NS        20000000ull
#define REFUSED_AGAIN_NS 2000000000ull

static struct fiber *fiber;
static bool is_idle;    /* waits for a kick, and for nothing else */
static bool was_kicked; /* while it was busy */
static bool is_refused;
static struct filter_timer tick;
static bool want_sweep_all;
static struct filter_timer settle;
static uint64_t writes_at_flush;
static bool is_settled; /* and ds knows */

bool manager_is_refused(void)
{
	return is_refused;
}

void manager_kick(void)
{
	if (!is_idle) {
		was_kicked = true;
		return;
	}
	is_idle = false;
	fiber_wake(fiber, 0);
}

static void wait_for_kick(void)
{
	if (!was_kicked) {
		is_idle = true;
		(void)fiber_wait();
	}
	was_kicked = false;
}

static void tick_due(struct filter_timer *t)
{
	uint64_t now = now_ns();

	leg_retry_due(now);
	filter_timer_set(t, now + TICK_NS);
	manager_kick();
}

/* After a flush and a moment of silence the bitmap is cleaned at once: so is a mirror whose clients
 * were shut down, whatever happens to the machine then. */
static void settle_due(struct filter_timer *t)
{
	(void)t;
	if (data_active() > 0 || data_writes_begun() != writes_at_flush)
		return;
	want_sweep_all = true;
	manager_kick();
}

void manager_flushed(void)
{
	writes_at_flush = data_writes_begun();
	settle.fn = settle_due;
	filter_timer_set(&settle, now_ns() + SETTLE_NS);
}

/* ---- I/O of one leg ---- */

struct own_io {
	struct bdev_io io;
	struct blk_element element;
};

static void make_io(struct own_io *o, enum blk_op op, uint64_t sector, size_t at)
{
	o->element = (struct blk_element){.offset = at, .arena = (uint16_t)own_arena};
	o->io = (struct bdev_io){
		.op = (uint8_t)op, .sector = sector, .element_count = 1, .elements = &o->element};
}

static void set_length(struct own_io *o, uint32_t sectors)
{
	o->element.len_bytes = sectors * MIRROR_SECTOR;
	o->io.sectors = sectors;
}

static int read_header(unsigned leg)
{
	struct own_io o;
	int r;

	make_io(&o, BLK_READ, 0, OWN_HEADER(leg));
	set_length(&o, HEADER_BYTES / MIRROR_SECTOR);
	r = bdev_io_wait(legs[leg].b, &o.io);
	legs[leg].is_read = r == 0;
	return r;
}

static void find(unsigned leg, struct mirror_found *found)
{
	memset(found, 0, sizeof(*found));
	if (!legs[leg].is_read)
		return;
	found->is_present = true;
	found->probe = mirror_super_probe(own_memory + OWN_HEADER(leg),
	                                  bdev_info(legs[leg].b)->sectors, &found->super);
}

/* ---- assembly ---- */

static void read_headers(void)
{
	for (unsigned i = 0; i < set.legs; i++) {
		if (legs[i].b != NULL && legs[i].is_open && !legs[i].is_read && read_header(i) != 0)
			sys_log("the header of leg %u (%s) cannot be read\n", i, filter_lower(i));
	}
}

static void refuse(const struct mirror_why *why)
{
	if (!is_refused) {
		sys_log("refused: %s\n", why->text);
		is_refused = true;
		bserver_units_changed();
	}
	filter_sleep(REFUSED_AGAIN_NS);
	for (unsigned i = 0; i < set.legs; i++)
		legs[i].is_read = false; /* somebody may format them now */
}

/* Clients that were refused try again when the name changes in ds. */
static void announce_again(void)
{
	is_refused = false;
	if (bserver_unpublish(filter_unit()) != 0 ||
	    bserver_publish(filter_unit(), FILTER_UNIT) != 0)
		sys_log("the unit cannot be announced\n");
}

/* ---- after an unclean stop ---- */

/* ds remembers, as long as the system runs, that the legs were equal once in its life. Without that
 * a restart of this filter cannot know whether the one before had finished. */
static void settled_key(char key[DS_KEY_MAX])
{
	snprintf(key, DS_KEY_MAX, "settled.%.*s", DS_KEY_MAX - 9, filter_unit());
}

static bool was_settled(void)
{
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];

	settled_key(key);
	return filter_is_restart() && ds_lookup_str(key, value, sizeof(value)) == 0;
}

static void note_settled(void)
{
	char key[DS_KEY_MAX];

	if (is_settled || !mirror_is_settled(&set))
		return;
	settled_key(key);
	is_settled = ds_publish_str(key, "yes") == 0;
}

void manager_delegate(void)
{
	if (set.unsynced_count == 0)
		return;
	mirror_delegate(&set);
	for (unsigned i = 0; i < set.legs; i++) {
		if (set.leg[i].state == MIRROR_GOOD && mirror_resync_left(&set, i) > 0)
			log_event(EV_LEG_RESYNC, EP_SELF, sys_label(), i,
			          mirror_resync_left(&set, i));
	}
	copier_kick();
}

/* Regions that may differ wait for the first client that may write: whether it can judge decides who
 * makes them equal. (Others just look, vfs at every unit.) */
static void find_judge(void)
{
	unsigned access = bserver_open_access(FILTER_UNIT);

	if (set.unsynced_count > 0 && (access & BLK_ACCESS_WRITE) != 0 &&
	    (access & BLK_ACCESS_JUDGE) == 0) {
		sys_log("nobody above can judge: copying from leg %u\n", mirror_source(&set));
		manager_delegate();
	}
}

static void run(const struct mirror_found *found)
{
	if (is_refused)
		announce_again();
	mirror_start(&set,
	             own_memory + OWN_HEADER(mirror_source(&set)) +
	                     (size_t)MIRROR_BITMAP_START * MIRROR_SECTOR,
	             !was_settled());
	if (set.unsynced_count > 0)
		sys_log("unclean stop: legs may differ in %u regions\n", set.unsynced_count);
	for (unsigned i = 0; i < set.legs; i++) {
		struct bdev *b = legs[i].b;

		sys_log("leg %u (%s): %s, %u regions to copy\n", i, filter_lower(i),
		        mirror_state_name(set.leg[i].state), mirror_resync_left(&set, i));
		if (set.leg[i].state == MIRROR_RESYNC)
			log_event(EV_LEG_RESYNC, EP_SELF, sys_label(), i,
			          mirror_resync_left(&set, i));
		if (mirror_takes_writes(&set, i))
			continue;
		log_event(EV_LEG_FAILED, EP_SELF, sys_label(), i, 0);
		if (found[i].is_present)
			sys_log("leg %u (%s) is not a part of this mirror, or ran without it\n", i,
			        filter_lower(i));
		else if (b != NULL && legs[i].is_open)
			legs[i].want_join = true;
	}
}

static void assemble(void)
{
	uint64_t start = now_ns();
	struct mirror_found found[MIRROR_LEGS_MAX] = {0};
	struct mirror_why why;

	for (;;) {
		enum mirror_verdict verdict;

		read_headers();
		for (unsigned i = 0; i < set.legs; i++)
			find(i, &found[i]);
		verdict = mirror_assemble(&set, found, now_ns() - start >= patience_ns, &why);
		if (verdict == MIRROR_RUN)
			break;
		if (verdict == MIRROR_REFUSE)
			refuse(&why);
		else
			wait_for_kick();
	}
	run(found);
}

/* ---- superblocks ---- */

static void write_supers(struct filter_gate *g, struct own_io o[MIRROR_LEGS_MAX])
{
	for (unsigned i = 0; i < set.legs; i++) {
		size_t at = OWN_SCRATCH + (size_t)i * OWN_SCRATCH_BYTES;

		o[i].io.sectors = 0;
		if (!mirror_takes_writes(&set, i) || legs[i].b == NULL)
			continue;
		mirror_super_for(&set, i, (struct mirror_super *)(void *)(own_memory + at));
		make_io(&o[i], BLK_WRITE, set.super.generation & 1, at);
		set_length(&o[i], 1);
		o[i].io.flags = BLK_REQ_FUA;
		filter_submit(g, legs[i].b, &o[i].io);
	}
}

static void flush_legs(struct filter_gate *g, struct own_io o[MIRROR_LEGS_MAX])
{
	for (unsigned i = 0; i < set.legs; i++) {
		if (o[i].io.sectors == 0 || o[i].io.status != 0 || legs[i].b == NULL)
			continue;
		o[i].io = (struct bdev_io){.op = BLK_FLUSH};
		filter_submit(g, legs[i].b, &o[i].io);
	}
}

static void fail_those_with_errors(const struct own_io o[MIRROR_LEGS_MAX])
{
	for (unsigned i = 0; i < set.legs; i++) {
		if (o[i].io.status != 0)
			leg_fail(i, o[i].io.status);
	}
}

/* Until all legs that take writes have the current generation, on the medium. */
static void record(void)
{
	while (set.want_record) {
		uint64_t generation = set.super.generation;
		struct own_io o[MIRROR_LEGS_MAX] = {0};
		struct filter_gate g = {0};

		write_supers(&g, o);
		filter_wait(&g);
		flush_legs(&g, o);
		filter_wait(&g);
		fail_those_with_errors(o);
		/* The last good leg may refuse the record too: nothing better can be done then. */
		if (set.super.generation == generation)
			mirror_recorded(&set);
	}
	data_recorded();
}

/* ---- bitmap ---- */

static void write_bitmap_sector(unsigned sector)
{
	struct own_io o[MIRROR_LEGS_MAX] = {0};
	struct filter_gate g = {0};
	uint8_t *written = own_memory + OWN_SCRATCH;

	mirror_bitmap_sector(&set, sector, written);
	for (unsigned i = 0; i < set.legs; i++) {
		if (!mirror_takes_writes(&set, i) || legs[i].b == NULL)
			continue;
		make_io(&o[i], BLK_WRITE, MIRROR_BITMAP_START + sector, OWN_SCRATCH);
		set_length(&o[i], 1);
		o[i].io.flags = BLK_REQ_FUA; /* before the data, also through a loss of power */
		filter_submit(&g, legs[i].b, &o[i].io);
	}
	filter_wait(&g);
	fail_those_with_errors(o);
	mirror_bitmap_stable(&set, sector, written);
}

static void write_bitmap(void)
{
	for (unsigned i = 0; i < MIRROR_BITMAP_SECTORS; i++) {
		if ((set.want_bitmap >> i & 1) != 0)
			write_bitmap_sector(i);
	}
	data_bitmap_written();
}

/* ---- legs that are back ---- */

static void join(unsigned leg)
{
	struct mirror_found found;
	int r = read_header(leg);

	if (r == 0) {
		find(leg, &found);
		r = mirror_return(&set, leg, &found);
	}
	if (r != 0) {
		sys_log("leg %u (%s) cannot come back: %s\n", leg, filter_lower(leg),
		        r == -EBUSY     ? "it ran alone; reformat it with mkstack"
		        : r == -EUCLEAN ? "it has no superblock of this mirror"
		                        : "its header cannot be read");
		leg_give_up(leg);
		return;
	}
	set.want_bitmap = (uint8_t)((1u << MIRROR_BITMAP_SECTORS) - 1); /* its bitmap is old */
	sys_log("leg %u (%s) is back, %u regions to copy\n", leg, filter_lower(leg),
	        mirror_resync_left(&set, leg));
	log_event(EV_LEG_RESYNC, bdev_server(legs[leg].b), sys_label(), leg,
	          mirror_resync_left(&set, leg));
	copier_kick();
}

static void join_legs(void)
{
	for (unsigned i = 0; i < set.legs; i++) {
		if (!legs[i].want_join || legs[i].b == NULL)
			continue;
		legs[i].want_join = false;
		join(i);
	}
}

/* ---- sweeping: a fiber of its own, since a flush may take long and writes wait for the manager ---- */

static bool has_cache(unsigned leg)
{
	return legs[leg].b != NULL && bdev_info(legs[leg].b) != NULL &&
	       (bdev_info(legs[leg].b)->flags & BLK_FLAG_VOLATILE_CACHE) != 0;
}

static void flush_caches(void)
{
	struct own_io o[MIRROR_LEGS_MAX] = {0};
	struct filter_gate g = {0};

	for (unsigned i = 0; i < set.legs; i++) {
		if (!mirror_takes_writes(&set, i) || !has_cache(i))
			continue;
		o[i].io = (struct bdev_io){.op = BLK_FLUSH};
		filter_submit(&g, legs[i].b, &o[i].io);
	}
	filter_wait(&g);
	fail_those_with_errors(o);
}

static void sweep(void *arg)
{
	(void)arg;
	for (;;) {
		filter_sleep(SWEEP_NS);
		if (!set.is_running)
			continue;
		if (mirror_sweep_begin(&set))
			flush_caches();
		mirror_sweep(&set);
		manager_kick();
	}
}

static void manage(void *arg)
{
	(void)arg;
	assemble();
	bool is_announced = false;

	for (;;) {
		if (set.want_record)
			record();
		if (set.want_bitmap != 0)
			write_bitmap();
		if (!is_announced)
			bserver_units_changed();
		is_announced = true;
		find_judge();
		note_settled();
		copier_kick();
		join_legs();
		if (want_sweep_all)
			mirror_sweep_all(&set);
		want_sweep_all = false;
		if (!set.want_record && set.want_bitmap == 0)
			wait_for_kick();
	}
}

int manager_start(void)
{
	tick.fn = tick_due;
	filter_timer_set(&tick, now_ns() + TICK_NS / 10);
	fiber = fiber_start(manage, NULL);
	return fiber != NULL && fiber_start(sweep, NULL) != NULL ? 0 : -ENOMEM;
}
