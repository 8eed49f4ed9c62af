/* SPDX-License-Identifier: BSD-2-Clause */
/* Link layer of the guest agent; link.h has the model and the frame format. */
#include "link.h"

#include <errno.h>
#include <string.h>

#define MAGIC_0    0xa5u
#define MAGIC_1    0x5au
#define CRC_OFFSET 16u

static uint32_t crc32_add(uint32_t crc, const uint8_t *bytes, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
	}
	return crc;
}

static uint32_t frame_crc(const uint8_t *bytes, size_t payload_bytes)
{
	uint32_t crc = crc32_add(0xffffffffu, bytes, CRC_OFFSET);

	return ~crc32_add(crc, bytes + LINK_HEADER_BYTES, payload_bytes);
}

static void put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *at, uint32_t value)
{
	put_u16(at, (uint16_t)value);
	put_u16(at + 2, (uint16_t)(value >> 16));
}

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | (uint32_t)at[1] << 8);
}

static uint32_t get_u32(const uint8_t *at)
{
	return get_u16(at) | (uint32_t)get_u16(at + 2) << 16;
}

static void reset_session(struct link *link, uint16_t session, uint32_t peer_window_bytes)
{
	link->is_open = true;
	link->session = session;
	link->peer_window_bytes =
		peer_window_bytes < LINK_FRAME_MAX ? LINK_FRAME_MAX : peer_window_bytes;
	link->rx_expected = 0;
	link->has_ack_due = false;
	link->has_nak_sent = false;
	link->tx_flight_bytes = 0;
	link->tx_first = 0;
	link->tx_resume = 0;
	link->tx_next = 0;
	link->retry_at_ms = 0;
	link->retry_ms = LINK_RETRY_MIN_MS;
}

void link_init(struct link *link, const struct link_handler *handler, uint32_t window_bytes)
{
	memset(link, 0, sizeof(*link));
	link->handler = *handler;
	link->own_window_bytes = window_bytes;
}

static struct link_slot *slot_of(struct link *link, uint16_t seq)
{
	return &link->slots[seq % LINK_QUEUE_FRAMES];
}

/* The peer expects `ack` next: everything before it has arrived. Values outside of what is in
 * flight are ignored. */
static void take_ack(struct link *link, uint16_t ack)
{
	uint16_t acked = (uint16_t)(ack - link->tx_first);
	uint16_t sent = (uint16_t)(link->tx_next - link->tx_first);

	if (acked == 0 || acked > sent)
		return;
	for (uint16_t i = 0; i < acked; i++) {
		uint16_t seq = (uint16_t)(link->tx_first + i);

		/* Only frames before tx_resume count as in flight. */
		if ((uint16_t)(seq - link->tx_first) < (uint16_t)(link->tx_resume - link->tx_first))
			link->tx_flight_bytes -= (uint32_t)slot_of(link, seq)->size_bytes;
	}
	if ((uint16_t)(link->tx_resume - link->tx_first) < acked)
		link->tx_resume = ack;
	link->tx_first = ack;
	link->retry_ms = LINK_RETRY_MIN_MS;
	link->retry_at_ms = 0;
}

static void go_back(struct link *link)
{
	link->repeated += (uint16_t)(link->tx_resume - link->tx_first);
	link->tx_resume = link->tx_first;
	link->tx_flight_bytes = 0;
	link->retry_at_ms = 0;
}

static void take_numbered(struct link *link, const uint8_t *bytes, size_t length_bytes)
{
	uint16_t seq = get_u16(bytes + 6);
	struct link_frame frame = {.type = bytes[2],
	                           .id = get_u32(bytes + 12),
	                           .payload = bytes + LINK_HEADER_BYTES,
	                           .length_bytes = length_bytes};

	if (seq != link->rx_expected) {
		link->has_ack_due = true; /* a repetition: our acknowledgement was lost */
		if ((uint16_t)(seq - link->rx_expected) < 0x8000u && !link->has_nak_sent) {
			link->control_due = LINK_NAK;
			link->has_nak_sent = true;
		}
		return;
	}
	link->rx_expected++;
	link->has_ack_due = true;
	link->has_nak_sent = false;
	link->handler.on_frame(link->handler.context, &frame);
}

/* A frame whose checksum is right. */
static void take_frame(struct link *link, const uint8_t *bytes, size_t length_bytes)
{
	uint8_t type = bytes[2];
	uint16_t session = get_u16(bytes + 4);

	if (type == LINK_SYN) {
		if (length_bytes != 4)
			return;
		/* The host repeats SYN until it sees HELLO: only the first one of a session resets.
		 */
		if (!link->is_open || session != link->session) {
			reset_session(link, session, get_u32(bytes + LINK_HEADER_BYTES));
			link->handler.on_session(link->handler.context);
		}
		link->control_due = LINK_HELLO;
		link->control_session = session;
		return;
	}
	if (!link->is_open || session != link->session) {
		link->control_due = LINK_NOSESSION;
		link->control_session = session;
		return;
	}
	take_ack(link, get_u16(bytes + 8));
	if (type == LINK_NAK)
		go_back(link);
	else if (type >= LINK_DATA)
		take_numbered(link, bytes, length_bytes);
}

/* Drops bytes up to the next possible start of a frame after the first byte. */
static void resynchronise(struct link *link)
{
	size_t skip = 1;

	while (skip < link->rx_fill_bytes && link->rx_bytes[skip] != MAGIC_0)
		skip++;
	link->rx_moved = true;
	link->rx_fill_bytes -= skip;
	memmove(link->rx_bytes, link->rx_bytes + skip, link->rx_fill_bytes);
}

/* Takes one frame from the front of the receive buffer; false: more bytes are needed. */
static bool parse_one(struct link *link)
{
	const uint8_t *bytes = link->rx_bytes;
	size_t length_bytes;

	if (link->rx_fill_bytes == 0)
		return false;
	if (bytes[0] != MAGIC_0 || (link->rx_fill_bytes > 1 && bytes[1] != MAGIC_1)) {
		resynchronise(link);
		return true;
	}
	if (link->rx_fill_bytes < LINK_HEADER_BYTES)
		return false;
	length_bytes = get_u16(bytes + 10);
	if (length_bytes > LINK_PAYLOAD_MAX || bytes[3] != 0) {
		link->crc_errors++;
		resynchronise(link);
		return true;
	}
	if (link->rx_fill_bytes < LINK_HEADER_BYTES + length_bytes)
		return false;
	if (get_u32(bytes + CRC_OFFSET) != frame_crc(bytes, length_bytes)) {
		link->crc_errors++;
		resynchronise(link);
		return true;
	}
	take_frame(link, bytes, length_bytes);
	link->rx_moved = true;
	link->rx_fill_bytes -= LINK_HEADER_BYTES + length_bytes;
	memmove(link->rx_bytes, bytes + LINK_HEADER_BYTES + length_bytes, link->rx_fill_bytes);
	return true;
}

void link_input(struct link *link, const uint8_t *bytes, size_t size_bytes)
{
	while (size_bytes != 0) {
		size_t room = sizeof(link->rx_bytes) - link->rx_fill_bytes;
		size_t count = size_bytes < room ? size_bytes : room;

		memcpy(link->rx_bytes + link->rx_fill_bytes, bytes, count);
		link->rx_fill_bytes += count;
		bytes += count;
		size_bytes -= count;
		/* Each round takes at least one byte away; a full buffer always holds a whole
		 * frame. */
		while (parse_one(link))
			continue;
	}
}

static size_t encode(struct link *link, uint8_t *out, const struct link_frame *frame)
{
	memset(out, 0, LINK_HEADER_BYTES);
	out[0] = MAGIC_0;
	out[1] = MAGIC_1;
	out[2] = frame->type;
	put_u16(out + 4, link->session);
	put_u16(out + 8, link->rx_expected);
	put_u16(out + 10, (uint16_t)frame->length_bytes);
	put_u32(out + 12, frame->id);
	if (frame->length_bytes != 0)
		memcpy(out + LINK_HEADER_BYTES, frame->payload, frame->length_bytes);
	return LINK_HEADER_BYTES + frame->length_bytes;
}

static void seal(uint8_t *out, size_t size_bytes)
{
	put_u32(out + CRC_OFFSET, frame_crc(out, size_bytes - LINK_HEADER_BYTES));
}

size_t link_room(const struct link *link)
{
	if (!link->is_open)
		return 0;
	return LINK_QUEUE_FRAMES - (uint16_t)(link->tx_next - link->tx_first);
}

int link_send(struct link *link, const struct link_frame *frame)
{
	struct link_slot *slot;

	if (frame->length_bytes > LINK_PAYLOAD_MAX || frame->type < LINK_DATA)
		return -EMSGSIZE;
	if (link_room(link) == 0)
		return -EAGAIN;
	slot = slot_of(link, link->tx_next);
	slot->size_bytes = encode(link, slot->bytes, frame);
	put_u16(slot->bytes + 6, link->tx_next);
	link->tx_next++;
	return 0;
}

static void prepare_control(struct link *link)
{
	uint8_t payload[8];
	struct link_frame frame = {.type = link->control_due, .payload = payload};

	if (frame.type == LINK_HELLO) {
		put_u32(payload, LINK_VERSION);
		put_u32(payload + 4, link->own_window_bytes);
		frame.length_bytes = sizeof(payload);
	}
	link->out_fill_bytes = encode(link, link->out_bytes, &frame);
	if (frame.type == LINK_NOSESSION)
		put_u16(link->out_bytes + 4, link->control_session);
	link->control_due = 0;
	seal(link->out_bytes, link->out_fill_bytes);
}

/* The next numbered frame, if the peer's window has room for it. */
static bool prepare_numbered(struct link *link, int64_t now_ms)
{
	const struct link_slot *slot;

	if (link->tx_resume == link->tx_next)
		return false;
	slot = slot_of(link, link->tx_resume);
	if (link->tx_flight_bytes + slot->size_bytes > link->peer_window_bytes)
		return false;
	memcpy(link->out_bytes, slot->bytes, slot->size_bytes);
	put_u16(link->out_bytes + 8, link->rx_expected); /* the acknowledgement is today's */
	link->out_fill_bytes = slot->size_bytes;
	seal(link->out_bytes, link->out_fill_bytes);
	link->tx_flight_bytes += (uint32_t)slot->size_bytes;
	link->tx_resume++;
	if (link->retry_at_ms == 0)
		link->retry_at_ms = now_ms + link->retry_ms;
	link->has_ack_due = false;
	return true;
}

static void check_retry(struct link *link, int64_t now_ms)
{
	if (link->tx_first == link->tx_resume)
		return;
	if (link->retry_at_ms == 0) {
		link->retry_at_ms = now_ms + link->retry_ms;
	} else if (now_ms >= link->retry_at_ms) {
		go_back(link);
		if (link->retry_ms < LINK_RETRY_MAX_MS)
			link->retry_ms *= 2;
	}
}

/* A damaged length makes us wait for bytes that nobody sends, and keeps good frames behind it. */
static void check_partial(struct link *link, int64_t now_ms)
{
	if (link->rx_fill_bytes == 0 || link->rx_moved || link->rx_since_ms == 0) {
		link->rx_since_ms = link->rx_fill_bytes == 0 ? 0 : now_ms;
		link->rx_moved = false;
		return;
	}
	if (now_ms - link->rx_since_ms < LINK_PARTIAL_MS)
		return;
	link->crc_errors++;
	resynchronise(link);
	while (parse_one(link))
		continue;
	link->rx_since_ms = now_ms;
}

size_t link_output(struct link *link, int64_t now_ms, const uint8_t **bytes)
{
	check_partial(link, now_ms);
	if (link->out_fill_bytes == 0) {
		check_retry(link, now_ms);
		link->out_done_bytes = 0;
		if (link->control_due != 0) {
			prepare_control(link);
		} else if (!prepare_numbered(link, now_ms) && link->has_ack_due) {
			link->control_due = LINK_ACK;
			link->has_ack_due = false;
			prepare_control(link);
		}
	}
	*bytes = link->out_bytes + link->out_done_bytes;
	return link->out_fill_bytes - link->out_done_bytes;
}

void link_output_done(struct link *link, size_t size_bytes)
{
	link->out_done_bytes += size_bytes;
	if (link->out_done_bytes >= link->out_fill_bytes) {
		link->out_fill_bytes = 0;
		link->out_done_bytes = 0;
	}
}

int64_t link_deadline_ms(const struct link *link)
{
	bool has_retry = link->tx_first != link->tx_resume && link->retry_at_ms != 0;
	bool has_partial = link->rx_fill_bytes != 0 && link->rx_since_ms != 0;
	int64_t partial_ms = link->rx_since_ms + LINK_PARTIAL_MS;

	if (has_retry && has_partial)
		return link->retry_at_ms < partial_ms ? link->retry_at_ms : partial_ms;
	if (has_partial)
		return partial_ms;
	return has_retry ? link->retry_at_ms : -1;
}
