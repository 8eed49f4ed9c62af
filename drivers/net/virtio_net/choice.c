/* SPDX-License-Identifier: BSD-2-Clause */
/* What to agree on with the device, and headers of frames (virtio 1.1, 5.1.3, 5.1.6). Pure. */
#include <errno.h>

#include "virtio_net.h"

#define ALWAYS                                                                                     \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | F_MAC | F_STATUS | F_MTU | F_CTRL_VQ |          \
	 F_CTRL_RX | F_SPEED)

static bool has(uint64_t features, uint64_t all)
{
	return (features & all) == all;
}

uint32_t choice_offloads(uint64_t offered)
{
	uint32_t o = 0;

	if (has(offered, F_CSUM))
		o |= NET_OFFLOAD_TX_CSUM;
	if (has(offered, F_CSUM | F_HOST_TSO4))
		o |= NET_OFFLOAD_TSO4;
	if (has(offered, F_CSUM | F_HOST_TSO6))
		o |= NET_OFFLOAD_TSO6;
	if (has(offered, F_GUEST_CSUM))
		o |= NET_OFFLOAD_RX_CSUM;
	if (has(offered, F_MRG_RXBUF))
		o |= NET_OFFLOAD_RX_LRO;
	return o;
}

/* A feature that needs another one is agreed on with it or not at all (5.1.3.1). */
uint64_t choice_features(uint64_t offered, uint32_t offloads)
{
	uint64_t want = ALWAYS;

	if (offloads & (NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6))
		want |= F_CSUM;
	if (offloads & NET_OFFLOAD_TSO4)
		want |= F_HOST_TSO4;
	if (offloads & NET_OFFLOAD_TSO6)
		want |= F_HOST_TSO6;
	if (offloads & NET_OFFLOAD_RX_CSUM)
		want |= F_GUEST_CSUM;
	if (offloads & NET_OFFLOAD_RX_LRO)
		want |= F_MRG_RXBUF;
	if (has(offered & want, F_GUEST_CSUM | F_MRG_RXBUF))
		want |= F_GUEST_TSO4 | F_GUEST_TSO6;
	want &= offered;
	if (!has(want, F_CSUM))
		want &= ~(F_HOST_TSO4 | F_HOST_TSO6);
	if (!has(want, F_CTRL_VQ))
		want &= ~F_CTRL_RX;
	return want;
}

void choice_header(const struct nserver_tx *t, struct net_header *h)
{
	*h = (struct net_header){.gso_type = GSO_NONE};
	if (t->flags & NET_TX_CSUM) {
		h->flags = HEADER_NEEDS_CSUM;
		h->csum_start = t->csum_start;
		h->csum_offset = t->csum_offset;
	}
	if (t->flags & NET_TX_TSO) {
		h->gso_type = t->flags & NET_TX_IPV6 ? GSO_TCPV6 : GSO_TCPV4;
		h->gso_bytes = t->gso_bytes;
		h->header_bytes = t->header_bytes;
	}
}

void choice_mac(uint16_t bdf, uint8_t mac[6])
{
	const uint8_t address[6] = {0x02, 0x1a, 0xf4, 0, (uint8_t)(bdf >> 8), (uint8_t)bdf};

	for (unsigned i = 0; i < sizeof(address); i++)
		mac[i] = address[i];
}

int choice_received(const struct net_header *h, uint64_t features, struct received *out)
{
	*out = (struct received){.buffers = 1};
	if (features & F_MRG_RXBUF)
		out->buffers = h->buffers;
	if (out->buffers == 0 || out->buffers > SLOTS_MAX)
		return -EPROTO;
	/* NEEDS_CSUM: it comes from this machine's other side, and was never on a wire. */
	if (features & F_GUEST_CSUM && h->flags & (HEADER_DATA_VALID | HEADER_NEEDS_CSUM))
		out->flags = NET_RX_CSUM_OK;
	return 0;
}
