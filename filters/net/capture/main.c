/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture(lower, size=4M, snaplen=65550): keeps what passes, and changes nothing. A filter may not wait
 * for vfs (architecture D6), so it writes no file; it keeps the last `size` bytes of pcapng blocks in memory,
 * and whoever wants them reads the character device /dev/capture.<unit>:
 *
 *     cat /dev/capture.net0 > /tmp/net0.pcapng          tshark, wireshark and tcpdump read it
 *
 * A reading begins with the oldest block and ends with the newest; reading on later gives what came
 * meanwhile. One reader at a time. Blocks that gave way to new ones are counted in STATUS. A frame is kept when it
 * is handed down (before offloads cut or sum it) and when it comes up.
 *
 * State kept over a restart: none; what was captured is gone. A reader that goes on gets a new section,
 * which the format allows.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chardev/chardev.h"
#include "netfilter/netfilter.h"
#include "pcapng.h"
#include "store.h"

static uint64_t size = 4u << 20, snaplen = PCAPNG_SNAPLEN_MAX;
static struct store store;
static struct store_reader reader;
static uint8_t block[PCAPNG_BLOCK_MAX], reader_block[PCAPNG_BLOCK_MAX];
static uint64_t readings;

/* ---- frames ---- */

static void keep(uint32_t captured, uint32_t bytes, enum pcapng_direction direction)
{
	struct pcapng_packet p = {.t_ns = wall_ns(),
	                          .captured_bytes = captured,
	                          .frame_bytes = bytes,
	                          .direction = direction};

	store_add(&store, block, (uint32_t)pcapng_finish_packet(block, &p));
}

static void tx(struct netfilter_frame *f)
{
	keep(netfilter_copy(f, pcapng_frame(block), (uint32_t)snaplen), f->up->bytes,
	     PCAPNG_OUTBOUND);
	netfilter_send(f);
}

static void rx(struct netfilter_buffer *b)
{
	uint32_t bytes = (uint32_t)b->bytes;
	uint32_t captured = bytes < snaplen ? bytes : (uint32_t)snaplen;

	memcpy(pcapng_frame(block), b->up->buffer.ptr, captured);
	keep(captured, bytes, PCAPNG_INBOUND);
	netfilter_rx_up(b);
}

/* ---- the character device ---- */

static void dev_open(struct chardev_request *r)
{
	uint8_t header[PCAPNG_HEADER_MAX];
	size_t len = pcapng_header(header, filter_unit(), (uint32_t)snaplen);

	store_rewind(&store, &reader, header, len);
	readings++;
	chardev_reply(r, 0);
}

static void dev_close(struct chardev_request *r)
{
	chardev_reply(r, 0);
}

static void dev_read(struct chardev_request *r)
{
	const uint8_t *from;
	size_t n, wanted = r->req.len_bytes < INT32_MAX ? r->req.len_bytes : INT32_MAX;
	int err = 0;

	while (err == 0 && r->done < wanted &&
	       (n = store_read(&store, &reader, &from, wanted - r->done)) > 0) {
		err = chardev_copy_out(r, r->done, from, n);
		r->done += err == 0 ? n : 0;
	}
	chardev_reply(r, err != 0 && r->done == 0 ? err : (int)r->done);
}

static void dev_refuse(struct chardev_request *r)
{
	chardev_reply(r, r->type == CHR_IOCTL ? -ENOTTY : -EINVAL);
}

static void dev_poll(struct chardev_request *r)
{
	chardev_reply(r, (int)(r->req.arg & (POLLIN | POLLRDNORM)));
}

static void dev_cancel(struct chardev_request *r)
{
	chardev_reply(r, -EINTR); /* nothing is kept: cannot happen */
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	const struct filter_number how_much = {"size", STACK_SIZE, 256u << 10, 256u << 20};
	const struct filter_number snap = {"snaplen", STACK_NUMBER, NET_FRAME_MIN,
	                                   PCAPNG_SNAPLEN_MAX};

	if (filter_option(o, &how_much, &size) != 0)
		return -EINVAL;
	return filter_option(o, &snap, &snaplen);
}

static int start(void)
{
	static const struct chardev_ops ops = {.open = dev_open,
	                                       .close = dev_close,
	                                       .read = dev_read,
	                                       .write = dev_refuse,
	                                       .ioctl = dev_refuse,
	                                       .poll = dev_poll,
	                                       .cancel = dev_cancel};
	char name[DS_KEY_MAX];
	void *bytes = malloc(size);

	if (bytes == NULL)
		return -ENOMEM;
	store_init(&store, bytes, size);
	reader.block = reader_block;
	chardev_init(&ops);
	if (snprintf(name, sizeof(name), "capture.%s", filter_unit()) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	return chardev_publish(name, 0);
}

static int status(char *buf, size_t len)
{
	int n = snprintf(buf, len,
	                 "size=%llu\nblocks=%llu\noverwritten=%llu\nused_bytes=%llu\n"
	                 "readings=%llu\nmissed=%llu\n",
	                 (unsigned long long)size, (unsigned long long)store.blocks,
	                 (unsigned long long)store.overwritten,
	                 (unsigned long long)(store.head - store.tail),
	                 (unsigned long long)readings, (unsigned long long)reader.missed);

	return n < 0 || (size_t)n >= len ? 0 : n;
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"size", "snaplen", NULL};
	static const struct netfilter_ops ops = {.tx = tx, .rx = rx};
	static const struct netfilter filter = {.name = "capture",
	                                        .options = options,
	                                        .maps_arenas = true,
	                                        .offloads = NETFILTER_ALL_OFFLOADS,
	                                        .ops = &ops,
	                                        .configure = configure,
	                                        .start = start,
	                                        .message = chardev_message,
	                                        .status = status};

	netfilter_main(argc, argv, &filter);
}
