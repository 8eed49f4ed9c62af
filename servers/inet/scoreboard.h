/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a TCP sender knows of the data that it has under way: which of them arrived out of order (SACK, RFC 2018; D-SACK,
 * RFC 2883), which are lost (RFC 6675, 4), which were sent again and are under way once more. Pure; sack.c uses it.
 *
 *   acknowledged | ranges that arrived, holes between them             | not sent
 *               una                                                  snd_nxt
 *
 * What a peer reports is checked: blocks that are empty, inverted, or not between its acknowledgement and what was sent
 * do not count. Memory is fixed: when there are too many holes later ranges are forgotten, which costs retransmissions
 * and nothing else. Sequence numbers wrap; all of a scoreboard's are within 2 GB.
 */
#ifndef INET_SCOREBOARD_H
#define INET_SCOREBOARD_H

#include <stddef.h>

#include "axolotl/types.h"

#define SCOREBOARD_RANGES   64u
#define SCOREBOARD_RESENT   64u /* sent again and under way: more are not sent at a time */
/* Segments that must have arrived behind one before it is lost and not just late. */
#define DUPLICATE_THRESHOLD 3u

/* What was in the options of an acknowledgement. */
#define SACK_BLOCKS 1u /* blocks, good or bad */
#define SACK_NEW    2u /* something of it was not known */
#define SACK_TWICE  4u /* something arrived twice (D-SACK): twice_left, twice_right */

struct scoreboard {
	uint32_t una;
	uint32_t sacked_bytes;
	unsigned range_count, resent_count;
	struct {
		uint32_t left, right;
	} ranges[SCOREBOARD_RANGES]; /* ascending, with holes between them */
	struct {
		uint32_t seq;
		uint32_t edge;       /* snd_nxt then: what begins there was sent later */
		uint32_t passed;     /* others that were sent again later and have arrived */
	} resent[SCOREBOARD_RESENT]; /* in the order in which they were sent */
	uint32_t twice_left, twice_right;
	/* What ends here or before was sent long ago: one byte behind it that arrived is enough. */
	uint32_t old_edge;
	bool has_old;
};

enum fate { FATE_UNDER_WAY, FATE_ARRIVED, FATE_LOST };
/* A walk over segments in ascending order; zero at its start. */
struct scoreboard_walk {
	unsigned range;
	uint32_t bytes_before; /* that arrived */
};

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Nothing is known of what is behind una. */
void scoreboard_reset(struct scoreboard *b, uint32_t una);
/* All before una has arrived. */
void scoreboard_acknowledge(struct scoreboard *b, uint32_t una);
/* The options of a segment that acknowledges `ack`, which is not before una; SACK_*. */
unsigned scoreboard_take(struct scoreboard *b, const uint8_t *options, size_t len, uint32_t ack,
                         uint32_t snd_nxt);
/* What becomes of the segment [seq, end), whether it was sent again or not. */
enum fate scoreboard_fate(const struct scoreboard *b, struct scoreboard_walk *walk, uint32_t seq,
                          uint32_t end, uint32_t mss);

/* A segment was sent again; false: no room, it must not be. */
bool scoreboard_may_resend(const struct scoreboard *b);
void scoreboard_note_resent(struct scoreboard *b, uint32_t seq, uint32_t snd_nxt);
bool scoreboard_is_resent(const struct scoreboard *b, uint32_t seq);
void scoreboard_forget_resent(struct scoreboard *b, uint32_t seq);
/* Forgets those that were lost once more: enough of what was sent later has arrived. */
void scoreboard_sift_resent(struct scoreboard *b, uint32_t mss);

#endif
