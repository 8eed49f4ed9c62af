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

#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_QUEUES_MAX  4

struct virtio {
	struct pcidev pci;
	volatile uint8_t *common, *notify, *isr, *config; /* mapped structures */
	uint32_t config_bytes;
	uint32_t notify_multiplier, notify_bytes;
	uint32_t notify_offset[VIRTIO_QUEUES_MAX];
	uint64_t features; /* agreed on */
};

/* `pci` was found; features we understand -> what both do. Leaves the device in FEATURES_OK. 0/-errno. */
int virtio_start(struct virtio *v, uint64_t understood) MUST_CHECK;
/* Queue `index` with at most `size` entries, completions by MSI-X vector 0 if there is one. */
int virtio_queue(struct virtio *v, unsigned index, unsigned size, struct vring *ring) MUST_CHECK;
/* Interrupt to `hook`, bus mastering, DRIVER_OK. After the queues' memory is set. */
int virtio_run(struct virtio *v) MUST_CHECK;
int virtio_route_irq(struct virtio *v, unsigned hook) MUST_CHECK; /* before virtio_queue() */
void virtio_notify(struct virtio *v, unsigned queue);
/* Reads and clears the cause (INTx); then the line may be unmasked again by pcidev_irq_done(). */
void virtio_clear_irq(struct virtio *v);
/* A field of the device's configuration; 0 if it is not there. */
uint64_t virtio_config(const struct virtio *v, unsigned offset, unsigned width);

#endif
