/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables about the running system as text: for procfs (/proc/axolotl) and is. Each appends to the text and
 * returns 0 or -errno; what does not fit is dropped at a line's end (text.h). Those that ask another server
 * do so by SENDREC, so only servers above it may call them (architecture D6).
 *
 * Event lines are
 *   [   12.345678] <kind> <label> (ep <endpoint>) <name>=<value> <name>=<value>
 * with seconds since boot; names of the values are those of event.def.
 */
#ifndef LIB_DUMP_DUMP_H
#define LIB_DUMP_DUMP_H

#include "dump/text.h"
#include "sys/sys.h"

/* ---- from the kernel ---- */
int dump_events(struct text *t, uint64_t from_seq) MUST_CHECK; /* from_seq 0: all that are kept */
int dump_violations(struct text *t) MUST_CHECK;
int dump_abi(struct text *t) MUST_CHECK; /* Linux calls that were answered with ENOSYS */
int dump_klog(struct text *t) MUST_CHECK;
int dump_irqs(struct text *t) MUST_CHECK;
int dump_processes(struct text *t) MUST_CHECK; /* who waits for whom */

/* ---- from others: rs, ds, pci, vm ---- */
int dump_services(struct text *t, bool is_json) MUST_CHECK;
int dump_ds(struct text *t) MUST_CHECK;
int dump_pci(struct text *t) MUST_CHECK;
int dump_memory(struct text *t) MUST_CHECK;

#endif
