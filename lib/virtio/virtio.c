/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio over PCI: see virtio.h. Offsets are those of struct virtio_pci_common_cfg (4.1.4.3).
 */
#include <errno.h>
#include <string.h>

#include "sys/sys.h"
#include "virtio/virtio.h"

#define CAP_VENDOR     0x09
#define CAPS_MAX       48
#define CFG_COMMON     1
#define CFG_NOTIFY     2
#define CFG_ISR        3
#define CFG_DEVICE     4
#define CAP_NEXT_SHIFT 8 /* in the first word */
#define CAP_TYPE_SHIFT 24
#define CAP_BAR        4 /* offsets in the capability */
#define CAP_OFFSET     8
#define CAP_LENGTH     12
#define CAP_MULTIPLIER 16

#define C_DEVICE_FEATURE_SELECT 0x00
#define C_DEVICE_FEATURE        0x04
#define C_DRIVER_FEATURE_SELECT 0x08
#define C_DRIVER_FEATURE        0x0c
#define C_CONFIG_VECTOR         0x10
#define C_STATUS                0x14
#define C_QUEUE_SELECT          0x16
#define C_QUEUE_SIZE            0x18
#define C_QUEUE_VECTOR          0x1a
#define C_QUEUE_ENABLE          0x1c
#define C_QUEUE_NOTIFY_OFF      0x1e
#define C_QUEUE_DESC            0x20
#define C_QUEUE_AVAIL           0x28
#define C_QUEUE_USED            0x30
#define COMMON_BYTES            0x38

#define STATUS_ACK         1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u
#define RESET_TIMEOUT_NS   1000000000ull

static uint8_t read8(volatile uint8_t *base, unsigned offset)
{
	return base[offset];
}

static void write8(volatile uint8_t *base, unsigned offset, uint8_t value)
{
	base[offset] = value;
}

static uint16_t read16(volatile uint8_t *base, unsigned offset)
{
	return *(volatile uint16_t *)(volatile void *)(base + offset);
}

static void write16(volatile uint8_t *base, unsigned offset, uint16_t value)
{
	*(volatile uint16_t *)(volatile void *)(base + offset) = value;
}

static uint32_t read32(volatile uint8_t *base, unsigned offset)
{
	return *(volatile uint32_t *)(volatile void *)(base + offset);
}

static void write32(volatile uint8_t *base, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(volatile void *)(base + offset) = value;
}

static void write64(volatile uint8_t *base, unsigned offset, uint64_t value)
{
	write32(base, offset, (uint32_t)value);
	write32(base, offset + 4, (uint32_t)(value >> 32));
}

/* ---- structures ---- */

struct cap {
	uint32_t type, bar, offset, length;
};

/* `head`: the first word of the capability. */
static int read_cap(struct virtio *v, unsigned at, uint32_t head, struct cap *c)
{
	int err = pcidev_config_read(&v->pci, at + CAP_BAR, 1, &c->bar);

	c->type = head >> CAP_TYPE_SHIFT;
	if (err == 0)
		err = pcidev_config_read(&v->pci, at + CAP_OFFSET, 4, &c->offset);
	if (err == 0)
		err = pcidev_config_read(&v->pci, at + CAP_LENGTH, 4, &c->length);
	return err;
}

/* Each BAR is mapped once. */
static int map_cap(struct virtio *v, const struct cap *c, volatile void *bars[6],
                   volatile uint8_t **where)
{
	static uint64_t lengths[6];

	if (c->bar >= 6)
		return -EPROTO;
	if (bars[c->bar] == NULL) {
		int err = pcidev_map_bar(&v->pci, c->bar, &bars[c->bar], &lengths[c->bar]);

		if (err != 0)
			return err;
	}
	if (c->offset > lengths[c->bar] || c->length > lengths[c->bar] - c->offset)
		return -EPROTO;
	*where = (volatile uint8_t *)bars[c->bar] + c->offset;
	return 0;
}

/* Each read is a message to pci, and this is part of a recovery: only what is needed. */
static int take_cap(struct virtio *v, unsigned at, uint32_t head, volatile void *bars[6])
{
	struct cap c;
	int err;

	if (head >> CAP_TYPE_SHIFT < CFG_COMMON || head >> CAP_TYPE_SHIFT > CFG_DEVICE)
		return 0;
	err = read_cap(v, at, head, &c);
	if (err != 0)
		return err;
	switch (c.type) {
	case CFG_COMMON:
		return c.length < COMMON_BYTES ? -EPROTO : map_cap(v, &c, bars, &v->common);
	case CFG_NOTIFY:
		err = pcidev_config_read(&v->pci, at + CAP_MULTIPLIER, 4, &v->notify_multiplier);
		v->notify_bytes = c.length;
		return err != 0 ? err : map_cap(v, &c, bars, &v->notify);
	case CFG_ISR: return map_cap(v, &c, bars, &v->isr);
	case CFG_DEVICE: v->config_bytes = c.length; return map_cap(v, &c, bars, &v->config);
	default: return 0;
	}
}

static int find_structures(struct virtio *v)
{
	volatile void *bars[6] = {NULL};
	uint32_t at = pcidev_capability(&v->pci, CAP_VENDOR);

	for (unsigned i = 0; i < CAPS_MAX && at >= 0x40; i++) {
		uint32_t head;
		int err = pcidev_config_read(&v->pci, at, 4, &head);

		if (err == 0 && (head & 0xff) == CAP_VENDOR)
			err = take_cap(v, at, head, bars);
		if (err != 0)
			return err;
		at = head >> CAP_NEXT_SHIFT & 0xfc;
	}
	return v->common != NULL && v->notify != NULL && v->isr != NULL ? 0 : -ENODEV;
}

/* ---- life ---- */

static void set_status(struct virtio *v, uint8_t bits)
{
	write8(v->common, C_STATUS, (uint8_t)(read8(v->common, C_STATUS) | bits));
}

int virtio_reset(struct virtio *v)
{
	uint64_t deadline = now_ns() + RESET_TIMEOUT_NS;

	write8(v->common, C_STATUS, 0);
	while (read8(v->common, C_STATUS) != 0)
		if (now_ns() > deadline)
			return -EIO;
	return 0;
}

static uint32_t offered_half(struct virtio *v, unsigned half)
{
	write32(v->common, C_DEVICE_FEATURE_SELECT, half);
	return read32(v->common, C_DEVICE_FEATURE);
}

int virtio_find(struct virtio *v)
{
	int err = pcidev_enable(&v->pci, PCI_ENABLE_MEM);

	if (err == 0)
		err = find_structures(v);
	if (err == 0)
		err = virtio_reset(v);
	if (err != 0)
		return err;
	v->config_vector = VIRTIO_NO_VECTOR;
	v->offered = offered_half(v, 0) | (uint64_t)offered_half(v, 1) << 32;
	return v->offered & VIRTIO_F_VERSION_1 ? 0 : -ENOTSUP;
}

int virtio_negotiate(struct virtio *v, uint64_t understood)
{
	int err = virtio_reset(v);

	if (err != 0)
		return err;
	set_status(v, STATUS_ACK | STATUS_DRIVER);
	v->features = (understood | VIRTIO_F_VERSION_1) & v->offered;
	for (unsigned half = 0; half < 2; half++) {
		write32(v->common, C_DRIVER_FEATURE_SELECT, half);
		write32(v->common, C_DRIVER_FEATURE, (uint32_t)(v->features >> (32 * half)));
	}
	set_status(v, STATUS_FEATURES_OK);
	return read8(v->common, C_STATUS) & STATUS_FEATURES_OK ? 0 : -ENOTSUP;
}

int virtio_start(struct virtio *v, uint64_t understood)
{
	int err = virtio_find(v);

	return err != 0 ? err : virtio_negotiate(v, understood);
}

int virtio_route_irq(struct virtio *v, unsigned hook)
{
	return pcidev_route_irq(&v->pci, 0, hook);
}

/* Memory of a ring: that of the last time, or new. */
static int make_ring(struct vring *ring, uint16_t size)
{
	size_t bytes = vring_bytes(size);
	void *memory = ring->desc;
	uint64_t bus = ring->desc_bus;

	if (memory == NULL || ring->size != size)
		memory = vm_alloc_dma(bytes, 0, 0, &bus);
	else
		memset(memory, 0, bytes);
	if (memory == NULL)
		return -ENOMEM;
	vring_init(ring, size, memory, bus);
	return 0;
}

static int set_vectors(struct virtio *v, unsigned index)
{
	uint16_t queue = v->pci.is_msi ? v->queue_vector[index] : VIRTIO_NO_VECTOR;
	uint16_t config = v->pci.is_msi ? v->config_vector : VIRTIO_NO_VECTOR;

	write16(v->common, C_CONFIG_VECTOR, config);
	write16(v->common, C_QUEUE_VECTOR, queue);
	if (read16(v->common, C_QUEUE_VECTOR) != queue ||
	    read16(v->common, C_CONFIG_VECTOR) != config)
		return -EIO; /* the device has no room for the vectors */
	return 0;
}

int virtio_queue(struct virtio *v, unsigned index, unsigned size, struct vring *ring)
{
	uint16_t have;
	int err;

	if (index >= VIRTIO_QUEUES_MAX)
		return -EINVAL;
	write16(v->common, C_QUEUE_SELECT, (uint16_t)index);
	v->notify_offset[index] = read16(v->common, C_QUEUE_NOTIFY_OFF) * v->notify_multiplier;
	if (v->notify_offset[index] + 2 > v->notify_bytes)
		return -EPROTO;
	have = read16(v->common, C_QUEUE_SIZE);
	if (have == 0 || (have & (have - 1)) != 0)
		return -ENODEV;
	if (size > VRING_SIZE_MAX)
		size = VRING_SIZE_MAX;
	if (have > size)
		have = (uint16_t)size;
	err = make_ring(ring, have);
	if (err != 0)
		return err;
	ring->has_event_idx = v->features & VIRTIO_F_EVENT_IDX;
	write16(v->common, C_QUEUE_SIZE, have);
	err = set_vectors(v, index);
	if (err != 0)
		return err;
	write64(v->common, C_QUEUE_DESC, ring->desc_bus);
	write64(v->common, C_QUEUE_AVAIL, ring->avail_bus);
	write64(v->common, C_QUEUE_USED, ring->used_bus);
	write16(v->common, C_QUEUE_ENABLE, 1);
	return 0;
}

int virtio_run(struct virtio *v)
{
	int err = pcidev_enable(&v->pci, PCI_ENABLE_MEM | PCI_ENABLE_MASTER);

	if (err == 0)
		set_status(v, STATUS_DRIVER_OK);
	return err;
}

void virtio_notify(struct virtio *v, unsigned queue)
{
	write16(v->notify, v->notify_offset[queue % VIRTIO_QUEUES_MAX], (uint16_t)queue);
}

unsigned virtio_clear_irq(struct virtio *v)
{
	return v->pci.is_msi ? 0 : read8(v->isr, 0);
}

uint64_t virtio_config(const struct virtio *v, unsigned offset, unsigned width)
{
	if (v->config == NULL || offset + width > v->config_bytes)
		return 0;
	switch (width) {
	case 1: return read8(v->config, offset);
	case 2: return read16(v->config, offset);
	case 4: return read32(v->config, offset);
	default: return read32(v->config, offset) | (uint64_t)read32(v->config, offset + 4) << 32;
	}
}
