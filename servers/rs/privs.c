/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policies become privilege structures (thesis 2.3.1). Ids belong to labels. Send masks are
 * symmetric: whoever may be sent to may answer; rs may talk to all and all to rs, for heartbeats.
 *
 * A change of one component's mask is an UPDATE of its structure in the kernel; what pci added to a
 * structure is kept by reading it back first while the component lives, and is added again with
 * its next incarnation otherwise.
 */
#include <string.h>
#include "rs.h"

static bool ids_used[NR_PRIVS];

static void set_bit(uint64_t *mask, uint32_t id)
{
	mask[id / 64] |= 1ull << (id % 64);
}

static void clear_bit(uint64_t *mask, uint32_t id)
{
	mask[id / 64] &= ~(1ull << (id % 64));
}

static bool is_system(const struct component *c)
{
	return c->priv_id != PRIV_ID_USER && c->priv_id != PRIV_ID_STANDBY;
}

static bool targets(const struct component *from, const struct component *to)
{
	if (to->priv_id == PRIV_ID_USER)
		return from->policy.targets_user;
	if (from->policy.targets_all_sys && is_system(to))
		return true;
	return policy_has_label(&from->policy.targets, to->label);
}

bool privs_may_send(const struct component *from, const struct component *to)
{
	if (from->priv_id == PRIV_ID_RS || to->priv_id == PRIV_ID_RS)
		return true;
	return targets(from, to) || targets(to, from);
}

void privs_connect(struct priv *a, const struct priv *b)
{
	set_bit(a->send_mask, b->id);
}

void privs_build(struct priv *out, const struct component *c)
{
	const struct policy *p = &c->policy;

	memset(out, 0, sizeof(*out));
	out->id = c->priv_id;
	out->flags = p->flags;
	if (c->priv_id == PRIV_ID_USER)
		out->flags &= ~PRIV_SYSTEM;
	out->ipc_mask = p->ipc_mask;
	out->kcall_mask = p->kcall_mask;
	memcpy(out->label, c->label, LABEL_MAX);
	out->io_count = p->io_count;
	out->irq_count = p->irq_count;
	out->mem_count = p->mem_count;
	out->msi_count = (uint16_t)p->msi_count;
	memcpy(out->io, p->io, sizeof(out->io));
	memcpy(out->irq, p->irq, sizeof(out->irq));
	memcpy(out->mem, p->mem, sizeof(out->mem));
	for (unsigned i = 0; i < c->extra_mem_count && out->mem_count < PRIV_RANGES_MAX; i++)
		out->mem[out->mem_count++] = c->extra_mem[i];
}

/* The kernel keeps vm's own; it may do all. */
static int update(struct priv *p)
{
	if (p->id == PRIV_ID_VM)
		return 0;
	return k_privctl(PRIVCTL_UPDATE, EP_NONE, p);
}

/* Changes the send mask of o towards id, in the kernel too. */
static int change_mask(struct component *o, uint32_t id, bool may_send)
{
	struct priv current = o->priv;

	if (o->life.now.ep != EP_NONE && k_privctl(PRIVCTL_QUERY, o->life.now.ep, &current) < 0)
		current = o->priv;
	if (may_send)
		set_bit(o->priv.send_mask, id);
	else
		clear_bit(o->priv.send_mask, id);
	memcpy(current.send_mask, o->priv.send_mask, sizeof(current.send_mask));
	return update(&current);
}

static uint32_t take_id(void)
{
	for (uint32_t id = PRIV_ID_DYNAMIC; id < NR_PRIVS; id++) {
		if (!ids_used[id]) {
			ids_used[id] = true;
			return id;
		}
	}
	return PRIV_ID_NONE;
}

/* Connects c, whose structure is built, with everybody. */
static int connect_all(struct component *c)
{
	int result = 0;

	for (unsigned i = 0; result >= 0 && i < COMPONENTS_MAX; i++) {
		struct component *o = &components[i];

		if (!o->is_used || o == c || o->priv_id == PRIV_ID_NONE || !privs_may_send(c, o))
			continue;
		privs_connect(&c->priv, &o->priv);
		result = change_mask(o, c->priv_id, true);
	}
	return result;
}

int privs_install(struct component *c)
{
	int result;

	if (c->priv_id == PRIV_ID_NONE)
		c->priv_id = take_id();
	if (c->priv_id == PRIV_ID_NONE)
		return -ENOSPC;
	privs_build(&c->priv, c);
	result = connect_all(c);
	if (result >= 0)
		result = update(&c->priv);
	return result < 0 ? result : 0;
}

void privs_remove(struct component *c)
{
	struct priv none = {.id = c->priv_id};

	if (c->priv_id < PRIV_ID_DYNAMIC)
		return;
	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		struct component *o = &components[i];

		if (o->is_used && o != c && o->priv_id != PRIV_ID_NONE &&
		    change_mask(o, c->priv_id, false) < 0)
			sys_log("%s keeps %s in its send mask", o->label, c->label);
	}
	if (update(&none) < 0)
		sys_log("privileges of %s could not be taken away", c->label);
	ids_used[c->priv_id] = false;
	c->priv_id = PRIV_ID_NONE;
}

struct fixed {
	const char *label;
	uint32_t id;
	endpoint_t ep;
};

static int add_fixed(const struct fixed *f)
{
	struct component *c = table_new(f->label);
	const struct policy *p = policy_find(&boot_policies, f->label, f->label);

	if (c == NULL)
		return -ENOSPC;
	c->is_fixed = true;
	c->priv_id = f->id;
	c->life.now.ep = f->ep;
	if (p != NULL)
		c->policy = *p;
	if (f->ep != EP_NONE) {
		c->life.state = CS_RUNNING;
		return k_privctl(PRIVCTL_QUERY, f->ep, &c->priv);
	}
	if (p == NULL)
		return -ENOENT;
	privs_build(&c->priv, c);
	return 0;
}

/* The trusted base, the applications and the standbys: their ids are known from the start. */
int privs_init(void)
{
	static const struct fixed list[] = {
		{"vm", PRIV_ID_VM, EP_VM},
		{"ds", PRIV_ID_DS, EP_DS},
		{"pm", PRIV_ID_PM, EP_PM},
		{"vfs", PRIV_ID_VFS, EP_VFS},
		{"rs", PRIV_ID_RS, EP_RS},
		{"user", PRIV_ID_USER, EP_NONE},
		{"standby", PRIV_ID_STANDBY, EP_NONE},
	};
	const unsigned count = sizeof(list) / sizeof(list[0]);
	int result = 0;

	for (unsigned i = 0; result >= 0 && i < count; i++)
		result = add_fixed(&list[i]);
	for (unsigned i = 0; result >= 0 && i < count; i++) {
		struct component *c = table_find(list[i].label);

		result = connect_all(c);
		if (result >= 0)
			result = change_mask(c, c->priv_id, false); /* writes the mask */
	}
	return result < 0 ? result : 0;
}
