/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci: the bus driver. Callers: rs (which label may have which device; silence after a death),
 * drivers (their own device only), procfs. Part of the trusted base, but restartable until the
 * first driver depends on it: all its state is found again by a scan, except the claims, which rs
 * repeats.
 *
 * Model: a table of functions found by one scan at the start (scan.c); each has at most one owner,
 * a label (claim.c). A driver is recognised by the endpoint that rs gave with PCI_ALLOW, never by
 * what it says of itself. Calls only the kernel, vm and ds (D6).
 *
 * State kept over a restart: the claims, in ds; everything else is found again by the scan. Sizing
 * the BARs switches decoding off for some microseconds, so a restart of pci may make a driver that
 * reads a register just then fail, and be restarted in its turn.
 *
 * References: PCI Local Bus 3.0; include/axolotl/pci.h.
 */
#include <errno.h>
#include "sys/sys.h"
#include "pci.h"
#include "pci_hw.h"

static struct function functions[FUNCTIONS_MAX];

static void reply_value(const struct msg *m, enum ipc_primitive how, int result, uint32_t value)
{
	struct pci_rep rep = {result, value};

	sys_reply(m, how, &rep);
}

/* ---- rs ---- */

static void on_allow(const struct msg *m, enum ipc_primitive how)
{
	struct pci_allow req;
	uint32_t devices = 0;
	int result;

	msg_get(m, &req);
	result = claim_allow(&req, &devices);
	reply_value(m, how, result, devices);
}

static void on_silence(const struct msg *m, enum ipc_primitive how)
{
	struct pci_label req;

	msg_get(m, &req);
	req.label[LABEL_MAX - 1] = '\0';
	reply_value(m, how, claim_silence(req.label), 0);
}

static void on_release(const struct msg *m, enum ipc_primitive how)
{
	struct pci_label req;

	msg_get(m, &req);
	req.label[LABEL_MAX - 1] = '\0';
	reply_value(m, how, claim_release(req.label), 0);
}

/* ---- drivers ---- */

static void on_device(const struct msg *m, enum ipc_primitive how)
{
	struct pci_device_rep rep = {.result = -ENOENT};
	struct pci_index req;
	struct function *f;

	msg_get(m, &req);
	f = claim_device(m->source, req.index);
	if (f != NULL) {
		rep = (struct pci_device_rep){.bdf = f->bdf,
		                              .vendor = f->vendor,
		                              .device = f->device,
		                              .subvendor = f->subvendor,
		                              .subdevice = f->subdevice,
		                              .class_code = f->class_code,
		                              .subclass = f->subclass,
		                              .prog_if = f->prog_if,
		                              .revision = f->revision,
		                              .irq_line = f->irq_line,
		                              .bars = BARS,
		                              .has_msi = f->cap_msi != 0,
		                              .has_msix = f->cap_msix != 0};
	}
	sys_reply(m, how, &rep);
}

static void on_bar(const struct msg *m, enum ipc_primitive how)
{
	struct pci_bar_rep rep = {.result = -ENOENT};
	struct pci_bar_req req;
	struct function *f;

	msg_get(m, &req);
	f = claim_device(m->source, req.index);
	if (f != NULL && req.bar >= BARS)
		rep.result = -EINVAL;
	else if (f != NULL && f->bars[req.bar].len != 0 && f->bars[req.bar].base != 0)
		rep = (struct pci_bar_rep){0, f->bars[req.bar].flags, f->bars[req.bar].base,
		                           f->bars[req.bar].len};
	sys_reply(m, how, &rep);
}

static void on_msi(const struct msg *m, enum ipc_primitive how)
{
	struct pci_msi req;
	struct function *f;

	msg_get(m, &req);
	f = claim_device(m->source, req.index);
	reply_value(m, how, f != NULL ? msi_route(f, m->source, req.vector, req.hook) : -ENOENT, 0);
}

static void on_enable(const struct msg *m, enum ipc_primitive how)
{
	struct pci_enable req;
	struct function *f;

	msg_get(m, &req);
	f = claim_device(m->source, req.index);
	reply_value(m, how, f != NULL ? device_enable(f, req.what) : -ENOENT, 0);
}

static void on_config(const struct msg *m, enum ipc_primitive how)
{
	struct pci_config req;
	struct function *f;
	uint32_t value = 0;
	int result = -ENOENT;

	msg_get(m, &req);
	f = claim_device(m->source, req.index);
	if (f != NULL)
		result = device_config(f, &req, &value);
	if (result == -EPERM)
		sys_violation(m->source, VIOL_REQUEST, req.offset);
	reply_value(m, how, result, value);
}

/* ---- procfs ---- */

static void on_info(const struct msg *m, enum ipc_primitive how)
{
	static char text[8192];
	struct pci_info req;
	size_t len;
	int result;

	msg_get(m, &req);
	len = info_render(text, req.len_bytes < sizeof(text) ? req.len_bytes : sizeof(text));
	result = len > 0 ? k_safecopy_to(m->source, req.grant, 0, text, len) : 0;
	reply_value(m, how, result < 0 ? result : (int)len, 0);
}

static void refuse(const struct msg *m, enum ipc_primitive how, int error)
{
	sys_violation(m->source, VIOL_REQUEST, m->type);
	reply_value(m, how, error, 0);
}

static void on_rs_message(const struct msg *m, enum ipc_primitive how)
{
	if (m->source != EP_RS)
		refuse(m, how, -EPERM);
	else if (m->type == PCI_ALLOW)
		on_allow(m, how);
	else if (m->type == PCI_SILENCE)
		on_silence(m, how);
	else
		on_release(m, how);
}

static void on_message(const struct msg *m, enum ipc_primitive how)
{
	if (m->type & MSG_REPLY)
		return; /* pci asks nobody asynchronously */
	switch (m->type) {
	case PCI_ALLOW:
	case PCI_SILENCE:
	case PCI_RELEASE: on_rs_message(m, how); break;
	case PCI_DEVICE: on_device(m, how); break;
	case PCI_BAR: on_bar(m, how); break;
	case PCI_MSI: on_msi(m, how); break;
	case PCI_ENABLE: on_enable(m, how); break;
	case PCI_CONFIG: on_config(m, how); break;
	case PCI_INFO: on_info(m, how); break;
	default: refuse(m, how, -ENOSYS); break;
	}
}

static int on_init(const struct sys_init *how)
{
	unsigned count = scan_buses(functions, FUNCTIONS_MAX);

	if (count == FUNCTIONS_MAX)
		sys_log("only the first %u functions are used", count);
	claim_init(functions, count);
	if (how->how != SYS_INIT_FIRST)
		claim_load();
	return 0;
}

int main(void)
{
	static const struct sys_component pci = {.init = on_init, .message = on_message};

	sys_main(&pci);
}
