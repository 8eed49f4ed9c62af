/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices as files, by the client half of the block protocol (lib/blockdev), which survives
 * the death of drivers by itself. There is no cache here: a transfer goes through one of a few
 * bounce buffers in an arena. A write that does not cover whole sectors reads them first; such
 * writes to one device exclude one another (is_busy).
 */
#include <string.h>
#include <sys/ioctl.h>
#include "blkdev.h"
#include "blockdev/blockdev.h"

#define BUFFERS      8u
#define BUFFER_BYTES (128u << 10)
#define BLKS_MAX     BDEV_UNITS_MAX

#define BLKROGET_     0x125eu
#define BLKGETSIZE_   0x1260u
#define BLKFLSBUF_    0x1261u
#define BLKSSZGET_    0x1268u
#define BLKDISCARD_   0x1277u
#define BLKIOMIN_     0x1278u
#define BLKPBSZGET_   0x127bu
#define BLKBSZGET_    0x80081270u
#define BLKGETSIZE64_ 0x80081272u

struct blkdev {
	struct dev *dev; /* NULL: free */
	struct bdev *b;  /* while it is open */
	uint32_t opens;
	int open_status;
	bool is_busy; /* a read-modify-write is in progress */
	struct waitq wq;
};

static struct blkdev blks[BLKS_MAX];
static uint8_t buffers[BUFFERS][BUFFER_BYTES] __attribute__((aligned(4096)));
static bool buffer_used[BUFFERS];
static struct waitq buffer_wq;
static int arena = -1;

void blk_init(void)
{
	arena = bdev_arena(buffers, sizeof(buffers), false);
	if (arena < 0)
		sys_log("vfs: no arena for block devices: %d", arena);
}

void blk_announced(const char *unit, const char *value)
{
	struct dev *d = dev_by_name(DEV_BLK, unit);

	if (!value[0]) {
		if (d)
			dev_remove(d);
		return;
	}
	d = dev_add(DEV_BLK, unit, S_IFBLK | 0660);
	if (d)
		d->gid = 6; /* disk */
	boot_unit_appeared(unit);
}

static unsigned take_buffer(struct call *c)
{
	for (;;) {
		for (unsigned i = 0; i < BUFFERS; i++) {
			if (buffer_used[i])
				continue;
			buffer_used[i] = true;
			return i;
		}
		(void)waitq_sleep(c, &buffer_wq, false);
	}
}

static void put_buffer(unsigned i)
{
	buffer_used[i] = false;
	waitq_wake(&buffer_wq);
}

static uint64_t size_of(const struct blkdev *bd)
{
	const struct blk_info *info = bdev_info(bd->b);

	return info ? info->sectors * BLK_SECTOR : 0;
}

/* ---- sectors ---- */

struct span {
	enum blk_op op;
	uint64_t sector;
	uint32_t sectors;
	unsigned buffer;
};

static int submit(struct blkdev *bd, const struct span *s)
{
	struct blk_element e = {.offset = (uint64_t)s->buffer * BUFFER_BYTES,
	                        .len_bytes = s->sectors * BLK_SECTOR,
	                        .arena = (uint16_t)arena};
	struct bdev_io io = {.op = (uint8_t)s->op, .sector = s->sector, .sectors = s->sectors};

	if (s->op != BLK_FLUSH) {
		io.elements = &e;
		io.element_count = 1;
	}
	return bdev_io_wait(bd->b, &io);
}

/* The sectors that [pos, pos + len) touches, at most one buffer of them; *len is cut to that. */
static struct span span_of(uint64_t pos, uint64_t *len, unsigned buffer)
{
	uint64_t skip = pos % BLK_SECTOR;
	struct span s = {.sector = pos / BLK_SECTOR, .buffer = buffer};

	if (*len > BUFFER_BYTES - skip)
		*len = BUFFER_BYTES - skip;
	s.sectors = (uint32_t)((skip + *len + BLK_SECTOR - 1) / BLK_SECTOR);
	return s;
}

static int read_part(struct call *c, struct blkdev *bd, struct io *io, uint64_t *len)
{
	unsigned buffer = take_buffer(c);
	struct span s = span_of(io->pos, len, buffer);
	int r;

	s.op = BLK_READ;
	r = submit(bd, &s);
	if (!r)
		r = io_put(c, io, buffers[buffer] + io->pos % BLK_SECTOR, *len);
	put_buffer(buffer);
	return r;
}

static int write_part(struct call *c, struct blkdev *bd, struct io *io, uint64_t *len)
{
	unsigned buffer = take_buffer(c);
	struct span s = span_of(io->pos, len, buffer);
	bool is_whole = io->pos % BLK_SECTOR == 0 && *len % BLK_SECTOR == 0;
	int r = 0;

	while (bd->is_busy)
		(void)waitq_sleep(c, &bd->wq, false);
	if (!is_whole) {
		bd->is_busy = true;
		s.op = BLK_READ;
		r = submit(bd, &s);
	}
	if (!r)
		r = io_get(c, io, buffers[buffer] + io->pos % BLK_SECTOR, *len);
	s.op = BLK_WRITE;
	if (!r)
		r = submit(bd, &s);
	if (!is_whole) {
		bd->is_busy = false;
		waitq_wake(&bd->wq);
	}
	put_buffer(buffer);
	return r;
}

/* ---- files ---- */

typedef int (*part_fn_t)(struct call *c, struct blkdev *bd, struct io *io, uint64_t *len);

static int64_t parts(struct call *c, struct file *f, struct io *io, part_fn_t part)
{
	struct blkdev *bd = f->obj;
	uint64_t size = size_of(bd);
	int64_t done = 0;

	while (io->len > 0 && io->pos < size) {
		uint64_t len = io->len < size - io->pos ? io->len : size - io->pos;
		int r = part(c, bd, io, &len);

		if (r)
			return done ? done : r;
		io_advance(io, len);
		done += (int64_t)len;
	}
	return done;
}

static int64_t blk_read(struct call *c, struct file *f, struct io *io)
{
	return parts(c, f, io, read_part);
}

static int64_t blk_write(struct call *c, struct file *f, struct io *io)
{
	struct span flush = {.op = BLK_FLUSH};
	uint64_t wanted = io->len;
	int64_t n = parts(c, f, io, write_part);

	if (n == 0 && wanted > 0)
		return -ENOSPC;
	if (n > 0 && (f->flags & (O_SYNC | O_DSYNC))) {
		int r = submit(f->obj, &flush);

		return r ? r : n;
	}
	return n;
}

static int64_t tell(struct call *c, uint64_t arg, uint64_t value, size_t len)
{
	return user_write(c, arg, &value, len);
}

/* BLKFLSBUF: a file system on it writes back and drops what it has cached; then the device's cache. */
static int64_t flush_buffers(struct call *c, struct blkdev *bd)
{
	struct span flush = {.op = BLK_FLUSH};
	struct mount *mt = mount_of_unit(bd->dev->name);
	int r = mt ? fs_op(c, mt, FS_SYNC, 0) : 0;

	if (mt && !r)
		r = fs_op(c, mt, FS_EVICT, 0);
	return r ? r : submit(bd, &flush);
}

static int64_t blk_ioctl(struct call *c, struct file *f, unsigned cmd, uint64_t arg)
{
	struct blkdev *bd = f->obj;
	const struct blk_info *info = bdev_info(bd->b);

	if (!info)
		return -EIO;
	switch (cmd) {
	case BLKGETSIZE64_: return tell(c, arg, size_of(bd), 8);
	case BLKGETSIZE_: return tell(c, arg, info->sectors, 8);
	case BLKSSZGET_: return tell(c, arg, BLK_SECTOR, 4);
	case BLKPBSZGET_:
	case BLKIOMIN_: return tell(c, arg, info->physical_sector_bytes, 4);
	case BLKBSZGET_: return tell(c, arg, PAGE_BYTES, 4);
	case BLKROGET_: return tell(c, arg, info->flags & BLK_FLAG_READONLY ? 1 : 0, 4);
	case BLKFLSBUF_: return flush_buffers(c, bd);
	case BLKDISCARD_: return -EOPNOTSUPP;
	default: return -ENOTTY;
	}
}

static void drop_open(struct blkdev *bd)
{
	if (--bd->opens > 0 || !bd->b)
		return;
	bdev_close(bd->b);
	bd->b = NULL;
}

static void blk_release(struct file *f)
{
	drop_open(f->obj);
}

static const struct file_ops blk_ops = {
	.read = blk_read,
	.write = blk_write,
	.ioctl = blk_ioctl,
	.release = blk_release,
	.is_seekable = true,
};

int blk_sync(struct call *c, struct file *f)
{
	struct span flush = {.op = BLK_FLUSH};

	(void)c;
	return f->ops == &blk_ops ? submit(f->obj, &flush) : -EINVAL;
}

static void on_opened(void *ctx, struct bdev *b, int status)
{
	struct blkdev *bd = ctx;

	(void)b;
	bd->open_status = status;
	waitq_wake(&bd->wq);
}

static const struct bdev_events blk_events = {.opened = on_opened};

static struct blkdev *blk_of(struct dev *d)
{
	for (unsigned i = 0; i < BLKS_MAX; i++) {
		if (blks[i].dev && blks[i].dev != d)
			continue;
		blks[i].dev = d;
		return &blks[i];
	}
	return NULL;
}

/* A read-only unit refuses to be opened for writing. */
static int reopen_readonly(struct call *c, struct blkdev *bd)
{
	int r = 0;

	bdev_close(bd->b);
	bd->open_status = 1;
	bd->b = bdev_open(bd->dev->name, BLK_ACCESS_READ, &blk_events, bd);
	if (!bd->b)
		return -ENFILE;
	while (!r && bd->open_status == 1)
		r = waitq_sleep(c, &bd->wq, true);
	return r;
}

int blk_open(struct call *c, struct dev *d, uint32_t flags, struct file **out)
{
	struct blkdev *bd = blk_of(d);
	int r = 0;

	if (!bd || arena < 0)
		return -ENFILE;
	if (!bd->b) {
		bd->open_status = 1; /* not yet known */
		bd->b = bdev_open(d->name, BLK_ACCESS_READ | BLK_ACCESS_WRITE, &blk_events, bd);
		if (!bd->b)
			return -ENFILE;
	}
	bd->opens++;
	while (!r && bd->open_status == 1)
		r = waitq_sleep(c, &bd->wq, true);
	if (!r && bd->open_status == -EROFS && (flags & O_ACCMODE) == O_RDONLY)
		r = reopen_readonly(c, bd);
	if (!r)
		r = bd->open_status;
	if (!r && (flags & O_ACCMODE) != O_RDONLY && (bdev_info(bd->b)->flags & BLK_FLAG_READONLY))
		r = -EROFS;
	*out = r ? NULL : file_new(&blk_ops, flags);
	if (!r && !*out)
		r = -ENFILE;
	if (r) {
		drop_open(bd);
		return r;
	}
	(*out)->obj = bd;
	return 0;
}
