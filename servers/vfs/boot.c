/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginning: as soon as the block unit of the root file system is announced, mount it on /, put
 * /dev and /proc on top, and tell pm (PM_BOOTED), which starts init. The unit is the boot option
 * root= (rs puts the options into ds as "boot.<key>"), else ram0; `ro` mounts it read-only.
 */
#include <stdio.h>
#include <string.h>
#include "chr.h"
#include "vfs.h"

#define CONSOLE_STEP_NS 20000000ull
#define CONSOLE_TRIES   100u

static bool is_started;

/* The unit of the root file system; a leading /dev/ is allowed. */
static void root_unit(char *unit)
{
	char value[DS_VALUE_MAX] = "";

	if (ds_lookup_str("boot.root", value, sizeof(value)) < 0 || !value[0])
		(void)snprintf(value, sizeof(value), "ram0");
	value[sizeof(value) - 1] = '\0';
	(void)snprintf(unit, LABEL_MAX, "%s", !strncmp(value, "/dev/", 5) ? value + 5 : value);
}

static bool want_readonly(void)
{
	char value[DS_VALUE_MAX];

	return ds_lookup_str("boot.ro", value, sizeof(value)) >= 0;
}

static void mount_on(struct call *c, const char *path, const char *type)
{
	struct walk w = {.flags = WALK_FOLLOW};
	struct mount_req q = {.type = type, .unit = "none", .where = path};
	int r;

	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	r = path_walk(c, &w, NULL);
	if (!r) {
		q.covered = w.vn;
		r = mount_do(c, &q);
		walk_done(&w);
	}
	if (r)
		sys_log("vfs: %s is not mounted: %d", path, r);
}

static void boot_run(struct call *c)
{
	char unit[LABEL_MAX];
	struct mount_req q = {.type = "mfs", .unit = unit, .where = "/"};
	struct vfs_ep none = {.ep = EP_NONE};
	struct msg m;
	int r;

	root_unit(unit);
	q.flags = want_readonly() ? 1 : 0;
	r = mount_do(c, &q);
	if (r) {
		sys_log("vfs: the root file system on %s cannot be mounted: %d", unit, r);
		is_started = false; /* when the unit is announced again */
		return;
	}
	for (unsigned i = 0; i < MOUNTS_MAX; i++)
		if (mounts[i].in_use && !mounts[i].is_busy)
			root_vnode = mounts[i].root;
	proc_set_root(root_vnode);
	mount_on(c, "/dev", "devfs");
	mount_on(c, "/proc", "procfs");
	/* init opens the console at once: give its driver a moment. */
	for (unsigned i = 0; !chr_console() && i < CONSOLE_TRIES; i++)
		(void)call_wait(c, false, deadline_after(CONSOLE_STEP_NS));
	msg_put(&m, PM_BOOTED, &none);
	while (sys_asend(EP_PM, &m) == -EAGAIN)
		(void)call_wait(c, false, deadline_after(1000000));
}

void boot_unit_appeared(const char *unit)
{
	struct msg m = {.source = EP_NONE};
	char wanted[LABEL_MAX];

	if (is_started || root_vnode)
		return;
	root_unit(wanted);
	if (strcmp(unit, wanted) != 0)
		return;
	is_started = true;
	SYS_ASSERT(call_start(&m, IPC_ASEND, NULL, boot_run));
}
