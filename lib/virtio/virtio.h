/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over PCI, modern interface (virtio 1.1, 4.1): find the structures, negotiate, set queues up.
 * Callers: drivers for virtio devices, in init(). Reset at the start makes the device forget whatever a
 * predecessor had asked for (2.1.2), and comes before bus mastering.
 */
#ifndef LIB_VIRTIO_VIRTIO_H
#define LIB_VIRTIO_VIRTIO_H

#include "pcidev/pcidev.h"
#include "virtio/vring.h"

#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_QUEUES_MAX  4
#define VIRTIO_NO_VECTOR   0xffffu
#define VIRTIO_IRQ_CONFIG  2u /* causes of virtio_clear_irq() */

struct virtio {
	struct pcidev pci;
	volatile uint8_t *common, *notify, *isr, *config; /* mapped structures */
	uint32_t config_bytes;
	uint32_t notify_multiplier, notify_bytes;
	uint32_t notify_offset[VIRTIO_QUEUES_MAX];
	uint64_t offered, features; /* what the device can, what was agreed on */
	/* MSI-X vectors, if the device has them: 0 for all queues and none for changes of the
	 * configuration, unless a driver says otherwise between virtio_find() and virtio_queue(). */
	uint16_t queue_vector[VIRTIO_QUEUES_MAX], config_vector;
};

/* `pci` was found; features we understand -> what both do. Leaves the device in FEATURES_OK. 0/-errno. */
int virtio_start(struct virtio *v, uint64_t understood) MUST_CHECK;
/* The same in two steps: the structures are found, the device is reset and its configuration may be
 * read; then features are agreed on, as often as wanted: each time the device starts anew. */
int virtio_find(struct virtio *v) MUST_CHECK;
int virtio_negotiate(struct virtio *v, uint64_t understood) MUST_CHECK;
/* Stops the device: it touches no memory any more. -EIO: it does not answer within a second. */
int virtio_reset(struct virtio *v) MUST_CHECK;
/* Queue `index` with at most `size` entries. A ring that had memory before (else: zeroed) keeps it. */
int virtio_queue(struct virtio *v, unsigned index, unsigned size, struct vring *ring) MUST_CHECK;
/* Interrupt to `hook`, bus mastering, DRIVER_OK. After the queues' memory is set. */
int virtio_run(struct virtio *v) MUST_CHECK;
int virtio_route_irq(struct virtio *v, unsigned hook) MUST_CHECK; /* before virtio_queue() */
void virtio_notify(struct virtio *v, unsigned queue);
/* Reads and clears the cause (INTx); then the line may be unmasked again by pcidev_irq_done(). Bits
 * VIRTIO_IRQ_*; 0 with MSI, where the vector says it. */
unsigned virtio_clear_irq(struct virtio *v);
/* A field of the device's configuration; 0 if it is not there. */
uint64_t virtio_config(const struct virtio *v, unsigned offset, unsigned width);

#endif
