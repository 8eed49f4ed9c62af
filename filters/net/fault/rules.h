/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the network fault filter. The language, counting and chance are those of lib/faultrule. Pure and
 * seeded: the same frames meet the same faults.
 *
 *   KIND    drop                     the frame is lost
 *           burst                    so many in a row are lost (length=)
 *           corrupt                  one bit behind the Ethernet header is flipped
 *           duplicate                it comes twice
 *           reorder                  it comes after the next one
 *           delay                    it comes later (for=)
 *           rate                     no more than so many bytes a second pass (bytes=); what would wait
 *                                    longer than 1 s is lost
 *           die                      the filter itself ends
 *   word    tx | rx                  only these (default: both)
 *           size=FIRST-LAST          bytes of the frame
 *           length=N                 of burst (default 10)
 *           bytes=N                  of rate, a second (default 1000000)
 *           skip= count= prob= at= for=
 *
 *   "drop,rx,prob=10000;delay,tx,for=20ms,prob=50000;burst,length=30,skip=1000,count=1"
 */
#ifndef NETFAULT_RULES_H
#define NETFAULT_RULES_H

#include "faultrule/faultrule.h"

enum netfault_kind {
	NETFAULT_NONE,
	NETFAULT_DROP,
	NETFAULT_BURST,
	NETFAULT_CORRUPT,
	NETFAULT_DUPLICATE,
	NETFAULT_REORDER,
	NETFAULT_DELAY,
	NETFAULT_RATE,
	NETFAULT_DIE,
	NETFAULT_KINDS
};
/* Ways: rx, tx; range: bytes of the frame; numbers: length, bytes. */
extern const struct fault_grammar netfault_grammar;
enum netfault_number { NETFAULT_LENGTH, NETFAULT_BYTES_PER_S };

#define NETFAULT_RATE_WAIT_NS 1000000000ull

struct netfault_rules {
	struct fault_rules common;
	struct {
		uint64_t burst_left[2]; /* [is_tx]: frames that are still lost */
		uint64_t t_free_ns[2];  /* rate: when what has passed is over */
	} now[FAULT_RULES_MAX];
};

struct netfault_frame {
	bool is_tx;
	uint32_t bytes;
	uint64_t age_us; /* of the filter */
	uint64_t now_ns;
};
/* What happens to a frame. NETFAULT_NONE: it passes; BURST is told as DROP, RATE as DELAY or DROP. */
struct netfault_shot {
	enum netfault_kind kind;
	unsigned rule;
	uint64_t delay_ns;
};
struct netfault_shot netfault_decide(struct netfault_rules *r, const struct netfault_frame *f);
/* Flips one bit behind the Ethernet header. */
void netfault_corrupt(struct netfault_rules *r, uint8_t *frame, uint32_t bytes);

#endif
