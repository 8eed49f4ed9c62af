/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio block devices as units vd0, vd1, ... in the order of the bus. rs starts it, mfs, vfs and filters
 * use it (protocol axolotl/blk.h).
 *
 * A request runs as one or more commands of at most SEGMENTS_MAX segments, then a FLUSH if FUA is wanted.
 * Each command is a chain: header, segments, status byte. The queue of waiting requests is first come,
 * first served. Nothing is kept over a restart: reset makes the device forget (virtio 1.1, 2.1.2).
 *
 * A device that breaks the ring's rules or lets a command wait too long gets a new driver (panic), which
 * resets it. References: virtio 1.1, 5.2. Rules B1-B8 by lib/blockdev.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "blockdev/blockserver.h"
#include "virtio/virtio.h"
#include "virtio_blk.h"

#define DISKS_MAX        8
#define COMMANDS_MAX     64
#define SEGMENTS_MAX     120
#define SEGMENT_BYTES    (1u << 20)
#define QUEUE_SIZE       256
#define FLUSH_TIMEOUT_NS 24000000000ull
#define TIMEOUT_NS       4000000000ull /* shorter than the clients' (B8) */
#define LOOK_NS          500000000ull

struct command {
	struct bserver_request *r;
	struct command *next;
	struct bserver_cursor cursor;
	uint64_t sectors_done, sectors_now;
	bool is_flush;
	uint64_t t_issued; /* 0: not at the device */
};

struct disk {
	struct virtio dev;
	struct vring ring;
	struct header *headers; /* one for each command */
	uint64_t headers_bus;
	struct command commands[COMMANDS_MAX];
	struct command *free;
	struct command *stalled; /* under way, and no room in the ring for the next piece */
	struct bserver_request *wait_head, *wait_tail; /* linked by user */
	unsigned segments_max, active;
	uint32_t segment_bytes;
	bool has_flush, is_readonly, has_added;
	uint64_t sectors, errors;
};

static struct disk disks[DISKS_MAX];
static unsigned disk_count;

static int disk_info(unsigned unit, struct blk_info *info)
{
	const struct disk *d = &disks[unit];

	if (unit >= disk_count)
		return -ENXIO;
	*info = (struct blk_info){.sectors = d->sectors,
	                          .physical_sector_bytes = BLK_SECTOR,
	                          .max_bytes = BLK_REQUEST_MAX,
	                          .max_elements = BLK_ELEMENTS_MAX,
	                          .queue_depth = COMMANDS_MAX,
	                          .replicas = 1,
	                          .flags = (d->is_readonly ? BLK_FLAG_READONLY : 0) |
	                                   (d->has_flush ? BLK_FLAG_VOLATILE_CACHE : 0),
	                          .model = "virtio disk"};
	return 0;
}

/* ---- commands ---- */

static unsigned index_of(const struct disk *d, const struct command *c)
{
	return (unsigned)(c - d->commands);
}

/* The next segments; cut to whole sectors where the table ends inside one. Returns how many. */
static unsigned put_segments(const struct disk *d, struct command *c, uint64_t limit,
                             struct vring_piece *pieces, uint64_t *bytes)
{
	struct bserver_cursor cursor = c->cursor;
	struct bserver_segment seg;
	unsigned n = 0;

	*bytes = 0;
	while (n < d->segments_max && *bytes < limit) {
		uint64_t left = limit - *bytes;
		uint32_t max = left < d->segment_bytes ? (uint32_t)left : d->segment_bytes;

		if (!bserver_segment(c->r, &cursor, max, &seg))
			break;
		pieces[n++] = (struct vring_piece){
			.bus = seg.bus, .len = seg.len_bytes, .is_written = c->r->op == BLK_READ};
		*bytes += seg.len_bytes;
	}
	if (*bytes % BLK_SECTOR == 0)
		c->cursor = cursor;
	return n;
}

static unsigned data_pieces(const struct disk *d, struct command *c, struct vring_piece *pieces)
{
	uint64_t bytes;
	unsigned n = put_segments(d, c, c->r->bytes, pieces, &bytes);

	if (bytes % BLK_SECTOR != 0)
		n = put_segments(d, c, bytes - bytes % BLK_SECTOR, pieces, &bytes);
	c->sectors_now = bytes / BLK_SECTOR;
	return n;
}

/* false: the ring is full; c is as before. */
static bool issue(struct disk *d, struct command *c)
{
	struct vring_piece pieces[SEGMENTS_MAX + 2];
	unsigned i = index_of(d, c), n = 1;
	uint64_t bus = d->headers_bus + i * sizeof(struct header);
	struct command before = *c;

	if (!c->is_flush)
		n += data_pieces(d, c, pieces + 1);
	pieces[0] = (struct vring_piece){.bus = bus, .len = HEADER_BYTES};
	pieces[n] = (struct vring_piece){.bus = bus + HEADER_BYTES, .len = 1, .is_written = true};
	d->headers[i] = (struct header){.type = c->is_flush             ? T_FLUSH
	                                        : c->r->op == BLK_WRITE ? T_OUT
	                                                                : T_IN,
	                                .sector = c->is_flush ? 0 : c->r->sector + c->sectors_done,
	                                .status = 0xff};
	if (!vring_add(&d->ring, pieces, n + 1, c)) {
		*c = before;
		return false;
	}
	c->t_issued = now_ns();
	d->active++;
	d->has_added = true;
	return true;
}

/* Requests that have begun go first. */
static bool resume(struct disk *d)
{
	while (d->stalled != NULL && issue(d, d->stalled))
		d->stalled = d->stalled->next;
	return d->stalled == NULL;
}

static void pump(struct disk *d)
{
	bool has_room = resume(d);

	while (has_room && d->wait_head != NULL && d->free != NULL) {
		struct command *c = d->free;
		struct bserver_request *r = d->wait_head;
		struct command *next_free = c->next;

		*c = (struct command){.r = r, .next = next_free, .is_flush = r->op == BLK_FLUSH};
		if (!issue(d, c))
			break;
		d->free = next_free;
		d->wait_head = r->user;
	}
	if (d->has_added && vring_publish(&d->ring))
		virtio_notify(&d->dev, 0);
	d->has_added = false;
}

static void disk_submit(struct bserver_request *r)
{
	struct disk *d = &disks[r->unit];

	if (r->op == BLK_FLUSH && !d->has_flush) {
		bserver_complete(r, 0);
		return;
	}
	r->user = NULL;
	if (d->wait_head == NULL)
		d->wait_head = r;
	else
		d->wait_tail->user = r;
	d->wait_tail = r;
}

static void flush_batch(void)
{
	for (unsigned i = 0; i < disk_count; i++)
		pump(&disks[i]);
}

static void finish(struct disk *d, struct command *c, int status)
{
	struct bserver_request *r = c->r;

	c->r = NULL;
	c->next = d->free;
	d->free = c;
	bserver_complete(r, status);
}

/* A command is done: the request goes on, or ends. */
static void command_done(struct disk *d, struct command *c, uint32_t written_bytes)
{
	uint8_t status = d->headers[index_of(d, c)].status;
	bool wants_flush = c->r->op == BLK_WRITE && (c->r->flags & BLK_REQ_FUA) && d->has_flush;

	d->active--;
	c->t_issued = 0;
	if (status != S_OK) {
		d->errors++;
		finish(d, c, status == S_UNSUPP ? -ENOTSUP : -EIO);
		return;
	}
	if (!c->is_flush && c->r->op == BLK_READ &&
	    written_bytes < c->sectors_now * BLK_SECTOR + 1) { /* and the status */
		d->errors++;
		finish(d, c, -EIO);
		return;
	}
	if (!c->is_flush)
		c->sectors_done += c->sectors_now;
	if (c->is_flush || (c->sectors_done == c->r->sectors && !wants_flush)) {
		finish(d, c, 0);
		return;
	}
	c->is_flush = c->sectors_done == c->r->sectors;
	/* The next piece may need more descriptors than were freed now. */
	c->next = d->stalled;
	d->stalled = c;
}

static void serve(struct disk *d)
{
	struct command *c;
	uint32_t len;

	while ((c = vring_take(&d->ring, &len)) != NULL)
		command_done(d, c, len);
	if (d->ring.is_broken)
		sys_panic("virtio_blk: the device returned a chain that is not out");
	pump(d);
}

static int disk_status(unsigned unit, char *buf, size_t len)
{
	const struct disk *d = &disks[unit];
	int n;

	if (unit >= disk_count)
		return -ENXIO;
	n = snprintf(buf, len, "unit=vd%u\nsectors=%llu\nsegments=%u\nactive=%u\nerrors=%llu\n",
	             unit, (unsigned long long)d->sectors, d->segments_max, d->active,
	             (unsigned long long)d->errors);
	return n + bserver_status_text(buf + n, len - (size_t)n);
}

/* ---- start ---- */

static int init_disk(struct disk *d, unsigned index)
{
	uint64_t seg_max, size_max;
	int err;

	*d = (struct disk){.dev = {.pci = d->dev.pci}};
	err = virtio_start(&d->dev, F_SIZE_MAX | F_SEG_MAX | F_RO | F_FLUSH);

	if (err == 0)
		err = virtio_route_irq(&d->dev, index);
	if (err == 0)
		err = virtio_queue(&d->dev, 0, QUEUE_SIZE, &d->ring);
	if (err != 0)
		return err;
	d->headers = vm_alloc_dma(COMMANDS_MAX * sizeof(*d->headers), 0, 0, &d->headers_bus);
	if (d->headers == NULL)
		return -ENOMEM;
	seg_max = d->dev.features & F_SEG_MAX ? virtio_config(&d->dev, CFG_SEG_MAX, 4) : 1;
	size_max = d->dev.features & F_SIZE_MAX ? virtio_config(&d->dev, CFG_SIZE_MAX, 4) : 0;
	d->segments_max = seg_max > 0 && seg_max < SEGMENTS_MAX ? (unsigned)seg_max : SEGMENTS_MAX;
	if (d->segments_max + 2u > d->ring.size)
		d->segments_max = d->ring.size - 2u;
	d->segment_bytes = size_max >= BLK_SECTOR && size_max < SEGMENT_BYTES ? (uint32_t)size_max
	                                                                      : SEGMENT_BYTES;
	d->sectors = virtio_config(&d->dev, CFG_CAPACITY, 8);
	d->has_flush = d->dev.features & F_FLUSH;
	d->is_readonly = d->dev.features & F_RO;
	for (unsigned i = 0; i < COMMANDS_MAX; i++) {
		d->commands[i].next = d->free;
		d->free = &d->commands[i];
	}
	return virtio_run(&d->dev);
}

static struct pcidev *pci(unsigned unit)
{
	return &disks[unit].dev.pci;
}

static int start(unsigned unit)
{
	char name[16];
	int err = init_disk(&disks[unit], unit);

	if (err != 0)
		return err;
	snprintf(name, sizeof(name), "vd%u", unit);
	return bserver_publish(name, unit);
}

static int init(const struct sys_init *how)
{
	static const struct bserver_ops ops = {.info = disk_info,
	                                       .submit = disk_submit,
	                                       .flush_batch = flush_batch,
	                                       .status = disk_status};
	static const struct bserver_config config = {.ops = &ops, .wants_bus = true};
	static const struct driver_devices devices = {.max = DISKS_MAX, .pci = pci, .start = start};

	(void)how;
	disk_count = 0;
	bserver_init(&config);
	return driver_attach(&devices, &disk_count);
}

/* ---- main loop ---- */

static void interrupt(uint64_t hooks)
{
	for (unsigned i = 0; i < disk_count; i++) {
		if (!(hooks & 1ull << i))
			continue;
		(void)virtio_clear_irq(&disks[i].dev);
		serve(&disks[i]);
		pcidev_irq_done(&disks[i].dev.pci);
	}
}

/* While a FLUSH runs, all may take as long as it. */
static void check_deadlines(struct disk *d, uint64_t now)
{
	uint64_t limit = TIMEOUT_NS;

	for (unsigned i = 0; i < COMMANDS_MAX; i++)
		if (d->commands[i].t_issued != 0 && d->commands[i].is_flush)
			limit = FLUSH_TIMEOUT_NS;
	for (unsigned i = 0; i < COMMANDS_MAX; i++)
		if (d->commands[i].t_issued != 0 && now > d->commands[i].t_issued + limit)
			sys_panic("virtio_blk: a command takes too long");
}

static void alarm_fired(uint64_t now)
{
	for (unsigned i = 0; i < disk_count; i++) {
		serve(&disks[i]); /* perhaps only an interrupt was lost */
		check_deadlines(&disks[i], now);
	}
}

static uint64_t next_alarm(void)
{
	unsigned active = 0;

	for (unsigned i = 0; i < disk_count; i++)
		active += disks[i].active;
	return active > 0 ? now_ns() + LOOK_NS : 0;
}

static int status(char *buf, size_t len)
{
	int n = 0;

	for (unsigned i = 0; i < disk_count && (size_t)n < len; i++)
		n += snprintf(buf + n, len - (size_t)n, "vd%u=%llu sectors, %llu errors\n", i,
		              (unsigned long long)disks[i].sectors,
		              (unsigned long long)disks[i].errors);
	return (size_t)n < len ? n : (int)len;
}

const struct driver virtio_blk_driver = {.name = "virtio_blk",
                                         .server = &bserver_half,
                                         .init = init,
                                         .interrupt = interrupt,
                                         .next_alarm = next_alarm,
                                         .alarm = alarm_fired,
                                         .status = status};
