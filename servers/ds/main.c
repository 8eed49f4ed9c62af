/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ds, the data store (thesis 2.2 and 4.2.3): names, values, private state, subscriptions. Everybody
 * may SENDREC to it; it calls only the kernel and waits for nobody, so it answers always.
 *
 * Model: lib/dstable holds all entries and knows all rules; this file turns messages into its
 * calls, moves MEM values by SAFECOPY, and rings the subscribers. A caller is known by the label in
 * its privilege structure, which the kernel keeps and the caller cannot change; it is cached for
 * each endpoint, because endpoints are never reused and labels of processes that may call ds are
 * final.
 *
 * Part of the trusted base: started by vm before everybody else, never restarted, no malloc. Its
 * state is all in memory; a panic of ds is a panic of the system.
 */
#include <string.h>
#include "sys/sys.h"
#include "dstable/dstable.h"

#define LIST_BYTES 16384u

struct known {
	endpoint_t ep;
	char label[LABEL_MAX];
};

static struct dstable table;
static struct known known[NR_PROCS];
static uint8_t mem_buffer[DS_MEM_MAX];
static char list_buffer[LIST_BYTES];

/* Label of a process; "" if the kernel does not tell (it died meanwhile). */
static const char *label_of(endpoint_t ep)
{
	struct known *k = &known[EP_SLOT(ep) % NR_PROCS];
	struct priv priv;

	if (k->ep == ep && k->label[0] != '\0')
		return k->label;
	memset(k, 0, sizeof(*k));
	if (k_privctl(PRIVCTL_QUERY, ep, &priv) < 0)
		return k->label;
	k->ep = ep;
	memcpy(k->label, priv.label, LABEL_MAX - 1);
	return k->label;
}

static void reply_bytes(const struct msg *m, const void *payload, size_t len)
{
	struct msg out;

	msg_put_bytes(&out, m->type | MSG_REPLY, payload, len);
	if (ipc_nbsend(m->source, &out) != 0)
		return; /* it died, or did not wait: its loss */
}

static void reply_result(const struct msg *m, int result)
{
	struct ds_rep rep = {.result = result};

	reply_bytes(m, &rep, sizeof(rep));
}

/* The keys and strings of a request end inside their arrays. */
static bool is_request_sane(const struct ds_req *req)
{
	return memchr(req->key, '\0', DS_KEY_MAX) != NULL &&
	       ((req->type_flags & 0xff) != DS_STR ||
	        memchr(req->value.str, '\0', DS_VALUE_MAX) != NULL);
}

static void on_publish(const struct msg *m, const struct dstable_who *who)
{
	struct ds_req req;
	int result = 0;

	msg_get(m, &req);
	if (!is_request_sane(&req)) {
		reply_result(m, -EINVAL);
		return;
	}
	if ((req.type_flags & 0xff) == DS_MEM) {
		if (req.value.mem.len_bytes > DS_MEM_MAX)
			result = -EMSGSIZE;
		else if (req.value.mem.len_bytes > 0)
			result = k_safecopy_from(m->source, req.value.mem.grant, 0, mem_buffer,
			                         req.value.mem.len_bytes);
	}
	if (result >= 0)
		result = dstable_publish(&table, who, &req, mem_buffer);
	reply_result(m, result);
}

static int give_memory(const struct msg *m, const struct dstable_who *who, const struct ds_req *req,
                       uint32_t len)
{
	const void *from = dstable_mem(&table, who, req->key);
	int result = 0;

	if (from == NULL)
		return -ENOENT;
	if (len > req->value.mem.len_bytes)
		return -EMSGSIZE;
	if (len > 0)
		result = k_safecopy_to(m->source, req->value.mem.grant, 0, from, len);
	return result < 0 ? result : (int)len;
}

static void on_retrieve(const struct msg *m, const struct dstable_who *who)
{
	struct ds_rep rep = {0};
	struct ds_req req;

	msg_get(m, &req);
	if (!is_request_sane(&req)) {
		reply_result(m, -EINVAL);
		return;
	}
	rep.result = dstable_retrieve(&table, who, &req, &rep);
	if (rep.result == 0 && (req.type_flags & 0xff) == DS_MEM)
		rep.result = give_memory(m, who, &req, rep.value.mem.len_bytes);
	reply_bytes(m, &rep, sizeof(rep));
}

/* rs deletes a label only when its component is down for good: all it published goes with it. */
static void on_delete(const struct msg *m, const struct dstable_who *who)
{
	struct ds_req req;
	int result = -EINVAL;

	msg_get(m, &req);
	if (is_request_sane(&req))
		result = dstable_delete(&table, who, req.key);
	if (result == 0 && who->is_rs)
		dstable_delete_owner(&table, req.key);
	reply_result(m, result);
}

/* Incarnations that died before they had a label leave their subscriptions behind. */
static void drop_dead_subscribers(void)
{
	for (unsigned i = 0; i < DSTABLE_SUBSCRIBERS_MAX; i++) {
		endpoint_t ep = dstable_subscriber(&table, i);

		if (ep != EP_NONE && ipc_notify(ep) == -EDEADSRCDST)
			dstable_unsubscribe(&table, ep);
	}
}

static int subscribe(const struct dstable_who *who, const char *pattern)
{
	int r = dstable_subscribe(&table, who, pattern);

	if (r != -ENOSPC)
		return r;
	drop_dead_subscribers();
	return dstable_subscribe(&table, who, pattern);
}

static void on_subscribe(const struct msg *m, const struct dstable_who *who)
{
	struct ds_subscribe req;

	msg_get(m, &req);
	if (req.flags != 0 || memchr(req.pattern, '\0', sizeof(req.pattern)) == NULL)
		reply_result(m, -EINVAL);
	else
		reply_result(m, subscribe(who, req.pattern));
}

static void on_check(const struct msg *m, const struct dstable_who *who)
{
	struct ds_change change;

	memset(&change, 0, sizeof(change));
	dstable_check(&table, who, &change);
	reply_bytes(m, &change, sizeof(change));
}

static void on_list(const struct msg *m)
{
	struct ds_list req;
	size_t len;
	int result = 0;

	msg_get(m, &req);
	len = req.len_bytes < LIST_BYTES ? req.len_bytes : LIST_BYTES;
	len = dstable_list(&table, list_buffer, len);
	if (len > 0)
		result = k_safecopy_to(m->source, req.grant, 0, list_buffer, len);
	reply_result(m, result < 0 ? result : (int)len);
}

static void on_name_of(const struct msg *m)
{
	struct ds_rep rep = {.result = -ENOENT};
	const char *name;
	struct ds_req req;

	msg_get(m, &req);
	name = dstable_name_of(&table, req.value.label.ep);
	if (name != NULL) {
		rep.result = 0;
		memcpy(rep.key, name, strnlen(name, DS_KEY_MAX - 1));
		rep.value.label.ep = req.value.label.ep;
		rep.value.label.old = EP_NONE;
	}
	reply_bytes(m, &rep, sizeof(rep));
}

static void dispatch(const struct msg *m)
{
	const struct dstable_who who = {label_of(m->source), m->source, m->source == EP_RS};

	switch (m->type) {
	case DS_PUBLISH: on_publish(m, &who); break;
	case DS_RETRIEVE: on_retrieve(m, &who); break;
	case DS_DELETE: on_delete(m, &who); break;
	case DS_SUBSCRIBE: on_subscribe(m, &who); break;
	case DS_CHECK: on_check(m, &who); break;
	case DS_LIST: on_list(m); break;
	case DS_NAME_OF: on_name_of(m); break;
	default:
		sys_violation(m->source, VIOL_REQUEST, m->type);
		reply_result(m, -ENOSYS);
		break;
	}
}

static void notify_subscribers(void)
{
	endpoint_t ep;

	while ((ep = dstable_next_notify(&table)) != EP_NONE)
		if (ipc_notify(ep) == -EDEADSRCDST)
			dstable_unsubscribe(&table, ep);
}

int main(void)
{
	struct msg m;

	dstable_init(&table);
	for (;;) {
		int how = ipc_receive(EP_ANY, &m);

		if (how < 0)
			sys_panic("RECEIVE failed: %d", how);
		if (how == IPC_NOTIFY || m.source < 0)
			continue; /* a heartbeat of nobody: ds is not guarded */
		dispatch(&m);
		notify_subscribers();
	}
}
