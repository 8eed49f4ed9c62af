/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Healing a group: every replica is read again, judged, mended and written back; what was bad,
 * where, and what became of it goes to the event log (an incident record) and to STATUS. With one
 * replica it is read once more, which heals nothing on the medium but tells a bad transfer from bad
 * contents.
 */
#include <string.h>
#include "checksum.h"

#define WAITERS_MAX (REQUESTS_MAX + 4)

static uint8_t *memory[CHECKSUM_REPLICAS_MAX + 1]; /* copies, and the result */
static bool is_busy;
static struct fiber *waiters[WAITERS_MAX];
static unsigned waiter_count;

void heal_setup(void)
{
	for (unsigned i = 0; i <= medium.replicas; i++)
		memory[i] = staging_take(medium.codec.layout.n + 1);
}

void heal_enter(void)
{
	if (!is_busy) {
		is_busy = true;
		return;
	}
	SYS_ASSERT(waiter_count < WAITERS_MAX);
	waiters[waiter_count++] = fiber_self();
	(void)fiber_wait(); /* is_busy is handed over */
}

void heal_leave(void)
{
	struct fiber *first = waiters[0];

	if (waiter_count == 0) {
		is_busy = false;
		return;
	}
	waiter_count--;
	for (unsigned i = 0; i < waiter_count; i++)
		waiters[i] = waiters[i + 1];
	fiber_wake(first, 0);
}

static int read_copies(struct checksum_heal *h, uint32_t equalise)
{
	const uint32_t n = medium.codec.layout.n;
	unsigned count = 0;
	int error = -EIO;

	for (unsigned i = 0; i < h->replicas; i++) {
		struct extent e = {.sector = checksum_group_start(&medium.codec.layout, h->number),
		                   .sectors = n + 1,
		                   .memory = h->copies[i]};
		int r = -EIO;

		if (equalise == 0 || (equalise >> i & 1) != 0)
			r = lower_transfer(&e, BLK_READ, 0, h->replicas > 1 ? (uint8_t)(i + 1) : 0);
		if (r == 0) {
			count++;
			continue;
		}
		error = r;
		h->copies[i] = NULL;
	}
	return count > 0 ? 0 : error;
}

/* One record for each bad sector of each replica. Returns how many. */
static unsigned report_bad(const struct checksum_heal *h)
{
	const uint32_t n = medium.codec.layout.n;
	unsigned count = 0;

	for (unsigned i = 0; i < h->replicas; i++) {
		for (uint32_t k = 0; h->copies[i] != NULL && k < n; k++) {
			if (!checksum_mask_has(&h->bad[i], k))
				continue;
			log_event(EV_CORRUPT, bdev_server(medium.lower), sys_label(),
			          h->number * n + k, i + 1);
			counters.corrupt++;
			count++;
		}
	}
	return count;
}

static void report_healed(const struct checksum_heal *h, unsigned replica)
{
	const uint32_t n = medium.codec.layout.n;

	for (uint32_t k = 0; k < n; k++) {
		if (!checksum_mask_has(&h->bad[replica], k) || checksum_mask_has(&h->lost, k))
			continue;
		log_event(EV_HEAL, bdev_server(medium.lower), sys_label(), h->number * n + k,
		          replica + 1);
		counters.healed++;
	}
}

static void write_back(const struct checksum_heal *h)
{
	for (unsigned i = 0; i < h->replicas; i++) {
		struct extent e = {.sector = checksum_group_start(&medium.codec.layout, h->number),
		                   .sectors = medium.codec.layout.n + 1,
		                   .memory = h->copies[i]};
		int r;

		if (!h->want_write[i])
			continue;
		r = lower_transfer(&e, BLK_WRITE, 0, h->replicas > 1 ? (uint8_t)(i + 1) : 0);
		if (r == 0) {
			report_healed(h, i);
		} else {
			counters.heal_errors++;
			sys_log("group %llu cannot be written back to replica %u: error %d\n",
			        (unsigned long long)h->number, i + 1, -r);
		}
	}
}

/* The first look found a mismatch, the second one none. */
static void report_transient(uint64_t number, const struct heal_seen *seen)
{
	uint64_t lba = number * medium.codec.layout.n + (uint64_t)seen->sector;

	counters.transient++;
	log_event(EV_CORRUPT, bdev_server(medium.lower), sys_label(), lba, seen->replica);
	log_event(EV_HEAL, bdev_server(medium.lower), sys_label(), lba, seen->replica);
}

static void summarise(const struct checksum_heal *h, unsigned bad)
{
	unsigned lost = 0;

	for (uint32_t k = 0; k < medium.codec.layout.n; k++)
		lost += checksum_mask_has(&h->lost, k);
	counters.lost += lost;
	sys_log("group %llu of %s: %u sectors bad, %u lost\n", (unsigned long long)h->number,
	        filter_lower(0), bad, lost);
}

/* A replica that cannot be read gets what the others have, so that none differs. But what is lost must
 * stay as each has it: then it cannot be made equal now. */
static int fill_unreadable(struct checksum_heal *h, const struct heal_result *out,
                           uint32_t equalise)
{
	for (unsigned i = 0; i < h->replicas; i++) {
		if (h->copies[i] != NULL || (equalise >> i & 1) == 0)
			continue;
		if (checksum_mask_any(&h->lost))
			return -EIO;
		h->copies[i] = memory[i];
		memcpy(h->copies[i], out->good, (medium.codec.layout.n + 1ull) * SUM_SECTOR);
		h->want_write[i] = true;
	}
	return 0;
}

static bool wants_writes(const struct checksum_heal *h)
{
	bool any = false;

	for (unsigned i = 0; i < h->replicas; i++)
		any |= h->want_write[i];
	return any;
}

int heal_group(uint64_t number, const struct heal_seen *seen, struct heal_result *out)
{
	struct checksum_heal h = {
		.number = number, .replicas = medium.replicas, .want_equal = seen->equalise != 0};
	unsigned bad;
	int r;

	memcpy(h.copies, memory, h.replicas * sizeof(h.copies[0]));
	out->good = memory[h.replicas];
	r = read_copies(&h, seen->equalise);
	if (r != 0)
		return r;
	checksum_heal(&medium.codec, &h, out->good);
	out->lost = h.lost;
	bad = report_bad(&h);
	if (h.want_equal) {
		r = fill_unreadable(&h, out, seen->equalise);
		counters.equalised += wants_writes(&h);
	}
	write_back(&h);
	if (bad > 0)
		summarise(&h, bad);
	else if (seen->sector >= 0)
		report_transient(number, seen);
	return r;
}
