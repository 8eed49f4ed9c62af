/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap, munmap and placement. A mapping of a file needs a token from vfs (VFS_FD_MAP by ASEND), so
 * the call is parked; each process has at most one Linux call under way, its slot is the index.
 *
 *   idle --mmap of an fd--> asked --VFS_FD_MAP reply--> done: mapped, answered
 *                                 \--process gone--> the reply only gives the token back
 *
 * Shared mappings of files are read-only: vm has no way to write pages back, so writable ones are
 * refused (-ENODEV, as by file systems without mmap support) instead of losing data.
 */
#include <errno.h>
#include <sys/mman.h>
#include "axolotl/vfs.h"
#include "sys/sys.h"
#include "vm.h"

#define LOW_LIMIT 0x10000ul

struct parked {
	endpoint_t ep; /* EP_NONE after its death */
	uint32_t type; /* 0: idle */
	uint32_t generation;
	uint64_t addr, len_bytes, offset;
	uint32_t prot, flags;
};

static struct parked parked[NR_PROCS];

uint64_t mmap_place(struct space *s, uint64_t hint, uint64_t len_bytes)
{
	hint = PAGE_UP(hint);
	if (hint >= LOW_LIMIT && hint < VM_USER_TOP && len_bytes <= VM_USER_TOP - hint &&
	    regions_is_free(&s->regions, hint, hint + len_bytes))
		return hint;
	return regions_gap(&s->regions, len_bytes, LOW_LIMIT, VM_MMAP_TOP);
}

int mmap_install(struct space *s, const struct region *r)
{
	int err = space_prepare(s, r);

	if (err < 0)
		return err;
	space_unmap(s, r->start, r->end);
	space_add_region(s, r);
	return 0;
}

/* Address of a mapping as mmap decides it; an error is returned negative. */
static int64_t choose_address(struct space *s, uint64_t addr, uint64_t len_bytes, uint32_t flags)
{
	bool is_fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	if (!is_fixed) {
		addr = mmap_place(s, addr, len_bytes);
		return addr ? (int64_t)addr : -ENOMEM;
	}
	if (addr % PAGE_BYTES || addr < LOW_LIMIT)
		return -EINVAL;
	if (addr >= VM_USER_TOP || len_bytes > VM_USER_TOP - addr)
		return -ENOMEM;
	if (!space_may_cut(s, addr, addr + len_bytes))
		return -EINVAL;
	if ((flags & MAP_FIXED_NOREPLACE) && !regions_is_free(&s->regions, addr, addr + len_bytes))
		return -EEXIST;
	return (int64_t)addr;
}

static int64_t map_anon(struct space *s, struct region *r, uint32_t flags)
{
	struct object *o;
	int err;

	if (flags & MAP_SHARED) {
		err = object_new_shm(PAGE_OF(r->end - r->start), &o);
		if (err < 0)
			return err;
		r->kind = REGION_SHM;
		r->object = object_number(o);
		r->flags |= RF_SHARED;
	}
	err = mmap_install(s, r);
	if (err < 0) {
		if (r->object != 0)
			object_drop_if_unused(object_nth(r->object));
		return err;
	}
	return (int64_t)r->start;
}

static int ask_for_token(const struct linux_request *rq, uint64_t len_bytes)
{
	struct parked *p = &parked[EP_SLOT(rq->ep)];
	struct vfs_fd_map req = {.ep = rq->ep,
	                         .fd = (int32_t)rq->args[4],
	                         .prot = (uint32_t)rq->args[2],
	                         .flags = (uint32_t)rq->args[3]};
	struct msg m;

	if (p->type != 0)
		return -EAGAIN; /* the predecessor in this slot: its answer is about to come */
	p->generation = (p->generation + 1) & 0x3fffff;
	req.id = p->generation << EP_SLOT_BITS | EP_SLOT(rq->ep);
	msg_put(&m, VFS_FD_MAP, &req);
	if (sys_asend(EP_VFS, &m) < 0)
		return -EAGAIN;
	p->ep = rq->ep;
	p->type = rq->type;
	p->addr = rq->args[0];
	p->len_bytes = len_bytes;
	p->prot = req.prot;
	p->flags = req.flags;
	p->offset = rq->args[5];
	return -ESUSPENDREP;
}

static bool is_kind_good(uint32_t flags)
{
	uint32_t kind = flags & MAP_TYPE;

	return kind == MAP_SHARED || kind == MAP_PRIVATE || kind == MAP_SHARED_VALIDATE;
}

int64_t linux_mmap(const struct linux_request *rq)
{
	uint32_t prot = (uint32_t)rq->args[2], flags = (uint32_t)rq->args[3];
	uint64_t len = PAGE_UP(rq->args[1]);
	struct region r = {.prot = (uint8_t)prot, .kind = REGION_ANON};
	int64_t addr;

	if (rq->args[1] == 0 || !is_kind_good(flags) || rq->args[5] % PAGE_BYTES)
		return -EINVAL;
	if (len == 0 || len > VM_USER_TOP)
		return -ENOMEM;
	if (prot & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	if ((prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		return -EACCES; /* W^X */
	if (!(flags & MAP_ANONYMOUS))
		return rq->args[5] + len < len ? -EOVERFLOW : ask_for_token(rq, len);
	addr = choose_address(rq->space, rq->args[0], len, flags);
	if (addr < 0)
		return addr;
	r.start = (uint64_t)addr;
	r.end = r.start + len;
	r.max_prot = VMP_READ | VMP_WRITE | VMP_EXEC;
	if (flags & MAP_NORESERVE)
		r.flags |= RF_NOCOUNT;
	addr = map_anon(rq->space, &r, flags);
	if (addr > 0 && (flags & (MAP_POPULATE | MAP_LOCKED)))
		space_populate(rq->space, r.start, r.end);
	return addr;
}

void token_give_back(uint64_t token)
{
	struct vfs_token_release rel = {.token = token, .refs = 1};
	struct msg m;

	msg_put(&m, VFS_TOKEN_RELEASE, &rel);
	if (sys_asend(EP_VFS, &m) < 0)
		sys_log("token %lx stays with vfs: no room to give it back\n", token);
}

/* The cache takes the reference over; NULL: given back, because there is no room. */
static struct object *take_token(uint64_t token)
{
	struct object *o = object_of_token(token);

	if (o == NULL)
		token_give_back(token);
	return o;
}

static int64_t map_file(struct space *s, const struct parked *p, const struct vfs_rep *rep)
{
	bool is_shared = (p->flags & MAP_TYPE) != MAP_PRIVATE;
	struct object *o = take_token(rep->value);
	struct region r = {.offset = p->offset,
	                   .file_end = rep->value2,
	                   .prot = (uint8_t)p->prot,
	                   .max_prot = VMP_READ | VMP_EXEC | (is_shared ? 0 : VMP_WRITE),
	                   .kind = REGION_FILE,
	                   .flags = is_shared ? RF_SHARED : 0};
	int64_t addr;
	int err;

	if (o == NULL)
		return -ENFILE;
	r.object = object_number(o);
	if (is_shared && (p->prot & PROT_WRITE))
		return -ENODEV;
	addr = choose_address(s, p->addr, p->len_bytes, p->flags);
	if (addr < 0)
		return addr;
	r.start = (uint64_t)addr;
	r.end = r.start + p->len_bytes;
	err = mmap_install(s, &r);
	if (err < 0)
		return err;
	if (!(p->prot & PROT_WRITE) && p->prot != PROT_NONE)
		space_prefault(s, &r);
	return addr;
}

void mmap_fd_reply(const struct msg *m)
{
	struct vfs_rep rep;
	struct parked p, *slot;
	struct space *s;

	msg_get(m, &rep);
	slot = &parked[rep.id & ((1u << EP_SLOT_BITS) - 1)];
	if ((rep.id & ((1u << EP_SLOT_BITS) - 1)) >= NR_PROCS || slot->type == 0 ||
	    slot->generation != rep.id >> EP_SLOT_BITS) {
		sys_violation(m->source, VIOL_REQUEST, rep.id);
		return;
	}
	p = *slot;
	slot->type = 0;
	s = space_of(p.ep);
	if (rep.result < 0) {
		if (s != NULL)
			linux_reply(p.ep, p.type, rep.result);
		return;
	}
	if (s == NULL) /* it goes into the cache: another may want the file */
		take_token(rep.value);
	else
		linux_reply(p.ep, p.type, map_file(s, &p, &rep));
}

void mmap_forget(endpoint_t ep)
{
	struct parked *p = &parked[EP_SLOT(ep)];

	if (p->type != 0 && p->ep == ep)
		p->ep = EP_NONE;
}

int64_t linux_munmap(const struct linux_request *rq)
{
	uint64_t addr = rq->args[0], len = PAGE_UP(rq->args[1]);
	int err;

	if (addr % PAGE_BYTES || len == 0 || addr >= VM_USER_TOP || len > VM_USER_TOP - addr)
		return -EINVAL;
	if (!space_may_cut(rq->space, addr, addr + len))
		return -EINVAL;
	err = regions_reserve(&rq->space->regions, 2);
	if (err < 0)
		return err;
	space_unmap(rq->space, addr, addr + len);
	return 0;
}
