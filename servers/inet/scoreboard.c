/* SPDX-License-Identifier: BSD-2-Clause */
/* See scoreboard.h. */
#include <string.h>

#include "scoreboard.h"
#include "tcpopt.h"

enum { OPTION_SACK = 5 };
enum { BLOCK_BYTES = 8, BLOCKS_MAX = 4 };

void scoreboard_reset(struct scoreboard *b, uint32_t una)
{
	b->una = una;
	b->sacked_bytes = 0;
	b->range_count = b->resent_count = 0;
	b->has_old = false;
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return seq_before(a, b) ? b : a;
}

static uint32_t earlier(uint32_t a, uint32_t b)
{
	return seq_before(a, b) ? a : b;
}

/* ---- what was sent again ---- */

static bool has_arrived(const struct scoreboard *b, uint32_t seq)
{
	if (seq_before(seq, b->una))
		return true;
	for (unsigned i = 0; i < b->range_count; i++)
		if (!seq_before(seq, b->ranges[i].left) && seq_before(seq, b->ranges[i].right))
			return true;
	return false;
}

/* Those that have arrived; each of them has passed those that were sent before it. */
static void drop_arrived(struct scoreboard *b)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < b->resent_count; i++) {
		if (!has_arrived(b, b->resent[i].seq)) {
			b->resent[kept++] = b->resent[i];
			continue;
		}
		for (unsigned k = 0; k < kept; k++)
			b->resent[k].passed++;
	}
	b->resent_count = kept;
}

static uint32_t bytes_from(const struct scoreboard *b, uint32_t seq)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < b->range_count; i++)
		if (seq_before(seq, b->ranges[i].right))
			bytes += b->ranges[i].right - later(seq, b->ranges[i].left);
	return bytes;
}

void scoreboard_sift_resent(struct scoreboard *b, uint32_t mss)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < b->resent_count; i++)
		if (b->resent[i].passed < DUPLICATE_THRESHOLD &&
		    bytes_from(b, b->resent[i].edge) <= (DUPLICATE_THRESHOLD - 1) * mss)
			b->resent[kept++] = b->resent[i];
	b->resent_count = kept;
}

bool scoreboard_may_resend(const struct scoreboard *b)
{
	return b->resent_count < SCOREBOARD_RESENT;
}

void scoreboard_note_resent(struct scoreboard *b, uint32_t seq, uint32_t snd_nxt)
{
	scoreboard_forget_resent(b, seq);
	if (!scoreboard_may_resend(b))
		return;
	b->resent[b->resent_count].seq = seq;
	b->resent[b->resent_count].edge = snd_nxt;
	b->resent[b->resent_count].passed = 0;
	b->resent_count++;
}

bool scoreboard_is_resent(const struct scoreboard *b, uint32_t seq)
{
	for (unsigned i = 0; i < b->resent_count; i++)
		if (b->resent[i].seq == seq)
			return true;
	return false;
}

void scoreboard_forget_resent(struct scoreboard *b, uint32_t seq)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < b->resent_count; i++)
		if (b->resent[i].seq != seq)
			b->resent[kept++] = b->resent[i];
	b->resent_count = kept;
}

/* ---- what arrived ---- */

/* [left, right) becomes one range with those that it touches; false: that was known, or there is no room. */
static bool add_range(struct scoreboard *b, uint32_t left, uint32_t right)
{
	unsigned first = 0, end;
	uint32_t known = 0;

	while (first < b->range_count && seq_before(b->ranges[first].right, left))
		first++;
	for (end = first; end < b->range_count && !seq_before(right, b->ranges[end].left); end++) {
		known += b->ranges[end].right - b->ranges[end].left;
		left = earlier(left, b->ranges[end].left);
		right = later(right, b->ranges[end].right);
	}
	if (known == right - left || (first == end && b->range_count == SCOREBOARD_RANGES))
		return false;
	memmove(&b->ranges[first + 1], &b->ranges[end],
	        (b->range_count - end) * sizeof(b->ranges[0]));
	b->range_count -= end - first;
	b->range_count++;
	b->ranges[first].left = left;
	b->ranges[first].right = right;
	b->sacked_bytes += right - left - known;
	return true;
}

void scoreboard_acknowledge(struct scoreboard *b, uint32_t una)
{
	unsigned gone = 0;

	if (!seq_before(b->una, una))
		return;
	b->una = una;
	if (b->has_old && !seq_before(una, b->old_edge))
		b->has_old = false;
	while (gone < b->range_count && !seq_before(una, b->ranges[gone].right)) {
		b->sacked_bytes -= b->ranges[gone].right - b->ranges[gone].left;
		gone++;
	}
	b->range_count -= gone;
	memmove(b->ranges, b->ranges + gone, b->range_count * sizeof(b->ranges[0]));
	drop_arrived(b);
	/* It would have acknowledged the range, too, if it still had it (RFC 2018, 8): nothing that it
	 * said is to be believed. */
	if (b->range_count > 0 && !seq_before(una, b->ranges[0].left))
		scoreboard_reset(b, una);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 2883, 4: the first block is of what is acknowledged, or a part of the second one. */
static bool tells_of_twice(const uint8_t *blocks, unsigned count, uint32_t ack)
{
	uint32_t left = get32(blocks), right = get32(blocks + 4);

	if (!seq_before(left, right))
		return false;
	if (!seq_before(ack, right))
		return true;
	return count > 1 && !seq_before(left, get32(blocks + BLOCK_BYTES)) &&
	       !seq_before(get32(blocks + BLOCK_BYTES + 4), right);
}

static unsigned take_blocks(struct scoreboard *b, const uint8_t *blocks, unsigned count,
                            const uint32_t limits[2])
{
	unsigned news = SACK_BLOCKS;

	if (tells_of_twice(blocks, count, limits[0])) {
		news |= SACK_TWICE;
		b->twice_left = get32(blocks);
		b->twice_right = get32(blocks + 4);
	}
	for (unsigned i = 0; i < count; i++) {
		uint32_t left = get32(blocks + (size_t)i * BLOCK_BYTES);
		uint32_t right = get32(blocks + (size_t)i * BLOCK_BYTES + 4);

		if (seq_before(limits[0], left) && seq_before(left, right) &&
		    !seq_before(limits[1], right) && add_range(b, left, right))
			news |= SACK_NEW;
	}
	if (news & SACK_NEW)
		drop_arrived(b);
	return news;
}

unsigned scoreboard_take(struct scoreboard *b, const uint8_t *options, size_t len, uint32_t ack,
                         uint32_t snd_nxt)
{
	const uint32_t limits[2] = {ack, snd_nxt};

	scoreboard_acknowledge(b, ack);
	for (size_t at = 0; (at = tcpopt_next(options, len, at)) < len; at += options[at + 1]) {
		size_t bytes = options[at + 1];

		if (options[at] == OPTION_SACK && bytes > 2 && (bytes - 2) % BLOCK_BYTES == 0 &&
		    bytes <= 2 + BLOCKS_MAX * BLOCK_BYTES)
			return take_blocks(b, options + at + 2, (unsigned)(bytes - 2) / BLOCK_BYTES,
			                   limits);
	}
	return 0;
}

/* Is enough of the ranges from `first` on behind `end`, of which this many bytes are all? */
static bool is_enough_behind(const struct scoreboard *b, unsigned first, uint32_t bytes,
                             uint32_t mss)
{
	return b->range_count - first >= DUPLICATE_THRESHOLD ||
	       bytes > (DUPLICATE_THRESHOLD - 1) * mss;
}

enum fate scoreboard_fate(const struct scoreboard *b, struct scoreboard_walk *walk, uint32_t seq,
                          uint32_t end, uint32_t mss)
{
	unsigned i;
	uint32_t behind, left, right;

	while (walk->range < b->range_count && !seq_before(seq, b->ranges[walk->range].right)) {
		walk->bytes_before += b->ranges[walk->range].right - b->ranges[walk->range].left;
		walk->range++;
	}
	i = walk->range;
	if (i == b->range_count)
		return FATE_UNDER_WAY;
	left = b->ranges[i].left;
	right = b->ranges[i].right;
	if (!seq_before(seq, left) && !seq_before(right, end))
		return FATE_ARRIVED;
	behind = b->sacked_bytes - walk->bytes_before;
	/* A part of it has arrived, which is not behind it. */
	if (seq_before(left, end)) {
		behind -= earlier(right, end) - left;
		i += !seq_before(end, right);
	}
	if (is_enough_behind(b, i, behind, mss))
		return FATE_LOST;
	return b->has_old && behind > 0 && !seq_before(b->old_edge, end) ? FATE_LOST
	                                                                 : FATE_UNDER_WAY;
}
