/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lists of the simulated controller: see sim.h. */
#include <stdlib.h>
#include <string.h>
#include "sim.h"

#define SECTOR      512u
#define FETCH_NS    1000u
#define MEMORIES    512
#define RFIS_PIO    0x20
#define RFIS_D2H    0x40
#define RFIS_SDB    0x58
#define READ_AMOUNT (8u << 20)

/* ---- memory ---- */

static struct {
	const uint8_t *start;
	size_t bytes;
} memories[MEMORIES];

void sim_allow(const void *memory, size_t bytes)
{
	for (unsigned i = 0; i < MEMORIES; i++) {
		if (memories[i].start != NULL)
			continue;
		memories[i].start = memory;
		memories[i].bytes = bytes;
		return;
	}
	sim_wrong("too many pieces of memory");
}

void sim_forbid(const void *memory)
{
	for (unsigned i = 0; i < MEMORIES; i++)
		if (memories[i].start == memory)
			memories[i].start = NULL;
}

void sim_forget_memory(void)
{
	memset(memories, 0, sizeof(memories));
}

/* Memory that the controller may reach, or NULL: then the access is an error of the bus. */
static void *reach(uint64_t bus, size_t bytes)
{
	const uint8_t *at = (const uint8_t *)(uintptr_t)bus;

	if (!sim.is_master)
		return NULL;
	for (unsigned i = 0; i < MEMORIES; i++)
		if (memories[i].start != NULL && at >= memories[i].start &&
		    at + bytes <= memories[i].start + memories[i].bytes)
			return (void *)(uintptr_t)bus;
	sim_wrong("DMA to %p, %zu bytes: not allowed", (const void *)at, bytes);
	return NULL;
}

void sim_receive(struct sim_port *p, unsigned offset, uint8_t type)
{
	uint8_t *to;

	if (!(p->cmd & CMD_FRE) || !sim.is_master)
		return;
	to = reach(p->fb + offset, 8);
	if (to == NULL)
		return;
	memset(to, 0, 8);
	to[0] = type;
	to[2] = (uint8_t)p->tfd;
	to[3] = (uint8_t)(p->tfd >> 8);
}

/* ---- slots ---- */

static struct cmd_header *header(const struct sim_port *p, unsigned slot)
{
	return reach(p->clb + slot * sizeof(struct cmd_header), sizeof(struct cmd_header));
}

static bool is_queued(const uint8_t *fis)
{
	return fis[2] == ATA_READ_FPDMA || fis[2] == ATA_WRITE_FPDMA;
}

static bool is_write(const uint8_t *fis)
{
	return fis[2] == ATA_WRITE_FPDMA || fis[2] == ATA_WRITE_DMA_EXT ||
	       fis[2] == ATA_WRITE_DMA_FUA_EXT;
}

void sim_drop_slots(struct sim_port *p)
{
	memset(p->slots, 0, sizeof(p->slots));
}

void sim_fetch_again(struct sim_port *p)
{
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		struct sim_slot *s = &p->slots[slot];

		if ((p->ci >> slot & 1) && !s->is_fetched && s->t_fetch == 0)
			s->t_fetch = *sim_clock + FETCH_NS;
	}
}

void sim_issue(struct sim_port *p, uint32_t slots)
{
	if (!(p->cmd & CMD_ST))
		sim_wrong("a command is issued while ST is clear");
	if (slots & p->ci)
		sim_wrong("slots %#x are issued twice", slots & p->ci);
	if (CAP_SLOTS(sim.cap) < SLOTS_MAX && slots >> CAP_SLOTS(sim.cap) != 0)
		sim_wrong("slots %#x do not exist", slots);
	p->ci |= slots;
	sim_fetch_again(p);
}

static void check_header(const struct cmd_header *h, const uint8_t *fis, unsigned slot)
{
	if ((h->flags & 0x1f) != HEADER_CFL_H2D || h->table % SIM_TABLES_AT != 0)
		sim_wrong("slot %u: malformed header %#x, table %#x", slot, h->flags, h->table);
	if (fis[0] != FIS_H2D || fis[1] != FIS_COMMAND)
		sim_wrong("slot %u: FIS %02x %02x is no command", slot, fis[0], fis[1]);
	if (is_write(fis) != ((h->flags & HEADER_WRITE) != 0))
		sim_wrong("slot %u: direction of command %02x", slot, fis[2]);
	if (is_queued(fis) && fis[12] >> 3 != slot)
		sim_wrong("slot %u: tag %u", slot, fis[12] >> 3);
}

/* Queued commands and others must not mix; tags are limited. */
static void check_company(const struct sim_port *p, unsigned slot)
{
	bool queued = is_queued(p->slots[slot].fis);

	if (queued && (!p->disk->has_ncq || slot >= p->disk->depth))
		sim_wrong("slot %u: the disk has no such tag", slot);
	if (queued != ((p->sact >> slot & 1) != 0))
		sim_wrong("slot %u: PxSACT and the command differ", slot);
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		if (i != slot && p->slots[i].is_fetched && (!queued || !is_queued(p->slots[i].fis)))
			sim_wrong("slot %u beside slot %u: queued and others mix", slot, i);
}

static enum sim_fate fate_of(struct sim_port *p, uint8_t command)
{
	struct sim_plan *plan = command == ATA_IDENTIFY ? &p->identify : &p->data;

	if (plan->next < plan->count)
		return plan->fate[plan->next++];
	return command != ATA_IDENTIFY && sim.choose != NULL ? sim.choose(command) : FATE_GOOD;
}

static bool is_stopped(const struct sim_port *p)
{
	return p->is_halted || !(p->cmd & CMD_CR) || SSTS_DET(p->ssts) != DET_PRESENT ||
	       (p->tfd & (TFD_BSY | TFD_DRQ));
}

static void halt(struct sim_port *p, uint32_t causes)
{
	p->is_halted = true;
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		p->slots[i].t_done = p->slots[i].t_fetch = 0;
	sim_raise(p, causes);
}

void sim_fetch(struct sim_port *p, unsigned slot)
{
	struct sim_slot *s = &p->slots[slot];
	const struct cmd_header *h;
	const struct cmd_table *t;

	s->t_fetch = 0;
	if (is_stopped(p))
		return;
	h = header(p, slot);
	t = h == NULL ? NULL : reach(h->table | (uint64_t)h->table_upper << 32, sizeof(*t));
	if (t == NULL) {
		halt(p, PIS_HBFS);
		return;
	}
	memcpy(s->fis, t->fis, sizeof(s->fis));
	check_header(h, s->fis, slot);
	check_company(p, slot);
	s->is_fetched = true;
	s->fate = fate_of(p, s->fis[2]);
	if (is_queued(s->fis))
		p->ci &= ~(1u << slot); /* the disk has taken it */
	else
		p->tfd = TFD_BSY;
	if (s->fate == FATE_NEVER)
		return;
	s->t_done = *sim_clock + 1 + sim.command_ns / 2 + sim_random((uint32_t)sim.command_ns);
	if (s->fate == FATE_LATE)
		s->t_done += sim.late_ns;
}

/* ---- data ---- */

/* Moves up to `bytes` between the disk's data and the segments; returns how many fitted, or -1. */
static int64_t move(const struct sim_port *p, unsigned slot, uint8_t *data, uint64_t bytes)
{
	const struct cmd_header *h = header(p, slot);
	const struct cmd_table *t;
	uint64_t done = 0;

	t = h == NULL ? NULL : reach(h->table | (uint64_t)h->table_upper << 32, sizeof(*t));
	if (t == NULL)
		return -1;
	for (unsigned i = 0; i < h->flags >> 16 && done < bytes; i++) {
		const struct prd *prd = &t->prds[i];
		uint64_t bus = prd->base | (uint64_t)prd->base_upper << 32;
		uint64_t n = (uint64_t)(prd->count & (PRD_BYTES_MAX - 1)) + 1;
		void *memory;

		if (bus % 2 != 0 || n % 2 != 0)
			sim_wrong("slot %u: odd segment", slot);
		n = n < bytes - done ? n : bytes - done;
		memory = reach(bus, n);
		if (memory == NULL)
			return -1;
		if (is_write(p->slots[slot].fis))
			memcpy(data + done, memory, n);
		else
			memcpy(memory, data + done, n);
		done += n;
	}
	return (int64_t)done;
}

static uint64_t sector_of(const uint8_t *f)
{
	return f[4] | (uint64_t)f[5] << 8 | (uint64_t)f[6] << 16 | (uint64_t)f[8] << 24 |
	       (uint64_t)f[9] << 32 | (uint64_t)f[10] << 40;
}

static uint64_t sectors_of(const uint8_t *f)
{
	uint64_t n = is_queued(f) ? f[3] | (uint64_t)f[11] << 8 : f[12] | (uint64_t)f[13] << 8;

	return n == 0 ? 65536 : n;
}

static bool is_final(const struct sim_port *p, const uint8_t *fis)
{
	return !p->disk->has_cache || fis[2] == ATA_WRITE_DMA_FUA_EXT ||
	       (fis[2] == ATA_WRITE_FPDMA && (fis[7] & ATA_DEVICE_FUA));
}

/* Data of a command: bytes, -1: it is refused, -2: the bus failed. */
static int64_t transfer(struct sim_port *p, unsigned slot, uint64_t percent)
{
	const uint8_t *fis = p->slots[slot].fis;
	struct sim_disk *d = p->disk;
	uint64_t sector = sector_of(fis), bytes = sectors_of(fis) * SECTOR;
	int64_t done;

	if (!(fis[7] & ATA_DEVICE_LBA))
		sim_wrong("slot %u: no LBA", slot);
	if (d->is_queue_failed || !sim_disk_accepts(d, sector, bytes / SECTOR))
		return -1;
	/* Sectors are written whole or not at all. */
	done = move(p, slot, d->cache + sector * SECTOR, bytes / SECTOR * percent / 100 * SECTOR);
	if (done >= 0 && is_write(fis) && is_final(p, fis))
		memcpy(d->medium + sector * SECTOR, d->cache + sector * SECTOR, bytes);
	if (done >= 0 && percent == 100 && (uint64_t)done != bytes)
		sim_wrong("slot %u: segments for %lld of %llu bytes", slot, (long long)done,
		          (unsigned long long)bytes);
	return done < 0 ? -2 : done;
}

static int64_t identify(struct sim_port *p, unsigned slot, uint64_t percent)
{
	uint16_t words[256];
	int64_t done;

	sim_disk_identify(p->disk, words);
	p->disk->identifies++;
	done = move(p, slot, (uint8_t *)words, sizeof(words) * percent / 100);
	return done < 0 ? -2 : done;
}

static int64_t execute(struct sim_port *p, unsigned slot, uint64_t percent)
{
	p->disk->commands++;
	switch (p->slots[slot].fis[2]) {
	case ATA_IDENTIFY: return identify(p, slot, percent);
	case ATA_FLUSH_EXT:
		p->disk->flushes++;
		sim_disk_flush(p->disk);
		return 0;
	case ATA_READ_DMA_EXT:
	case ATA_WRITE_DMA_EXT:
	case ATA_WRITE_DMA_FUA_EXT:
	case ATA_READ_FPDMA:
	case ATA_WRITE_FPDMA: return transfer(p, slot, percent);
	default: sim_wrong("unknown command %02x", p->slots[slot].fis[2]); return -1;
	}
}

/* ---- completion ---- */

static void fail(struct sim_port *p, unsigned slot)
{
	bool queued = is_queued(p->slots[slot].fis);

	p->tfd = TFD_FAILED;
	p->disk->is_queue_failed |= queued;
	sim_receive(p, queued ? RFIS_SDB : RFIS_D2H, queued ? 0xa1 : 0x34);
	halt(p, PIS_TFES | (queued ? PIS_SDBS : PIS_DHRS));
}

static void succeed(struct sim_port *p, unsigned slot, int64_t bytes)
{
	struct sim_slot *s = &p->slots[slot];
	struct cmd_header *h = header(p, slot);
	bool queued = is_queued(s->fis), is_pio = s->fis[2] == ATA_IDENTIFY;
	bool is_silent = s->fate == FATE_SILENT;

	if (h != NULL)
		h->bytes = queued ? sim_random(READ_AMOUNT) : (uint32_t)bytes;
	*s = (struct sim_slot){.is_fetched = false};
	p->tfd = TFD_READY;
	if (queued)
		p->sact &= ~(1u << slot);
	else
		p->ci &= ~(1u << slot);
	sim_receive(p, queued ? RFIS_SDB : RFIS_D2H, queued ? 0xa1 : 0x34);
	if (!is_silent)
		sim_raise(p, queued ? PIS_SDBS : is_pio ? PIS_PSS : PIS_DHRS);
	sim_fetch_again(p);
}

void sim_complete(struct sim_port *p, unsigned slot)
{
	struct sim_slot *s = &p->slots[slot];
	enum sim_fate fate = s->fate == FATE_SHORT && is_queued(s->fis) ? FATE_ERROR : s->fate;
	int64_t bytes;

	s->t_done = 0;
	if (fate == FATE_ERROR) {
		fail(p, slot);
		return;
	}
	bytes = execute(p, slot, fate >= FATE_LINK || fate == FATE_SHORT ? 50 : 100);
	if (bytes == -1) {
		fail(p, slot);
	} else if (bytes == -2 || fate == FATE_BUS) {
		halt(p, PIS_HBFS);
	} else if (fate == FATE_LINK) {
		p->serr |= 1u << 10; /* protocol error */
		halt(p, PIS_IFS);
	} else if (fate == FATE_UNPLUG) {
		sim_unplug((unsigned)(p - sim.port));
	} else {
		succeed(p, slot, bytes);
	}
}

void sim_stopping(struct sim_port *p)
{
	if (p->is_halted || p->disk == NULL || SSTS_DET(p->ssts) != DET_PRESENT)
		return;
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		struct sim_slot *s = &p->slots[slot];

		if (s->is_fetched && s->fis[2] != ATA_FLUSH_EXT)
			(void)execute(p, slot, 50);
	}
}
