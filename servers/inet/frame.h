/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to send: lwIP's pbuf chains as elements of the send arena, without a copy.
 *
 * A frame holds a reference to its pbufs until the driver confirmed it or netdev gave it up. lwIP never
 * retransmits a segment whose pbuf is referenced (tcp_output_segment_busy): while a frame waits for a
 * driver that died, the segment in it is not lost, netdev sends the same bytes again when the driver is
 * back. Its acknowledgement number and window are then as old as the outage, which TCP allows; what is
 * newer goes out right behind it (recover.h). A segment that is acknowledged meanwhile leaves lwIP's
 * queues, but its memory stays until the frame is done.
 *
 * The number of frames is bounded. When there is none left TCP keeps its segments (ERR_MEM), and goes on
 * when frames are done; others lose theirs, as on any full queue.
 *
 * Offloads: lwIP does no TCP checksums for an interface whose device does them; the sum of the pseudo
 * header is put into the field here. Segmentation: consecutive full segments of one connection that lwIP sends in one go
 * become one frame (segments.h).
 *
 * Acknowledgements: lwIP makes one for every second segment, and each costs the device and the peer as much as a frame
 * with data. The first few of a turn go out, since peers that count them open their windows by them; of those
 * that follow, of one connection and with nothing else between, only the last, which says all that the others
 * say. Duplicates are not touched.
 */
#ifndef INET_FRAME_H
#define INET_FRAME_H

#include "iface.h"

#define FRAMES_MAX       1024
#define FRAME_ACKS_PLAIN 4u /* of a turn */

void frame_init(void);
err_t frame_linkoutput(struct netif *n, struct pbuf *p);
void frame_flush(struct iface *i);  /* what it collects goes to netdev; the turn ends */
void frame_forget(struct iface *i); /* it goes: what it collects is dropped */
unsigned frame_free_count(void);
/* True once after a frame was refused and another became free. */
bool frame_take_relief(void);

#endif
