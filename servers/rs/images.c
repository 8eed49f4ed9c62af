/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binaries in vm. A binary is loaded once and kept while a component uses it, so each incarnation
 * shares its text pages with the last one and with the standby, and a restart needs no storage.
 */
#include <string.h>
#include "rs.h"

#define IMAGES_MAX 64

static struct image images[IMAGES_MAX];

static struct image *free_slot(void)
{
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		if (images[i].users == 0)
			return &images[i];
	return NULL;
}

static void fill(struct image *im, const char *name, uint32_t id, bool is_private)
{
	memset(im, 0, sizeof(*im));
	memcpy(im->name, name, strnlen(name, BINARY_MAX - 1));
	im->id = id;
	im->users = 1;
	im->is_private = is_private;
}

int image_of_boot(const char *name, struct image **out)
{
	struct vm_image_boot req = {0};
	struct vm_rep rep = {0};
	struct image *im;
	int result;

	for (unsigned i = 0; i < IMAGES_MAX; i++) {
		if (images[i].users == 0 || images[i].is_private ||
		    strcmp(images[i].name, name) != 0)
			continue;
		images[i].users++;
		*out = &images[i];
		return 0;
	}
	im = free_slot();
	if (im == NULL)
		return -ENOSPC;
	memcpy(req.name, name, strnlen(name, sizeof(req.name) - 1));
	result = sys_call(EP_VM, VM_IMAGE_BOOT, &req, &rep);
	if (result == 0)
		result = rep.result;
	if (result < 0)
		return result;
	fill(im, name, (uint32_t)result, false);
	*out = im;
	return 0;
}

int image_of_memory(const char *name, const struct vm_image_add *from, struct image **out)
{
	struct vm_rep rep = {0};
	struct image *im = free_slot();
	int result;

	if (im == NULL)
		return -ENOSPC;
	result = sys_call(EP_VM, VM_IMAGE_ADD, from, &rep);
	if (result == 0)
		result = rep.result;
	if (result < 0)
		return result;
	fill(im, name, (uint32_t)result, true);
	*out = im;
	return 0;
}

void image_put(struct image *im)
{
	struct vm_image req;
	struct vm_rep rep = {0};

	if (im == NULL || im->users == 0)
		return;
	im->users--;
	if (im->users > 0)
		return;
	req.image = im->id;
	if (sys_call(EP_VM, VM_IMAGE_DROP, &req, &rep) != 0 || rep.result < 0)
		sys_log("vm keeps the image of %s", im->name);
}
