/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands: a job (one request) runs as one or more of them in one slot: data in pieces of at most
 * PRDS_MAX segments, then a FLUSH if FUA is wanted and not native.
 *
 * NCQ commands run side by side; any other (IDENTIFY, FLUSH, DMA without NCQ) runs alone, as the
 * standard asks: the queue drains before it. The queue is first come, first served, so nothing
 * starves.
 *
 * Errors: an NCQ error stops all commands, and the device forgets them on COMRESET. All that were
 * active go back to the head of the queue as *careful*: each runs alone, without NCQ, so its own
 * outcome is known; a careful one that fails is failed. The same way serves timeouts, but these are
 * repeated as long as there is time (deadline.c). (READ LOG EXT
 * would name the guilty one sooner, and would be one more thing to go wrong in a device that
 * already has.)
 */
#include <errno.h>
#include <string.h>

#include "ahci.h"

static struct job jobs[BSERVER_REQUESTS_MAX];
static struct job *free_jobs;
static unsigned used_jobs;

void cmd_init(void)
{
	free_jobs = NULL;
	used_jobs = 0;
}

/* As many as the library has requests; the first ones are used again and again. */
static struct job *new_job(void)
{
	struct job *j = free_jobs;

	if (j == NULL)
		return &jobs[used_jobs++];
	free_jobs = j->next;
	return j;
}

void cmd_finish(struct port *p, struct job *j, int status)
{
	struct bserver_request *r = j->r;

	if (j->is_careful)
		p->careful_left--;
	deadline_done(p, r);
	j->next = free_jobs;
	free_jobs = j;
	bserver_complete(r, status);
}

static void wait_last(struct port *p, struct job *j)
{
	j->next = NULL;
	if (p->wait_head == NULL)
		p->wait_head = j;
	else
		p->wait_tail->next = j;
	p->wait_tail = j;
}

static void wait_first(struct port *p, struct job *j)
{
	j->next = p->wait_head;
	p->wait_head = j;
	if (j->next == NULL)
		p->wait_tail = j;
}

/* ---- command tables ---- */

static void put_lba(uint8_t *fis, uint64_t lba)
{
	fis[4] = (uint8_t)lba;
	fis[5] = (uint8_t)(lba >> 8);
	fis[6] = (uint8_t)(lba >> 16);
	fis[8] = (uint8_t)(lba >> 24);
	fis[9] = (uint8_t)(lba >> 32);
	fis[10] = (uint8_t)(lba >> 40);
}

static void put_prd(struct prd *prd, uint64_t bus, uint32_t len)
{
	prd->base = (uint32_t)bus;
	prd->base_upper = (uint32_t)(bus >> 32);
	prd->reserved = 0;
	prd->count = len - 1;
}

static void put_header(struct port *p, unsigned slot, uint32_t flags, unsigned prds)
{
	struct cmd_header *h = &p->mem->headers[slot];
	uint64_t table = p->mem_bus + offsetof(struct port_memory, tables) + slot * TABLE_BYTES;

	h->flags = HEADER_CFL_H2D | flags | HEADER_PRDTL(prds);
	h->bytes = 0;
	h->table = (uint32_t)table;
	h->table_upper = (uint32_t)(table >> 32);
}

/* Segments of the job's next `limit` bytes; *bytes is what fits into the table. */
static unsigned put_segments(struct cmd_table *t, struct job *j, uint64_t limit, uint64_t *bytes)
{
	struct bserver_cursor c = j->cursor;
	struct bserver_segment seg;
	unsigned n = 0;

	*bytes = 0;
	while (n < PRDS_MAX && *bytes < limit) {
		uint64_t left = limit - *bytes;
		uint32_t max = left < PRD_BYTES_MAX ? (uint32_t)left : PRD_BYTES_MAX;

		if (!bserver_segment(j->r, &c, max, &seg))
			break;
		put_prd(&t->prds[n++], seg.bus, seg.len_bytes);
		*bytes += seg.len_bytes;
	}
	if (*bytes % BLK_SECTOR == 0)
		j->cursor = c;
	return n;
}

static unsigned fill_segments(struct cmd_table *t, struct job *j)
{
	uint64_t bytes;
	unsigned n = put_segments(t, j, j->r->bytes, &bytes);

	if (bytes % BLK_SECTOR != 0) /* the table was full in the middle of a sector */
		n = put_segments(t, j, bytes - bytes % BLK_SECTOR, &bytes);
	j->sectors_now = bytes / BLK_SECTOR;
	return n;
}

static uint8_t data_command(const struct port *p, const struct job *j, bool is_ncq)
{
	bool is_write = j->r->op == BLK_WRITE;

	if (is_ncq)
		return is_write ? ATA_WRITE_FPDMA : ATA_READ_FPDMA;
	if (!is_write)
		return ATA_READ_DMA_EXT;
	return (j->r->flags & BLK_REQ_FUA) && p->disk.has_fua ? ATA_WRITE_DMA_FUA_EXT
	                                                      : ATA_WRITE_DMA_EXT;
}

static void build_data(struct port *p, unsigned slot, struct job *j, bool is_ncq)
{
	struct cmd_table *t = &p->mem->tables[slot];
	unsigned prds = fill_segments(t, j);
	bool is_fua = (j->r->flags & BLK_REQ_FUA) && p->disk.has_fua;
	uint8_t low = (uint8_t)j->sectors_now, high = (uint8_t)(j->sectors_now >> 8);

	memset(t->fis, 0, 20);
	t->fis[0] = FIS_H2D;
	t->fis[1] = FIS_COMMAND;
	t->fis[2] = data_command(p, j, is_ncq);
	put_lba(t->fis, j->r->sector + j->sectors_done);
	t->fis[7] = ATA_DEVICE_LBA | (is_ncq && is_fua ? ATA_DEVICE_FUA : 0);
	t->fis[is_ncq ? 3 : 12] = low;
	t->fis[is_ncq ? 11 : 13] = high;
	if (is_ncq)
		t->fis[12] = (uint8_t)(slot << 3);
	put_header(p, slot, j->r->op == BLK_WRITE ? HEADER_WRITE : 0, prds);
}

static void build_simple(struct port *p, unsigned slot, uint8_t command, unsigned prds)
{
	struct cmd_table *t = &p->mem->tables[slot];

	memset(t->fis, 0, 20);
	t->fis[0] = FIS_H2D;
	t->fis[1] = FIS_COMMAND;
	t->fis[2] = command;
	put_header(p, slot, 0, prds);
}

/* ---- issue ---- */

static void issue(struct port *p, unsigned slot, struct job *j, bool is_ncq)
{
	p->jobs[slot] = j;
	if (j != NULL)
		deadline_issue(p, slot, j);
	p->active |= 1u << slot;
	p->is_exclusive = !is_ncq;
	__atomic_thread_fence(__ATOMIC_RELEASE); /* the table before the doorbell */
	if (is_ncq)
		port_write(p, PX_SACT, 1u << slot);
	port_write(p, PX_CI, 1u << slot);
}

static void start(struct port *p, unsigned slot, struct job *j, bool is_ncq)
{
	if (j->is_flush)
		build_simple(p, slot, ATA_FLUSH_EXT, 0);
	else
		build_data(p, slot, j, is_ncq);
	issue(p, slot, j, is_ncq);
}

void cmd_identify(struct port *p)
{
	struct cmd_table *t = &p->mem->tables[0];

	memset(p->mem->identify, 0, sizeof(p->mem->identify));
	build_simple(p, 0, ATA_IDENTIFY, 1);
	put_prd(&t->prds[0], p->mem_bus + offsetof(struct port_memory, identify),
	        sizeof(p->mem->identify));
	issue(p, 0, NULL, false);
}

static bool may_queue(const struct port *p, const struct job *j)
{
	return p->disk.has_ncq && p->hba_has_ncq && p->careful_left == 0 && !j->is_flush;
}

void cmd_pump(struct port *p)
{
	unsigned depth = p->disk.depth < p->hba_slots ? p->disk.depth : p->hba_slots;

	while (p->state == PORT_READY && p->wait_head != NULL) {
		struct job *j = p->wait_head;
		bool is_ncq = may_queue(p, j);
		unsigned slot;

		if (p->active != 0 && (!is_ncq || p->is_exclusive))
			return;
		slot = (unsigned)__builtin_ctzll(~(uint64_t)p->active);
		if (slot >= depth)
			return;
		p->wait_head = j->next;
		start(p, slot, j, is_ncq);
	}
}

void cmd_submit(struct port *p, struct bserver_request *r)
{
	struct job *j = new_job();

	*j = (struct job){.r = r, .is_flush = r->op == BLK_FLUSH};
	deadline_submit(p, j);
	if (p->state == PORT_EMPTY || p->is_failed) {
		cmd_finish(p, j, -EIO);
		return;
	}
	if (r->op == BLK_FLUSH && !p->disk.has_cache) {
		cmd_finish(p, j, 0);
		return;
	}
	wait_last(p, j);
}

/* ---- completion ---- */

/* A command that moved less than it should, without an error: PRDBC counts it (not with NCQ). */
static bool is_short(const struct port *p, unsigned slot, const struct job *j, bool was_exclusive)
{
	return was_exclusive && !j->is_flush &&
	       p->mem->headers[slot].bytes != j->sectors_now * BLK_SECTOR;
}

/* To be done again from the start, alone. */
static void make_careful(struct port *p, struct job *j)
{
	j->cursor = (struct bserver_cursor){.element = 0};
	j->sectors_done = 0;
	j->is_flush = j->r->op == BLK_FLUSH;
	if (!j->is_careful)
		p->careful_left++;
	j->is_careful = true;
}

static void wait_careful(struct port *p, struct job *j)
{
	make_careful(p, j);
	wait_first(p, j);
}

static void slot_done(struct port *p, unsigned slot, bool was_exclusive)
{
	struct job *j = p->jobs[slot];
	bool wants_flush;

	p->jobs[slot] = NULL;
	if (j == NULL) {
		port_identified(p);
		return;
	}
	if (is_short(p, slot, j, was_exclusive)) {
		p->errors++;
		if (j->is_careful)
			cmd_finish(p, j, -EIO);
		else
			wait_careful(p, j);
		return;
	}
	if (!j->is_flush)
		j->sectors_done += j->sectors_now;
	wants_flush = j->r->op == BLK_WRITE && (j->r->flags & BLK_REQ_FUA) && !p->disk.has_fua &&
	              p->disk.has_cache && !j->is_flush;
	if (!j->is_flush && j->sectors_done < j->r->sectors) {
		wait_first(p, j);
	} else if (wants_flush) {
		j->is_flush = true;
		wait_first(p, j);
	} else {
		cmd_finish(p, j, 0);
	}
}

static void take_done(struct port *p)
{
	uint32_t done = p->active & ~(port_read(p, PX_CI) | port_read(p, PX_SACT));
	bool was_exclusive = p->is_exclusive;

	p->active &= ~done;
	while (done != 0) {
		unsigned slot = (unsigned)__builtin_ctz(done);

		done &= done - 1;
		slot_done(p, slot, was_exclusive);
	}
}

/* ---- errors ---- */

/* From the slots to the head of the queue. */
void cmd_requeue_active(struct port *p)
{
	for (unsigned slot = SLOTS_MAX; slot-- > 0;) {
		struct job *j = p->jobs[slot];

		p->jobs[slot] = NULL;
		if ((p->active & 1u << slot) && j != NULL)
			wait_careful(p, j);
	}
	p->active = 0;
	p->is_exclusive = false;
	p->t_look_ns = 0;
}

void cmd_end_careful(struct port *p, int status)
{
	unsigned slot = (unsigned)__builtin_ctzll((uint64_t)p->active | 1ull << 32);
	struct job *j = slot < SLOTS_MAX ? p->jobs[slot] : NULL;

	if (j == NULL || !j->is_careful || !p->is_exclusive)
		return;
	p->jobs[slot] = NULL;
	p->active &= ~(1u << slot);
	if (status != -ETIMEDOUT || !deadline_allows_retry(j, now_ns())) {
		cmd_finish(p, j, status);
		return;
	}
	make_careful(p, j);
	wait_last(p, j);
}

void cmd_fail_late(struct port *p, uint64_t now)
{
	struct job *j = p->wait_head, *next;

	p->wait_head = p->wait_tail = NULL;
	for (; j != NULL; j = next) {
		next = j->next;
		if (now < j->t_limit_ns) {
			wait_last(p, j);
			continue;
		}
		p->timeouts++;
		cmd_finish(p, j, -ETIMEDOUT);
	}
}

void cmd_interrupt(struct port *p, uint32_t causes)
{
	/* On an error the commands that were done before it are still good. */
	take_done(p);
	/* An error stops the engine also when no command is active. */
	if ((causes & PIS_ERRORS) && (p->state == PORT_READY || p->state == PORT_IDENTIFY)) {
		p->errors++;
		port_recover(p, -EIO);
		return;
	}
	cmd_pump(p);
}

void cmd_check_deadlines(struct port *p, uint64_t now)
{
	take_done(p); /* perhaps only an interrupt was lost */
	if (deadline_has_passed(p, now)) {
		p->timeouts++;
		port_recover(p, -ETIMEDOUT);
		return;
	}
	if (p->careful_left > 0)
		cmd_fail_late(p, now);
	deadline_plan_look(p, now);
	cmd_pump(p);
}
