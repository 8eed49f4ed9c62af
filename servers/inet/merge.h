/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received segments that follow each other in one connection go to lwIP as one: a batch of frames costs it the
 * work of one segment, and the peer, and the card, one acknowledgement for all.
 *
 * Only what lwIP expects next is merged, with a right checksum, between merge_begin() and merge_end(), which
 * enclose the frames of one doorbell. Everything else passes as it came, behind what was merged before it, so that
 * a hole is answered by one duplicate ACK for each frame behind it, as a peer without SACK needs it.
 */
#ifndef INET_MERGE_H
#define INET_MERGE_H

#include "iface.h"
#include "lwip/pbuf.h"

void merge_begin(void);
void merge_end(void);
/* A frame for lwIP, which owns it from here on. is_checked: the device has looked at TCP's or UDP's checksum. */
void merge_input(struct iface *i, struct pbuf *p, bool is_checked);
void merge_forget(
	const struct iface *i); /* it goes: what it received and lwIP has not seen is lost */

#endif
