/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transmit ring. A frame is: a context descriptor, if its checksum or segmentation needs another context
 * than the last one; then a data descriptor for each contiguous piece. Headers of segmented frames are
 * copied and patched (desc.c), everything else goes from the client's memory.
 *
 * The device reports (RS) the last descriptor of a batch and every so many frames; all before it are done
 * too (3.3.3.1). Batches end where the tail register is written, so the device never sees half a frame.
 */
#include <errno.h>

#include "e1000.h"

#define PIECES_MAX   96u /* 32 elements at any offset, 64 KiB */
#define REPORT_EVERY 16u /* frames of a long batch */

struct plan {
	struct tx_desc context;
	bool has_context;
	bool has_header;
	unsigned count;
	struct tx_desc pieces[PIECES_MAX];
};

static void finish(struct nic *n, unsigned slot, int status)
{
	struct tx_ring *x = &n->tx;
	struct nserver_tx *t = x->frames[slot];

	if (t == NULL)
		return;
	x->frames[slot] = NULL;
	x->header_clean += x->has_header[slot];
	nserver_tx_done(t, status);
}

void tx_start(struct nic *n)
{
	uint64_t bus = n->mem_bus + offsetof(struct nic_memory, tx);
	uint32_t start;

	while (tx_is_pending(n))
		finish(n, n->tx.clean++ % TX_SLOTS, -ENETDOWN);
	/* Indices never go back: tx_reap() may be what led here. The device starts with slot 0. */
	start = (n->tx.next + TX_SLOTS - 1) / TX_SLOTS * TX_SLOTS;
	n->tx = (struct tx_ring){
		.clean = start, .published = start, .next = start, .t_progress = now_ns()};
	reg_write(n, REG_TDBAL, (uint32_t)bus);
	reg_write(n, REG_TDBAH, (uint32_t)(bus >> 32));
	reg_write(n, REG_TDLEN, sizeof(n->mem->tx));
	reg_write(n, REG_TDT, 0);
	reg_write(n, REG_TDH, 0);
}

static unsigned room(const struct tx_ring *x)
{
	return TX_SLOTS - 1 - (x->next - x->clean);
}

/* ---- planning: nothing changes ---- */

static int add_piece(struct plan *p, uint64_t bus, uint32_t len_bytes, unsigned flags)
{
	if (p->count == PIECES_MAX)
		return -EINVAL;
	p->pieces[p->count++] = desc_data(bus, len_bytes, flags);
	return 0;
}

static int add_element(struct plan *p, const struct nserver_tx *t, const struct nserver_element *e,
                       uint32_t from)
{
	struct nserver_segment seg;
	int err = 0;

	while (err == 0 && nserver_segment(t->session, e, from, TXD_LEN_MAX, &seg)) {
		err = add_piece(p, seg.bus, seg.len_bytes, t->flags);
		from += seg.len_bytes;
	}
	return err;
}

/* Everything from byte `skip` of the frame on. */
static int add_elements(struct plan *p, const struct nserver_tx *t, uint32_t skip)
{
	for (unsigned i = 0; i < t->element_count; i++) {
		const struct nserver_element *e = &t->elements[i];
		int err = skip < e->len_bytes ? add_element(p, t, e, skip) : 0;

		if (err != 0)
			return err;
		skip -= skip < e->len_bytes ? skip : e->len_bytes;
	}
	return 0;
}

/* The patched copy of the headers; it counts when the plan is carried out. */
static int add_header(struct nic *n, struct plan *p, const struct nserver_tx *t)
{
	unsigned slot = n->tx.header_next % TX_HEADERS;
	uint8_t *header = n->mem->headers[slot];
	uint64_t bus = n->mem_bus + offsetof(struct nic_memory, headers) + slot * TX_HEADER_BYTES;
	int ip_start, err;

	if (n->tx.header_next - n->tx.header_clean == TX_HEADERS)
		return -EAGAIN;
	if (t->header_bytes > TX_HEADER_BYTES ||
	    nserver_tx_copy(t, 0, header, t->header_bytes) != t->header_bytes)
		return -EINVAL;
	ip_start = desc_tso_header(t, header);
	if (ip_start < 0)
		return ip_start;
	p->has_header = true;
	err = desc_context(t, (unsigned)ip_start, &p->context);
	return err != 0 ? err : add_piece(p, bus, t->header_bytes, t->flags);
}

static int make_plan(struct nic *n, struct plan *p, const struct nserver_tx *t)
{
	uint32_t skip = 0;
	int err = 0;

	p->count = 0;
	p->has_header = p->has_context = false;
	if (t->flags & NET_TX_TSO) {
		err = add_header(n, p, t);
		skip = t->header_bytes;
	} else if (t->flags & NET_TX_CSUM) {
		err = desc_context(t, 0, &p->context);
	}
	if (err == 0)
		err = add_elements(p, t, skip);
	if (err == 0 && t->flags & NET_TX_CSUM)
		p->has_context = p->context.low != n->tx.context.low ||
		                 p->context.high != n->tx.context.high;
	if (err == 0 && p->count + p->has_context > room(&n->tx))
		err = -EAGAIN;
	return err;
}

/* ---- carrying out ---- */

static void report(struct nic *n, uint32_t index)
{
	struct tx_ring *x = &n->tx;

	n->mem->tx[index % TX_SLOTS].high |= TXD_RS | TXD_IDE;
	x->reports[x->report_next++ % TX_SLOTS] = index;
}

static void carry_out(struct nic *n, const struct plan *p, struct nserver_tx *t)
{
	struct tx_ring *x = &n->tx;
	unsigned last;

	if (!tx_is_pending(n))
		x->t_progress = now_ns();
	if (p->has_context) {
		x->frames[x->next % TX_SLOTS] = NULL;
		n->mem->tx[x->next++ % TX_SLOTS] = x->context = p->context;
	}
	for (unsigned i = 0; i < p->count; i++) {
		x->frames[x->next % TX_SLOTS] = NULL;
		n->mem->tx[x->next++ % TX_SLOTS] = p->pieces[i];
	}
	last = (x->next - 1) % TX_SLOTS;
	n->mem->tx[last].high |= TXD_EOP;
	x->frames[last] = t;
	x->has_header[last] = p->has_header;
	x->header_next += p->has_header;
}

bool tx_submit(struct nic *n, struct nserver_tx *t)
{
	struct plan plan;
	int err;

	if (!n->link.is_up) {
		nserver_tx_done(t, -ENETDOWN);
		return true;
	}
	err = make_plan(n, &plan, t);
	if (err == -EAGAIN) {
		tx_flush(n);
		tx_reap(n);
		err = make_plan(n, &plan, t);
	}
	if (err == -EAGAIN)
		return false;
	if (err != 0) {
		nserver_tx_done(t, err);
		return true;
	}
	carry_out(n, &plan, t);
	if (++n->tx.unreported == REPORT_EVERY) {
		report(n, n->tx.next - 1);
		n->tx.unreported = 0;
	}
	return true;
}

void tx_flush(struct nic *n)
{
	struct tx_ring *x = &n->tx;

	if (x->next == x->published)
		return;
	if (x->unreported > 0)
		report(n, x->next - 1);
	x->unreported = 0;
	x->published = x->next;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	reg_write(n, REG_TDT, x->next % TX_SLOTS);
}

/* Giving a frame back may end the session, and that start the ring anew (tx_start()). */
void tx_reap(struct nic *n)
{
	struct tx_ring *x = &n->tx;

	while (x->report_clean != x->report_next) {
		uint32_t index = x->reports[x->report_clean % TX_SLOTS];
		const volatile struct tx_desc *d = &n->mem->tx[index % TX_SLOTS];

		if (!(d->high & TXD_DD))
			return;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		x->report_clean++;
		x->t_progress = now_ns();
		while ((int32_t)(index - x->clean) >= 0)
			finish(n, x->clean++ % TX_SLOTS, 0);
	}
}
