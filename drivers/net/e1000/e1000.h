/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to e1000: a device, its rings.
 *
 *   main.c   start, interrupts, alarms, net server callbacks   chip.c   reset, EEPROM, filters, link
 *   tx.c     transmit ring      rx.c     receive ring          desc.c   pure: descriptors, headers, hashes
 */
#ifndef E1000_E1000_H
#define E1000_E1000_H

#include "e1000_hw.h"
#include "netdev/netserver.h"
#include "pcidev/pcidev.h"
#include "sys/sys.h"

#define TX_SLOTS        512u
#define RX_SLOTS        256u
#define TX_HEADERS      64u /* segmented frames at a time */
#define TX_HEADER_BYTES 256u

/* DMA memory, one piece. */
struct nic_memory {
	struct tx_desc tx[TX_SLOTS];
	struct rx_desc rx[RX_SLOTS];
	uint8_t headers[TX_HEADERS][TX_HEADER_BYTES]; /* of segmented frames, patched */
};

/* Indices run free; a slot is index modulo TX_SLOTS. clean <= published <= next. */
struct tx_ring {
	uint32_t clean;     /* oldest descriptor that is not known to be done */
	uint32_t published; /* the device has been told of descriptors before this one */
	uint32_t next;
	struct nserver_tx *frames[TX_SLOTS]; /* at a frame's last descriptor */
	bool has_header[TX_SLOTS];           /* there too */
	uint32_t header_next, header_clean;
	/* Descriptors with RS, in order: the device writes back only those. */
	uint32_t reports[TX_SLOTS];
	uint32_t report_clean, report_next;
	unsigned unreported;    /* frames since the last of them */
	struct tx_desc context; /* the last one that the device got; zero: none */
	uint64_t t_progress;    /* something was completed, or the ring was empty */
};

struct rx_slot {
	struct nserver_rx *buffer;
	uint64_t bus;
};

/* As tx_ring; one descriptor stays free, so that head == tail means empty (3.2.6). */
struct rx_ring {
	uint32_t clean, published, next;
	struct rx_slot slots[RX_SLOTS];
	bool is_dropping; /* until the end of a frame that is longer than a buffer */
};

struct nic {
	struct pcidev pci;
	volatile uint32_t *regs;
	unsigned unit;
	bool is_82574;
	uint8_t mac[6];
	struct nic_memory *mem;
	uint64_t mem_bus;
	struct tx_ring tx;
	struct rx_ring rx;

	uint32_t mta[MTA_WORDS]; /* what the device has */
	bool is_mta_known;
	bool has_tx_irq;
	bool has_causes; /* they were read since the process woke up */
	struct net_link link;
	uint64_t rx_errors, rx_long;
};

/* chip.c */
int chip_reset(struct nic *n)
	MUST_CHECK; /* known state, nothing moves, causes masked and cleared */
int chip_read_mac(struct nic *n) MUST_CHECK;
void chip_setup(struct nic *n); /* after a reset and ring starts: address, moderation, link */
void chip_configure(struct nic *n, const struct net_conf *conf);
void chip_unmask(struct nic *n);    /* interrupts for receive and link */
void chip_unmask_tx(struct nic *n); /* for transmit too, from now on */
uint32_t chip_causes(struct nic *n);
void chip_read_link(struct nic *n);

/* tx.c */
/* An empty ring, after a reset; what a session has left in it is given back. */
void tx_start(struct nic *n);
bool tx_submit(struct nic *n, struct nserver_tx *t); /* false: no room */
void tx_flush(struct nic *n);
void tx_reap(struct nic *n);
static inline bool tx_is_pending(const struct nic *n)
{
	return n->tx.clean != n->tx.next;
}

/* rx.c */
void rx_start(struct nic *n); /* as tx_start */
bool rx_submit(struct nic *n, struct nserver_rx *r);
void rx_flush(struct nic *n);
bool rx_has_done(const struct nic *n); /* rx_poll() would find a frame */
void rx_poll(struct nic *n);

/* desc.c, pure */
/* Makes the headers of a segmented frame what the device wants as template; `header`: the first
 * header_bytes of it. Returns where the IP header starts, or -EINVAL. */
int desc_tso_header(const struct nserver_tx *t, uint8_t *header) MUST_CHECK;
/* The context of a frame with checksum or segmentation; ip_start of a segmented one. 0 or -EINVAL: the
 * device has no room for such numbers. */
int desc_context(const struct nserver_tx *t, unsigned ip_start, struct tx_desc *c) MUST_CHECK;
struct tx_desc desc_data(uint64_t bus, uint32_t len_bytes, unsigned tx_flags);
enum rx_verdict { RX_FRAME, RX_PART, RX_BAD }; /* PART: it goes on in the next descriptor */
enum rx_verdict desc_rx(const struct rx_desc *d, unsigned *rx_flags);
void desc_multicast(const struct net_conf *conf, uint32_t table[MTA_WORDS]);

static inline uint32_t reg_read(const struct nic *n, unsigned reg)
{
	return n->regs[reg / 4];
}

static inline void reg_write(const struct nic *n, unsigned reg, uint32_t value)
{
	n->regs[reg / 4] = value;
}

#endif
