/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of pm, components, pci and vfs: checked, then turned into events of a state machine. */
#include <string.h>
#include "rs.h"
#include "pciq.h"

static enum rs_cause cause_of(const struct rs_child_exit *x)
{
	if (x->vector != 0 || (x->signo != 0 && x->rip != 0))
		return CAUSE_EXCEPTION;
	return x->signo != 0 ? CAUSE_SIGNAL : CAUSE_EXIT;
}

static void refuse(const struct msg *m)
{
	sys_violation(m->source, VIOL_REQUEST, m->type);
}

void on_child_exit(const struct msg *m)
{
	struct rs_child_exit x;
	struct component *c;

	if (m->source != EP_PM) {
		refuse(m);
		return;
	}
	msg_get(m, &x);
	c = table_by_ep(x.ep);
	if (c != NULL && !c->is_fixed) {
		machine_exited(c, cause_of(&x));
		return;
	}
	c = table_by_standby(x.ep);
	if (c != NULL)
		machine_standby_exited(c);
	else if (!corpse_is(x.ep))
		act_bury(NULL, x.ep);
}

void on_ready(const struct msg *m)
{
	struct component *c = table_by_ep(m->source);
	struct sys_ready ready;

	msg_get(m, &ready);
	if (c != NULL && !c->is_fixed)
		machine_ready(c, ready.status);
}

/* C1: only about those that the complainer's policy names. C2: not about a dead incarnation. */
void on_complaint(const struct msg *m)
{
	struct component *who = table_by_ep(m->source), *about;
	struct rs_complaint x;

	msg_get(m, &x);
	about = table_by_ep(x.about);
	if (about == NULL)
		return;
	if (who == NULL || about->is_fixed || x.rule == RULE_NONE || x.rule >= RULE_COUNT ||
	    !policy_has_label(&who->policy.control, about->label)) {
		refuse(m);
		return;
	}
	log_event(EV_COMPLAINT, m->source, who->label, x.rule, (uint64_t)(uint32_t)x.about);
	about->complaints++;
	about->last_rule = x.rule;
	machine_condemn(about, CAUSE_COMPLAINT);
}

void on_pci_reply(const struct msg *m)
{
	struct component *pci = table_find("pci");
	struct pci_rep rep;

	if (pci == NULL || pci->life.now.ep != m->source) {
		refuse(m);
		return;
	}
	msg_get(m, &rep);
	pciq_reply(&rep);
}

/* ---- vfs: file servers ---- */

static void answer_up_fs(const struct rs_up_fs *req, int result, endpoint_t ep)
{
	struct rs_rep rep = {.id = req->id, .result = result, .ep = ep};
	struct msg out;

	msg_put(&out, RS_UP_FS | MSG_REPLY, &rep);
	if (sys_asend(EP_VFS, &out) != 0)
		sys_log("vfs does not learn about %s", req->label);
}

static int up_fs(const struct rs_up_fs *req)
{
	struct component *c = table_find(req->label);
	struct waiter w = {.is_fs = true, .id = req->id, .ep = EP_VFS};
	int result = 0;

	if (c == NULL)
		result = make_from_name(req->binary, req->label, &c);
	if (result != 0)
		return result;
	if (c->is_fixed)
		return -EPERM;
	if (c->life.state == CS_RUNNING) {
		answer_up_fs(req, 0, c->life.now.ep);
		return 0;
	}
	w.c = c;
	c->is_transient = true;
	result = waiter_add(&w);
	if (result == 0)
		machine_up(c);
	return result;
}

static bool take_fs(const struct msg *m, struct rs_up_fs *req)
{
	if (m->source != EP_VFS) {
		refuse(m);
		return false;
	}
	msg_get(m, req);
	req->binary[sizeof(req->binary) - 1] = '\0';
	req->label[LABEL_MAX - 1] = '\0';
	return true;
}

void on_up_fs(const struct msg *m)
{
	struct rs_up_fs req;
	int result;

	if (!take_fs(m, &req))
		return;
	result = up_fs(&req);
	if (result != 0)
		answer_up_fs(&req, result, EP_NONE);
}

void on_down_fs(const struct msg *m)
{
	struct component *c;
	struct rs_up_fs req;

	if (!take_fs(m, &req))
		return;
	c = table_find(req.label);
	if (c == NULL || !c->is_transient) {
		refuse(m);
		return;
	}
	machine_down(c);
}
