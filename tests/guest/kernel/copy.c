/* SPDX-License-Identifier: BSD-2-Clause */
/* Grants: direct, indirect, revoked, stale, too long; device and DMA checks. */
#include "ktest.h"

#define COPY_CALLS                                                                                 \
	(1ul << KC_SAFECOPY | 1ul << KC_VSAFECOPY | 1ul << KC_SETGRANT | 1ul << KC_VDEVIO |        \
	 1ul << KC_MAPDMA | 1ul << KC_IRQCTL)

static char secret[64] = "the quick brown fox";
static char buffer[64];
static struct {
	grant_t grant;
	uint64_t offset, len;
	endpoint_t grantor;
	bool is_write;
} order;

static void copy_as_ordered(long arg)
{
	struct msg m;

	(void)arg;
	for (;;) {
		int r;

		CHECK(ipc_receive(EP_VM, &m) == IPC_SENDREC);
		r = order.is_write ? k_safecopy_to(order.grantor, order.grant, order.offset, buffer,
		                                   order.len)
		                   : k_safecopy_from(order.grantor, order.grant, order.offset,
		                                     buffer, order.len);
		m = (struct msg){.type = m.type | MSG_REPLY, .body.words = {(uint64_t)r}};
		CHECK(ipc_nbsend(EP_VM, &m) == 0);
	}
}

static int let(endpoint_t c)
{
	struct msg m = {.type = 0x900};

	CHECK(ipc_sendrec(c, &m) == 0);
	return (int)m.body.words[0];
}

static void grants_allow_what_they_say(void)
{
	endpoint_t c = child_start(copy_as_ordered, 0, COPY_CALLS);
	grant_t g = grant_direct(c, secret, 20, GRANT_READ);

	order.grantor = EP_VM;
	order.grant = g;
	order.offset = 4;
	order.len = 5;
	order.is_write = false;
	CHECK(let(c) == 0 && memcmp(buffer, "quick", 5) == 0);
	order.is_write = true;
	CHECK(let(c) == -EPERM);
	order.is_write = false;
	order.len = 17;
	CHECK(let(c) == -EPERM);
	order.offset = ~0ul;
	CHECK(let(c) == -EPERM);
	order.offset = 0;
	grant_revoke(g);
	CHECK(let(c) == -EPERM);
	CHECK(grant_direct(c, secret, 20, GRANT_READ) != g); /* same entry, new sequence */
	CHECK(let(c) == -EPERM);
	CHECK(violations_of(child_priv(c), VIOL_GRANT) >= 5);
}

static void grants_are_for_the_grantee(void)
{
	endpoint_t c = child_start(copy_as_ordered, 0, COPY_CALLS);
	endpoint_t d = child_start(copy_as_ordered, 0, COPY_CALLS);

	order.grantor = EP_VM;
	order.grant = grant_direct(c, secret, 20, GRANT_READ | GRANT_WRITE);
	order.offset = 0;
	order.len = 3;
	order.is_write = false;
	CHECK(let(d) == -EPERM);
	CHECK(let(c) == 0);
	grant_revoke(order.grant);
}

static struct grant_entry middle[2];
static volatile uint32_t passed;
static void pass_on(long parent)
{
	struct msg m;

	CHECK(k_setgrant(middle, 2) == 0);
	CHECK(ipc_receive(EP_VM, &m) == IPC_SEND);
	middle[1] = (struct grant_entry){.flags = GRANT_VALID | GRANT_INDIRECT | GRANT_READ,
	                                 .seq = 3,
	                                 .grantee = (endpoint_t)m.body.words[0],
	                                 .owner = EP_VM,
	                                 .parent = (grant_t)parent,
	                                 .base = 4,
	                                 .len_bytes = 5};
	passed++;
}

static void indirect_grants_narrow(void)
{
	endpoint_t c = child_start(copy_as_ordered, 0, COPY_CALLS);
	grant_t g = GRANT_INVALID;
	struct msg m = {.type = 1, .body.words = {(uint64_t)c}};
	endpoint_t via;

	via = child_start(pass_on, GRANT_ID(1, 0), COPY_CALLS);
	/* the parent must name `via`, whose endpoint is known only now; entry 0, sequence to be
	 * found */
	g = grant_direct(via, secret, 20, GRANT_READ);
	CHECK(ipc_send(via, &m) == 0);
	wait_for_change(&passed, 0);
	middle[1].parent = g;
	order.grantor = via;
	order.grant = GRANT_ID(3, 1);
	order.offset = 0;
	order.len = 5;
	order.is_write = false;
	CHECK(let(c) == 0 && memcmp(buffer, "quick", 5) == 0);
	order.len = 6;
	CHECK(let(c) == -EPERM);
	order.len = 5;
	grant_revoke(g); /* the first link */
	CHECK(let(c) == -EPERM);
}

static void proxies_need_the_right(void)
{
	endpoint_t c = child_start(copy_as_ordered, 0, COPY_CALLS);

	order.grantor = EP_VM;
	order.grant = grant_proxy(c, EP_DS, (uint64_t)secret, 20, GRANT_READ);
	order.offset = 0;
	order.len = 5;
	order.is_write = false;
	CHECK(let(c) == -EPERM);
	grant_revoke(order.grant);
}

static void bad_addresses_are_errors(void)
{
	CHECK(k_vircopy(EP_SELF, 0xffff800000000000ul, EP_SELF, (uint64_t)buffer, 8) == -EFAULT);
	CHECK(k_vircopy(EP_SELF, 0x7ffffffffff8ul, EP_SELF, (uint64_t)buffer, 16) == -EFAULT);
	CHECK(k_vircopy(EP_SELF, (uint64_t)child_entry, EP_SELF, (uint64_t)buffer, 16) == 0);
	CHECK(k_vircopy(EP_SELF, (uint64_t)buffer, EP_SELF, (uint64_t)child_entry, 16) == -EFAULT);
	CHECK(k_getinfo(KINFO_BOOT, (void *)8, sizeof(struct boot_info), 0) == -EFAULT);
}

const struct ktest copy_tests[] = {
	{"grants_allow_what_they_say", grants_allow_what_they_say},
	{"grants_are_for_the_grantee", grants_are_for_the_grantee},
	{"indirect_grants_narrow", indirect_grants_narrow},
	{"proxies_need_the_right", proxies_need_the_right},
	{"bad_addresses_are_errors", bad_addresses_are_errors},
	{NULL, NULL},
};
