/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve. The call collects everything in a job (one of a few, they are large) before the point of
 * no return, which is VM_EXEC_NEW:
 *
 *     strings -> open, check, read head -> #! (again) | ELF -> PT_INTERP -> stack image
 *     -> VM_EXEC_NEW -> VM_MAP segments, stack -> copy stack -> close-on-exec -> PM_EXEC_COMMIT
 *
 * A failure after that point kills the process. The caller gets no reply: k_exec (by pm) ends its
 * call.
 */
#include <signal.h>
#include <string.h>
#include "axolotl/timepage.h"
#include "exec.h"
#include "random.h"

#define PHDR_BYTES 56u

static struct exec_job jobs[EXEC_JOBS];
static struct waitq job_wq;

static struct exec_job *take_job(struct call *c)
{
	for (;;) {
		for (unsigned i = 0; i < EXEC_JOBS; i++) {
			struct exec_job *j = &jobs[i];

			if (j->in_use)
				continue;
			j->in_use = true;
			j->main = j->interp = (struct exec_file){0};
			j->execfn[0] = '\0';
			exec_args_reset(&j->args);
			return j;
		}
		if (waitq_sleep(c, &job_wq, true) == -EINTR)
			return NULL;
	}
}

static void put_job(struct exec_job *j)
{
	vnode_unref(j->main.vn);
	vnode_unref(j->interp.vn);
	j->in_use = false;
	waitq_wake(&job_wq);
}

/* ---- strings ---- */

static int fetch_strings(struct call *c, struct exec_args *a, uint64_t uvec, bool is_env)
{
	while (uvec) {
		uint64_t ustr;
		size_t size;
		char *room;
		int r = user_read(c, &ustr, uvec, sizeof(ustr));

		if (r)
			return r;
		if (!ustr)
			return 0;
		room = exec_args_room(a, &size);
		r = size ? user_string(c, room, ustr, size) : -E2BIG;
		if (r >= 0)
			r = exec_args_added(a, (size_t)r, is_env);
		if (r)
			return r == -ENAMETOOLONG ? -E2BIG : r;
		uvec += sizeof(ustr);
	}
	return 0;
}

/* ---- files ---- */

/* May it be executed, and is it a file at all? Reads its head. */
static int open_file(struct call *c, struct exec_file *x)
{
	struct io io = {.ep = EP_SELF, .addr = (uint64_t)x->head, .len = sizeof(x->head)};
	int64_t n;
	int r;

	if (!VN_IS(x->vn, S_IFREG))
		return -EACCES;
	r = vnode_access(c, x->vn, X_OK);
	if (r)
		return r;
	n = fs_read(c, x->vn, &io, FS_IO_AHEAD);
	if (n < 0)
		return (int)n;
	x->head_len = (size_t)n;
	return 0;
}

static int walk_to(struct call *c, const char *path, struct exec_file *x)
{
	struct walk w = {.flags = WALK_FOLLOW};
	int r;

	if (strlen(path) >= sizeof(c->path))
		return -ENAMETOOLONG;
	memmove(c->path, path, strlen(path) + 1);
	r = path_walk(c, &w, NULL);
	if (r)
		return r;
	x->vn = w.vn;
	return open_file(c, x);
}

/* Program headers that lie behind the head: read into table. */
static int parse_far(struct call *c, struct exec_file *x, uint64_t *table)
{
	struct elf_table t;
	struct io io = {.ep = EP_SELF, .addr = (uint64_t)table};
	int r = elf_table(x->head, x->head_len, x->vn->attr.size_bytes, &t);

	if (r)
		return r;
	io.pos = t.offset;
	io.len = t.len_bytes;
	if (t.len_bytes > ELF_PHDRS_MAX * PHDR_BYTES ||
	    fs_read(c, x->vn, &io, 0) != (int64_t)t.len_bytes)
		return -ENOEXEC;
	return elf_parse_table(x->head, table, x->vn->attr.size_bytes, &x->elf);
}

static int parse(struct call *c, struct exec_file *x)
{
	uint64_t table[ELF_PHDRS_MAX * PHDR_BYTES / 8];
	int r = vnode_attr(c, x->vn);

	if (r)
		return r;
	r = elf_parse(x->head, x->head_len, x->vn->attr.size_bytes, &x->elf);
	return r == -E2BIG ? parse_far(c, x, table) : r;
}

/* The interpreter (ld.so) of a dynamic program. Its path is whatever the file says: it may be missing
 * (ENOENT), no file or not executable (EACCES), no program, or a program that wants an interpreter
 * itself (ELIBBAD), so there is never more than one. */
static int open_interp(struct call *c, struct exec_job *j)
{
	const struct elf_image *e = &j->main.elf;
	char *path = j->script; /* no script any more */
	struct io io = {.ep = EP_SELF,
	                .addr = (uint64_t)path,
	                .pos = e->interp_offset,
	                .len = e->interp_bytes};
	int r;

	_Static_assert(sizeof(j->script) >= ELF_INTERP_MAX, "a path that elf_parse() lets pass");
	if (!e->has_interp)
		return 0;
	if (fs_read(c, j->main.vn, &io, 0) != (int64_t)e->interp_bytes ||
	    path[e->interp_bytes - 1] != '\0')
		return -ENOEXEC;
	r = walk_to(c, path, &j->interp);
	if (r)
		return r;
	r = parse(c, &j->interp);
	return r == -ENOEXEC || (!r && j->interp.elf.has_interp) ? -ELIBBAD : r;
}

/* Program and interpreter get their places, below all that mmap hands out and apart. */
static int place_images(struct exec_job *j)
{
	struct exec_file *m = &j->main, *i = &j->interp;
	int r = elf_place(&m->elf, VM_PIE_BASE, VM_MMAP_TOP, &m->bias);

	if (r || !i->vn)
		return r;
	r = elf_place(&i->elf, VM_INTERP_BASE, VM_MMAP_TOP, &i->bias);
	return !r && elf_overlap(&m->elf, m->bias, &i->elf, i->bias) ? -ENOMEM : r;
}

/* A script: its interpreter becomes the program, and the script's name its argument. */
static int enter_script(struct call *c, struct exec_job *j)
{
	const char *interp, *arg;
	char line[EXEC_LINE_MAX];
	size_t len = j->main.head_len < sizeof(line) ? j->main.head_len : sizeof(line) - 1;
	int r;

	memcpy(line, j->main.head, len);
	line[len] = '\0';
	r = exec_shebang(line, len + 1, &interp, &arg);
	if (r)
		return r;
	exec_args_pop(&j->args);
	r = exec_args_push(&j->args, j->script);
	if (!r && *arg)
		r = exec_args_push(&j->args, arg);
	if (!r)
		r = exec_args_push(&j->args, interp);
	if (r)
		return r;
	(void)snprintf(j->script, sizeof(j->script), "%s", interp);
	vnode_unref(j->main.vn);
	j->main.vn = NULL;
	return walk_to(c, interp, &j->main);
}

/* From an opened j->main to parsed images. */
static int load_images(struct call *c, struct exec_job *j)
{
	int r = 0;

	for (unsigned depth = 0; depth <= EXEC_SCRIPTS_MAX; depth++) {
		if (j->main.head_len < 2 || j->main.head[0] != '#' || j->main.head[1] != '!') {
			r = parse(c, &j->main);
			return r ? r : open_interp(c, j);
		}
		r = enter_script(c, j);
		if (r)
			return r;
	}
	return -ELOOP;
}

/* ---- identity ---- */

static void decide_ids(struct call *c, struct exec_job *j)
{
	const struct proc *p = c->proc;
	const struct fs_attr *a = &j->main.vn->attr;

	j->flags = 0;
	j->euid = p->euid;
	j->egid = p->egid;
	if (j->main.vn->mount->flags & 2) /* MS_NOSUID */
		return;
	if (a->mode & S_ISUID) {
		j->flags |= PM_EXEC_SETUID;
		j->euid = a->uid;
	}
	if ((a->mode & (S_ISGID | 010)) == (S_ISGID | 010)) {
		j->flags |= PM_EXEC_SETGID;
		j->egid = a->gid;
	}
}

static void put_aux(struct exec_stack *s, uint64_t type, uint64_t value)
{
	s->aux[s->aux_count++] = (struct exec_aux){type, value};
}

static void build_aux(struct call *c, struct exec_job *j)
{
	const struct elf_image *e = &j->main.elf;
	const struct proc *p = c->proc;
	struct exec_stack *s = &j->stack;

	s->aux_count = 0;
	put_aux(s, AUX_SYSINFO_EHDR, VDSO_VA);
	put_aux(s, AUX_HWCAP, exec_hwcap());
	put_aux(s, AUX_PAGESZ, PAGE_BYTES);
	put_aux(s, AUX_CLKTCK, 100);
	put_aux(s, AUX_PHDR, e->phdr_vaddr ? e->phdr_vaddr + j->main.bias : 0);
	put_aux(s, AUX_PHENT, e->phentsize);
	put_aux(s, AUX_PHNUM, e->phnum);
	put_aux(s, AUX_BASE, j->interp.vn ? j->interp.bias : 0);
	put_aux(s, AUX_FLAGS, 0);
	put_aux(s, AUX_ENTRY, e->entry + j->main.bias);
	put_aux(s, AUX_UID, p->uid);
	put_aux(s, AUX_EUID, j->euid);
	put_aux(s, AUX_GID, p->gid);
	put_aux(s, AUX_EGID, j->egid);
	put_aux(s, AUX_SECURE, j->euid != p->uid || j->egid != p->gid);
}

static int build_stack(struct call *c, struct exec_job *j)
{
	int r = place_images(j);

	if (r)
		return r;
	j->stack.top = VM_STACK_TOP;
	j->stack.execfn = j->execfn;
	random_bytes(j->stack.random, sizeof(j->stack.random));
	decide_ids(c, j);
	build_aux(c, j);
	return exec_stack_build(&j->args, &j->stack, j->vector, EXEC_WORDS_MAX);
}

/* ---- the call ---- */

static void name_process(struct call *c, struct exec_job *j)
{
	const char *base = strrchr(j->execfn, '/');

	(void)snprintf(j->name, sizeof(j->name), "%.15s", base ? base + 1 : j->execfn);
	if (path_of(c, j->main.vn, j->exe, sizeof(j->exe)) < 0)
		(void)snprintf(j->exe, sizeof(j->exe), "%.*s", (int)sizeof(j->exe) - 1, j->execfn);
}

static int prepare(struct call *c, struct exec_job *j, uint64_t uargv, uint64_t uenvp)
{
	int r = fetch_strings(c, &j->args, uargv, false);

	if (!r && j->args.argc == 0)
		r = exec_args_add(&j->args, "", false);
	if (!r)
		r = fetch_strings(c, &j->args, uenvp, true);
	if (!r)
		r = load_images(c, j);
	if (!r)
		r = build_stack(c, j);
	if (!r)
		name_process(c, j);
	return r;
}

static int64_t run_job(struct call *c, struct exec_job *j, const struct at *at)
{
	struct walk w = {.flags = at->flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW};
	int r;

	(void)snprintf(j->script, sizeof(j->script), "%s", j->execfn);
	r = path_at(c, &w, at->dirfd, at->upath);
	if (r)
		return r;
	j->main.vn = w.vn;
	r = VN_IS(w.vn, S_IFLNK) ? -ELOOP : open_file(c, &j->main);
	return r ? r : prepare(c, j, c->args[1], c->args[2]);
}

/* execveat(fd, "", ..., AT_EMPTY_PATH) */
static int64_t run_fd(struct call *c, struct exec_job *j, int fd)
{
	struct file *f = file_get(c, fd);
	int r;

	if (!f)
		return -EBADF;
	(void)snprintf(j->execfn, sizeof(j->execfn), "/dev/fd/%d", fd);
	(void)snprintf(j->script, sizeof(j->script), "%s", j->execfn);
	j->main.vn = f->vn;
	if (f->vn)
		vnode_ref(f->vn);
	file_unref(f);
	r = j->main.vn ? open_file(c, &j->main) : -EACCES;
	return r ? r : prepare(c, j, c->args[1], c->args[2]);
}

static int64_t do_exec(struct call *c, const struct at *at)
{
	struct exec_job *j = take_job(c);
	int64_t r;

	if (!j)
		return -ERESTARTSYS;
	r = user_string(c, j->execfn, at->upath, sizeof(j->execfn));
	if (r == 0 && (at->flags & AT_EMPTY_PATH))
		r = run_fd(c, j, at->dirfd);
	else if (r >= 0)
		r = run_job(c, j, at);
	if (!r)
		r = exec_commit(c, j);
	put_job(j);
	return r;
}

int64_t sys_execve(struct call *c)
{
	return do_exec(c, &(struct at){AT_FDCWD, c->args[0], 0});
}

int64_t sys_execveat(struct call *c)
{
	struct at at = {(int)c->args[0], c->args[1], (uint32_t)c->args[4]};
	int64_t r;

	if (at.flags & ~(uint32_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	/* The strings are where execve has them, one argument further on. */
	c->args[1] = c->args[2];
	c->args[2] = c->args[3];
	r = do_exec(c, &at);
	return r;
}

/* ---- pid 1 ---- */

static int open_console(struct call *c)
{
	struct file *f;
	struct walk w = {.flags = WALK_FOLLOW};
	int r;

	(void)snprintf(c->path, sizeof(c->path), "/dev/console");
	r = path_walk(c, &w, NULL);
	if (r)
		return r;
	r = open_vnode(c, w.vn, O_RDWR, &f);
	walk_done(&w);
	for (unsigned i = 0; !r && i < 3; i++) {
		file_ref(f);
		r = file_install(c, f, false);
		r = r < 0 ? r : 0;
	}
	if (!r || f)
		file_unref(f);
	return r;
}

static int spawn(struct call *c, struct exec_job *j)
{
	static const char *const env[] = {"HOME=/", "TERM=linux", "PATH=/bin:/sbin"};
	int r;

	(void)snprintf(j->execfn, sizeof(j->execfn), "/sbin/init");
	(void)snprintf(j->script, sizeof(j->script), "/sbin/init");
	r = exec_args_add(&j->args, j->execfn, false);
	for (unsigned i = 0; !r && i < sizeof(env) / sizeof(env[0]); i++)
		r = exec_args_add(&j->args, env[i], true);
	if (!r)
		r = walk_to(c, j->execfn, &j->main);
	if (!r)
		r = load_images(c, j);
	if (!r)
		r = build_stack(c, j);
	if (!r) {
		name_process(c, j);
		r = exec_commit(c, j);
	}
	return r;
}

void exec_spawn_run(struct call *c)
{
	struct vfs_rep rep = {0};
	struct vfs_ep req;
	struct exec_job *j;

	msg_get(&c->req, &req);
	rep.id = req.id;
	c->proc = proc_find(req.ep);
	c->ep = req.ep;
	if (!c->proc) {
		rep.result = -ESRCH;
	} else {
		int r = open_console(c);

		if (r)
			sys_log("vfs: init has no console: %d", r);
		j = take_job(c);
		rep.result = j ? spawn(c, j) : -EINTR;
		if (j)
			put_job(j);
	}
	c->proc = NULL;
	sys_reply(&c->req, c->how, &rep);
}
