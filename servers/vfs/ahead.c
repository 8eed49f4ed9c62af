/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small sequential reads (cat, sha1sum: 4 KiB at a time): from the second one on, a window of the file is fetched from
 * its server at once and handed out from here, which saves three of five address-space switches a read.
 *
 * A window belongs to one open file, which holds its vnode. Its content is right as long as the vnode's attr_gen is what
 * it was before the fetch: every write and truncation changes that, and nobody but vfs changes a file. Windows are few;
 * the one that was used longest ago goes to who needs one. A window that somebody waits in stays as it is.
 */
#include "vfs.h"

#define WINDOWS      24u
#define WINDOW_BYTES (64u << 10)
#define SMALL_BYTES  (16u << 10) /* reads up to this size come from a window */

struct window {
	struct file *file; /* NULL: free */
	uint64_t start;
	uint32_t len;
	uint32_t gen;
	uint64_t used; /* by the clock of uses */
	bool is_busy;
	uint8_t data[WINDOW_BYTES];
};

static struct window windows[WINDOWS];
static uint64_t uses;

void ahead_release(struct file *f)
{
	struct window *w = f->obj;

	if (w)
		w->file = NULL;
	f->obj = NULL;
}

static struct window *take_window(struct file *f)
{
	struct window *oldest = NULL;

	for (unsigned i = 0; i < WINDOWS; i++) {
		struct window *w = &windows[i];

		if (w->is_busy)
			continue;
		if (!w->file) {
			oldest = w;
			break;
		}
		if (!oldest || w->used < oldest->used)
			oldest = w;
	}
	if (!oldest)
		return NULL;
	if (oldest->file)
		oldest->file->obj = NULL;
	oldest->file = f;
	oldest->len = 0;
	f->obj = oldest;
	return oldest;
}

static bool holds(const struct window *w, uint64_t pos)
{
	return w->gen == w->file->vn->attr_gen && pos >= w->start && pos - w->start < w->len;
}

/* Bytes in the window from pos on; 0: the end of the file; or -errno. */
static int64_t fill(struct call *c, struct window *w, uint64_t pos)
{
	struct io io = {.ep = EP_SELF, .addr = (uint64_t)w->data, .len = WINDOW_BYTES, .pos = pos};
	uint32_t gen = w->file->vn->attr_gen;
	int64_t n = fs_read(c, w->file->vn, &io, FS_IO_AHEAD);

	w->start = pos;
	w->len = n > 0 ? (uint32_t)n : 0;
	w->gen = gen;
	return n;
}

/* Copies what the window has, fetching it first if need be; less than wanted only at its end. */
static int64_t hand_out(struct call *c, struct window *w, struct io *io)
{
	int64_t n =
		holds(w, io->pos) ? (int64_t)(w->len - (io->pos - w->start)) : fill(c, w, io->pos);
	struct io part = *io;
	int r;

	if (n <= 0)
		return n;
	if ((uint64_t)n > io->len)
		n = (int64_t)io->len;
	part.len = (uint64_t)n;
	r = io_put(c, &part, w->data + (io->pos - w->start), part.len);
	return r ? r : n;
}

bool ahead_wants(const struct file *f, const struct io *io)
{
	const struct window *w = f->obj;

	return f->next_pos == io->pos && io->pos > 0 && io->len <= SMALL_BYTES &&
	       !(io->flags & O_DIRECT) && VN_IS(f->vn, S_IFREG) && !f->vn->mount->is_volatile &&
	       !f->vn->mount->is_dead && !(w && w->is_busy);
}

int64_t ahead_read(struct call *c, struct file *f, struct io *io)
{
	struct window *w = f->obj ? f->obj : take_window(f);
	int64_t done = 0, n = 1;

	if (!w)
		return fs_read(c, f->vn, io, 0);
	w->used = ++uses;
	w->is_busy = true;
	while (io->len > 0 && n > 0) {
		n = hand_out(c, w, io);
		if (n > 0) {
			io_advance(io, (uint64_t)n);
			done += n;
		}
	}
	w->is_busy = false;
	return done || n > 0 ? done : n;
}
