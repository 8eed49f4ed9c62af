/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private types of vfs: calls, processes, open files, vnodes, mounts.
 *
 * Every request that may have to wait runs in a fiber of its own and is described by a struct call;
 * a process has at most one at a time. Fibers are cooperative: state changes only where a fiber
 * waits, that is in call_wait() and everything built on it (fs_*, chr_*, user_*). References are
 * counted; whoever keeps a pointer over a wait holds a reference.
 */
#ifndef SERVERS_VFS_VFS_H
#define SERVERS_VFS_VFS_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include "sys/sys.h"
#include "fiber/fiber.h"
#include "axolotl/chr.h"
#include "axolotl/fsp.h"
#include "axolotl/pm.h"
#include "axolotl/vfs.h"
#include "fdtab.h"

#define CALLS_MAX  (NR_PROCS + 96)
#define FILES_MAX  8192
#define VNODES_MAX 8192
#define MOUNTS_MAX 16
#define GROUPS_MAX 32
#define LINKS_MAX  40 /* symbolic links followed in one path */
#define SCRATCH    PATH_MAX

/* ---- waiting ---- */

struct call;
struct walk;
struct waitq_entry {
	struct call *call;
	struct waitq *queue;
	struct waitq_entry *next, *prev;
};
struct waitq {
	struct waitq_entry *head;
	uint32_t wakes; /* runs on; tells edge-triggered epoll that something happened */
};

/* The one asynchronous request that a call waits for. */
struct await {
	uint32_t id;
	uint32_t type; /* of the reply */
	endpoint_t from;
	bool is_done;
	bool is_dead; /* the server died first */
	struct msg rep;
};

struct call {
	bool in_use;
	bool no_reply;     /* exec: the caller has a new image */
	struct proc *proc; /* NULL: work of vfs itself or for vm, procfs */
	endpoint_t ep;
	unsigned nr; /* Linux call */
	uint64_t args[6];
	struct msg req;
	enum ipc_primitive how;
	void (*run)(struct call *c);

	struct fiber *fiber;
	bool is_waiting;
	bool is_woken; /* fiber_wake() has been called for this wait */
	bool can_interrupt;
	bool is_interrupted;
	bool has_event; /* a queue that we are in was woken */
	bool is_marked; /* waitq_wake() has not come to us yet */
	bool is_late;
	uint64_t deadline_ns; /* 0: none */
	struct await aw;

	/* memory that file servers are granted */
	struct fs_attr attr;
	char name[2 * (FS_NAME_MAX + 1)];
	char path[PATH_MAX]; /* what is left to walk */
	char buf[SCRATCH];   /* link targets, small transfers */
};

/* ---- processes ---- */

struct fsctx { /* shared by CLONE_FS */
	uint32_t refs;
	uint32_t umask;
	struct vnode *cwd, *root;
};

struct proc {
	endpoint_t ep; /* EP_NONE: free */
	int32_t pid, pgid, sid;
	uint32_t uid, euid, gid, egid;
	uint32_t ngroups;
	uint32_t groups[GROUPS_MAX];
	struct fdtab *fds;
	struct fsctx *fs;
	struct call *call; /* in progress */
	bool is_exiting;   /* VFS_EXIT came while the call was in progress */
	bool is_abandoned; /* its slot has a new process, its call is still in progress */
	struct msg exit_req;
	char exe[256];
};

/* ---- vnodes and mounts ---- */

struct mount {
	bool in_use;
	bool is_dead;
	bool is_dev;      /* served by vfs itself (devfs.c) */
	bool is_volatile; /* procfs: names and attributes are not cached */
	bool is_proc;
	bool is_busy; /* being mounted or unmounted */
	endpoint_t ep;
	uint32_t flags; /* MS_* */
	struct vnode *root;
	struct vnode *covered; /* NULL: the root mount */
	char label[LABEL_MAX], unit[LABEL_MAX], type[16];
	char where[128]; /* as given, for /proc/mounts */
};

struct vnode {
	struct mount *mount; /* NULL: free */
	uint32_t ino;
	uint32_t refs;
	uint32_t fs_refs; /* references that the file server counts for us */
	struct fs_attr attr;
	bool attr_valid;
	bool is_gone;          /* unlinked or removed: forget it when refs becomes 0 */
	uint32_t attr_gen;     /* changes with each operation that changes attributes */
	uint32_t name_gen;     /* directory: changes with each operation that changes names */
	struct mount *mounted; /* on top of this directory */
	struct pipe *fifo;
	struct lock *locks;
	struct waitq lock_wq;
	struct unix_sock *sock; /* bound to it */
	struct token *token;    /* current version for vm */
	struct vnode *hash_next;
	struct vnode *lru_next, *lru_prev; /* while refs == 0 */
};

/* ---- open files ---- */

/* A transfer: memory of a process or (EP_SELF) of vfs. */
struct io {
	endpoint_t ep;
	uint64_t addr;
	uint64_t len;
	uint64_t pos;
	uint32_t flags; /* O_* of the file, as far as they matter */
};

#define IO_BYTES_MAX 0x7ffff000u /* of one call, as in Linux */

/* An iovec array in the caller's memory. */
struct vector {
	uint64_t addr;
	unsigned count;
	uint64_t total; /* set by vector_check() */
};

struct file;
struct sock_ops;
struct file_ops {
	/* Bytes or -errno. NULL: -EINVAL. */
	int64_t (*read)(struct call *c, struct file *f, struct io *io);
	int64_t (*write)(struct call *c, struct file *f, struct io *io);
	int64_t (*ioctl)(struct call *c, struct file *f, unsigned cmd, uint64_t arg);
	/* POLL* bits that hold now; may wait for a driver. NULL: always readable and writable. */
	unsigned (*poll)(struct call *c, struct file *f, unsigned wanted);
	/* Last reference is gone; must not wait. */
	void (*release)(struct file *f);
	/* One reference of several is gone; must not wait. NULL: who cares. */
	void (*dropped)(struct file *f);
	const struct sock_ops *sock; /* NULL: no socket */
	bool is_seekable;
};

struct file {
	uint32_t refs;  /* 0: free */
	uint32_t flags; /* O_* */
	const struct file_ops *ops;
	struct vnode *vn; /* NULL: pipe, socket, eventfd, ... */
	struct waitq *wq; /* woken when readiness may have changed; NULL: always ready */
	uint64_t pos;
	bool pos_busy;    /* a read or write that moves pos is in progress */
	bool reads_ahead; /* the last read ended where this one begins */
	uint64_t next_pos;
	uint32_t epolls; /* interest lists that it is in */
	void *obj;       /* of ops */
	uint32_t arg;    /* of ops */
};

#define FILE_READABLE(f)                                                                           \
	(((f)->flags & O_ACCMODE) == O_RDONLY || ((f)->flags & O_ACCMODE) == O_RDWR)
#define FILE_WRITABLE(f)                                                                           \
	(((f)->flags & O_ACCMODE) == O_WRONLY || ((f)->flags & O_ACCMODE) == O_RDWR)

/* ---- call.c ---- */

void call_init(void);
/* Starts run() in a fiber; false if there is none left. */
bool call_start(const struct msg *m, enum ipc_primitive how, struct proc *p,
                void (*run)(struct call *c));
/* Suspends until call_wake(): 0, or -EINTR, or -ETIMEDOUT. deadline 0: none. */
int call_wait(struct call *c, bool can_interrupt, uint64_t deadline_ns);
void call_wake(struct call *c);
void call_interrupt(struct call *c);
uint64_t call_expire(uint64_t now); /* wakes the late ones; returns the next deadline or 0 */
void call_reply(struct call *c, int64_t result);

void waitq_add(struct waitq *q, struct waitq_entry *e, struct call *c);
void waitq_del(struct waitq_entry *e);
void waitq_wake(struct waitq *q);
int waitq_sleep(struct call *c, struct waitq *q, bool can_interrupt);

uint32_t await_prepare(struct call *c, endpoint_t from, uint32_t type); /* returns the id */
int await_send(struct call *c, const struct msg *m);                    /* to aw.from */
int await_reply(struct call *c, bool can_interrupt);   /* 0, -EINTR, -EIO: server is dead */
int await_answer(struct call *c, const struct msg *m); /* both; not to be interrupted */
/* The same for a request that a signal ends: `cancel` is sent, and the reply waited for. */
int await_reply_or_cancel(struct call *c, const struct msg *cancel); /* -EINTR: and then it died */
void await_deliver(const struct msg *m, uint32_t id);
void await_dead(endpoint_t ep);
void alarm_at(uint64_t t_ns);

/* ---- user.c: memory of processes ---- */

int user_read(struct call *c, void *dst, uint64_t addr, size_t len) MUST_CHECK;
int user_write(struct call *c, uint64_t addr, const void *src, size_t len) MUST_CHECK;
/* A string of at most size - 1 bytes: its length, -EFAULT, or -ENAMETOOLONG. */
int user_string(struct call *c, char *dst, uint64_t addr, size_t size) MUST_CHECK;
int user_fault_in(struct call *c, const struct io *io, bool is_write) MUST_CHECK;
/* Between a transfer's memory and vfs. */
int io_put(struct call *c, const struct io *io, const void *src, size_t len) MUST_CHECK;
int io_get(struct call *c, const struct io *io, void *dst, size_t len) MUST_CHECK;
static inline void io_advance(struct io *io, uint64_t n)
{
	io->addr += n;
	io->len -= n;
	io->pos += n;
}

/* ---- proc.c ---- */

void proc_init(void);
struct proc *proc_find(endpoint_t ep);   /* NULL if unknown */
struct proc *proc_obtain(endpoint_t ep); /* asks pm about an unknown one */
void proc_fork(const struct msg *m);
void proc_exit(const struct msg *m, enum ipc_primitive how);
void proc_update(const struct msg *m, enum ipc_primitive how);
void proc_call_ended(struct proc *p);
void proc_set_root(struct vnode *root); /* boot: of everybody who has none */
bool proc_in_group(const struct proc *p, uint32_t gid);
int proc_unshare_fds(struct proc *p);
int proc_signal(int32_t pid, int signo, endpoint_t cause);
/* R_OK, W_OK, X_OK by effective ids. */
int vnode_access(struct call *c, struct vnode *v, int want) MUST_CHECK;
/* By other ids: access(2). */
struct cred {
	const struct proc *proc;
	uint32_t uid, gid;
};
int vnode_access_as(struct call *c, struct vnode *v, const struct cred *cr, int want) MUST_CHECK;

/* ---- file.c ---- */

struct file *file_new(const struct file_ops *ops, uint32_t flags); /* refs = 1; NULL: -ENFILE */
void file_ref(struct file *f);
void file_unref(struct file *f);
struct file *file_get(struct call *c, int fd);                  /* with a reference; NULL: -EBADF */
int file_install(struct call *c, struct file *f, bool cloexec); /* fd; takes the reference */
int file_close(struct proc *p, int fd);
int64_t file_read(struct call *c, struct file *f, struct io *io);
int64_t file_write(struct call *c, struct file *f, struct io *io);
void file_pos_lock(struct call *c, struct file *f);
void file_pos_unlock(struct file *f);
int file_stat(struct call *c, struct file *f, struct stat *st) MUST_CHECK;
unsigned file_poll(struct call *c, struct file *f, unsigned wanted);
int vector_check(struct call *c, struct vector *v) MUST_CHECK; /* rw.c */
extern const struct file_ops regular_ops;                      /* rw.c */

/* ---- ahead.c: windows of files that are read in small pieces ---- */

/* May this read come from a window? */
bool ahead_wants(const struct file *f, const struct io *io);
int64_t ahead_read(struct call *c, struct file *f, struct io *io);
void ahead_release(struct file *f);

/* ---- vnode.c ---- */

void vnode_ref(struct vnode *v);
void vnode_unref(struct vnode *v);
struct vnode *vnode_find(struct mount *m, uint32_t ino); /* with a reference */
/* From a reply that gave us a reference on attr->ino. */
struct vnode *vnode_from_reply(struct mount *m, const struct fs_attr *attr);
int vnode_attr(struct call *c, struct vnode *v) MUST_CHECK; /* makes v->attr valid */
void vnode_changed(struct vnode *v);
bool mount_is_in_use(struct mount *m);
/* Forgets unused vnodes; how many could not be, because their server has not taken enough messages. */
unsigned mount_forget_all(struct mount *m);
#define VN_IS(v, type) (((v)->attr.mode & S_IFMT) == (type))

/* ---- fsop.c, fsname.c: operations of a file system ---- */

int fs_lookup(struct call *c, struct vnode *dir, const char *name, struct vnode **out) MUST_CHECK;
int fs_getattr(struct call *c, struct vnode *v) MUST_CHECK;
int fs_setattr(struct call *c, struct vnode *v, struct fs_setattr *s) MUST_CHECK;
int64_t fs_read(struct call *c, struct vnode *v, struct io *io, uint32_t fs_flags);
int64_t fs_write(struct call *c, struct vnode *v, struct io *io, uint32_t fs_flags);
/* Directory records into c->buf; *cookie moves on; bytes or -errno. */
int fs_readdir(struct call *c, struct vnode *v, uint64_t *cookie) MUST_CHECK;
int fs_readlink(struct call *c, struct vnode *v) MUST_CHECK; /* into c->buf, terminated */
int fs_op(struct call *c, struct mount *m, enum fs_msg op, uint32_t ino) MUST_CHECK;
int fs_statfs(struct call *c, struct mount *m, struct fs_statfs *s) MUST_CHECK;
struct fs_make {
	enum fs_msg op; /* FS_CREATE, FS_MKDIR, FS_MKNOD, FS_SYMLINK */
	uint32_t mode;
	uint32_t rdev;
	const char *target;
};
int fs_make(struct call *c, struct walk *w, const struct fs_make *k) MUST_CHECK; /* sets w->vn */
int fs_remove(struct call *c, struct walk *w, enum fs_msg op) MUST_CHECK;
int fs_link(struct call *c, struct walk *w, struct vnode *old) MUST_CHECK;
int fs_rename(struct call *c, struct walk *from, struct walk *to) MUST_CHECK;
/* Sends m to the mount's server and waits: its result; the reply is in c->aw.rep. */
int fs_transact(struct call *c, struct mount *m, struct msg *msg, struct fs_rep *rep) MUST_CHECK;

/* ---- path.c ---- */

#define WALK_FOLLOW 1u /* a symbolic link at the end is followed */
#define WALK_PARENT 2u /* the last component need not exist; dir and name are wanted */
struct walk {
	unsigned flags;
	struct vnode *dir; /* WALK_PARENT: directory of the last component */
	struct vnode *vn;  /* what was found, or NULL with WALK_PARENT */
	unsigned name_len;
	bool want_dir; /* the path ended in a slash */
	bool is_dots;  /* the last component was ".", ".." or nothing but slashes */
	char name[FS_NAME_MAX + 1];
};
/* Walks c->path from base (NULL: cwd). On success the caller ends with walk_done(). */
int path_walk(struct call *c, struct walk *w, struct vnode *base) MUST_CHECK;
/* The same for a path in the caller's memory, relative to dirfd. */
int path_at(struct call *c, struct walk *w, int dirfd, uint64_t upath) MUST_CHECK;
/* Its two halves: the path comes into c->path; it is walked. */
int path_fetch(struct call *c, uint64_t upath) MUST_CHECK;
int path_from(struct call *c, struct walk *w, int dirfd) MUST_CHECK;
void walk_done(struct walk *w);
/* The vnode that (dirfd, path, AT_* flags) names, with a reference. */
struct at {
	int dirfd;
	uint64_t upath;
	uint32_t flags;
};
int path_vnode(struct call *c, const struct at *at, struct vnode **out) MUST_CHECK;
/* Target of the symbolic link v that was found under that name, into c->buf. */
int path_readlink(struct call *c, struct vnode *v, const char *name) MUST_CHECK;
/* Path text of a vnode relative to root; `not_from`: a server that must not be asked. */
int path_of(struct call *c, struct vnode *v, char *out, size_t size) MUST_CHECK;

/* ---- names.c ---- */

/* May the caller change names in dir? */
int names_may_make(struct call *c, struct vnode *dir) MUST_CHECK;

/* ---- open.c ---- */

/* A new open file of v; the file keeps its own reference. */
int open_vnode(struct call *c, struct vnode *v, uint32_t flags, struct file **out) MUST_CHECK;

/* ---- pipe.c ---- */

int pipe_open_fifo(struct call *c, struct vnode *v, uint32_t flags, struct file **out) MUST_CHECK;
int pipe_reopen(struct file *f, uint32_t flags, struct file **out) MUST_CHECK;
int pipe_make(struct file *ends[2], uint32_t flags) MUST_CHECK; /* reading, writing */
bool file_is_pipe(const struct file *f);
static inline bool file_is_socket(const struct file *f)
{
	return f->ops->sock != NULL;
}

/* ---- mount.c, boot.c ---- */

extern struct mount mounts[MOUNTS_MAX];
extern struct vnode *root_vnode;
struct mount_req {
	const char *type, *unit, *where;
	uint32_t flags;
	struct vnode *covered; /* NULL: root */
};
int mount_do(struct call *c, const struct mount_req *r) MUST_CHECK;
void mount_label_changed(const char *label, endpoint_t ep);
void boot_unit_appeared(const char *unit);
struct mount *mount_of_unit(const char *unit); /* NULL: not mounted */
int mounts_text(char *buf, size_t size);

/* ---- ds changes ---- */

void dev_ds_change(const struct ds_change *ch);

/* ---- info.c ---- */

void info_run(struct call *c);

/* ---- vmserve.c ---- */

void vm_fd_map_run(struct call *c);
void vm_fetch_run(struct call *c);
void vm_token_release(const struct msg *m);
/* A counted reference on v's current version for a VM_MAP; 0: table full. */
uint64_t token_take(struct vnode *v);
void token_release(uint64_t token, uint32_t refs);
void token_outdated(struct vnode *v); /* contents change or the file is removed */

/* ---- exec.c ---- */

void exec_spawn_run(struct call *c);

/* ---- time ---- */

struct timespec;
/* Deadline from a relative time: 0 = none wanted (ts NULL); never returns 0 otherwise. */
uint64_t deadline_after(uint64_t ns);

/* ---- calls.def ---- */

#define LINUX_CALL(number, handler) int64_t handler(struct call *c);
#include "calls.def"
#undef LINUX_CALL
int64_t linux_call(struct call *c);

#endif
