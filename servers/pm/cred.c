/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the set*id family on user and group ids. Pure. Both families follow the same rules, so
 * each rule is written once on a set of three ids (real, effective, saved) and the privilege of the
 * caller. Reference: credentials(7), setresuid(2), setreuid(2).
 */
#include <errno.h>
#include "proc.h"

struct ids {
	uint32_t r, e, s;
};

static bool is_one_of(const struct ids *i, uint32_t id)
{
	return id == i->r || id == i->e || id == i->s;
}

static int ids_set(struct ids *i, uint32_t id, bool is_root)
{
	if (id == ID_KEEP)
		return -EINVAL;
	if (is_root)
		*i = (struct ids){id, id, id};
	else if (id == i->r || id == i->s)
		i->e = id;
	else
		return -EPERM;
	return 0;
}

static int ids_setres(struct ids *i, const struct ids *want, bool is_root)
{
	struct ids n = *i;
	const uint32_t w[3] = {want->r, want->e, want->s};
	uint32_t *const d[3] = {&n.r, &n.e, &n.s};

	for (int k = 0; k < 3; k++) {
		if (w[k] == ID_KEEP)
			continue;
		if (!is_root && !is_one_of(i, w[k]))
			return -EPERM;
		*d[k] = w[k];
	}
	*i = n;
	return 0;
}

static int ids_setre(struct ids *i, uint32_t r, uint32_t e, bool is_root)
{
	struct ids n = *i;

	if (r != ID_KEEP) {
		if (!is_root && r != i->r && r != i->e)
			return -EPERM;
		n.r = r;
	}
	if (e != ID_KEEP) {
		if (!is_root && !is_one_of(i, e))
			return -EPERM;
		n.e = e;
	}
	if (r != ID_KEEP || (e != ID_KEEP && e != i->r))
		n.s = n.e;
	*i = n;
	return 0;
}

static struct ids uids_of(const struct cred *c)
{
	return (struct ids){c->uid, c->euid, c->suid};
}

static struct ids gids_of(const struct cred *c)
{
	return (struct ids){c->gid, c->egid, c->sgid};
}

static int put_uids(struct cred *c, const struct ids *i, int result)
{
	if (result == 0) {
		c->uid = i->r;
		c->euid = c->fsuid = i->e;
		c->suid = i->s;
	}
	return result;
}

static int put_gids(struct cred *c, const struct ids *i, int result)
{
	if (result == 0) {
		c->gid = i->r;
		c->egid = c->fsgid = i->e;
		c->sgid = i->s;
	}
	return result;
}

int cred_setuid(struct cred *c, uint32_t uid)
{
	struct ids i = uids_of(c);
	int result = ids_set(&i, uid, c->euid == 0);

	return put_uids(c, &i, result);
}

int cred_setgid(struct cred *c, uint32_t gid)
{
	struct ids i = gids_of(c);
	int result = ids_set(&i, gid, c->euid == 0);

	return put_gids(c, &i, result);
}

int cred_setresuid(struct cred *c, uint32_t r, uint32_t e, uint32_t s)
{
	struct ids i = uids_of(c);
	int result = ids_setres(&i, &(struct ids){r, e, s}, c->euid == 0);

	return put_uids(c, &i, result);
}

int cred_setresgid(struct cred *c, uint32_t r, uint32_t e, uint32_t s)
{
	struct ids i = gids_of(c);
	int result = ids_setres(&i, &(struct ids){r, e, s}, c->euid == 0);

	return put_gids(c, &i, result);
}

int cred_setreuid(struct cred *c, uint32_t r, uint32_t e)
{
	struct ids i = uids_of(c);
	int result = ids_setre(&i, r, e, c->euid == 0);

	return put_uids(c, &i, result);
}

int cred_setregid(struct cred *c, uint32_t r, uint32_t e)
{
	struct ids i = gids_of(c);
	int result = ids_setre(&i, r, e, c->euid == 0);

	return put_gids(c, &i, result);
}

bool cred_may_signal(const struct cred *from, const struct cred *to)
{
	if (from->euid == 0)
		return true;
	return from->uid == to->uid || from->uid == to->suid || from->euid == to->uid ||
	       from->euid == to->suid;
}
