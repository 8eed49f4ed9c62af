/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory: a table of segments, each an SHM object. A segment ends when it was
 * removed (IPC_RMID) and nobody has it attached; a removed one can still be attached by its id
 * until then. Ids carry a sequence number, so that the id of an ended segment finds nothing. Owners
 * and modes are kept and shown but not checked: vm does not know who a process is (documented
 * limit).
 */
#include <errno.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include "sys/sys.h"
#include "vm.h"

#define SEGMENTS_MAX    64u
#define SEGMENT_MAX     (1ul << 36)
#define SHM_EXEC_FLAG   0100000
#define SHM_IDS_PER_SEQ 64

struct segment {
	uint32_t object; /* 0: free */
	uint32_t seq;
	int32_t key;
	uint32_t mode;
	bool is_removed;
	uint64_t size_bytes;
	uint64_t attach_s, detach_s, change_s;
};

static struct segment segments[SEGMENTS_MAX];

static int id_of(const struct segment *g)
{
	return (int)(g->seq * SHM_IDS_PER_SEQ + (uint32_t)(g - segments));
}

void shm_object_gone(uint32_t object)
{
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		if (segments[i].object == object)
			segments[i].object = 0;
}

static struct segment *find_id(uint64_t id)
{
	struct segment *g = &segments[id % SHM_IDS_PER_SEQ];

	return id <= INT32_MAX && g->object != 0 && id_of(g) == (int)id ? g : NULL;
}

static struct segment *find_key(int32_t key)
{
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		if (segments[i].object != 0 && !segments[i].is_removed && segments[i].key == key)
			return &segments[i];
	return NULL;
}

static int64_t make_segment(int32_t key, uint64_t size, uint32_t mode)
{
	struct segment *g = NULL;
	struct object *o;
	int err;

	if (size == 0 || size > SEGMENT_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < SEGMENTS_MAX && g == NULL; i++)
		if (segments[i].object == 0)
			g = &segments[i];
	if (g == NULL)
		return -ENOSPC;
	err = object_new_shm(PAGE_OF(PAGE_UP(size)), &o);
	if (err < 0)
		return err;
	o->is_pinned = true;
	*g = (struct segment){.object = object_number(o),
	                      .seq = (g->seq + 1) & 0xffffff,
	                      .key = key,
	                      .mode = mode & 0777,
	                      .size_bytes = size,
	                      .change_s = wall_ns() / 1000000000ul};
	return id_of(g);
}

int64_t linux_shmget(const struct linux_request *rq)
{
	int32_t key = (int32_t)rq->args[0];
	uint64_t size = rq->args[1];
	uint32_t flags = (uint32_t)rq->args[2];
	struct segment *g = key == IPC_PRIVATE ? NULL : find_key(key);

	if (g == NULL)
		return key != IPC_PRIVATE && !(flags & IPC_CREAT) ? -ENOENT
		                                                  : make_segment(key, size, flags);
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	return size > g->size_bytes ? -EINVAL : id_of(g);
}

int64_t linux_shmat(const struct linux_request *rq)
{
	struct segment *g = find_id(rq->args[0]);
	uint64_t addr = rq->args[1];
	uint32_t flags = (uint32_t)rq->args[2];
	struct region r = {
		.max_prot = VMP_READ | VMP_WRITE, .kind = REGION_SHM, .flags = RF_SHARED | RF_SYSV};
	uint64_t len;
	int err;

	if (g == NULL || (flags & SHM_EXEC_FLAG))
		return -EINVAL;
	len = PAGE_UP(g->size_bytes);
	if (flags & SHM_RND)
		addr = PAGE_DOWN(addr);
	if (addr == 0)
		addr = mmap_place(rq->space, 0, len);
	else if (addr % PAGE_BYTES || addr >= VM_USER_TOP || len > VM_USER_TOP - addr ||
	         (!(flags & SHM_REMAP) && !regions_is_free(&rq->space->regions, addr, addr + len)))
		return -EINVAL;
	if (addr == 0)
		return -ENOMEM;
	r.start = addr;
	r.end = addr + len;
	r.object = g->object;
	r.prot = (flags & SHM_RDONLY) ? VMP_READ : VMP_READ | VMP_WRITE;
	r.max_prot = r.prot;
	err = mmap_install(rq->space, &r);
	if (err < 0)
		return err;
	g->attach_s = wall_ns() / 1000000000ul;
	return (int64_t)addr;
}

static struct segment *segment_of_object(uint32_t object)
{
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		if (segments[i].object == object)
			return &segments[i];
	return NULL;
}

int64_t linux_shmdt(const struct linux_request *rq)
{
	const struct region *r = regions_find(&rq->space->regions, rq->args[0]);
	uint64_t start, end;
	struct segment *g;
	uint32_t object;

	if (r == NULL || r->start != rq->args[0] || !(r->flags & RF_SYSV) || r->offset != 0)
		return -EINVAL;
	object = r->object;
	start = r->start;
	end = r->end;
	if (regions_reserve(&rq->space->regions, 2) < 0)
		return -ENOMEM;
	g = segment_of_object(object);
	if (g != NULL)
		g->detach_s = wall_ns() / 1000000000ul;
	space_unmap(rq->space, start, end);
	return 0;
}

/* Attachments: regions that begin with the first byte of the segment. */
static uint64_t count_attached(uint32_t object)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < NR_PROCS; i++) {
		const struct space *s = space_nth(i);

		for (uint32_t k = 0; s != NULL && k < s->regions.count; k++) {
			const struct region *r = regions_at(&s->regions, k);

			if (r->kind == REGION_SHM && (r->flags & RF_SYSV) && r->object == object &&
			    r->offset == 0)
				count++;
		}
	}
	return count;
}

static int64_t stat_segment(const struct linux_request *rq, const struct segment *g)
{
	struct shmid_ds ds = {.shm_segsz = g->size_bytes,
	                      .shm_atime = (time_t)g->attach_s,
	                      .shm_dtime = (time_t)g->detach_s,
	                      .shm_ctime = (time_t)g->change_s,
	                      .shm_nattch = count_attached(g->object)};
	int err;

	ds.shm_perm.__key = g->key;
	ds.shm_perm.mode = g->mode | (g->is_removed ? 01000u : 0);
	ds.shm_perm.__seq = (int)g->seq;
	err = space_copy_out(rq->space, rq->args[2], &ds, sizeof(ds));
	return err < 0 ? -EFAULT : 0;
}

int64_t linux_shmctl(const struct linux_request *rq)
{
	uint32_t command = (uint32_t)rq->args[1] & ~0x100u; /* IPC_64 */
	struct segment *g = find_id(rq->args[0]);
	struct shmid_ds ds;

	if (g == NULL)
		return -EINVAL;
	switch (command) {
	case IPC_STAT: return stat_segment(rq, g);
	case IPC_RMID:
		if (!g->is_removed) {
			g->is_removed = true;
			object_unpin(object_nth(g->object));
		}
		return 0;
	case IPC_SET:
		if (space_copy_in(rq->space, &ds, rq->args[2], sizeof(ds)) < 0)
			return -EFAULT;
		g->mode = ds.shm_perm.mode & 0777;
		return 0;
	case 11: /* SHM_LOCK, SHM_UNLOCK: nothing is paged out */
	case 12: return 0;
	default: return -EINVAL;
	}
}
