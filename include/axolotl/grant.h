/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory grants (thesis Fig. 3.4 and 3.5): byte-granular capabilities to the grantor's memory.
 *
 * The table lives in the grantor's own memory and is registered once by SETGRANT. The kernel reads
 * entries at the time of use, so clearing GRANT_VALID revokes at once (mappings: VM_REVOKE). A grant
 * id is sequence << 16 | index; an id with an old sequence is refused.
 *
 *   direct    memory of the grantor itself
 *   indirect  a part of a grant that was given to the grantor, passed on (chains: GRANT_DEPTH_MAX)
 *   proxy     memory of an application, granted by vfs on its behalf; only processes with
 *             PRIV_PROXY_GRANT may own one
 */
#ifndef AXOLOTL_GRANT_H
#define AXOLOTL_GRANT_H

#include "axolotl/types.h"

#define GRANT_VALID    0x01u
#define GRANT_READ     0x02u /* the grantee may read */
#define GRANT_WRITE    0x04u /* the grantee may write */
#define GRANT_MAP      0x08u /* the grantee may map it (page-aligned grants only) */
#define GRANT_DIRECT   0x10u
#define GRANT_INDIRECT 0x20u
#define GRANT_PROXY    0x40u

#define GRANT_DEPTH_MAX      5
#define GRANTS_MAX           4096 /* entries in one table */
#define GRANT_ID(seq, index) ((grant_t)((((uint32_t)(seq)&0x7fff) << 16) | (uint32_t)(index)))
#define GRANT_INDEX(id)      ((uint32_t)(id)&0xffff)
#define GRANT_SEQ(id)        (((uint32_t)(id) >> 16) & 0x7fff)

struct grant_entry {
	uint16_t flags;
	uint16_t seq;
	endpoint_t grantee; /* EP_ANY is refused */
	endpoint_t owner;   /* proxy: whose memory; indirect: who gave us the earlier grant */
	grant_t parent;     /* indirect: the earlier grant's id in owner's table */
	uint64_t base;      /* address, or offset into the earlier grant */
	uint64_t len_bytes;
};
_Static_assert(sizeof(struct grant_entry) == 32, "grant entry size");

/* One element of VSAFECOPY. */
struct safecopy_vec {
	endpoint_t grantor;
	grant_t grant;
	uint64_t offset;
	uint64_t local; /* address in the caller */
	uint64_t len_bytes;
	uint32_t to_grantor; /* 1: write into the grant, 0: read from it */
	uint32_t reserved;
};
_Static_assert(sizeof(struct safecopy_vec) == 40, "vector element size");
#define SAFECOPY_VEC_MAX 64

#endif
