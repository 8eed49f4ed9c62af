/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of procfs share. Contents are made when a file is read from its beginning and kept
 * as a snapshot for the reads that go on (main.c).
 */
#ifndef PROCFS_H
#define PROCFS_H

#include "axolotl/fsp.h"
#include "axolotl/pm.h"
#include "dump/text.h"
#include "sys/sys.h"
#include "tree.h"

/* How old the process table may be for names and attributes; contents are always made from a new one. */
#define FRESH_NS 2000000ull

/* ---- main.c ---- */
/* Attributes of ino into vfs's grant (which may be none); -ENOENT when the process is gone. */
int give_attr(grant_t grant, uint32_t ino);

/* ---- dir.c ---- */
void dir_lookup(const struct fs_name *rq, struct fs_rep *rep);
void dir_read(const struct fs_io *rq, struct fs_rep *rep);

/* ---- nodes.c ---- */
extern const struct tree proc_tree;

/* ---- data.c: the process table of pm, at most a few ms old, sorted by pid ---- */
#define PROCS_KEPT 1024
void data_refresh(uint64_t max_age_ns);
const struct pm_procinfo *data_proc(int32_t pid); /* NULL: no such process */
/* First process with a pid above `after`, or NULL. */
const struct pm_procinfo *data_next(int32_t after);
uint32_t data_count(void);
uint64_t data_system_ns(void); /* time that all processes spent in the kernel, never decreasing */
struct data_thread_counts {
	uint32_t total, running;
};
struct data_thread_counts data_threads(void);
/* The kernel's view of a process; NULL: not listed. */
const struct kproc_info *data_kernel(endpoint_t ep);

/* ---- ask.c: questions to other servers; bytes or -errno ---- */
int ask_vm_proc(endpoint_t ep, struct vm_procinfo *info);
int ask_vm_mem(struct vm_meminfo *info);
int ask_vm_maps(endpoint_t ep, struct text *t);
int ask_pm_text(endpoint_t ep, uint32_t what, struct text *t);
int ask_vfs_text(uint32_t type, endpoint_t ep, uint32_t flags, struct text *t);
/* Descriptors of a process; returns how many were written. */
struct vfs_fdinfo;
int ask_vfs_fds(endpoint_t ep, struct vfs_fdinfo *list, uint32_t max);

/* ---- gen_*.c ---- */
int gen_stat_of(struct text *t, int32_t pid);
int gen_statm(struct text *t, int32_t pid);
int gen_status(struct text *t, int32_t pid);
int gen_cmdline_of(struct text *t, int32_t pid);
int gen_environ(struct text *t, int32_t pid);
int gen_comm(struct text *t, int32_t pid);
int gen_exe(struct text *t, int32_t pid);
int gen_cwd(struct text *t, int32_t pid);
int gen_root_link(struct text *t, int32_t pid);
int gen_maps(struct text *t, int32_t pid);
int gen_limits(struct text *t, int32_t pid);
int gen_oom(struct text *t, int32_t pid);
int gen_mounts(struct text *t, int32_t pid);
int gen_fd_target(struct text *t, int32_t pid, uint32_t fd);

int gen_stat(struct text *t, int32_t pid);
int gen_meminfo(struct text *t, int32_t pid);
int gen_loadavg(struct text *t, int32_t pid);
int gen_uptime(struct text *t, int32_t pid);
int gen_version(struct text *t, int32_t pid);
int gen_cpuinfo(struct text *t, int32_t pid);
int gen_filesystems(struct text *t, int32_t pid);
int gen_devices(struct text *t, int32_t pid);
int gen_interrupts(struct text *t, int32_t pid);
int gen_boot_cmdline(struct text *t, int32_t pid);
int gen_self(struct text *t, int32_t pid);
int gen_thread_self(struct text *t, int32_t pid);
int gen_mounts_link(struct text *t, int32_t pid);

int gen_hostname(struct text *t, int32_t pid);
int gen_domainname(struct text *t, int32_t pid);
int gen_ostype(struct text *t, int32_t pid);
int gen_osrelease(struct text *t, int32_t pid);
int gen_osversion(struct text *t, int32_t pid);
int gen_pid_max(struct text *t, int32_t pid);
int gen_threads_max(struct text *t, int32_t pid);
int gen_ngroups_max(struct text *t, int32_t pid);
int gen_cap_last_cap(struct text *t, int32_t pid);
int gen_overcommit(struct text *t, int32_t pid);
int gen_nr_open(struct text *t, int32_t pid);
int gen_pipe_max(struct text *t, int32_t pid);

int gen_events(struct text *t, int32_t pid);
int gen_services(struct text *t, int32_t pid);
int gen_services_json(struct text *t, int32_t pid);
int gen_violations(struct text *t, int32_t pid);
int gen_abi(struct text *t, int32_t pid);
int gen_klog(struct text *t, int32_t pid);
int gen_ds(struct text *t, int32_t pid);
int gen_pci(struct text *t, int32_t pid);
int gen_irqs(struct text *t, int32_t pid);
int gen_endpoints(struct text *t, int32_t pid);

#endif
