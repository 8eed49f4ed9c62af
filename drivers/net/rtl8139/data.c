/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames in and out. Both are copied: the device sends from four places, and receives into one ring.
 */
#include <errno.h>
#include <string.h>

#include "rtl8139.h"

/* ---- out ---- */

/* 5.2: TSAD has the state of all four; they are done in their order. */
void data_reap(struct nic *n)
{
	unsigned states;

	if (!data_is_sending(n))
		return;
	states = reg_read16(n, REG_TSAD);
	while (data_is_sending(n)) {
		unsigned slot = n->tx_clean % TX_SLOTS;
		bool is_failed = TSAD_FAILED(states, slot);

		if (!TSAD_OWN(states, slot) || !(TSAD_OK(states, slot) || is_failed))
			return;
		if (TSAD_ABORTED(states, slot))
			reg_write32(n, REG_TCR, TCR_MXDMA_1024 | TCR_IFG | TCR_CLRABT);
		n->tx_clean++;
		n->t_progress = now_ns();
		nserver_tx_done(n->frames[slot], is_failed ? -EIO : 0);
	}
}

static uint32_t copy_out(const struct nic *n, const struct nserver_tx *t, unsigned slot)
{
	uint8_t *to = n->mem->tx[slot];
	uint32_t len = nserver_tx_copy(t, 0, to, t->bytes);

	if (len < TX_FRAME_MIN) {
		memset(to + len, 0, TX_FRAME_MIN - len);
		len = TX_FRAME_MIN;
	}
	return len;
}

bool data_tx(struct nic *n, struct nserver_tx *t)
{
	unsigned slot = n->tx_next % TX_SLOTS;
	uint32_t len;

	if (!n->link.is_up) {
		nserver_tx_done(t, -ENETDOWN);
		return true;
	}
	if (n->tx_next - n->tx_clean == TX_SLOTS)
		data_reap(n);
	if (n->tx_next - n->tx_clean == TX_SLOTS)
		return false;
	if (t->bytes > TX_BUFFER_BYTES) {
		nserver_tx_done(t, -EINVAL);
		return true;
	}
	if (!data_is_sending(n))
		n->t_progress = now_ns();
	len = copy_out(n, t, slot);
	n->frames[slot] = t;
	n->tx_next++;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	reg_write32(n, REG_TSD0 + 4 * slot, len | TSD_THRESHOLD); /* OWN = 0: it is the device's */
	return true;
}

/* ---- in ---- */

bool data_rx(struct nic *n, struct nserver_rx *r)
{
	if (n->buffer_next - n->buffer_first == RX_QUEUE)
		return false;
	n->buffers[n->buffer_next++ % RX_QUEUE] = r;
	return true;
}

/* Frames wait in the ring as long as the client has no buffer. */
static bool has_frame(const struct nic *n)
{
	return n->rcr != 0 && n->buffer_first != n->buffer_next &&
	       !(reg_read8(n, REG_CR) & CR_BUFE);
}

static void deliver(struct nic *n, uint32_t len_bytes)
{
	struct nserver_rx *r = n->buffers[n->buffer_first++ % RX_QUEUE];

	memcpy(r->buffer.ptr, n->mem->rx + n->rx_offset + RX_HEADER_BYTES, len_bytes);
	nserver_rx_done(r, (int)len_bytes, 0);
}

/* Ends: a frame takes a buffer, and new ones come later; frames with errors are not accepted (RCR.AER). */
void data_poll(struct nic *n)
{
	while (has_frame(n)) {
		uint8_t header[RX_HEADER_BYTES];
		enum rx_verdict verdict;
		uint32_t len;

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		memcpy(header, n->mem->rx + n->rx_offset, sizeof(header));
		verdict = frame_decode(header, &len);
		if (verdict == RX_NONE)
			return;
		if (verdict == RX_LOST) {
			n->rx_restarts++;
			chip_restart_receiver(n);
			return;
		}
		if (verdict == RX_FRAME)
			deliver(n, len);
		else
			n->rx_errors++;
		n->rx_offset = frame_next(n->rx_offset, len);
		reg_write16(n, REG_CAPR, n->rx_offset - CAPR_BIAS);
	}
}

void data_give_back(struct nic *n)
{
	while (data_is_sending(n))
		nserver_tx_done(n->frames[n->tx_clean++ % TX_SLOTS], -ENETDOWN);
	while (n->buffer_first != n->buffer_next)
		nserver_rx_done(n->buffers[n->buffer_first++ % RX_QUEUE], -ECANCELED, 0);
}
