/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to virtio_net: one device, its slots, and what runs where. */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include "netdev/netserver.h"
#include "virtio/virtio.h"
#include "virtio_net_hw.h"

#define HOOKS_PER_NIC 3 /* IRQ hooks: receive, send, changes */
#define QUEUE_SIZE    256
#define SLOTS_MAX     QUEUE_SIZE /* chains that are out, of one queue */
#define PIECES_MAX    96         /* more than a frame of 64 KiB in 32 elements, and the header */
#define MTU_DEFAULT   1500u

/* A chain that is out. Its header lies in driver memory. */
struct slot {
	struct slot *next; /* free */
	void *frame;       /* struct nserver_tx or nserver_rx; NULL: free */
	uint64_t sequence; /* tx: order of arrival */
	uint64_t t_issued;
};

struct queue {
	struct vring ring;
	struct slot slots[SLOTS_MAX];
	struct slot *free;
	unsigned used_count; /* slots that were ever used: the first so many */
	struct net_header *headers;
	uint64_t headers_bus;
	unsigned active;
	bool has_added;
};

/* Commands about what is received; the device reads and writes it. */
struct control {
	struct {
		uint8_t class, command;
	} head[3];
	uint8_t is_on[2]; /* promiscuous, all multicasts */
	struct {
		uint32_t unicasts, multicasts;
		uint8_t mac[NET_MULTICAST_MAX][6];
	} __attribute__((packed)) table;
	uint8_t ack[3];
};

/* A frame over several buffers, of which the last one that came is kept until the next one is there. */
struct merge {
	struct slot *held; /* NULL: none */
	uint32_t held_bytes;
	unsigned left; /* buffers that are still to come */
	unsigned flags;
};

struct nic {
	unsigned unit;
	struct virtio dev;
	struct queue rx, tx;
	struct vring control_ring;
	struct control *control;
	uint64_t control_bus;
	unsigned control_pending; /* commands that are out */
	bool is_control_due;      /* others are wanted meanwhile */
	struct net_conf conf;
	struct merge merge;
	uint64_t next_sequence;
	bool is_on; /* configured: the device may touch memory */
	uint8_t mac[6];
	uint16_t mtu;
	uint64_t resets, control_errors, runts;
	uint64_t late; /* times that the alarm found work: an interrupt was lost, or is under way */
};

/* ---- choice.c: pure ---- */
/* What the device can do for a client. */
uint32_t choice_offloads(uint64_t offered);
/* What to agree on for a client that wants these offloads. */
uint64_t choice_features(uint64_t offered, uint32_t offloads);
void choice_header(const struct nserver_tx *t, struct net_header *h);
/* Address of a device that has none of its own: the same in each life. */
void choice_mac(uint16_t bdf, uint8_t mac[6]);
/* Of a received frame: NET_RX_CSUM_OK or 0, number of buffers; -EPROTO. */
struct received {
	unsigned flags, buffers;
};
int choice_received(const struct net_header *h, uint64_t features, struct received *out) MUST_CHECK;

/* ---- slots.c ---- */
struct slot *slot_take(struct queue *q); /* NULL: all are out */
void slot_give(struct queue *q, struct slot *s);
struct net_header *slot_header(struct queue *q, const struct slot *s);
uint64_t slot_header_bus(const struct queue *q, const struct slot *s);

/* ---- rx.c, tx.c ---- */
bool rx_add(struct nic *n, struct nserver_rx *r); /* false: no room */
void rx_serve(struct nic *n);
void rx_give_back(struct nic *n); /* the device is reset: all buffers, unused */
bool tx_add(struct nic *n, struct nserver_tx *t);
void tx_serve(struct nic *n);
void tx_give_back(struct nic *n, int status);
/* Makes what was added known to the device. */
void rx_flush(struct nic *n);
void tx_flush(struct nic *n);
/* After a reset: what was out goes out again, frames in their order. */
void rx_again(struct nic *n);
void tx_again(struct nic *n);
uint64_t tx_oldest_ns(const struct nic *n); /* 0: nothing is out */

/* ---- nic.c: life of a device ---- */
int nic_init(struct nic *n, unsigned unit) MUST_CHECK; /* dev.pci was found */
int nic_configure(struct nic *n, const struct net_conf *conf) MUST_CHECK;
void nic_stop(struct nic *n);
void nic_link(struct nic *n); /* tells the client what the device says */
void nic_interrupt(struct nic *n, unsigned hooks);
void nic_flush(struct nic *n);
uint64_t nic_look(struct nic *n); /* as in nicdriver.h */

/* ---- control.c ---- */
void control_send(struct nic *n);
void control_serve(struct nic *n);
void control_reset(struct nic *n); /* the device was reset: nothing is out */

#endif
