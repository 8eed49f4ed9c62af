/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Main loop of a guarded component (sysproc.h): waits for SYS_INIT, initialises, reports SYS_READY,
 * then hands each message to the callback that it is for. A hot standby is a process that has not
 * got its SYS_INIT yet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "sys/sys.h"

#define STATUS_BYTES 4096

static const struct sys_component *component;
static char own_label[LABEL_MAX];
static uint64_t dropped;

/* The trusted base gets no SYS_INIT; the kernel knows what it is called. */
const char *sys_label(void)
{
	struct kwhoami me;

	if (own_label[0] == 0 && k_getinfo(KINFO_WHOAMI, &me, sizeof(me), 0) == 0)
		memcpy(own_label, me.label, LABEL_MAX - 1);
	return own_label;
}

static void send_to_rs(uint32_t type, const void *payload, size_t len)
{
	struct msg m;

	msg_put_bytes(&m, type, payload, len);
	if (sys_asend(EP_RS, &m) != 0)
		sys_log("rs cannot be told (message %x)\n", type);
}

static void wait_for_init(struct sys_init *init)
{
	struct msg m;

	for (;;) {
		int how = ipc_receive(EP_RS, &m);

		if (how == IPC_NOTIFY)
			ipc_notify(EP_RS);
		else if (how >= 0 && m.type == SYS_SHUTDOWN)
			exit(0);
		else if (how >= 0 && m.type == SYS_INIT)
			break;
	}
	msg_get(&m, init);
	init->label[LABEL_MAX - 1] = 0;
	memcpy(own_label, init->label, LABEL_MAX);
}

static void initialise(void)
{
	struct sys_init init;
	struct sys_ready ready = {0};

	wait_for_init(&init);
	if (component->init)
		ready.status = component->init(&init);
	send_to_rs(SYS_READY, &ready, sizeof(ready));
	if (ready.status != 0) {
		sys_log("initialisation failed: %d\n", ready.status);
		exit(1);
	}
}

static void fetch_changes(void)
{
	struct ds_change c;
	struct {
		uint32_t unused;
	} none = {0};

	while (sys_call(EP_DS, DS_CHECK, &none, &c) == 0 && c.result >= 0) {
		c.key[DS_KEY_MAX - 1] = 0;
		if (component->ds_change)
			component->ds_change(&c);
	}
}

static void notification(const struct msg *m)
{
	struct notify_body body;

	msg_get(m, &body);
	if (m->source == EP_RS)
		ipc_notify(EP_RS);
	else if (m->source == EP_DS)
		fetch_changes();
	else if (m->source == EP_CLOCK && component->alarm)
		component->alarm(body.t_ns);
	else if (m->source == EP_HARDWARE && component->interrupt)
		component->interrupt(body.irq_hooks);
	else if (m->source >= 0 && component->doorbell)
		component->doorbell(m->source);
}

static void report_status(const struct msg *m)
{
	static char text[STATUS_BYTES];
	struct sys_status_req req;
	struct sys_status_rep rep = {0};

	msg_get(m, &req);
	rep.id = req.id;
	req.command[SYS_COMMAND_MAX - 1] = '\0';
	if (m->type == SYS_CONTROL)
		rep.result = component->control == NULL
		                     ? -EOPNOTSUPP
		                     : component->control(req.command, text, sizeof(text));
	else if (component->status)
		rep.result = component->status(text, sizeof(text));
	if (rep.result > 0 && (uint32_t)rep.result > req.len_bytes)
		rep.result = (int32_t)req.len_bytes;
	if (rep.result > 0) {
		int r = k_safecopy_to(m->source, req.grant, 0, text, (size_t)rep.result);

		if (r != 0)
			rep.result = r;
	}
	sys_reply(m, IPC_ASEND, &rep);
}

static void end(void)
{
	if (!component->shutdown)
		exit(0);
	component->shutdown();
}

/* Nobody may be left waiting: a request that no callback takes is answered. */
static void other(const struct msg *m, enum ipc_primitive how)
{
	struct pm_like_rep {
		int32_t result;
	} rep = {-ENOSYS};

	if (component->message) {
		component->message(m, how);
		return;
	}
	dropped++;
	if (!(m->type & MSG_REPLY) && how == IPC_SEND)
		sys_reply(m, how, &rep);
}

static void dispatch(const struct msg *m, enum ipc_primitive how)
{
	if (how == IPC_NOTIFY)
		notification(m);
	else if (m->source == EP_RS && m->type == SYS_SHUTDOWN)
		end();
	else if (m->type == SYS_STATUS || m->type == SYS_CONTROL)
		report_status(m);
	else if (m->type != SYS_INIT)
		other(m, how == IPC_SENDREC ? IPC_SEND : how);
}

void sys_main(const struct sys_component *c)
{
	struct msg m;

	component = c;
	initialise();
	for (;;) {
		int how;

		if (component->idle)
			component->idle();
		how = sys_receive(&m);
		if (how < 0)
			sys_panic("RECEIVE failed: %d", how);
		dispatch(&m, (enum ipc_primitive)how);
	}
}

void sys_reply_bytes(const struct msg *req, enum ipc_primitive how, const void *payload, size_t len)
{
	struct msg m;
	int r;

	msg_put_bytes(&m, req->type | MSG_REPLY, payload, len);
	r = how == IPC_ASEND ? sys_asend(req->source, &m) : ipc_nbsend(req->source, &m);
	if (r != 0)
		dropped++;
}

int sys_call_bytes(endpoint_t dst, uint32_t type, const void *req, size_t req_len, void *rep,
                   size_t rep_len)
{
	struct msg m;
	int r;

	msg_put_bytes(&m, type, req, req_len);
	r = ipc_sendrec(dst, &m);
	if (r == 0 && m.type != (type | MSG_REPLY))
		r = -EPROTOVIOL;
	if (r == 0)
		memcpy(rep, m.body.raw, rep_len);
	return r;
}
