/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mfs: file server for the MINIX 3 file system; one process a mount. Called by vfs (axolotl/fsp.h);
 * its disk is a unit of the block protocol, which lib/blockdev finds, follows and replays to.
 *
 *   message --> request --> fiber: handler (ops_*.c) --> reply
 *                 |            waits for locks, cache slots, the device
 *                 +-- (all fibers busy) queue
 *
 * The syncer is one more fiber: it writes what is dirty every VOLUME_SYNC_SECONDS, and file data
 * earlier when there is much of it.
 *
 * State over a restart: none. A restarted mfs has nothing mounted; vfs fails what was pending with
 * EIO.
 */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIBERS = 26, REQUESTS = 160 };

struct op {
	op_fn_t fn;
	bool is_write;   /* refused on a read-only mount */
	bool is_mounted; /* wants a mounted file system */
	bool has_reply;
};

#define OPERATION(op) [(op) - (FS_MOUNT)]
static const struct op operations[FS_OPS_END - FS_MOUNT] = {
	OPERATION(FS_MOUNT) = {op_mount, false, false, true},
	OPERATION(FS_UNMOUNT) = {op_unmount, false, true, true},
	OPERATION(FS_LOOKUP) = {op_lookup, false, true, true},
	OPERATION(FS_FORGET) = {op_forget, false, true, false},
	OPERATION(FS_GETATTR) = {op_getattr, false, true, true},
	OPERATION(FS_SETATTR) = {op_setattr, true, true, true},
	OPERATION(FS_READ) = {op_read, false, true, true},
	OPERATION(FS_WRITE) = {op_write, true, true, true},
	OPERATION(FS_READDIR) = {op_readdir, false, true, true},
	OPERATION(FS_CREATE) = {op_create, true, true, true},
	OPERATION(FS_MKDIR) = {op_mkdir, true, true, true},
	OPERATION(FS_MKNOD) = {op_mknod, true, true, true},
	OPERATION(FS_SYMLINK) = {op_symlink, true, true, true},
	OPERATION(FS_READLINK) = {op_readlink, false, true, true},
	OPERATION(FS_LINK) = {op_link, true, true, true},
	OPERATION(FS_UNLINK) = {op_unlink, true, true, true},
	OPERATION(FS_RMDIR) = {op_rmdir, true, true, true},
	OPERATION(FS_RENAME) = {op_rename, true, true, true},
	OPERATION(FS_FSYNC) = {op_fsync, false, true, true},
	OPERATION(FS_SYNC) = {op_sync, false, true, true},
	OPERATION(FS_STATFS) = {op_statfs, false, true, true},
	OPERATION(FS_EVICT) = {op_evict, false, true, true},
};

static struct server {
	struct volume volume;
	struct request requests[REQUESTS];
	struct request *free_requests;
	struct request *queue_head, *queue_tail; /* wait for a fiber */
	unsigned active;
	struct fiber *syncer;
	bool is_syncer_waiting;
	bool has_sync_request; /* data should be written before the time has come */
	bool is_shutting_down;
	bool has_device_work;  /* lib/blockdev got something, or has something under way */
	uint64_t device_at_ns; /* its next deadline */
	uint64_t sync_at_ns;   /* 0: nothing to sync */
	uint64_t alarm_ns;     /* as set in the kernel */
	uint64_t served, refused;
} server;

unsigned server_other_requests(void)
{
	return server.active - 1;
}

/* --- Requests --- */

static int run_operation(struct request *rq, struct fs_rep *rep)
{
	const struct op *op = &operations[rq->m.type - FS_MOUNT];
	struct volume *v = rq->volume;

	if (op->is_mounted && !v->is_mounted)
		return -ENODEV;
	if (op->is_write && v->is_read_only)
		return -EROFS;
	return op->fn(rq, rep);
}

static void serve(struct request *rq)
{
	struct fs_rep rep = {.id = 0};

	memcpy(&rep.id, rq->m.body.raw, sizeof(rep.id)); /* all requests start with it but FORGET */
	rep.result = run_operation(rq, &rep);
	if (operations[rq->m.type - FS_MOUNT].has_reply)
		sys_reply(&rq->m, rq->how, &rep);
	if (rq->m.type == FS_MOUNT || rq->m.type == FS_UNMOUNT)
		server.has_device_work = true;
	server.served++;
	server.active--;
	rq->next = server.free_requests;
	server.free_requests = rq;
}

static void request_fiber(void *arg)
{
	struct request *rq = arg;

	while (rq) {
		serve(rq);
		rq = server.queue_head;
		if (!rq)
			continue;
		server.queue_head = rq->next;
		if (!server.queue_head)
			server.queue_tail = NULL;
	}
}

static void enqueue(struct request *rq)
{
	rq->next = NULL;
	if (server.queue_tail)
		server.queue_tail->next = rq;
	else
		server.queue_head = rq;
	server.queue_tail = rq;
}

static void refuse(const struct msg *m, enum ipc_primitive how, int result)
{
	struct fs_rep rep = {.result = result};

	server.refused++;
	memcpy(&rep.id, m->body.raw, sizeof(rep.id));
	if (m->type != FS_FORGET)
		sys_reply(m, how, &rep);
}

static void on_message(const struct msg *m, enum ipc_primitive how)
{
	struct request *rq = server.free_requests;

	if (m->type & MSG_REPLY) {
		server.has_device_work |= bdev_message(m);
		return;
	}
	if (m->source != EP_VFS || m->type < FS_MOUNT || m->type >= FS_OPS_END) {
		refuse(m, how, m->source == EP_VFS ? -ENOSYS : -EPERM);
		return;
	}
	if (!rq) {
		sys_log("too many requests\n");
		refuse(m, how, -EAGAIN);
		return;
	}
	server.free_requests = rq->next;
	server.active++;
	rq->m = *m;
	rq->how = how;
	rq->volume = &server.volume;
	if (!fiber_start(request_fiber, rq))
		enqueue(rq);
}

/* --- Syncing --- */

static void wake_syncer(void)
{
	if (!server.is_syncer_waiting)
		return;
	server.is_syncer_waiting = false;
	fiber_wake(server.syncer, 0);
}

void server_note_changes(struct volume *v)
{
	if (!server.sync_at_ns)
		server.sync_at_ns = now_ns() + VOLUME_SYNC_SECONDS * 1000000000ull;
	if (v->cache.dirty_count[MFS_DATA] > v->cache.slot_count / 8) {
		server.has_sync_request = true;
		wake_syncer();
	}
}

/* One turn; an error is logged where it happens, and what failed is dirty still. */
static void sync_once(struct volume *v)
{
	bool is_time = server.sync_at_ns && now_ns() >= server.sync_at_ns;
	int r = 0;

	server.has_sync_request = false;
	if (!volume_has_changes(v)) {
		server.sync_at_ns = 0;
		return;
	}
	if (is_time) {
		server.sync_at_ns = 0;
		r = volume_sync(v);
	} else {
		r = blockio_write(v, MFS_DATA, 0);
	}
	if (!server.sync_at_ns && (r || volume_has_changes(v)))
		server.sync_at_ns = now_ns() + VOLUME_SYNC_SECONDS * 1000000000ull;
}

static void finish_and_exit(struct volume *v)
{
	int r = v->is_mounted && !v->is_read_only ? volume_sync(v) : 0;

	if (r)
		sys_log("%s: changes are lost: %d\n", v->unit, r);
	exit(r ? 1 : 0);
}

static void syncer_fiber(void *arg)
{
	struct volume *v = arg;

	for (;;) {
		if (server.is_shutting_down)
			finish_and_exit(v);
		if (server.has_sync_request ||
		    (server.sync_at_ns && now_ns() >= server.sync_at_ns)) {
			sync_once(v);
			continue;
		}
		server.is_syncer_waiting = true;
		(void)fiber_wait();
	}
}

/* --- Main loop --- */

static void on_doorbell(endpoint_t from)
{
	server.has_device_work |= bdev_doorbell(from);
}

static void on_ds_change(const struct ds_change *c)
{
	server.has_device_work |= bdev_ds_change(c);
}

static void on_alarm(uint64_t t_now_ns)
{
	server.alarm_ns = 0;
	server.has_device_work = true;
	bdev_alarm(t_now_ns);
	volume_tick(&server.volume, t_now_ns);
	if (server.sync_at_ns && t_now_ns >= server.sync_at_ns)
		wake_syncer();
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

/* Requests that the cache answers do not touch lib/blockdev's tables. */
static void run_device(const struct volume *v)
{
	bool is_busy = v->ios_in_use || v->waits || v->open_deadline_ns;

	if (!is_busy && !server.has_device_work)
		return;
	bdev_idle();
	fiber_run_queued();
	server.device_at_ns = bdev_next_deadline();
	server.has_device_work = is_busy;
}

static void on_idle(void)
{
	const struct volume *v = &server.volume;
	uint64_t next;

	fiber_run_queued();
	run_device(v);
	next = earlier(server.device_at_ns, v->open_deadline_ns);
	if (server.is_syncer_waiting)
		next = earlier(next, server.sync_at_ns);
	if (next == server.alarm_ns)
		return;
	if (k_setalarm(next) == 0)
		server.alarm_ns = next;
}

static void on_shutdown(void)
{
	server.is_shutting_down = true;
	wake_syncer();
}

static int on_status(char *buf, size_t len)
{
	const struct volume *v = &server.volume;
	const struct cache *c = &v->cache;
	int n = snprintf(buf, len,
	                 "unit=%s\nmounted=%d\nread_only=%d\nblock_bytes=%u\nserved=%lu\nrefused=%"
	                 "lu\nactive=%u\n"
	                 "cache_bytes=%zu\nhits=%lu\nmisses=%lu\nevictions=%lu\nreads_ahead=%lu\n"
	                 "dirty_data=%u\ndirty_metadata=%u\ncommits=%lu\nwrite_failures=%"
	                 "lu\ndamage_reports=%lu\n",
	                 v->is_mounted ? v->unit : "none", v->is_mounted, v->is_read_only,
	                 c->block_size, server.served, server.refused, server.active,
	                 v->arena_bytes, c->hits, c->misses, c->evictions, v->reads_ahead,
	                 c->dirty_count[MFS_DATA], cache_dirty_metadata(c), v->commits,
	                 v->write_failures, v->reports);

	if (n < 0 || (size_t)n >= len)
		return n < 0 ? -EIO : (int)len;
	return n + bdev_status_text(buf + n, len - (size_t)n);
}

static void fiber_panic(const char *why)
{
	sys_panic("%s", why);
}

static int on_init(const struct sys_init *how)
{
	void *memory = aligned_alloc(16, fiber_pool_bytes(FIBERS));

	(void)how;
	if (!memory)
		return -ENOMEM;
	fiber_pool_init(memory, FIBERS, fiber_panic);
	for (unsigned i = 0; i < REQUESTS; i++) {
		server.requests[i].next = server.free_requests;
		server.free_requests = &server.requests[i];
	}
	server.syncer = fiber_start(syncer_fiber, &server.volume);
	return 0;
}

int main(void)
{
	static const struct sys_component component = {.init = on_init,
	                                               .message = on_message,
	                                               .doorbell = on_doorbell,
	                                               .alarm = on_alarm,
	                                               .ds_change = on_ds_change,
	                                               .idle = on_idle,
	                                               .shutdown = on_shutdown,
	                                               .status = on_status};

	sys_main(&component);
}
