/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to other servers: a grant for the answer, one SENDREC. None of them ever waits for
 * procfs, so waiting for them is safe. Results are bytes (or counts) and are checked against what
 * was asked.
 */
#include <errno.h>
#include <string.h>
#include "axolotl/vfs.h"
#include "dump/dump.h"
#include "procfs.h"

static int ask_vm(uint32_t type, endpoint_t ep, void *buf, size_t len)
{
	struct vm_info req = {.ep = ep, .len_bytes = (uint32_t)len};
	struct vm_rep rep = {0};
	int r;

	req.grant = grant_direct(EP_VM, buf, len, GRANT_WRITE);
	if (req.grant == GRANT_INVALID)
		return -ENOMEM;
	r = sys_call(EP_VM, type, &req, &rep);
	grant_revoke(req.grant);
	return r < 0 ? r : rep.result;
}

int ask_vm_proc(endpoint_t ep, struct vm_procinfo *info)
{
	int r = -ESRCH;

	memset(info, 0, sizeof(*info));
	if (ep >= 0)
		r = ask_vm(VM_INFO_PROC, ep, info, sizeof(*info));
	return r < 0 ? r : 0;
}

int ask_vm_mem(struct vm_meminfo *info)
{
	int r;

	memset(info, 0, sizeof(*info));
	r = ask_vm(VM_INFO_MEM, EP_SELF, info, sizeof(*info));
	return r < 0 ? r : 0;
}

int ask_vm_maps(endpoint_t ep, struct text *t)
{
	return text_take(t, ask_vm(VM_INFO_MAPS, ep, t->buf + t->len, text_room(t)));
}

int ask_pm_text(endpoint_t ep, uint32_t what, struct text *t)
{
	struct pm_text req = {.ep = ep, .len_bytes = text_room(t), .what = what};
	struct pm_rep rep = {0};
	int r;

	req.grant = grant_direct(EP_PM, t->buf + t->len, text_room(t), GRANT_WRITE);
	r = sys_call(EP_PM, PM_INFO_TEXT, &req, &rep);
	grant_revoke(req.grant);
	return text_take(t, r < 0 ? r : rep.result);
}

static int ask_vfs(uint32_t type, struct vfs_info *req, void *buf)
{
	struct vfs_rep rep = {0};
	int r;

	req->grant = grant_direct(EP_VFS, buf, req->len_bytes, GRANT_WRITE);
	r = sys_call(EP_VFS, type, req, &rep);
	grant_revoke(req->grant);
	return r < 0 ? r : rep.result;
}

int ask_vfs_text(uint32_t type, endpoint_t ep, uint32_t flags, struct text *t)
{
	struct vfs_info req = {.ep = ep, .len_bytes = text_room(t), .flags = flags};

	return text_take(t, ask_vfs(type, &req, t->buf + t->len));
}

int ask_vfs_fds(endpoint_t ep, struct vfs_fdinfo *list, uint32_t max)
{
	struct vfs_info req = {.ep = ep, .len_bytes = max * (uint32_t)sizeof(*list)};
	int r = ask_vfs(VFS_INFO_FDS, &req, list);

	if (r < 0)
		return r;
	return (size_t)r > max * sizeof(*list) ? -EIO : (int)((size_t)r / sizeof(*list));
}
