/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received segments that follow each other become one before lwIP sees them: its work, and an acknowledgement's, is
 * the same for one of 50 KB as for one of 1400 bytes. Only in the middle of a stream: behind the first acknowledgements
 * of a turn (frame.h), next in order on an established connection that misses nothing, with equal headers and
 * right checksums, of IPv4 without options or IPv6 without extension headers. So losses, duplicates, and whatever is
 * not data are seen one by one.
 */
#ifndef INET_MERGE_H
#define INET_MERGE_H

#include "iface.h"

/* A received frame; is_checked: the device has verified its sum. True: it is kept here for now. If not, merge_flush() must
 * come before it. */
bool merge_take(struct iface *i, struct pbuf *p, bool is_checked);
void merge_flush(struct iface *i); /* what is kept goes to lwIP; before the end of each turn */
void merge_drop(struct iface *i);

#endif
