/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM disk: each unit is a range of physical memory that rs got from vm (a boot entry, or RAM that
 * stays reserved) and that this driver's policy names. rs starts it, mfs and vfs use it.
 *
 *   ramdisk -unit NAME -pa ADDRESS -len BYTES [-readonly] [-unit ...]
 *                                     up to 8 units, numbered in this order
 *   ramdisk -unit NAME -len BYTES     memory of its own, zero at first: contents die with the driver
 *
 * Contents of a physical range survive a restart, since nothing else is kept. A partial sector at
 * the end of a range does not exist. Requests are done at once; FLUSH and FUA mean nothing. Rules:
 * B1-B7 by lib/blockdev.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev/blockserver.h"
#include "driver/driver.h"

#define UNITS_MAX 8

struct unit {
	char name[LABEL_MAX];
	uint64_t pa; /* 0: own memory */
	uint64_t len_bytes;
	bool is_readonly;
	uint8_t *base;
};

static struct unit units[UNITS_MAX];
static unsigned unit_count;

static int disk_info(unsigned unit, struct blk_info *info)
{
	const struct unit *u = &units[unit];

	if (unit >= unit_count)
		return -ENXIO;
	*info = (struct blk_info){.sectors = u->len_bytes / BLK_SECTOR,
	                          .physical_sector_bytes = BLK_SECTOR,
	                          .max_bytes = BLK_REQUEST_MAX,
	                          .max_elements = BLK_ELEMENTS_MAX,
	                          .queue_depth = BLK_SLOTS_MAX,
	                          .replicas = 1,
	                          .flags = BLK_FLAG_FUA | (u->is_readonly ? BLK_FLAG_READONLY : 0),
	                          .model = "Axolotl RAM disk"};
	return 0;
}

static void disk_submit(struct bserver_request *r)
{
	uint8_t *at = units[r->unit].base + r->sector * BLK_SECTOR;

	for (unsigned i = 0; i < r->element_count; i++) {
		const struct bserver_element *e = &r->elements[i];

		if (r->op == BLK_READ)
			memcpy(e->ptr, at, e->len_bytes);
		else
			memcpy(at, e->ptr, e->len_bytes);
		at += e->len_bytes;
	}
	bserver_complete(r, 0);
}

static int disk_status(unsigned unit, char *buf, size_t len)
{
	int n;

	if (unit >= unit_count)
		return -ENXIO;
	n = snprintf(buf, len, "unit=%s\nsectors=%llu\nopens=%u\n", units[unit].name,
	             (unsigned long long)(units[unit].len_bytes / BLK_SECTOR),
	             bserver_open_count(unit));
	return n + bserver_status_text(buf + n, len - (size_t)n);
}

/* ---- start ---- */

static bool parse_number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (*end == 'K' || *end == 'M')
		*value <<= *end++ == 'K' ? 10 : 20;
	return errno == 0 && *text != '\0' && *end == '\0';
}

static bool parse_option(const char *name, const char *value)
{
	struct unit *u = unit_count > 0 ? &units[unit_count - 1] : NULL;

	if (strcmp(name, "-unit") == 0) {
		if (unit_count == UNITS_MAX || strlen(value) >= sizeof(u->name))
			return false;
		strcpy(units[unit_count++].name, value);
		return true;
	}
	if (u != NULL && strcmp(name, "-pa") == 0)
		return parse_number(value, &u->pa) && u->pa % PAGE_BYTES == 0;
	if (u != NULL && strcmp(name, "-len") == 0)
		return parse_number(value, &u->len_bytes);
	return false;
}

static void parse_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-readonly") == 0 && unit_count > 0) {
			units[unit_count - 1].is_readonly = true;
			continue;
		}
		if (i + 1 >= argc || !parse_option(argv[i], argv[i + 1])) {
			sys_log("ramdisk: argument %s is wrong; usage: ramdisk -unit NAME [-pa A] "
			        "-len BYTES [-readonly] ...\n",
			        argv[i]);
			exit(1);
		}
		i++;
	}
}

static int map_unit(struct unit *u)
{
	size_t len = (u->len_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

	if (u->len_bytes < BLK_SECTOR)
		return -EINVAL;
	if (u->pa == 0)
		u->base = aligned_alloc(PAGE_BYTES, len);
	else
		u->base = vm_map_phys(u->pa, len, VMP_READ | (u->is_readonly ? 0 : VMP_WRITE));
	if (u->base == NULL)
		return -ENOMEM;
	if (u->pa == 0)
		memset(u->base, 0, len);
	return 0;
}

static int init(const struct sys_init *how)
{
	static const struct bserver_ops ops = {
		.info = disk_info, .submit = disk_submit, .status = disk_status};
	static const struct bserver_config config = {.ops = &ops, .maps_arenas = true};

	(void)how;
	bserver_init(&config);
	for (unsigned i = 0; i < unit_count; i++) {
		int err = map_unit(&units[i]);

		if (err == 0)
			err = bserver_publish(units[i].name, i);
		if (err != 0) {
			sys_log("ramdisk: unit %s cannot be set up: error %d\n", units[i].name,
			        -err);
			return err;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct driver driver = {
		.name = "ramdisk", .server = &bserver_half, .init = init};

	parse_arguments(argc, argv);
	driver_main(&driver);
}
