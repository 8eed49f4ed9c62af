/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of file descriptors; see fdtab.h. */
#include <errno.h>
#include <string.h>
#include "fdtab.h"

void fdtab_init(struct fdtab *t)
{
	memset(t, 0, sizeof(*t));
}

int fdtab_find_free(const struct fdtab *t, unsigned from)
{
	unsigned fd = from > t->lowest ? from : t->lowest;

	for (; fd < FDS_MAX; fd++)
		if (!t->files[fd])
			return (int)fd;
	return -EMFILE;
}

void fdtab_set(struct fdtab *t, unsigned fd, void *file, bool cloexec)
{
	t->files[fd] = file;
	fdtab_set_cloexec(t, fd, cloexec);
	if (fd >= t->top)
		t->top = fd + 1;
	while (t->lowest < FDS_MAX && t->files[t->lowest])
		t->lowest++;
}

void *fdtab_get(const struct fdtab *t, int fd)
{
	return fd >= 0 && fd < FDS_MAX ? t->files[fd] : NULL;
}

void *fdtab_clear(struct fdtab *t, int fd)
{
	void *file = fdtab_get(t, fd);

	if (!file)
		return NULL;
	t->files[fd] = NULL;
	fdtab_set_cloexec(t, (unsigned)fd, false);
	if ((unsigned)fd < t->lowest)
		t->lowest = (unsigned)fd;
	while (t->top > 0 && !t->files[t->top - 1])
		t->top--;
	return file;
}

bool fdtab_cloexec(const struct fdtab *t, unsigned fd)
{
	return t->cloexec[fd / 64] >> fd % 64 & 1;
}

void fdtab_set_cloexec(struct fdtab *t, unsigned fd, bool on)
{
	uint64_t bit = 1ul << fd % 64;

	t->cloexec[fd / 64] = on ? t->cloexec[fd / 64] | bit : t->cloexec[fd / 64] & ~bit;
}
