/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structures of the Linux x86-64 kernel ABI that pm reads from and writes to applications, where
 * the C library's own structures differ or do not exist. Layouts: Linux UAPI asm/sigcontext.h,
 * asm/ucontext.h, asm/signal.h, asm-generic/siginfo.h, linux/resource.h, linux/sysinfo.h.
 */
#ifndef PM_LINUX_ABI_H
#define PM_LINUX_ABI_H

#include <stddef.h>
#include <stdint.h>

#define KSIG_DFL 0u
#define KSIG_IGN 1u

struct ksigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};
_Static_assert(sizeof(struct ksigaction) == 32, "struct kernel_sigaction");

#define KSIG_SET_BYTES 8

struct kstack {
	uint64_t sp;
	int32_t flags;
	int32_t pad;
	uint64_t size;
};
_Static_assert(sizeof(struct kstack) == 24, "stack_t");

#define KSS_ONSTACK    1
#define KSS_DISABLE    2
#define KSS_AUTODISARM (1u << 31)
#define KMINSIGSTKSZ   2048

struct ksiginfo {
	int32_t signo, err, code, pad;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			union {
				uint64_t value; /* SI_QUEUE, SI_MESGQ */
				struct {
					int32_t status;
					int32_t pad;
					int64_t utime, stime; /* clock ticks */
				} child;
			} u;
		} from;
		struct {
			int32_t tid, overrun;
			uint64_t value;
		} timer;
		uint64_t addr;
		uint8_t raw[112];
	} u;
};
_Static_assert(sizeof(struct ksiginfo) == 128, "siginfo_t");
_Static_assert(offsetof(struct ksiginfo, u.from.u.child.utime) == 32, "si_utime");

struct ksigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};
_Static_assert(sizeof(struct ksigcontext) == 256, "struct sigcontext");

struct kucontext {
	uint64_t flags;
	uint64_t link;
	struct kstack stack;
	struct ksigcontext mc;
	uint64_t sigmask;
};
_Static_assert(sizeof(struct kucontext) == 304, "struct ucontext");

#define KUC_SIGCONTEXT_SS     2u
#define KUC_STRICT_RESTORE_SS 4u

struct ksigframe {
	uint64_t pretcode;
	struct kucontext uc;
	struct ksiginfo info;
};
_Static_assert(sizeof(struct ksigframe) == 440, "struct rt_sigframe");

struct ktimespec {
	int64_t sec, nsec;
};
struct ktimeval {
	int64_t sec, usec;
};
struct kitimerval {
	struct ktimeval interval, value;
};
struct kitimerspec {
	struct ktimespec interval, value;
};

struct krusage {
	struct ktimeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock;
	int64_t msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct krusage) == 144, "struct rusage");

struct krlimit {
	uint64_t cur, max;
};
#define KRLIM_COUNT    16
#define KRLIM_INFINITY (~0ull)

struct ksysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint32_t pad2;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
	uint32_t tail;
};
_Static_assert(sizeof(struct ksysinfo) == 112, "struct sysinfo");

#define KUTS_FIELD 65
struct kutsname {
	char sysname[KUTS_FIELD], nodename[KUTS_FIELD], release[KUTS_FIELD];
	char version[KUTS_FIELD], machine[KUTS_FIELD], domainname[KUTS_FIELD];
};
_Static_assert(sizeof(struct kutsname) == 390, "struct new_utsname");

struct ksigevent {
	uint64_t value;
	int32_t signo;
	int32_t notify;
	int32_t tid;
	int32_t pad[11];
};
_Static_assert(sizeof(struct ksigevent) == 64, "sigevent_t");

#endif
