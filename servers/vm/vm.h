/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm's own structures and the interfaces between its files.
 *
 *   client (endpoint) --> space --> regions --> object (pages of a file, an image, shared memory)
 *                           \--> pages: virtual page -> frame, PE_COW      \--> pages: page ->
 * frame
 *
 * Ownership. A space's page entry holds one reference of its frame, an object's page entry another
 * one. So a frame whose only reference is a space's entry is that space's alone and may be written
 * in place; a frame with more is copied first (PE_COW). An object counts the pages of regions that
 * refer to it (`user_pages`), which splitting and merging regions does not change.
 * The hardware tables are a cache of `pages`: what is in `pages` may be missing there (the next
 * fault puts it in), never the other way round.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "axolotl/errno.h"
#include "axolotl/ipc.h"
#include "axolotl/kcall.h"
#include "axolotl/vm.h"
#include "elf/elfimage.h"
#include "frame.h"
#include "pagemap.h"
#include "region.h"

#define PAGE_OF(addr)   ((uint64_t)(addr) >> PAGE_SHIFT)
#define ADDR_OF(page)   ((uint64_t)(page) << PAGE_SHIFT)
#define PAGE_DOWN(addr) ((uint64_t)(addr) & ~(PAGE_BYTES - 1))
#define PAGE_UP(addr)   (((uint64_t)(addr) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1))
#define ARRAY_LEN(a)    (sizeof(a) / sizeof((a)[0]))

/* All RAM of ours and the boot archive, at this address plus the physical one, in our own space. */
#define RAM_VA 0x200000000000ul

/* ---- spaces: space.c ---- */

struct space {
	bool is_used;
	bool is_system;  /* made from an image: may use the reserve of frames */
	bool is_dying;   /* chosen by oom_relieve(): killed, its memory is given up */
	uint32_t number; /* the kernel's */
	uint32_t users;  /* processes in it */
	uint32_t tables; /* frames given for page tables, linked by `next` */
	uint32_t table_count;
	struct regions regions;
	struct pagemap pages;
	uint64_t brk_start, brk_end; /* 0: no program mapped yet */
	uint64_t commit_pages;
	uint64_t minor_faults, major_faults;
	uint32_t safemap_count; /* regions of kind SAFEMAP: VM_REVOKE looks only at spaces with some
				 */
};

struct space *space_of(endpoint_t ep); /* NULL: not a process that we know */
endpoint_t space_next_client(unsigned *slot, const struct space *s);
int space_create(struct space **out) MUST_CHECK; /* no users yet: attach or destroy it */
void space_destroy(struct space *s);
int space_attach(endpoint_t ep, struct space *s) MUST_CHECK; /* leaves the old one, if any */
void space_detach(endpoint_t ep);
int space_fork(struct space *parent, struct space *child) MUST_CHECK;
struct space *space_nth(unsigned i); /* i < NR_PROCS; NULL: unused */

/* Room in the array and commitment for r, so that space_add_region() cannot fail. */
int space_prepare(struct space *s, const struct region *r) MUST_CHECK;
void space_add_region(struct space *s, const struct region *r);
/* Removes regions and pages of [start, end). Room for 2 more regions was reserved. */
void space_unmap(struct space *s, uint64_t start, uint64_t end);
/* False if a border of [start, end) cuts a mapping that comes and goes as a whole. */
bool space_may_cut(const struct space *s, uint64_t start, uint64_t end);
/* Forgets the pages of [start, end), regions stay. */
void space_drop_pages(struct space *s, uint64_t start, uint64_t end);
uint64_t region_commit_pages(const struct region *r);
/* Commitment that all spaces together may reach; grows and shrinks with regions. */
int commit_change(struct space *s, int64_t pages) MUST_CHECK;
uint64_t commit_total(void);

/* ---- hardware tables: hw.c ---- */

int hw_space_new(struct space *s) MUST_CHECK;
void hw_space_free(struct space *s);
/* [va, va + pages): physical memory from pa on, or, if list is not NULL, one address a page. */
struct hw_run {
	uint64_t va;
	uint64_t pages;
	uint64_t pa;
	const uint64_t *list;
	uint32_t prot; /* VMP_* */
};
/* -ENOMEM when there are no frames for tables; what is mapped until then stays. */
int hw_map(struct space *s, const struct hw_run *run) MUST_CHECK;
void hw_unmap(struct space *s, uint64_t va, uint64_t pages);
void hw_protect(struct space *s, uint64_t va, uint64_t pages, uint32_t prot);
void hw_clear_fault(endpoint_t ep, int result);

/* ---- memory: memory.c ---- */

void memory_init(const struct boot_info *boot);
/* A zeroed frame; gives up cached pages when RAM is short. FRAME_NONE: out of memory. */
uint32_t memory_page(enum frame_kind kind, unsigned flags);
uint32_t memory_dirty_page(enum frame_kind kind, unsigned flags); /* contents undefined */
void memory_copy(void *to, const void *from);                     /* one page */
/* Like frame_alloc_run(), contents zeroed. */
uint32_t memory_run(uint32_t count, enum frame_kind kind, unsigned flags);
/* Out of memory: kills the application with most memory of its own; false: there is none. */
bool oom_relieve(void);
bool memory_is_plenty(void); /* enough to map more than was asked for */

/* ---- objects: object.c ---- */

enum object_kind { OBJECT_FREE, OBJECT_FILE, OBJECT_IMAGE, OBJECT_SHM };

struct object {
	uint8_t kind;      /* enum object_kind */
	bool is_stale;     /* FILE: vfs wants the token back as soon as nobody uses it */
	bool is_releasing; /* FILE: VFS_TOKEN_RELEASE could not be sent yet */
	bool is_pinned; /* IMAGE: in the image table; SHM: System V segment that was not removed */
	uint32_t refs_of_vfs; /* FILE: token references that vfs counts for us */
	uint32_t fetches;     /* under way */
	uint64_t token;       /* FILE */
	uint64_t user_pages;  /* of regions that refer to it */
	uint64_t limit_pages; /* SHM: size; commitment is counted */
	uint64_t last_use;    /* tick of object_touch */
	struct pagemap pages;
};

struct object *object_nth(uint32_t number); /* number >= 1, in use */
uint32_t object_number(const struct object *o);
uint32_t object_count(void); /* numbers run from 1 to this */
bool object_is(uint32_t number, enum object_kind kind);
struct object *object_new(enum object_kind kind); /* NULL: table full */
/* Shared memory of so many pages, charged at once. 0 or -errno. */
int object_new_shm(uint64_t pages, struct object **out);
/* The object of a token, made on demand; takes over one reference of vfs. NULL: table full. */
struct object *object_of_token(uint64_t token);
/* The reference just taken stays with vfs after all. */
void object_refuse_token(struct object *o);
struct object *object_find_token(uint64_t token);
void object_use(uint32_t number, uint64_t pages);
void object_unuse(uint32_t number, uint64_t pages); /* the last user may end it */
void object_unpin(struct object *o);
void object_drop_if_unused(struct object *o);
/* Frees at least `want` frames of cached pages that nobody maps, least recently used objects first.
 */
uint32_t object_reclaim(uint32_t want);
void object_flush_releases(void); /* sends what could not be sent before */

/* ---- presence of pages: fault.c ---- */

/* What must be fetched from a file before a range can be made present. */
struct need {
	struct object *object;
	uint64_t page;
	uint64_t limit_pages; /* no page of the mapping lies behind this one */
};
#define ACCESS_READ  1u
#define ACCESS_WRITE 2u
#define ACCESS_EXEC  4u
#define ACCESS_FORCE 8u /* debugger or ourselves: protection does not matter */
struct access_range {
	uint64_t addr;
	uint64_t len_bytes;
	unsigned access; /* ACCESS_* */
};
/* Makes a range present: 0, -EFAULT (nothing there or not allowed), -EIO (behind the end of a
 * file), -ENOMEM, or -EINPROGRESS with *need filled in. */
int space_make_present(struct space *s, const struct access_range *a, struct need *need) MUST_CHECK;
/* Enters what `pages` has in [first, end) of r into the hardware tables. */
int space_show(struct space *s, const struct region *r, uint64_t first, uint64_t end) MUST_CHECK;
/* Brings in [start, end) ahead of its use, as far as that is quick: everybody waits meanwhile. */
void space_populate(struct space *s, uint64_t start, uint64_t end);
/* Maps what the cache has of a new mapping of r, and copies small writable parts. Best effort. */
void space_prefault(struct space *s, const struct region *r);

/* Copies between us and a space, page by page, without the kernel; as space_make_present(), but
 * -ENOTREADY instead of -EINPROGRESS. */
int space_copy_in(struct space *s, void *dst, uint64_t addr, uint64_t len_bytes) MUST_CHECK;
int space_copy_out(struct space *s, uint64_t addr, const void *src, uint64_t len_bytes) MUST_CHECK;

/* ---- waiting for files: wait.c, fetch.c ---- */

void wait_fault(const struct msg *m);                           /* KMSG_FAULT */
void wait_faultin(const struct msg *m);                         /* VM_FAULTIN by ASEND */
void wait_faultin_now(const struct msg *m, struct vm_rep *rep); /* by SENDREC */
void wait_forget(endpoint_t ep);            /* ep is gone: as source and as target */
void wait_fetch_done(const struct need *n); /* a fetch of [page, limit_pages) has ended */
void wait_retry(void);                      /* those that found no fetch slot */
/* Begins to read the pages around need->page, unless that is under way; -EAGAIN: no slot. */
int fetch_start(const struct need *need) MUST_CHECK;
void fetch_reply(const struct msg *m);

/* ---- Linux calls: mmap.c, brk.c, protect.c, shm.c ---- */

struct linux_request {
	endpoint_t ep;
	struct space *space;
	uint32_t type;
	uint64_t args[6];
};
/* Result, or -ESUSPENDREP: the answer follows. */
typedef int64_t (*linux_fn_t)(const struct linux_request *rq);
int64_t linux_brk(const struct linux_request *rq);
int64_t linux_mmap(const struct linux_request *rq);
int64_t linux_munmap(const struct linux_request *rq);
int64_t linux_mprotect(const struct linux_request *rq);
int64_t linux_mremap(const struct linux_request *rq);
int64_t linux_madvise(const struct linux_request *rq);
int64_t linux_msync(const struct linux_request *rq);
int64_t linux_mlock(const struct linux_request *rq);
int64_t linux_munlock(const struct linux_request *rq);
int64_t linux_mlockall(const struct linux_request *rq);
int64_t linux_mincore(const struct linux_request *rq);
int64_t linux_shmget(const struct linux_request *rq);
int64_t linux_shmat(const struct linux_request *rq);
int64_t linux_shmdt(const struct linux_request *rq);
int64_t linux_shmctl(const struct linux_request *rq);
void shm_object_gone(uint32_t object); /* a segment's object has ended */
void linux_reply(endpoint_t ep, uint32_t type, int64_t result);

void token_give_back(uint64_t token);    /* one reference that found no place */
void mmap_fd_reply(const struct msg *m); /* VFS_FD_MAP */
void mmap_forget(endpoint_t ep);
/* Address for len bytes: hint if that is free, else the highest gap; 0: none. */
uint64_t mmap_place(struct space *s, uint64_t hint, uint64_t len_bytes);
/* Puts r into s, replacing what is there. */
int mmap_install(struct space *s, const struct region *r) MUST_CHECK;

/* ---- requests of servers: each fills in *rep ---- */

void exec_new(const struct msg *m, struct vm_rep *rep); /* exec.c */
void exec_map(const struct msg *m, struct vm_rep *rep);
void process_fork(const struct msg *m, struct vm_rep *rep);
void process_exit(const struct msg *m, struct vm_rep *rep);
void image_boot(const struct msg *m, struct vm_rep *rep); /* image.c */
void image_add(const struct msg *m, struct vm_rep *rep);
void image_drop(const struct msg *m, struct vm_rep *rep);
void image_boot_entry(const struct msg *m, struct vm_rep *rep);
void spawn_request(const struct msg *m, struct vm_rep *rep);   /* spawn.c */
void share_alloc_dma(const struct msg *m, struct vm_rep *rep); /* share.c */
void share_map_phys(const struct msg *m, struct vm_rep *rep);
void share_safemap(const struct msg *m, struct vm_rep *rep);
void share_unmap(const struct msg *m, struct vm_rep *rep);
void share_revoke(const struct msg *m, struct vm_rep *rep);
void process_key(const struct msg *m, struct vm_rep *rep);
void info_mem(const struct msg *m, struct vm_rep *rep); /* info.c */
void info_proc(const struct msg *m, struct vm_rep *rep);
void info_maps(const struct msg *m, struct vm_rep *rep);

/* ---- images and start: image.c, spawn.c, boot.c, special.c ---- */

struct image {
	struct elf_image elf;
	uint32_t object; /* 0: slot is free */
	uint32_t refs;   /* of rs */
	char name[48];   /* of boot archive entries; empty: added by VM_IMAGE_ADD */
};
void image_init(const void *archive_bytes, uint64_t archive_pa, uint64_t len_bytes);
struct image *image_nth(uint32_t number); /* >= 1; NULL: no such image */
int image_load_boot(const char *name, uint32_t *number) MUST_CHECK;

struct spawn {
	const struct image *image;
	const char *args; /* NUL-terminated strings, argv[0] first */
	uint32_t args_bytes;
	uint32_t argc;
	const char *name;
};
/* Fills the space of a fresh process ep with the image and makes it ready to run (k_exec). */
int spawn_into(endpoint_t ep, const struct spawn *sp) MUST_CHECK;

void boot_start_servers(void);

void special_init(const struct boot_info *boot);
/* The regions that every space has: time page and vDSO. */
int special_map(struct space *s) MUST_CHECK;

#endif
