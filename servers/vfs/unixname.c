/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of local sockets. A path is a node of the file system, which its vnode ties to the socket; an
 * abstract name is found by looking at all sockets. /proc/net/unix.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "unix.h"

void unix_put_name(const struct unix_addr *from, struct sock_addr *to)
{
	_Static_assert(SOCK_ADDR_BYTES > UNIX_ADDR_BYTES, "a local address fits");
	to->len = (uint32_t)unixaddr_store(from, to->bytes);
}

/* Each type has names of its own. */
static struct unix_sock *find_abstract(const struct unix_addr *a, uint32_t type)
{
	for (unsigned i = 0; i < UNIX_SOCKS_MAX; i++) {
		struct unix_sock *s = &unix_socks[i];

		if (s->state != UNIX_FREE && s->owns_name && s->type == type &&
		    unixaddr_equal(&s->addr, a))
			return s;
	}
	return NULL;
}

static int find_path(struct call *c, const struct unix_addr *a, struct unix_sock **out)
{
	struct walk w = {.flags = WALK_FOLLOW};
	int r;

	memcpy(c->path, a->name, sizeof(a->name));
	r = path_walk(c, &w, NULL);
	if (r)
		return r;
	*out = w.vn->sock;
	r = VN_IS(w.vn, S_IFSOCK) ? vnode_access(c, w.vn, W_OK) : -ECONNREFUSED;
	if (!r)
		*out = w.vn->sock; /* the question may have taken a while */
	walk_done(&w);
	return r;
}

int unix_find(struct call *c, const struct sock_addr *a, uint32_t type, struct file **out)
{
	struct unix_sock *s = NULL;
	struct unix_addr u;
	int r = unixaddr_parse(a->bytes, a->len, &u);

	if (r || u.len == 0)
		return -EINVAL;
	if (unixaddr_is_abstract(&u))
		s = find_abstract(&u, type);
	else
		r = find_path(c, &u, &s);
	if (r)
		return r;
	if (!s || !s->file)
		return -ECONNREFUSED;
	if (s->type != type)
		return -EPROTOTYPE;
	file_ref(s->file);
	*out = s->file;
	return 0;
}

static int bind_path(struct call *c, struct unix_sock *s, const struct unix_addr *a)
{
	struct fs_make k = {.op = FS_MKNOD, .mode = S_IFSOCK | (0777 & ~c->proc->fs->umask)};
	struct walk w = {.flags = WALK_PARENT};
	int r;

	memcpy(c->path, a->name, sizeof(a->name));
	r = path_walk(c, &w, NULL);
	if (r)
		return r;
	if (w.vn)
		r = -EADDRINUSE;
	else if (w.want_dir)
		r = -ENOENT;
	else
		r = names_may_make(c, w.dir);
	if (!r)
		r = fs_make(c, &w, &k);
	if (r == -EEXIST)
		r = -EADDRINUSE;
	if (!r) {
		vnode_ref(w.vn);
		s->vn = w.vn;
		s->vn->sock = s;
	}
	walk_done(&w);
	return r;
}

/* A name of five digits of our own choice: the socket asked for none in particular. */
static int bind_any(struct unix_sock *s)
{
	static uint32_t next;
	struct unix_addr a = {.len = 6};

	for (unsigned n = 0; n <= UNIX_SOCKS_MAX; n++) {
		next = (next + 1) & 0xfffff;
		(void)snprintf(a.name + 1, sizeof(a.name) - 1, "%05x", next);
		if (find_abstract(&a, s->type))
			continue;
		s->addr = a;
		s->owns_name = true;
		return 0;
	}
	return -ENOSPC;
}

int unix_bind(struct call *c, struct file *f, const struct sock_addr *a)
{
	struct unix_sock *s = f->obj;
	struct unix_addr u;
	int r = unixaddr_parse(a->bytes, a->len, &u);

	if (r || s->is_binding || s->addr.len)
		return -EINVAL;
	if (u.len == 0)
		return bind_any(s);
	if (unixaddr_is_abstract(&u)) {
		if (find_abstract(&u, s->type))
			return -EADDRINUSE;
		s->addr = u;
		s->owns_name = true;
		return 0;
	}
	s->is_binding = true; /* the file system is asked: another thread may come */
	r = bind_path(c, s, &u);
	s->is_binding = false;
	if (!r)
		s->addr = u;
	return r;
}

int unix_name(struct call *c, struct file *f, bool of_peer, struct sock_addr *out)
{
	const struct unix_sock *s = f->obj;

	(void)c;
	if (of_peer && !s->peer)
		return -ENOTCONN;
	unix_put_name(of_peer ? &s->peer->addr : &s->addr, out);
	return 0;
}

/* ---- /proc/net/unix ---- */

static int text_line(const struct unix_sock *s, char *buf, size_t size)
{
	unsigned state = s->state == UNIX_CONNECTED ? 3 : 1;
	struct unix_addr a = s->addr;

	for (unsigned i = 0; i < a.len; i++)
		if (a.name[i] == '\0' || a.name[i] == '\n')
			a.name[i] = '@';
	return snprintf(buf, size, "%016x: %08X 00000000 %08X %04X %02X %5u%s%.*s\n",
	                (unsigned)(s - unix_socks), s->file ? s->file->refs + 1 : 2,
	                s->state == UNIX_LISTENING ? 0x10000u : 0, s->type, state, s->number,
	                a.len ? " " : "", (int)a.len, a.name);
}

int unix_text(char *buf, size_t size)
{
	int used = snprintf(buf, size, "Num       RefCount Protocol Flags    Type St Inode Path\n");

	for (unsigned i = 0; i < UNIX_SOCKS_MAX; i++) {
		int n;

		if (unix_socks[i].state == UNIX_FREE)
			continue;
		n = text_line(&unix_socks[i], buf + used, size - (size_t)used);
		if (n < 0 || (size_t)n >= size - (size_t)used)
			break;
		used += n;
	}
	return used;
}
