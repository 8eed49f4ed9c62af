/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes: media and filters of a stack expression as far as formatting needs them. Sectors are
 * written through a filter's layout, so that what stands above one finds what the filter will give.
 *
 * Callers: main.c. Model: one volume for each node of the expression, node 0 on top. A unit is a
 * file or device; mirror and checksum have layouts (lib/mirror, lib/checksum); every other filter
 * passes sectors on. volume_write() and volume_read() descend the tree: at most STACK_DEPTH_MAX
 * levels.
 */
#ifndef MKSTACK_VOLUME_H
#define MKSTACK_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checksum/group.h"
#include "mirror/super.h"
#include "stack/stack.h"

#define VOLUME_SECTOR    512u
#define VOLUME_CHUNK     2048u /* sectors that are written at once: 1 MiB */
#define VOLUME_LOWER_MAX MIRROR_LEGS_MAX

enum volume_kind { VOLUME_UNIT, VOLUME_PASS, VOLUME_MIRROR, VOLUME_CHECKSUM };

struct volume {
	enum volume_kind kind;
	uint64_t sectors; /* that it offers above; known for filters after volume_plan() */
	unsigned lowers;
	struct volume *lower[VOLUME_LOWER_MAX];

	/* VOLUME_UNIT */
	int fd;
	const char *path;
	bool is_device; /* else a file, whose content need not reach a disk now */

	/* VOLUME_MIRROR */
	struct mirror_super mirror;

	/* VOLUME_CHECKSUM */
	enum sum_algo algo;
	uint32_t n;
	struct checksum_super checksum;
	struct checksum_codec codec;
};

struct volume_set {
	struct stack stack;
	struct volume volumes[STACK_NODES_MAX];
};

/* Where the media are: NAME=PATH words; a unit that none of them names is /dev/NAME. */
struct volume_paths {
	unsigned count;
	char **words;
};

/* Opens the media and links the volumes. 0, or -errno with the reason in why. */
int volume_open(struct volume_set *set, const struct volume_paths *paths, char why[192]);
void volume_close(struct volume_set *set);

/* A medium whose first MiB is not zero; NULL: all are blank. */
const struct volume *volume_find_used(const struct volume_set *set);

/* Sizes and superblocks, from the media upwards; writes nothing. 0, or -errno with the reason in
 * why. */
int volume_plan(struct volume_set *set, char why[192]);
/* Writes what was planned: superblocks and sums. */
int volume_format(struct volume_set *set, char why[192]);

int volume_write(struct volume *volume, uint64_t sector, uint32_t count, const uint8_t *bytes);
int volume_read(struct volume *volume, uint64_t sector, uint32_t count, uint8_t *bytes);
/* Devices have taken everything. */
int volume_sync(const struct volume_set *set);

#endif
