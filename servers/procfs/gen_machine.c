/* SPDX-License-Identifier: BSD-2-Clause */
/* Files about the whole machine: /proc/{stat,meminfo,...} and /proc/sys. Formats: proc(5). */
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include "procfs.h"

#define TICK_NS     10000000ull
#define NS_PER_S    1000000000ull
#define UTS_FIELD   65
#define UTS_BYTES   (6 * UTS_FIELD)
#define PID_MAX     32768
#define IRQS_MAX    64
#define NGROUPS_MAX 32
#define FILES_MAX   1024
#define PIPE_BYTES  65536

enum uts_field { UTS_SYSNAME, UTS_NODENAME, UTS_RELEASE, UTS_VERSION, UTS_MACHINE, UTS_DOMAIN };

static int add_uts(struct text *t, enum uts_field field, const char *before, const char *after)
{
	char uts[UTS_BYTES];
	struct text u = {.buf = uts, .cap = sizeof(uts)};
	int r = ask_pm_text(EP_NONE, PM_TEXT_UTS, &u);

	if (r < 0)
		return r;
	uts[sizeof(uts) - 1] = '\0';
	text_add(t, "%s%.*s%s", before, UTS_FIELD - 1, uts + (size_t)field * UTS_FIELD, after);
	return 0;
}

static struct ktimes machine_times(void)
{
	struct ktimes k = {0};

	if (k_times(EP_SELF, &k) < 0)
		memset(&k, 0, sizeof(k));
	return k;
}

static uint64_t interrupts_total(void)
{
	struct kirq_count list[IRQS_MAX];
	int n = k_getinfo(KINFO_IRQS, list, sizeof(list), 0);
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += list[i].count;
	return sum;
}

/* System time is what processes spent in the kernel; the rest of the time not idle is user time. */
int gen_stat(struct text *t, int32_t pid)
{
	struct ktimes k = machine_times();
	uint64_t busy = k.now_ns > k.idle_ns ? k.now_ns - k.idle_ns : 0;
	uint64_t system = data_system_ns() < busy ? data_system_ns() : busy;
	struct data_thread_counts c = data_threads();
	unsigned long long u = (busy - system) / TICK_NS, s = system / TICK_NS;
	unsigned long long idle = k.idle_ns / TICK_NS;
	const struct pm_procinfo *p;
	int32_t last = 0;

	(void)pid;
	while ((p = data_next(last)) != NULL)
		last = p->pid;
	text_add(t, "cpu  %llu 0 %llu %llu 0 0 0 0 0 0\n", u, s, idle);
	text_add(t, "cpu0 %llu 0 %llu %llu 0 0 0 0 0 0\n", u, s, idle);
	text_add(t, "intr %llu\nctxt %llu\nbtime %llu\n", (unsigned long long)interrupts_total(),
	         (unsigned long long)k.switches,
	         (unsigned long long)((wall_ns() - k.now_ns) / NS_PER_S));
	text_add(t, "processes %d\nprocs_running %u\nprocs_blocked 0\n", last, c.running);
	return 0;
}

int gen_meminfo(struct text *t, int32_t pid)
{
	struct vm_meminfo m;
	int r = ask_vm_mem(&m);
	const struct {
		const char *name;
		uint64_t bytes;
	} lines[] = {
		{"MemTotal", m.total_bytes},
		{"MemFree", m.free_bytes},
		{"MemAvailable", m.free_bytes + m.cached_bytes},
		{"Buffers", 0},
		{"Cached", m.cached_bytes},
		{"SwapCached", 0},
		{"SwapTotal", 0},
		{"SwapFree", 0},
		{"AnonPages", m.anon_bytes},
		{"Shmem", m.shared_bytes},
		{"PageTables", m.tables_bytes},
	};

	(void)pid;
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		text_add(t, "%s:%*s%10llu kB\n", lines[i].name, 14 - (int)strlen(lines[i].name), "",
		         (unsigned long long)(lines[i].bytes >> 10));
	return 0;
}

static int read_machine(struct kmachine *m)
{
	memset(m, 0, sizeof(*m));
	return k_getinfo(KINFO_MACHINE, m, sizeof(*m), 0) < 0 ? -EIO : 0;
}

int gen_loadavg(struct text *t, int32_t pid)
{
	struct data_thread_counts c = data_threads();
	const struct pm_procinfo *p;
	struct kmachine m;
	int32_t last = 0;

	(void)pid;
	if (read_machine(&m) < 0)
		return -EIO;
	while ((p = data_next(last)) != NULL)
		last = p->pid;
	for (int i = 0; i < 3; i++)
		text_add(t, "%u.%02u ", m.loadavg[i] >> 16, (m.loadavg[i] & 0xffff) * 100 >> 16);
	text_add(t, "%u/%u %d\n", c.running, c.total, last);
	return 0;
}

static void add_seconds(struct text *t, uint64_t ns, const char *after)
{
	text_add(t, "%llu.%02llu%s", (unsigned long long)(ns / NS_PER_S),
	         (unsigned long long)(ns % NS_PER_S / TICK_NS), after);
}

int gen_uptime(struct text *t, int32_t pid)
{
	struct ktimes k = machine_times();

	(void)pid;
	add_seconds(t, k.now_ns, " ");
	add_seconds(t, k.idle_ns, "\n");
	return 0;
}

int gen_version(struct text *t, int32_t pid)
{
	int r = add_uts(t, UTS_RELEASE, "Linux version ", " ");

	(void)pid;
	return r < 0 ? r : add_uts(t, UTS_VERSION, "", "\n");
}

int gen_cpuinfo(struct text *t, int32_t pid)
{
	unsigned a = 0, b, c = 0, d = 0, family, model;
	struct kmachine m;
	char vendor[13] = {0};

	(void)pid;
	if (read_machine(&m) < 0)
		return -EIO;
	if (__get_cpuid(0, &a, &b, &c, &d)) {
		memcpy(vendor, &b, 4);
		memcpy(vendor + 4, &d, 4);
		memcpy(vendor + 8, &c, 4);
	}
	if (!__get_cpuid(1, &a, &b, &c, &d))
		a = c = d = 0;
	family = (a >> 8 & 15) + ((a >> 8 & 15) == 15 ? a >> 20 & 0xff : 0);
	model = (a >> 4 & 15) | (a >> 12 & 0xf0);
	for (uint32_t i = 0; i < m.cpus; i++) {
		text_add(t, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
		         i, vendor, family, model);
		text_add(t, "model name\t: %.*s\nstepping\t: %u\n", (int)sizeof(m.cpu_name),
		         m.cpu_name, a & 15);
		text_add(t, "cpu MHz\t\t: %llu.%03llu\n", (unsigned long long)(m.tsc_hz / 1000000),
		         (unsigned long long)(m.tsc_hz / 1000 % 1000));
		text_add(t,
		         "flags\t\t: fpu tsc msr pae apic cmov mmx fxsr sse sse2 syscall nx "
		         "lm%s%s%s%s\n",
		         c & bit_SSE3 ? " pni" : "", c & bit_SSSE3 ? " ssse3" : "",
		         c & bit_SSE4_1 ? " sse4_1" : "", c & bit_SSE4_2 ? " sse4_2" : "");
		text_add(t, "bogomips\t: %llu.00\n\n", (unsigned long long)(m.tsc_hz / 500000));
	}
	return 0;
}

int gen_filesystems(struct text *t, int32_t pid)
{
	(void)pid;
	text_add(t, "nodev\tproc\nnodev\tprocfs\nnodev\tdevfs\n\tmfs\n");
	return 0;
}

int gen_devices(struct text *t, int32_t pid)
{
	(void)pid;
	text_add(t, "Character devices:\n  1 mem\n  4 tty\n  5 /dev/tty\n  5 /dev/ptmx\n136 "
	            "pts\n\nBlock devices:\n"
	            "  1 ramdisk\n  8 sd\n");
	return 0;
}

int gen_interrupts(struct text *t, int32_t pid)
{
	struct kirq_count list[IRQS_MAX];
	int n = k_getinfo(KINFO_IRQS, list, sizeof(list), 0);

	(void)pid;
	text_add(t, "           CPU0\n");
	for (int i = 0; i < n; i++) {
		const struct kproc_info *k = data_kernel(list[i].ep);
		text_add(t, "%4u: %10llu  %s  %.16s\n", list[i].line,
		         (unsigned long long)list[i].count, list[i].is_msi ? "PCI-MSI" : "IO-APIC",
		         k ? k->name : "-");
	}
	return 0;
}

int gen_boot_cmdline(struct text *t, int32_t pid)
{
	struct boot_info boot;

	(void)pid;
	if (k_getinfo(KINFO_BOOT, &boot, sizeof(boot), 0) < 0)
		return -EIO;
	text_add(t, "%.*s\n", (int)sizeof(boot.cmdline) - 1, boot.cmdline);
	return 0;
}

/* ---- links; vfs answers self for the caller, these are for whom it does not know ---- */

int gen_self(struct text *t, int32_t pid)
{
	(void)pid;
	text_add(t, "1");
	return 0;
}

int gen_thread_self(struct text *t, int32_t pid)
{
	(void)pid;
	text_add(t, "1/task/1");
	return 0;
}

int gen_mounts_link(struct text *t, int32_t pid)
{
	(void)pid;
	text_add(t, "self/mounts");
	return 0;
}

/* ---- /proc/sys ---- */

int gen_hostname(struct text *t, int32_t pid)
{
	(void)pid;
	return add_uts(t, UTS_NODENAME, "", "\n");
}

int gen_domainname(struct text *t, int32_t pid)
{
	(void)pid;
	return add_uts(t, UTS_DOMAIN, "", "\n");
}

int gen_ostype(struct text *t, int32_t pid)
{
	(void)pid;
	return add_uts(t, UTS_SYSNAME, "", "\n");
}

int gen_osrelease(struct text *t, int32_t pid)
{
	(void)pid;
	return add_uts(t, UTS_RELEASE, "", "\n");
}

int gen_osversion(struct text *t, int32_t pid)
{
	(void)pid;
	return add_uts(t, UTS_VERSION, "", "\n");
}

static int number(struct text *t, unsigned value)
{
	text_add(t, "%u\n", value);
	return 0;
}

int gen_pid_max(struct text *t, int32_t pid)
{
	(void)pid;
	return number(t, PID_MAX);
}

int gen_threads_max(struct text *t, int32_t pid)
{
	(void)pid;
	return number(t, NR_PROCS);
}

int gen_ngroups_max(struct text *t, int32_t pid)
{
	(void)pid;
	return number(t, NGROUPS_MAX);
}

int gen_cap_last_cap(struct text *t, int32_t pid)
{
	(void)pid;
	return number(t, 40);
}

int gen_overcommit(struct text *t, int32_t pid)
{
	(void)pid;
	return number(t, 0);
}

int gen_nr_open(struct text *t, int32_t pid)
{
	(void)pid;
	return number(t, FILES_MAX);
}

int gen_pipe_max(struct text *t, int32_t pid)
{
	(void)pid;
	return number(t, PIPE_BYTES);
}
