/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of /proc: one line a file. A new file is a line here and its generator. */
#include "procfs.h"

enum { INO_SYS = 2, INO_SYS_KERNEL, INO_SYS_VM, INO_SYS_FS, INO_AXOLOTL };

static const struct node nodes[] = {
	{"", INO_ROOT, NODE_DIR, NULL, 0},
	{"sys", INO_ROOT, NODE_DIR, NULL, 0},
	{"kernel", INO_SYS, NODE_DIR, NULL, 0},
	{"vm", INO_SYS, NODE_DIR, NULL, 0},
	{"fs", INO_SYS, NODE_DIR, NULL, 0},
	{"axolotl", INO_ROOT, NODE_DIR, NULL, 0},

	{"self", INO_ROOT, NODE_LINK, gen_self, 0},
	{"thread-self", INO_ROOT, NODE_LINK, gen_thread_self, 0},
	{"mounts", INO_ROOT, NODE_LINK, gen_mounts_link, 0},
	{"stat", INO_ROOT, NODE_FILE, gen_stat, 0},
	{"meminfo", INO_ROOT, NODE_FILE, gen_meminfo, 0},
	{"loadavg", INO_ROOT, NODE_FILE, gen_loadavg, 0},
	{"uptime", INO_ROOT, NODE_FILE, gen_uptime, 0},
	{"version", INO_ROOT, NODE_FILE, gen_version, 0},
	{"cpuinfo", INO_ROOT, NODE_FILE, gen_cpuinfo, 0},
	{"filesystems", INO_ROOT, NODE_FILE, gen_filesystems, 0},
	{"devices", INO_ROOT, NODE_FILE, gen_devices, 0},
	{"interrupts", INO_ROOT, NODE_FILE, gen_interrupts, 0},
	{"cmdline", INO_ROOT, NODE_FILE, gen_boot_cmdline, 0},

	{"hostname", INO_SYS_KERNEL, NODE_FILE, gen_hostname, 0},
	{"domainname", INO_SYS_KERNEL, NODE_FILE, gen_domainname, 0},
	{"ostype", INO_SYS_KERNEL, NODE_FILE, gen_ostype, 0},
	{"osrelease", INO_SYS_KERNEL, NODE_FILE, gen_osrelease, 0},
	{"version", INO_SYS_KERNEL, NODE_FILE, gen_osversion, 0},
	{"pid_max", INO_SYS_KERNEL, NODE_FILE, gen_pid_max, 0},
	{"threads-max", INO_SYS_KERNEL, NODE_FILE, gen_threads_max, 0},
	{"ngroups_max", INO_SYS_KERNEL, NODE_FILE, gen_ngroups_max, 0},
	{"cap_last_cap", INO_SYS_KERNEL, NODE_FILE, gen_cap_last_cap, 0},
	{"overcommit_memory", INO_SYS_VM, NODE_FILE, gen_overcommit, 0},
	{"nr_open", INO_SYS_FS, NODE_FILE, gen_nr_open, 0},
	{"pipe-max-size", INO_SYS_FS, NODE_FILE, gen_pipe_max, 0},

	{"events", INO_AXOLOTL, NODE_FILE, gen_events, 0644},
	{"services", INO_AXOLOTL, NODE_FILE, gen_services, 0},
	{"services.json", INO_AXOLOTL, NODE_FILE, gen_services_json, 0},
	{"violations", INO_AXOLOTL, NODE_FILE, gen_violations, 0},
	{"abi", INO_AXOLOTL, NODE_FILE, gen_abi, 0},
	{"klog", INO_AXOLOTL, NODE_FILE, gen_klog, 0},
	{"ds", INO_AXOLOTL, NODE_FILE, gen_ds, 0},
	{"pci", INO_AXOLOTL, NODE_FILE, gen_pci, 0},
	{"irqs", INO_AXOLOTL, NODE_FILE, gen_irqs, 0},
	{"endpoints", INO_AXOLOTL, NODE_FILE, gen_endpoints, 0},
};

static const struct node proc_nodes[] = {
	[KIND_DIR] = {"", 0, NODE_DIR, NULL, 0},
	[KIND_FD] = {"fd", KIND_DIR, NODE_DIR, NULL, 0500},
	[KIND_TASK] = {"task", KIND_DIR, NODE_DIR, NULL, 0},
	[KIND_TASK_DIR] = {"", KIND_TASK, NODE_DIR, NULL, 0},
	[KIND_FIRST_FILE] = {"stat", KIND_DIR, NODE_FILE, gen_stat_of, 0},
	{"statm", KIND_DIR, NODE_FILE, gen_statm, 0},
	{"status", KIND_DIR, NODE_FILE, gen_status, 0},
	{"cmdline", KIND_DIR, NODE_FILE, gen_cmdline_of, 0},
	{"comm", KIND_DIR, NODE_FILE, gen_comm, 0},
	{"environ", KIND_DIR, NODE_FILE, gen_environ, 0400},
	{"exe", KIND_DIR, NODE_LINK, gen_exe, 0},
	{"cwd", KIND_DIR, NODE_LINK, gen_cwd, 0},
	{"root", KIND_DIR, NODE_LINK, gen_root_link, 0},
	{"maps", KIND_DIR, NODE_FILE, gen_maps, 0},
	{"mounts", KIND_DIR, NODE_FILE, gen_mounts, 0},
	{"limits", KIND_DIR, NODE_FILE, gen_limits, 0},
	{"oom_score", KIND_DIR, NODE_FILE, gen_oom, 0},
};

const struct tree proc_tree = {nodes, sizeof(nodes) / sizeof(nodes[0]), proc_nodes,
                               sizeof(proc_nodes) / sizeof(proc_nodes[0])};
