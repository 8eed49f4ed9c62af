/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (virtio 1.1, 2.6), the driver's side. Pure: memory and bus addresses are the
 * caller's. The device is not believed: what it returns must be a chain that is out, else `is_broken`.
 */
#ifndef LIB_VIRTIO_VRING_H
#define LIB_VIRTIO_VRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VRING_SIZE_MAX 256

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
_Static_assert(sizeof(struct vring_desc) == 16, "descriptor size");
#define VRING_DESC_NEXT  1u
#define VRING_DESC_WRITE 2u /* by the device */

struct vring_avail {
	uint16_t flags, idx;
	uint16_t ring[];
};
struct vring_used_elem {
	uint32_t id, len;
};
struct vring_used {
	uint16_t flags, idx;
	struct vring_used_elem ring[];
};
#define VRING_USED_NO_NOTIFY     1u
#define VRING_AVAIL_NO_INTERRUPT 1u

struct vring {
	uint16_t size; /* a power of two */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint64_t desc_bus, avail_bus, used_bus;

	/* Private truth about what is out. */
	uint16_t free_head, free_count, last_used, next_avail, published;
	uint16_t next[VRING_SIZE_MAX];
	uint16_t
		chain[VRING_SIZE_MAX]; /* descriptors in the chain that starts here; 0: none does */
	void *cookie[VRING_SIZE_MAX];
	bool is_broken;
	bool has_event_idx; /* VIRTIO_F_EVENT_IDX was agreed on; set after vring_init() */
};

struct vring_piece {
	uint64_t bus;
	uint32_t len;
	bool is_written; /* by the device */
};

size_t vring_bytes(uint16_t size);
/* `memory`: vring_bytes(), zeroed, page aligned. */
void vring_init(struct vring *v, uint16_t size, void *memory, uint64_t bus);
/* One chain; false: not enough descriptors. The device sees it after vring_publish(). */
bool vring_add(struct vring *v, const struct vring_piece *pieces, unsigned count, void *cookie);
/* Makes what was added visible; true: the device wants to be notified. */
bool vring_publish(struct vring *v);
/* The cookie of the next chain that the device is done with, and bytes written; NULL: none. */
void *vring_take(struct vring *v, uint32_t *len);
bool vring_has_done(const struct vring *v); /* vring_take() would find one */
/* An interrupt is wanted when `ahead` (> 0) more chains are done; without EVENT_IDX, at the next one.
 * true: they are already, no interrupt will come: take them. Until it is armed again none is wanted. */
bool vring_arm(struct vring *v, unsigned ahead);
/* After a reset of the device: the cookie of a chain that was out, or NULL: there is none left. */
void *vring_drain(struct vring *v);

#endif
