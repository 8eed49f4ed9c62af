/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm: physical memory and address spaces. All calls are SENDREC unless marked ASEND; replies are
 * struct vm_rep. vm also answers the Linux calls brk mmap munmap mprotect mremap madvise msync mlock*
 * mincore and shm*, and the kernel's KMSG_FAULT.
 *
 * Objects: file pages are cached per *token*, a number that vfs makes for one version of one file
 * (contents never change under a token). vfs counts every token it hands to vm (a VM_MAP or a
 * VFS_FD_MAP reply) as one reference and keeps the file readable until vm returned the same number
 * by VFS_TOKEN_RELEASE. Pages come by VFS_FETCH (ASEND), so vm never waits for a file server.
 */
#ifndef AXOLOTL_VM_H
#define AXOLOTL_VM_H

#include "axolotl/ipc.h"

#define VM_USER_TOP    0x7ffffffff000ul
#define VM_STACK_TOP   0x7fffff000000ul /* first byte above the main stack */
#define VM_STACK_BYTES (8ul << 20)      /* grows on demand up to this */
#define VM_MMAP_TOP    0x7ffff0000000ul /* mappings grow down from here */
#define VM_INTERP_BASE 0x7f0000000000ul /* PT_INTERP of dynamic programs */
#define VM_PIE_BASE    0x555555554000ul

enum vm_msg {
	VM_FORK = MSG_VM_BASE + 1, /* pm: struct vm_fork -> result = endpoint of the child */
	VM_EXIT,       /* pm: struct vm_ep; after k_clear: drop the space reference of ep */
	VM_SPAWN,      /* pm for rs: struct vm_spawn -> result = endpoint; not yet privileged,
	                              held by SCHED_STOP until pm releases it */
	VM_IMAGE_BOOT, /* rs: struct vm_image_boot -> result = image number */
	VM_IMAGE_ADD,  /* rs: struct vm_image_add: an ELF in the memory of ep -> image number */
	VM_IMAGE_DROP, /* rs: struct vm_image; its pages live on in processes that use them */
	VM_BOOT_ENTRY, /* rs: struct vm_image_boot -> value = pa, value2 = bytes of an entry */
	VM_EXEC_NEW,   /* vfs: struct vm_ep: ep gets an empty space; the old one is dropped */
	VM_MAP,        /* vfs, for exec: struct vm_map -> value = address; on an error the
	                              reference of the token stays with vfs */
	VM_FAULTIN,    /* servers, ASEND: struct vm_faultin; reply by ASEND when present. By
	                              SENDREC: -ENOTREADY if a page must be read from a file first */
	VM_ALLOC_DMA,  /* system processes: struct vm_alloc -> value = address, value2 = pa */
	VM_MAP_PHYS,   /* drivers: struct vm_map_phys (checked against the policy) -> value */
	VM_SAFEMAP,    /* struct vm_safemap -> value = address */
	VM_UNMAP,      /* struct vm_unmap: what the four above mapped */
	VM_REVOKE,     /* struct vm_revoke: unmap the caller's grant wherever it is mapped */
	VM_INFO_MEM,   /* struct vm_info: struct vm_meminfo into the grant */
	VM_INFO_PROC,  /* struct vm_info: struct vm_procinfo of ep into the grant */
	VM_INFO_MAPS,  /* struct vm_info: text of /proc/PID/maps; result = bytes */
	VM_TOKEN_DROP, /* vfs, ASEND: struct vm_token: give up cached pages if unused */
	VM_KEY,        /* pm, for futexes: struct vm_key -> result 1: shared memory, value and
	                              value2 name the byte for all who map it; 0: private; -EFAULT */
};

struct vm_rep {
	int32_t result; /* >= 0 or -errno */
	uint32_t id;    /* of ASEND requests */
	uint64_t value;
	uint64_t value2;
};
struct vm_ep {
	endpoint_t ep;
};
struct vm_key {
	endpoint_t ep;
	uint32_t reserved;
	uint64_t addr;
};
struct vm_fork {
	endpoint_t parent;
	uint32_t
		flags; /* KFORK_THREAD: share the space (clone with CLONE_VM, vfork); else copy on write */
	uint64_t stack; /* as struct kfork */
	uint64_t tls;
};
/* args: NUL-terminated strings one after the other in rs's memory (argv[0] first), at most 4 KiB. */
struct vm_spawn {
	uint32_t image;
	uint32_t argc;
	endpoint_t args_ep;
	uint32_t args_bytes;
	uint64_t args_addr;
	char name[16];
};
struct vm_image {
	uint32_t image;
};
struct vm_image_boot {
	char name[48];
};
struct vm_image_add {
	endpoint_t ep;
	uint32_t reserved;
	uint64_t addr;
	uint64_t len_bytes;
};
#define VM_FIXED    1u /* at addr exactly, replacing what is there */
#define VM_SHARED   2u
#define VM_GROWDOWN 4u /* a stack: addr is the top */
struct vm_map {
	endpoint_t ep;
	uint16_t prot;  /* VMP_* of kcall.h */
	uint16_t flags; /* VM_* */
	uint64_t addr;
	uint64_t len_bytes;
	uint64_t token;      /* 0: anonymous */
	uint64_t offset;     /* in the file, page aligned */
	uint64_t file_bytes; /* from the file; the rest of len is zero (bss) */
};
struct vm_faultin {
	uint32_t id;
	endpoint_t ep;
	uint64_t addr;
	uint64_t len_bytes;
	uint32_t is_write; /* or VM_FAULTIN_PRIVATE */
};
/* Whatever the protection: pages that are shared with others (text of an image!) become copies of
 * ep's own. To be asked for before TRACE_WRITE. */
#define VM_FAULTIN_PRIVATE 2u
#define VM_DMA_BELOW_4G    1u
struct vm_alloc {
	uint64_t len_bytes; /* physically contiguous, zeroed, aligned to its size up to 2 MiB */
	uint32_t flags;
	uint32_t colour; /* preferred page index modulo 512 of the address, costs.md 4 */
};
struct vm_map_phys {
	uint64_t pa;
	uint64_t len_bytes;
	uint32_t prot; /* VMP_READ, WRITE, UC */
};
struct vm_safemap {
	endpoint_t grantor;
	grant_t grant;
	uint64_t offset;
	uint64_t len_bytes;
	uint32_t prot;
};
struct vm_unmap {
	uint64_t addr;
	uint64_t len_bytes;
};
struct vm_revoke {
	grant_t grant;
};
struct vm_info {
	endpoint_t ep;
	grant_t grant;
	uint32_t len_bytes;
};
struct vm_token {
	uint64_t token;
};
struct vm_meminfo {
	uint64_t total_bytes, free_bytes, cached_bytes, tables_bytes, anon_bytes, shared_bytes;
};
struct vm_procinfo {
	uint64_t virtual_bytes, resident_bytes, text_bytes, data_bytes, stack_bytes;
	uint64_t minor_faults, major_faults, brk_start, brk_end;
};

#endif
