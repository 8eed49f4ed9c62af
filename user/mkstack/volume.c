/* SPDX-License-Identifier: BSD-2-Clause */
/* Media and filters for mkstack; volume.h has the model. */
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef BLKGETSIZE64
#define BLKGETSIZE64 0x80081272ul
#endif

#define BLANK_BYTES (1u << 20)

static uint8_t chunk[(VOLUME_CHUNK + 2 * (CHECKSUM_N_MAX + 1)) * VOLUME_SECTOR];

static int fail(char why[192], int error, const char *what, const char *name)
{
	snprintf(why, 192, "%s: %s: %s", name, what, strerror(-error));
	return error;
}

/* ---- opening ---- */

static const char *path_of(const struct volume_paths *paths, const char *unit, char device[64])
{
	size_t length = strlen(unit);

	for (unsigned i = 0; i < paths->count; i++)
		if (strncmp(paths->words[i], unit, length) == 0 && paths->words[i][length] == '=')
			return paths->words[i] + length + 1;
	snprintf(device, 64, "/dev/%s", unit);
	return device;
}

static int open_unit(struct volume *v, const char *path, char why[192])
{
	struct stat st;
	uint64_t bytes;

	v->fd = open(path, O_RDWR | O_CLOEXEC);
	if (v->fd < 0 || fstat(v->fd, &st) != 0)
		return fail(why, -errno, "cannot be opened", path);
	bytes = (uint64_t)st.st_size;
	v->is_device = S_ISBLK(st.st_mode);
	if (v->is_device && ioctl(v->fd, (int)BLKGETSIZE64, &bytes) != 0)
		return fail(why, -errno, "its size is unknown", path);
	v->sectors = bytes / VOLUME_SECTOR;
	v->path = strdup(path);
	return v->path != NULL ? 0 : fail(why, -ENOMEM, "no memory", path);
}

static int read_parameters(const struct stack *stack, uint16_t node, struct volume *v,
                           char why[192])
{
	const struct stack_arg *algo = stack_arg(stack, node, "algo");
	const struct stack_arg *n = stack_arg(stack, node, "n");

	v->algo = SUM_XXH64;
	if (algo != NULL && sum_by_name(algo->text, &v->algo) != 0)
		return fail(why, -EINVAL, "is no algorithm of checksum", algo->text);
	v->n = n != NULL ? (uint32_t)n->number : CHECKSUM_N_DEFAULT;
	return 0;
}

static int open_node(struct volume_set *set, uint16_t node, const struct volume_paths *paths,
                     char why[192])
{
	const struct stack_node *n = &set->stack.nodes[node];
	struct volume *v = &set->volumes[node];
	char device[64];

	v->fd = -1;
	if (!n->is_filter)
		return open_unit(v, path_of(paths, n->name, device), why);
	v->kind = VOLUME_PASS;
	if (strcmp(n->name, "mirror") == 0)
		v->kind = VOLUME_MIRROR;
	if (strcmp(n->name, "checksum") == 0)
		v->kind = VOLUME_CHECKSUM;
	if (n->lowers > (v->kind == VOLUME_MIRROR ? VOLUME_LOWER_MAX : 1))
		return fail(why, -EINVAL, "takes fewer media", n->name);
	v->lowers = n->lowers;
	for (unsigned i = 0; i < n->lowers; i++)
		v->lower[i] = &set->volumes[stack_lower(&set->stack, node, i)];
	return v->kind == VOLUME_CHECKSUM ? read_parameters(&set->stack, node, v, why) : 0;
}

int volume_open(struct volume_set *set, const struct volume_paths *paths, char why[192])
{
	int error = 0;

	for (uint16_t node = 0; node < set->stack.node_count; node++)
		set->volumes[node].fd = -1;
	for (uint16_t node = 0; node < set->stack.node_count && error == 0; node++)
		error = open_node(set, node, paths, why);
	return error;
}

void volume_close(struct volume_set *set)
{
	for (uint16_t node = 0; node < set->stack.node_count; node++) {
		if (set->volumes[node].fd >= 0)
			close(set->volumes[node].fd);
		free((void *)(uintptr_t)set->volumes[node].path);
	}
}

static bool is_blank(const struct volume *v)
{
	static uint8_t bytes[BLANK_BYTES];
	ssize_t count = pread(v->fd, bytes, sizeof(bytes), 0);

	for (ssize_t i = 0; i < count; i++)
		if (bytes[i] != 0)
			return false;
	return count >= 0;
}

const struct volume *volume_find_used(const struct volume_set *set)
{
	for (uint16_t node = 0; node < set->stack.node_count; node++) {
		const struct volume *v = &set->volumes[node];

		if (v->kind == VOLUME_UNIT && !is_blank(v))
			return v;
	}
	return NULL;
}

/* ---- sectors ---- */

static int unit_transfer(const struct volume *v, uint64_t sector, size_t size_bytes, uint8_t *to,
                         const uint8_t *from)
{
	off_t at = (off_t)(sector * VOLUME_SECTOR);

	for (size_t done = 0; done < size_bytes;) {
		ssize_t count =
			from != NULL
				? pwrite(v->fd, from + done, size_bytes - done, at + (off_t)done)
				: pread(v->fd, to + done, size_bytes - done, at + (off_t)done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -EIO;
		done += (size_t)count;
	}
	return 0;
}

/* A span within one group: its sum sector is read, changed and written with it. */
static int checksum_write_span(struct volume *v, uint64_t lba, uint32_t count, const uint8_t *bytes)
{
	uint8_t staging[(CHECKSUM_N_MAX + 1) * VOLUME_SECTOR];
	const struct checksum_layout *layout = &v->codec.layout;
	struct checksum_span span = {.lba = lba, .count = count, .staging = staging};
	struct checksum_piece piece = {.ptr = (uint8_t *)(uintptr_t)bytes,
	                               .len_bytes = count * VOLUME_SECTOR};
	struct checksum_cursor from = {.pieces = &piece, .count = 1};
	uint64_t first = checksum_data_sector(layout, lba);
	uint32_t extent = (uint32_t)checksum_extent(layout, lba, count);
	int error = volume_read(v->lower[0], first, extent, staging);

	if (error != 0)
		return error;
	checksum_write(&v->codec, &span, &from);
	return volume_write(v->lower[0], first, extent, staging);
}

static int checksum_write_all(struct volume *v, uint64_t sector, uint32_t count,
                              const uint8_t *bytes)
{
	while (count != 0) {
		uint32_t room = v->n - (uint32_t)(sector % v->n);
		uint32_t part = count < room ? count : room;
		int error = checksum_write_span(v, sector, part, bytes);

		if (error != 0)
			return error;
		sector += part;
		bytes += (size_t)part * VOLUME_SECTOR;
		count -= part;
	}
	return 0;
}

int volume_write(struct volume *v, uint64_t sector, uint32_t count, const uint8_t *bytes)
{
	int error = 0;

	if (sector + count > v->sectors)
		return -EFBIG;
	switch (v->kind) {
	case VOLUME_UNIT:
		return unit_transfer(v, sector, (size_t)count * VOLUME_SECTOR, NULL, bytes);
	case VOLUME_PASS: return volume_write(v->lower[0], sector, count, bytes);
	case VOLUME_MIRROR:
		for (unsigned i = 0; i < v->lowers && error == 0; i++)
			error = volume_write(v->lower[i], MIRROR_DATA_START + sector, count, bytes);
		return error;
	case VOLUME_CHECKSUM: return checksum_write_all(v, sector, count, bytes);
	}
	return -EINVAL;
}

int volume_read(struct volume *v, uint64_t sector, uint32_t count, uint8_t *bytes)
{
	int error = 0;

	if (sector + count > v->sectors)
		return -EFBIG;
	switch (v->kind) {
	case VOLUME_UNIT:
		return unit_transfer(v, sector, (size_t)count * VOLUME_SECTOR, bytes, NULL);
	case VOLUME_PASS: return volume_read(v->lower[0], sector, count, bytes);
	case VOLUME_MIRROR:
		return volume_read(v->lower[0], MIRROR_DATA_START + sector, count, bytes);
	case VOLUME_CHECKSUM:
		for (uint32_t i = 0; i < count && error == 0; i++)
			error = volume_read(v->lower[0],
			                    checksum_data_sector(&v->codec.layout, sector + i), 1,
			                    bytes + (size_t)i * VOLUME_SECTOR);
		return error;
	}
	return -EINVAL;
}

int volume_sync(const struct volume_set *set)
{
	for (uint16_t node = 0; node < set->stack.node_count; node++)
		if (set->volumes[node].is_device && fsync(set->volumes[node].fd) != 0)
			return -errno;
	return 0;
}

/* ---- formatting ---- */

static int make_uuid(uint8_t uuid[16])
{
	return getrandom(uuid, 16, 0) == 16 ? 0 : -EIO;
}

static int plan_mirror(struct volume *v, char why[192])
{
	uint64_t smallest = v->lower[0]->sectors;
	int error;

	for (unsigned i = 1; i < v->lowers; i++)
		if (v->lower[i]->sectors < smallest)
			smallest = v->lower[i]->sectors;
	error = mirror_super_make(&v->mirror, v->lowers, smallest);
	if (error == 0)
		error = make_uuid(v->mirror.uuid);
	if (error != 0)
		return fail(why, error, "too small, or the wrong number of legs", "mirror");
	v->sectors = v->mirror.data_sectors;
	return 0;
}

static int plan_checksum(struct volume *v, char why[192])
{
	int error = checksum_super_make(&v->checksum, v->algo, v->n, v->lower[0]->sectors);

	if (error == 0)
		error = make_uuid(v->checksum.uuid);
	if (error == 0)
		error = sum_init(&v->codec.summer, v->algo, v->checksum.uuid, NULL);
	if (error != 0)
		return fail(why, error, "n x size of a sum exceeds a sector, or too small",
		            "checksum");
	checksum_layout_of(&v->checksum, &v->codec.layout);
	v->sectors = v->checksum.data_sectors;
	return 0;
}

int volume_plan(struct volume_set *set, char why[192])
{
	int error = 0;

	/* Lowers come after their node in the order of the expression. */
	for (unsigned node = set->stack.node_count; node-- > 0 && error == 0;) {
		struct volume *v = &set->volumes[node];

		switch (v->kind) {
		case VOLUME_UNIT: break;
		case VOLUME_PASS: v->sectors = v->lower[0]->sectors; break;
		case VOLUME_MIRROR: error = plan_mirror(v, why); break;
		case VOLUME_CHECKSUM: error = plan_checksum(v, why); break;
		}
	}
	return error;
}

static int write_mirror(struct volume *v, char why[192])
{
	int error = 0;

	for (unsigned i = 0; i < v->lowers && error == 0; i++) {
		memset(chunk, 0, MIRROR_DATA_START * VOLUME_SECTOR);
		v->mirror.self = i;
		mirror_super_seal(&v->mirror);
		memcpy(chunk + (v->mirror.generation & 1) * VOLUME_SECTOR, &v->mirror,
		       sizeof(v->mirror));
		error = volume_write(v->lower[i], 0, MIRROR_DATA_START, chunk);
	}
	return error != 0 ? fail(why, error, "superblocks cannot be written", "mirror") : 0;
}

static int write_groups(struct volume *v)
{
	const struct checksum_layout *layout = &v->codec.layout;
	uint64_t groups = layout->data_sectors / layout->n;
	uint64_t step = VOLUME_CHUNK / (layout->n + 1);
	int error = 0;

	for (uint64_t group = 0; group < groups && error == 0; group += step) {
		uint64_t count = groups - group < step ? groups - group : step;

		checksum_format_groups(&v->codec, group, count, chunk);
		error = volume_write(v->lower[0], checksum_group_start(layout, group),
		                     (uint32_t)(count * (layout->n + 1)), chunk);
	}
	return error;
}

/* The sums first: a medium whose formatting was cut off has no superblock. */
static int write_checksum(struct volume *v, char why[192])
{
	struct volume *lower = v->lower[0];
	struct checksum_super old;
	int error = volume_read(lower, 0, CHECKSUM_HEADER_SECTORS, chunk);

	v->checksum.generation = 1;
	if (error == 0 && checksum_super_probe(chunk, lower->sectors, &old) == CHECKSUM_VALID)
		v->checksum.generation = old.generation + 1;
	checksum_super_seal(&v->checksum);
	memset(chunk, 0, CHECKSUM_HEADER_SECTORS * VOLUME_SECTOR);
	if (error == 0)
		error = volume_write(lower, 0, CHECKSUM_HEADER_SECTORS, chunk);
	if (error == 0)
		error = write_groups(v);
	if (error == 0) {
		memset(chunk, 0, CHECKSUM_HEADER_SECTORS * VOLUME_SECTOR);
		memcpy(chunk, &v->checksum, sizeof(v->checksum));
		memcpy(chunk + CHECKSUM_SUPER_COPY * VOLUME_SECTOR, &v->checksum,
		       sizeof(v->checksum));
		error = volume_write(lower, 0, CHECKSUM_HEADER_SECTORS, chunk);
	}
	return error != 0 ? fail(why, error, "cannot be written", "checksum") : 0;
}

int volume_format(struct volume_set *set, char why[192])
{
	int error = 0;

	for (unsigned node = set->stack.node_count; node-- > 0 && error == 0;) {
		struct volume *v = &set->volumes[node];

		switch (v->kind) {
		case VOLUME_UNIT:
		case VOLUME_PASS: break;
		case VOLUME_MIRROR: error = write_mirror(v, why); break;
		case VOLUME_CHECKSUM: error = write_checksum(v, why); break;
		}
	}
	return error;
}
