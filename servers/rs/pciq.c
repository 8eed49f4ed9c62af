/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to pci, one at a time; see pciq.h. */
#include <string.h>
#include "rs.h"
#include "pciq.h"

#define PCIQ_MAX 128

struct pci_job {
	enum pci_msg what;
	struct component *c;
	endpoint_t ep; /* of the claim: a later incarnation asks anew */
	char label[LABEL_MAX];
};

static struct pci_job queue[PCIQ_MAX];
static unsigned head, count;
static bool is_busy; /* the first one is with pci */

static struct component *running_pci(void)
{
	struct component *pci = table_find("pci");

	return pci != NULL && pci->life.state == CS_RUNNING ? pci : NULL;
}

static void fill_allow(struct pci_allow *a, const struct pci_job *job)
{
	const struct component *c = job->c;

	*a = (struct pci_allow){.ep = job->ep, .vendor = POLICY_ANY_ID, .device = POLICY_ANY_ID};
	a->class_code = a->subclass = a->prog_if = POLICY_ANY_CLASS;
	memcpy(a->label, job->label, LABEL_MAX);
	if (!c->wants_pci_again)
		return; /* max_devices 0: only what the label has already */
	a->vendor = c->policy.pci[c->allow_next].vendor;
	a->device = c->policy.pci[c->allow_next].device;
	a->class_code = c->policy.pci[c->allow_next].class_code;
	a->subclass = c->policy.pci[c->allow_next].subclass;
	a->prog_if = c->policy.pci[c->allow_next].prog_if;
	a->more = c->allow_next + 1u < c->policy.pci_count;
	a->max_devices = c->policy.pci_devices;
}

static bool is_current(const struct pci_job *job)
{
	return job->c->is_used && strcmp(job->c->label, job->label) == 0;
}

static bool is_claim_current(const struct pci_job *job)
{
	return is_current(job) && job->c->life.state == CS_CLAIMING &&
	       job->c->life.now.ep == job->ep;
}

static int send_job(const struct pci_job *job)
{
	const struct component *pci = running_pci();
	struct pci_label label;
	struct pci_allow allow;
	struct msg m;

	if (pci == NULL)
		return -ENOTCONN;
	if (job->what == PCI_ALLOW) {
		fill_allow(&allow, job);
		msg_put(&m, PCI_ALLOW, &allow);
	} else {
		memcpy(label.label, job->label, LABEL_MAX);
		msg_put(&m, job->what, &label);
	}
	return sys_asend(pci->life.now.ep, &m);
}

static void drop_first(void)
{
	head = (head + 1) % PCIQ_MAX;
	count--;
	is_busy = false;
}

static void send_next(void)
{
	while (!is_busy && count > 0) {
		const struct pci_job *job = &queue[head];

		if (job->what == PCI_ALLOW && !is_claim_current(job)) {
			drop_first();
			continue;
		}
		if (send_job(job) != 0)
			return; /* pci is not there: tried again with the next job or its return */
		is_busy = true;
	}
}

static int push(enum pci_msg what, struct component *c)
{
	struct pci_job *job = &queue[(head + count) % PCIQ_MAX];

	if (running_pci() == NULL)
		return -ENOTCONN;
	if (count == PCIQ_MAX)
		return -EAGAIN;
	*job = (struct pci_job){.what = what, .c = c, .ep = c->life.now.ep};
	memcpy(job->label, c->label, LABEL_MAX);
	count++;
	send_next();
	return 0;
}

int pciq_claim(struct component *c)
{
	c->wants_pci_again = !c->life.is_claimed;
	c->allow_next = 0;
	return push(PCI_ALLOW, c);
}

int pciq_silence(struct component *c)
{
	return push(PCI_SILENCE, c);
}

int pciq_release(struct component *c)
{
	return push(PCI_RELEASE, c);
}

static void claim_reply(const struct pci_job *job, const struct pci_rep *rep)
{
	struct component *c = job->c;

	if (!is_claim_current(job))
		return;
	if (rep->result == 0 && c->wants_pci_again && c->allow_next + 1u < c->policy.pci_count) {
		c->allow_next++;
		if (push(PCI_ALLOW, c) == 0)
			return;
	}
	machine_claimed(c, rep->result, rep->value);
}

void pciq_reply(const struct pci_rep *rep)
{
	struct pci_job job;

	if (!is_busy)
		return;
	job = queue[head];
	drop_first();
	if (job.what == PCI_ALLOW)
		claim_reply(&job, rep);
	else if (job.what == PCI_SILENCE && is_current(&job))
		machine_silenced(job.c, rep->result > 0 ? (unsigned)rep->result : 0);
	send_next();
}

void pciq_reset(void)
{
	head = 0;
	count = 0;
	is_busy = false;
}
