/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole of mfs but its main loop, on the host: many fibers work at once, each in a directory of
 * its own with a model of its files, while the device completes requests in any order, with a cache
 * that is far too small.
 */
/* uses: servers/mfs/cache.c servers/mfs/wait.c servers/mfs/blockio.c servers/mfs/blocks.c
 * servers/mfs/volume.c servers/mfs/inodes.c servers/mfs/ahead.c servers/mfs/ops_file.c
 * servers/mfs/ops_dir.c servers/mfs/ops_name.c servers/mfs/ops_mount.c lib/fs/ lib/fiber/
 * tests/unit/servers/mfs/fakes.c tests/unit/servers/mfs/fakedisk.c
 * tests/unit/support/panic.c lib/random/ */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "tests/unit/servers/mfs/fakes.h"
#include "tests/unit/support/must.h"

enum { WORKERS = 10, FILES = 4, FILE_MAX = 600 << 10, CHUNK_MAX = 200 << 10, STEPS = 120 };

struct worker {
	struct volume *v;
	uint32_t root, dir;
	unsigned id;
	unsigned steps;
	bool want_direct;
	bool is_done;
	uint8_t *buffer;
	struct {
		bool is_there;
		uint32_t ino, size;
		uint8_t *content;
	} file[FILES];
};

static struct volume *volume;
static void *fiber_memory;
static unsigned working;

void server_note_changes(struct volume *v)
{
	(void)v;
}

unsigned server_other_requests(void)
{
	return 0;
}

static void die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

/* Runs an operation as vfs would ask for it; a copy that is not ready is asked for again. */
static int ask(op_fn_t fn, const void *payload, size_t len, struct fs_rep *rep)
{
	struct request rq = {.volume = volume};
	int r;

	msg_put_bytes(&rq.m, FS_MOUNT, payload, len);
	do {
		memset(rep, 0, sizeof(*rep));
		r = fn(&rq, rep);
	} while (r == -ENOTREADY);
	return r;
}

static int ask_name(op_fn_t fn, struct fs_name *req, const char *name, struct fs_rep *rep)
{
	struct fs_attr attr;
	char text[64];
	int r;

	strcpy(text, name);
	req->name_len = (uint16_t)strlen(name);
	req->name_grant = fake_grant(text, sizeof(text));
	req->attr_grant = fake_grant(&attr, sizeof(attr));
	r = ask(fn, req, sizeof(*req), rep);
	fake_revoke(req->name_grant);
	fake_revoke(req->attr_grant);
	return r;
}

static void forget(uint32_t ino)
{
	struct fs_forget req = {.ino = ino, .count = 1};
	struct fs_rep rep;

	MUST(ask(op_forget, &req, sizeof(req), &rep) == 0);
}

static void worker_name(const struct worker *w, unsigned i, char *name)
{
	snprintf(name, 32, "file %u of worker %u", i, w->id);
}

static void make_file(struct worker *w, unsigned i)
{
	struct fs_name req = {.ino = w->dir, .mode = 0644};
	struct fs_rep rep;
	char name[32];

	worker_name(w, i, name);
	MUST(ask_name(op_create, &req, name, &rep) == 0);
	w->file[i].is_there = true;
	w->file[i].ino = rep.ino;
	w->file[i].size = 0;
	memset(w->file[i].content, 0, FILE_MAX);
}

static void remove_file(struct worker *w, unsigned i)
{
	struct fs_name req = {.ino = w->dir};
	struct fs_rep rep;
	char name[32];

	worker_name(w, i, name);
	MUST(ask_name(op_unlink, &req, name, &rep) == 0);
	forget(w->file[i].ino);
	w->file[i].is_there = false;
}

static void write_file(struct worker *w, unsigned i)
{
	uint32_t pos = (uint32_t)(fake_random() % (w->file[i].size + 1));
	uint32_t len = 1 + (uint32_t)(fake_random() % CHUNK_MAX);
	struct fs_io io = {.ino = w->file[i].ino, .pos = pos, .len_bytes = len};
	struct fs_rep rep;
	int r;

	if (pos + len > FILE_MAX)
		return;
	io.flags = fake_random() % 8 == 0 ? FS_IO_SYNC : 0;
	if (fake_random() % 4 == 0) {
		io.flags |= FS_IO_APPEND;
		pos = w->file[i].size;
		if (pos + len > FILE_MAX)
			return;
	}
	for (uint32_t k = 0; k < len; k++)
		w->buffer[k] = (uint8_t)((pos + k) * 13 + w->steps);
	io.grant = fake_grant(w->buffer, len);
	r = ask(op_write, &io, sizeof(io), &rep);
	fake_revoke(io.grant);
	MUST(r == 0 || r == -EIO);
	if (r == 0)
		MUST(rep.count == len && rep.pos == pos);
	memcpy(w->file[i].content + pos, w->buffer, len);
	if (pos + len > w->file[i].size)
		w->file[i].size = pos + len;
}

static void read_file(struct worker *w, unsigned i)
{
	uint32_t pos = 0, step = 4096 << fake_random() % 6;
	struct fs_rep rep;

	do {
		struct fs_io io = {.ino = w->file[i].ino, .pos = pos, .len_bytes = step};

		if (w->want_direct)
			io.flags = FS_IO_DIRECT;
		io.grant = fake_grant(w->buffer, step);
		MUST(ask(op_read, &io, sizeof(io), &rep) == 0);
		fake_revoke(io.grant);
		MUST(rep.count == (w->file[i].size - pos < step ? w->file[i].size - pos : step));
		MUST(memcmp(w->buffer, w->file[i].content + pos, rep.count) == 0);
		pos += rep.count;
	} while (rep.count == step);
	MUST(pos == w->file[i].size);
}

static void truncate_file(struct worker *w, unsigned i)
{
	uint32_t size = (uint32_t)(fake_random() % FILE_MAX);
	struct fs_setattr req = {.ino = w->file[i].ino,
	                         .mask = FS_SET_SIZE,
	                         .size_bytes = size,
	                         .attr_grant = GRANT_INVALID};
	struct fs_rep rep;

	MUST(ask(op_setattr, &req, sizeof(req), &rep) == 0);
	if (size < w->file[i].size)
		memset(w->file[i].content + size, 0, w->file[i].size - size);
	w->file[i].size = size;
}

static void sync_file(struct worker *w, unsigned i)
{
	struct fs_req req = {.ino = w->file[i].ino};
	struct fs_rep rep;

	MUST(ask(fake_random() % 2 ? op_fsync : op_sync, &req, sizeof(req), &rep) == 0 ||
	     fake.fail_percent);
}

/* Through another directory and back: a barrier in between. */
static void rename_file(struct worker *w, unsigned i)
{
	for (int way = 0; way < 2; way++) {
		struct fs_name req = {.ino = way ? w->root : w->dir,
		                      .ino2 = way ? w->dir : w->root};
		char text[64];
		struct fs_rep rep;

		worker_name(w, i, text);
		req.name_len = req.name2_len = (uint16_t)strlen(text);
		worker_name(w, i, text + req.name_len);
		req.name_grant = fake_grant(text, sizeof(text));
		MUST(ask(op_rename, &req, sizeof(req), &rep) == 0);
		fake_revoke(req.name_grant);
	}
}

static void evict(struct worker *w, unsigned i)
{
	struct fs_req req = {.ino = fake_random() % 2 ? w->file[i].ino : 0};
	struct fs_rep rep;

	MUST(ask(op_evict, &req, sizeof(req), &rep) == 0);
}

static void list_directory(struct worker *w)
{
	uint8_t page[1000];
	struct fs_io io = {.ino = w->dir, .len_bytes = sizeof(page)};
	unsigned count = 0, wanted = 2;
	struct fs_rep rep;

	for (int i = 0; i < FILES; i++)
		wanted += w->file[i].is_there;
	io.grant = fake_grant(page, sizeof(page));
	do {
		MUST(ask(op_readdir, &io, sizeof(io), &rep) == 0);
		for (uint32_t at = 0; at < rep.count; count++)
			at += ((struct fs_dirent *)(void *)(page + at))->rec_len;
		io.pos = rep.pos;
	} while (rep.count);
	fake_revoke(io.grant);
	MUST(count == wanted);
}

static void step(struct worker *w)
{
	unsigned i = (unsigned)(fake_random() % FILES);

	if (!w->file[i].is_there) {
		make_file(w, i);
		return;
	}
	switch (fake_random() % 12) {
	case 0: remove_file(w, i); break;
	case 1: truncate_file(w, i); break;
	case 2: sync_file(w, i); break;
	case 3: rename_file(w, i); break;
	case 4: evict(w, i); break;
	case 5: list_directory(w); break;
	case 6 ... 8: read_file(w, i); break;
	default: write_file(w, i); break;
	}
}

static void work(void *arg)
{
	struct worker *w = arg;
	struct fs_name req = {.ino = w->root, .mode = 0755};
	struct fs_rep rep;
	char name[32];

	snprintf(name, sizeof(name), "dir%u", w->id);
	MUST(ask_name(op_mkdir, &req, name, &rep) == 0);
	w->dir = rep.ino;
	for (w->steps = 0; w->steps < STEPS; w->steps++)
		step(w);
	for (unsigned i = 0; i < FILES; i++) {
		if (!w->file[i].is_there)
			continue;
		read_file(w, i);
		forget(w->file[i].ino);
	}
	forget(w->dir);
	working--;
}

static uint32_t root_ino;

static void mount(void *arg)
{
	struct fs_attr attr;
	struct fs_mount req = {.unit = "fake0"};
	struct fs_rep rep;

	req.attr_grant = fake_grant(&attr, sizeof(attr));
	*(int *)arg = ask(op_mount, &req, sizeof(req), &rep);
	root_ino = rep.ino;
	fake_revoke(req.attr_grant);
	working--;
}

static void unmount(void *arg)
{
	struct fs_req req = {.id = 1};
	struct fs_rep rep;

	*(int *)arg = ask(op_unmount, &req, sizeof(req), &rep);
	working--;
}

/* Runs fibers until the given number has ended. */
static void run_until_idle(void)
{
	while (working) {
		fiber_run_queued();
		if (working && !fake_complete_one())
			MUST(!"nothing can go on: deadlock");
	}
	while (fake_complete_one())
		fiber_run_queued();
}

static int run_one(fiber_fn_t fn)
{
	int result = -1;

	working = 1;
	MUST(fiber_start(fn, &result));
	run_until_idle();
	return result;
}

static void make_disk(uint32_t size, uint32_t bytes)
{
	struct mfs_format format = {.device_bytes = bytes, .block_size = size, .inodes = 300};
	struct mfs_geometry geo;
	const char *reason;

	fake_block_size = size;
	fake.disk = calloc(1, bytes);
	fake.disk_bytes = bytes;
	fake.arena_limit = 2 << 20;
	assert_non_null(fake.disk);
	assert_int_equal(mfs_plan_format(&format, &geo, &reason), 0);
	assert_int_equal(mfs_format_device(&geo, &fake_disk_io), 0);
	volume = calloc(1, sizeof(*volume));
	fiber_memory = aligned_alloc(16, fiber_pool_bytes(16));
	assert_true(volume && fiber_memory);
	fiber_pool_init(fiber_memory, 16, die);
}

static void free_disk(void)
{
	free(fake.disk);
	free(fake.arena);
	free(volume);
	free(fiber_memory);
	fake.disk = NULL;
	fake.arena = NULL;
}

static void run_workers(uint64_t seed)
{
	struct worker workers[WORKERS] = {{.id = 0}};

	fake.random = 0x2545f4914f6cdd1dULL + seed * 977;
	assert_int_equal(run_one(mount), 0);
	working = WORKERS;
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		*w = (struct worker){
			.v = volume, .root = root_ino, .id = i, .want_direct = i % 3 == 2};
		w->buffer = malloc(CHUNK_MAX + 4096);
		for (unsigned k = 0; k < FILES; k++)
			w->file[k].content = calloc(1, FILE_MAX);
		assert_non_null(fiber_start(work, w));
	}
	run_until_idle();
	assert_int_equal(run_one(unmount), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		free(workers[i].buffer);
		for (unsigned k = 0; k < FILES; k++)
			free(workers[i].file[k].content);
	}
}

static void many_requests_at_once_keep_all_files_right(void **state)
{
	static const uint32_t sizes[] = {1024, 4096, 16384};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (uint64_t seed = 1; seed <= 2; seed++) {
			make_disk(sizes[i], 48 << 20);
			run_workers(seed);
			fake_check_disk();
			free_disk();
		}
	}
	assert_true(fake.multi_block > fake.reads / 10);
}

static void copies_that_must_be_repeated_change_nothing_twice(void **state)
{
	(void)state;
	fake.not_ready_percent = 10;
	make_disk(4096, 48 << 20);
	run_workers(5);
	fake_check_disk();
	free_disk();
	fake.not_ready_percent = 0;
}

/* Writes while the device refuses everything, then when it is well again. */
static void write_on_failing_device(void *arg)
{
	struct worker w = {
		.v = volume, .root = root_ino, .dir = root_ino, .buffer = malloc(CHUNK_MAX)};
	struct fs_req req;
	struct fs_rep rep;

	MUST(w.buffer && (w.file[0].content = calloc(1, FILE_MAX)));
	make_file(&w, 0);
	req = (struct fs_req){.ino = w.file[0].ino};
	write_file(&w, 0);
	fake.fail_percent = 100;
	MUST(ask(op_fsync, &req, sizeof(req), &rep) == -EIO);
	MUST(ask(op_fsync, &req, sizeof(req), &rep) == -EIO);
	read_file(&w, 0);
	fake.fail_percent = 0;
	MUST(ask(op_fsync, &req, sizeof(req), &rep) == 0);
	req.ino = 0;
	MUST(ask(op_evict, &req, sizeof(req), &rep) == 0);
	read_file(&w, 0);
	forget(w.file[0].ino);
	free(w.buffer);
	free(w.file[0].content);
	*(int *)arg = 0;
	working--;
}

static void failed_writes_stay_dirty_and_fsync_says_so(void **state)
{
	(void)state;
	make_disk(4096, 4 << 20);
	assert_int_equal(run_one(mount), 0);
	assert_int_equal(run_one(write_on_failing_device), 0);
	assert_true(volume->write_failures > 0);
	assert_int_equal(run_one(unmount), 0);
	fake_check_disk();
	free_disk();
}

static void read_only_medium_mounts_read_only(void **state)
{
	(void)state;
	make_disk(4096, 4 << 20);
	fake.is_readonly = true;
	assert_int_equal(run_one(mount), 0);
	assert_true(volume->is_read_only);
	assert_int_equal(run_one(unmount), 0);
	fake.is_readonly = false;
	assert_int_equal(fake.pending_count, 0);
	free_disk();
}

static void foreign_medium_is_refused(void **state)
{
	(void)state;
	make_disk(4096, 4 << 20);
	memset(fake.disk, 0x5a, fake.disk_bytes);
	assert_int_equal(run_one(mount), -EINVAL);
	assert_false(volume->is_mounted);
	free_disk();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_requests_at_once_keep_all_files_right),
		cmocka_unit_test(copies_that_must_be_repeated_change_nothing_twice),
		cmocka_unit_test(failed_writes_stay_dirty_and_fsync_says_so),
		cmocka_unit_test(read_only_medium_mounts_read_only),
		cmocka_unit_test(foreign_medium_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
