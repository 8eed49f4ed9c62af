/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The grant table of a process. An entry's sequence number changes each time it is used anew, so
 * that an id that somebody kept is worth nothing after the revocation.
 */
#include "sys/sys.h"

#define GRANTS 1024

static struct grant_entry table[GRANTS];
static uint16_t free_next[GRANTS]; /* list of free entries; index + 1 */
static uint16_t free_head;
static unsigned used, fresh; /* entries never used start at `fresh` */

static int take(void)
{
	if (free_head) {
		int i = free_head - 1;

		free_head = free_next[i];
		return i;
	}
	if (fresh == 0 && k_setgrant(table, GRANTS) != 0)
		return -1;
	return fresh < GRANTS ? (int)fresh++ : -1;
}

static grant_t add(const struct grant_entry *want)
{
	int i = take();
	struct grant_entry *e;
	uint16_t seq;

	if (i < 0)
		return GRANT_INVALID;
	e = &table[i];
	seq = (uint16_t)((e->seq + 1) & 0x7fff);
	*e = *want;
	e->seq = seq;
	__atomic_store_n(&e->flags, (uint16_t)(want->flags | GRANT_VALID), __ATOMIC_RELEASE);
	used++;
	return GRANT_ID(seq, i);
}

grant_t grant_direct(endpoint_t grantee, const void *addr, size_t len, unsigned access)
{
	return add(&(struct grant_entry){.flags = (uint16_t)(GRANT_DIRECT | access),
	                                 .grantee = grantee,
	                                 .base = (uint64_t)addr,
	                                 .len_bytes = len});
}

grant_t grant_indirect(endpoint_t grantee, endpoint_t from, grant_t parent, uint64_t offset,
                       size_t len, unsigned access)
{
	return add(&(struct grant_entry){.flags = (uint16_t)(GRANT_INDIRECT | access),
	                                 .grantee = grantee,
	                                 .owner = from,
	                                 .parent = parent,
	                                 .base = offset,
	                                 .len_bytes = len});
}

grant_t grant_proxy(endpoint_t grantee, endpoint_t owner, uint64_t addr, size_t len,
                    unsigned access)
{
	return add(&(struct grant_entry){.flags = (uint16_t)(GRANT_PROXY | access),
	                                 .grantee = grantee,
	                                 .owner = owner,
	                                 .base = addr,
	                                 .len_bytes = len});
}

void grant_revoke(grant_t g)
{
	unsigned i = GRANT_INDEX(g);

	if (g < 0 || i >= fresh || !(table[i].flags & GRANT_VALID) || table[i].seq != GRANT_SEQ(g))
		return;
	__atomic_store_n(&table[i].flags, 0, __ATOMIC_RELEASE);
	free_next[i] = free_head;
	free_head = (uint16_t)(i + 1);
	used--;
}

void grant_revoke_map(grant_t g)
{
	struct vm_revoke req = {.grant = g};
	struct vm_rep rep;

	if (g < 0)
		return;
	if (sys_call(EP_VM, VM_REVOKE, &req, &rep) != 0 || rep.result < 0)
		sys_log("grant %x: mappings could not be revoked\n", (unsigned)g);
	grant_revoke(g);
}

unsigned grants_in_use(void)
{
	return used;
}
