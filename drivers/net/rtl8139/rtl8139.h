/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to rtl8139: a device, its ring and its four transmit buffers.
 *
 *   main.c   start, interrupts, alarms, net server callbacks   chip.c   registers, reset, link
 *   data.c   frames in and out                                 frame.c  pure: frames in the ring, hashes
 */
#ifndef RTL8139_RTL8139_H
#define RTL8139_RTL8139_H

#include "netdev/netserver.h"
#include "pcidev/pcidev.h"
#include "rtl8139_hw.h"
#include "sys/sys.h"

#define TX_BUFFER_BYTES 2048u
#define RX_QUEUE        256u

struct nic_memory {                       /* below 4 GiB */
	uint8_t rx[RX_RING_BYTES + 2048]; /* the longest frame goes on behind the end */
	uint8_t tx[TX_SLOTS][TX_BUFFER_BYTES];
};

struct nic {
	struct pcidev pci;
	volatile uint8_t *regs;
	unsigned unit;
	uint8_t mac[6];
	struct nic_memory *mem;
	uint64_t mem_bus;

	uint32_t rcr;       /* 0: receiver off */
	uint32_t rx_offset; /* of the next frame in the ring */
	struct nserver_rx *buffers[RX_QUEUE];
	uint32_t buffer_first, buffer_next; /* run free */

	/* In the order of the slots, which the device keeps (5.2). */
	struct nserver_tx *frames[TX_SLOTS];
	uint32_t tx_clean, tx_next; /* run free */
	uint64_t t_progress;
	bool has_tx_irq;

	struct net_link link;
	uint64_t rx_errors, rx_restarts;
};

/* chip.c */
int chip_reset(struct nic *n) MUST_CHECK; /* nothing moves, causes masked and cleared */
void chip_read_mac(struct nic *n);
void chip_setup(struct nic *n); /* after a reset: transmitter, interrupts, link */
void chip_receive(struct nic *n, const struct net_conf *conf); /* filters; receiver on */
void chip_restart_receiver(struct nic *n); /* an empty ring; what is in it is lost */
void chip_unmask_tx(struct nic *n);
uint16_t chip_causes(struct nic *n); /* cleared */
void chip_read_link(struct nic *n);

/* data.c */
bool data_tx(struct nic *n, struct nserver_tx *t); /* false: no room */
bool data_rx(struct nic *n, struct nserver_rx *r);
void data_reap(struct nic *n);
void data_poll(struct nic *n);
void data_give_back(struct nic *n); /* all frames and buffers; the device is reset */
static inline bool data_is_sending(const struct nic *n)
{
	return n->tx_clean != n->tx_next;
}

/* frame.c, pure */
enum rx_verdict {
	RX_NONE,  /* still being written */
	RX_FRAME, /* len_bytes, without FCS */
	RX_BAD,   /* len_bytes to be skipped */
	RX_LOST   /* not the start of a frame: only a restart helps */
};
enum rx_verdict frame_decode(const uint8_t header[RX_HEADER_BYTES], uint32_t *len_bytes);
uint32_t frame_next(uint32_t offset, uint32_t len_bytes); /* where the next one starts */
void frame_multicast(const struct net_conf *conf, uint32_t table[2]);

static inline uint8_t reg_read8(const struct nic *n, unsigned reg)
{
	return n->regs[reg];
}

static inline void reg_write8(const struct nic *n, unsigned reg, unsigned value)
{
	n->regs[reg] = (uint8_t)value;
}

static inline uint16_t reg_read16(const struct nic *n, unsigned reg)
{
	return *(volatile uint16_t *)(volatile void *)(n->regs + reg);
}

static inline void reg_write16(const struct nic *n, unsigned reg, unsigned value)
{
	*(volatile uint16_t *)(volatile void *)(n->regs + reg) = (uint16_t)value;
}

static inline uint32_t reg_read32(const struct nic *n, unsigned reg)
{
	return *(volatile uint32_t *)(volatile void *)(n->regs + reg);
}

static inline void reg_write32(const struct nic *n, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(volatile void *)(n->regs + reg) = value;
}

#endif
