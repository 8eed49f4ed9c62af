/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginning: as soon as the block unit of the root file system is announced, mount it on /, put
 * /dev and /proc on top, and tell pm (PM_BOOTED), which starts init. The unit is `root=` of the
 * kernel's command line, else ram0; `console=` names the terminal behind /dev/console, else ttyS0.
 */
#include <stdio.h>
#include <string.h>
#include "vfs.h"

static char root_unit[LABEL_MAX] = "ram0";
static char console_name[LABEL_MAX] = "ttyS0";
static bool is_started;
static bool is_readonly;

static void option(const char *word, size_t len)
{
	if (len > 5 && !strncmp(word, "root=", 5)) {
		const char *name = !strncmp(word + 5, "/dev/", 5) ? word + 10 : word + 5;

		(void)snprintf(root_unit, sizeof(root_unit), "%.*s", (int)(word + len - name),
			       name);
	} else if (len > 8 && !strncmp(word, "console=", 8)) {
		(void)snprintf(console_name, sizeof(console_name), "%.*s",
			       (int)strcspn(word + 8, ", \t\n"), word + 8);
	} else if (len == 2 && !strncmp(word, "ro", 2)) {
		is_readonly = true;
	}
}

void boot_init(void)
{
	static struct boot_info info;
	const char *p = info.cmdline;

	if (k_getinfo(KINFO_BOOT, &info, sizeof(info), 0) < 0)
		return;
	info.cmdline[sizeof(info.cmdline) - 1] = '\0';
	while (*p) {
		size_t len;

		p += strspn(p, " \t\n");
		len = strcspn(p, " \t\n");
		option(p, len);
		p += len;
	}
}

const char *boot_console(void)
{
	return console_name;
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
	struct mount_req q = {
		.type = "mfs", .unit = root_unit, .where = "/", .flags = is_readonly ? 1 : 0};
	struct vfs_ep none = {.ep = EP_NONE};
	struct msg m;
	int r = mount_do(c, &q);

	if (r) {
		sys_log("vfs: the root file system on %s cannot be mounted: %d", root_unit, r);
		is_started = false; /* when the unit is announced again */
		return;
	}
	for (unsigned i = 0; i < MOUNTS_MAX; i++)
		if (mounts[i].in_use && !mounts[i].is_busy)
			root_vnode = mounts[i].root;
	proc_set_root(root_vnode);
	mount_on(c, "/dev", "devfs");
	mount_on(c, "/proc", "procfs");
	msg_put(&m, PM_BOOTED, &none);
	while (sys_asend(EP_PM, &m) == -EAGAIN)
		(void)call_wait(c, false, deadline_after(1000000));
}

void boot_unit_appeared(const char *unit)
{
	struct msg m = {.source = EP_NONE};

	if (is_started || root_vnode || strcmp(unit, root_unit) != 0)
		return;
	is_started = true;
	SYS_ASSERT(call_start(&m, IPC_ASEND, NULL, boot_run));
}
