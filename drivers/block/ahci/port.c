/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State machine of a port.
 *
 *   EMPTY --connect--> RESET --1 ms--> LINK --signature--> IDENTIFY --data--> READY
 *     ^                  ^               |no device: EMPTY     |               |
 *     |                  +-- error, timeout: jobs wait, careful ---------------+
 *     +-- link gone: jobs fail          |3 resets in a row without success: FAILED, jobs fail
 *
 *   state     interrupt                     timer                       clients see
 *   EMPTY     connect: RESET                -                           ENXIO, EIO
 *   RESET     -                             release DET: LINK           EAGAIN (open), requests wait
 *   LINK      -                             look; late: RESET or EMPTY  the same
 *   IDENTIFY  data: READY; error: RESET     late: RESET                 the same
 *   READY     completions; error: RESET     late command: RESET         service
 *   FAILED    connect: RESET                try again: RESET            ENXIO, EIO
 *
 * Jobs that wait while the port is not READY fail when their limits come (deadline.c).
 *
 * A disk that leaves ends all that was opened on it (bserver_forget_opens), also if it comes back: its cache
 * is gone, and it may be another one. A link that went and came back at once, without the COMINIT of a disk
 * that gets power, and a device that is reset by us keep what they are, if IDENTIFY says the same.
 *
 * Nothing is completed while the command engine may still move data for it (B7): it is stopped first, and an engine that
 * does not stop costs a reset of the controller.
 *
 * A predecessor's commands do not matter: COMRESET (AHCI 10.4.2) makes the device forget them. When it
 * left none (PxCI, PxSACT and the status are clear before the engine stops), the start goes from EMPTY
 * to LINK at once, which saves 1 ms; an IDENTIFY that then fails leads to COMRESET as any error does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ahci.h"

#define RESET_HOLD_NS    1000000ull     /* 10.4.2: DET = 1 for at least 1 ms */
#define LOOK_NS          1000000ull     /* between looks at the link */
#define LINK_TIMEOUT_NS  1000000000ull  /* link up and signature */
#define SPINUP_NS        30000000000ull /* the same of a disk for which nobody waits */
#define NO_DEVICE_NS     20000000ull    /* no presence detected for so long: nothing is there */
#define IDENTIFY_NS      1000000000ull
#define QUIET_NS         20000000ull /* patience with IDENTIFY of a device that was not reset */
#define PUBLISH_LATER_NS 20000000ull /* ds knows the name: recovery goes first */
#define STOP_TIMEOUT_NS  50000000ull /* 10.1.2 allows 500 ms; then a reset is due anyway */
#define RESETS_MAX       3
#define FAILED_AGAIN_NS  10000000000ull

static void set_state(struct port *p, enum port_state state)
{
	static const uint8_t legal[] = {
		[PORT_EMPTY] = 1u << PORT_RESET | 1u << PORT_LINK,
		[PORT_RESET] =
			1u << PORT_LINK | 1u << PORT_RESET | 1u << PORT_EMPTY | 1u << PORT_FAILED,
		[PORT_LINK] = 1u << PORT_IDENTIFY | 1u << PORT_RESET | 1u << PORT_EMPTY |
	                      1u << PORT_FAILED,
		[PORT_IDENTIFY] =
			1u << PORT_READY | 1u << PORT_RESET | 1u << PORT_EMPTY | 1u << PORT_FAILED,
		[PORT_READY] = 1u << PORT_RESET | 1u << PORT_EMPTY | 1u << PORT_FAILED,
		[PORT_FAILED] = 1u << PORT_RESET | 1u << PORT_EMPTY,
	};

	SYS_ASSERT(legal[p->state] & 1u << state);
	p->state = state;
	p->t_state_ns = p->t_give_up_ns = 0;
}

static void publish(struct port *p, bool is_there)
{
	char name[16];
	int err = 0;

	snprintf(name, sizeof(name), "sata%u", p->unit);
	if (is_there)
		err = bserver_publish(name, p->unit);
	else if (p->is_published)
		err = bserver_unpublish(name);
	if (err != 0 && err != -ENOENT)
		sys_log("ahci: %s is not announced: error %d\n", name, -err);
	p->is_published = is_there;
	p->t_publish_ns = 0;
}

/* Nobody may ask for this unit any more, or it is known now: waiting OPENs get their answer. */
static void announce(struct port *p, bool is_there)
{
	if (p->t_publish_ns == 0)
		publish(p, is_there);
	bserver_units_changed();
}

/* With the engine stopped. */
static void fail_all(struct port *p)
{
	cmd_requeue_active(p);
	while (p->wait_head != NULL) {
		struct job *j = p->wait_head;

		p->wait_head = j->next;
		cmd_finish(p, j, -EIO);
	}
}

/* ---- engines ---- */

static bool wait_clear(const struct port *p, uint32_t bit)
{
	uint64_t deadline = now_ns() + STOP_TIMEOUT_NS;

	while (port_read(p, PX_CMD) & bit)
		if (now_ns() > deadline)
			return false;
	return true;
}

static bool stop_commands(struct port *p)
{
	port_write(p, PX_CMD, port_read(p, PX_CMD) & ~CMD_ST);
	return wait_clear(p, CMD_CR);
}

bool port_stop(struct port *p)
{
	uint32_t status = port_read(p, PX_TFD) & (TFD_BSY | TFD_DRQ | TFD_ERR);

	p->is_quiet = status == 0 && (port_read(p, PX_CI) | port_read(p, PX_SACT)) == 0;
	port_write(p, PX_IE, 0);
	if (!stop_commands(p))
		return false;
	port_write(p, PX_CMD, port_read(p, PX_CMD) & ~CMD_FRE);
	return wait_clear(p, CMD_FR);
}

/* From here on the controller moves nothing for this port. */
static void halt(struct port *p)
{
	if (stop_commands(p))
		return;
	sys_log("ahci: port %u: the command engine does not stop\n", p->number);
	hba_rescue(p->hba, p);
}

static void listen(struct port *p)
{
	port_write(p, PX_SERR, ~0u);
	port_write(p, PX_IS, ~0u);
	port_write(p, PX_IE, PIS_WANTED);
}

/* Most ports have no device and cost no memory. */
static bool start_receiving(struct port *p)
{
	uint64_t fb;

	if (p->mem == NULL)
		p->mem = vm_alloc_dma(sizeof(*p->mem), p->dma_flags, 0, &p->mem_bus);
	if (p->mem == NULL)
		return false;
	fb = p->mem_bus + offsetof(struct port_memory, received);
	port_write(p, PX_CLB, (uint32_t)p->mem_bus);
	port_write(p, PX_CLBU, (uint32_t)(p->mem_bus >> 32));
	port_write(p, PX_FB, (uint32_t)fb);
	port_write(p, PX_FBU, (uint32_t)(fb >> 32));
	listen(p);
	port_write(p, PX_CMD, CMD_ICC_ACTIVE | CMD_FRE | CMD_POD | CMD_SUD);
	return true;
}

/* ---- transitions ---- */

/* The next one may be another disk. */
static void forget_disk(struct port *p)
{
	if (p->disk.info.sectors != 0) {
		p->unplugs++;
		sys_log("ahci: port %u: disk %s has gone\n", p->number, p->disk.info.serial);
	}
	fail_all(p);
	memset(&p->disk, 0, sizeof(p->disk));
	p->is_failed = false;
	bserver_forget_opens(p->unit);
	announce(p, false);
}

static void go_empty(struct port *p)
{
	halt(p);
	set_state(p, PORT_EMPTY);
	forget_disk(p);
	if (port_read(p, PX_IE) == 0) /* the controller was reset */
		listen(p);
}

/* With the engine stopped. */
static void go_failed(struct port *p)
{
	if (p->resets == RESETS_MAX + 1) /* not each time that it is tried again */
		sys_log("ahci: port %u: the device does not recover\n", p->number);
	set_state(p, PORT_FAILED);
	p->is_failed = true;
	p->t_state_ns = now_ns() + FAILED_AGAIN_NS;
	fail_all(p);
	announce(p, false);
}

static void go_reset(struct port *p)
{
	halt(p);
	if (p->state != PORT_EMPTY && p->state != PORT_FAILED && ++p->resets > RESETS_MAX) {
		go_failed(p);
		return;
	}
	if (!start_receiving(p)) {
		sys_log("ahci: port %u: no memory\n", p->number);
		if (p->state != PORT_EMPTY)
			go_empty(p);
		return;
	}
	p->is_quiet = false;
	set_state(p, PORT_RESET);
	port_write(p, PX_SCTL, SCTL_IPM_NONE | SCTL_DET_RESET);
	p->t_reset_ns = now_ns();
	p->t_state_ns = p->t_reset_ns + RESET_HOLD_NS;
}

static void go_link(struct port *p, uint64_t now)
{
	port_write(p, PX_SCTL, SCTL_IPM_NONE);
	set_state(p, PORT_LINK);
	p->t_state_ns = now; /* emulated links are up at once */
	p->t_give_up_ns = p->t_reset_ns + LINK_TIMEOUT_NS;
}

static void go_identify(struct port *p)
{
	uint64_t patience = p->is_quiet ? QUIET_NS : IDENTIFY_NS;

	if (port_read(p, PX_SIG) != SIG_ATA) { /* ATAPI, a port multiplier: not ours */
		go_empty(p);
		return;
	}
	set_state(p, PORT_IDENTIFY);
	p->t_give_up_ns = p->t_state_ns = now_ns() + patience;
	port_write(p, PX_SERR, ~0u);
	port_write(p, PX_IS, ~0u);
	port_write(p, PX_CMD, port_read(p, PX_CMD) | CMD_ST);
	cmd_identify(p);
}

/* A disk that was just plugged in is busy until its platters turn; nobody has its name yet. */
static uint64_t give_up_at(const struct port *p, unsigned det)
{
	if (det == DET_PRESENT && !p->is_published && !p->is_failed && !p->is_quiet)
		return p->t_reset_ns + SPINUP_NS;
	return p->t_give_up_ns;
}

static void look_at_link(struct port *p, uint64_t now)
{
	unsigned det = SSTS_DET(port_read(p, PX_SSTS));
	bool is_busy = port_read(p, PX_TFD) & (TFD_BSY | TFD_DRQ);

	if (det == DET_PRESENT && !is_busy) {
		go_identify(p);
	} else if (det == DET_NONE && now > p->t_reset_ns + NO_DEVICE_NS) {
		go_empty(p);
	} else if (now >= give_up_at(p, det)) {
		go_reset(p);
	} else {
		if (det == DET_PRESENT) /* its first FIS is not taken while DIAG.X is set */
			port_write(p, PX_SERR, ~0u);
		p->t_state_ns = now + LOOK_NS;
	}
}

/* ---- events ---- */

void port_init(struct port *p, bool is_restart)
{
	bool has_link = SSTS_DET(port_read(p, PX_SSTS)) != DET_NONE;
	/* The predecessor may have died while it held the link down. */
	bool is_held = SCTL_DET(port_read(p, PX_SCTL)) != 0 || p->hba->was_reset;

	p->is_published = is_restart;
	p->t_publish_ns = is_restart ? now_ns() + PUBLISH_LATER_NS : 0;
	listen(p);
	if (!has_link && !is_held)
		return; /* EMPTY; a connect change will tell */
	if (!p->is_quiet || is_held || !start_receiving(p)) {
		go_reset(p);
		return;
	}
	set_state(p, PORT_LINK);
	p->t_give_up_ns = now_ns() + QUIET_NS;
	look_at_link(p, now_ns());
}

static void identify_failed(struct port *p, int err)
{
	if (err == -ENOTSUP) {
		sys_log("ahci: port %u: not a disk with 512-byte sectors and LBA48\n", p->number);
		go_empty(p);
		return;
	}
	sys_log("ahci: port %u: damaged IDENTIFY data\n", p->number);
	p->errors++;
	port_recover(p, 0);
}

void port_identified(struct port *p)
{
	uint16_t words[256];
	struct disk disk;
	int err;

	if (p->state != PORT_IDENTIFY)
		return;
	memcpy(words, p->mem->identify, sizeof(words));
	err = identify_parse(words, &disk);
	if (err != 0) {
		identify_failed(p, err);
		return;
	}
	if (p->disk.info.sectors != 0 && !identify_is_same(&p->disk, &disk))
		forget_disk(p);
	p->disk = disk;
	if (!p->hba_has_ncq)
		p->disk.info.queue_depth = 1;
	p->resets = 0;
	p->is_failed = false;
	set_state(p, PORT_READY);
	announce(p, true);
	cmd_pump(p);
}

void port_recover(struct port *p, int status)
{
	halt(p);
	if (status != 0)
		cmd_end_careful(p, status);
	cmd_requeue_active(p);
	cmd_fail_late(p, now_ns());
	go_reset(p);
}

void port_was_reset(struct port *p)
{
	switch (p->state) {
	case PORT_EMPTY:
	case PORT_FAILED: listen(p); return;
	case PORT_RESET:
	case PORT_LINK:
	case PORT_IDENTIFY:
	case PORT_READY: port_recover(p, 0); return;
	}
}

/* PCS: the device announced itself: it has just got power, or is another one. Else the link alone failed. */
static void link_changed(struct port *p, uint32_t causes)
{
	unsigned det = SSTS_DET(port_read(p, PX_SSTS));

	if (det != DET_NONE && (p->state == PORT_IDENTIFY || (causes & PIS_PCS) == 0)) {
		port_recover(p, 0);
		return;
	}
	go_empty(p);
	if (SSTS_DET(port_read(p, PX_SSTS)) != DET_NONE)
		go_reset(p);
}

void port_changed(struct port *p, uint32_t causes)
{
	/* PxSERR.DIAG.X and N hold the causes. A new device's first FIS is taken once X is clear, and then the
	 * controller would send it the commands that it still has. */
	if (p->state == PORT_IDENTIFY || p->state == PORT_READY)
		halt(p);
	port_write(p, PX_SERR, ~0u);
	switch (p->state) {
	case PORT_RESET:
	case PORT_LINK: return; /* our own reset does that */
	case PORT_IDENTIFY:
	case PORT_READY: link_changed(p, causes); return;
	case PORT_EMPTY:
	case PORT_FAILED:
		if (SSTS_DET(port_read(p, PX_SSTS)) != DET_PRESENT)
			return;
		p->resets = 0;
		go_reset(p);
	}
}

/* What was put off at a restart; in between nothing can be said yet. */
static void publish_late(struct port *p, uint64_t now)
{
	if (p->state == PORT_RESET || p->state == PORT_LINK || p->state == PORT_IDENTIFY)
		p->t_publish_ns = now + PUBLISH_LATER_NS;
	else
		publish(p, p->state == PORT_READY);
	bserver_units_changed(); /* OPENs of an empty port have waited for this */
}

void port_timer(struct port *p, uint64_t now)
{
	bool is_due = p->t_state_ns != 0 && now >= p->t_state_ns;

	if (p->t_publish_ns != 0 && now >= p->t_publish_ns)
		publish_late(p, now);
	if (p->state != PORT_READY)
		cmd_fail_late(p, now);
	switch (p->state) {
	case PORT_RESET:
		if (!is_due)
			return;
		go_link(p, now);
		look_at_link(p, now);
		return;
	case PORT_LINK:
		if (is_due)
			look_at_link(p, now);
		return;
	case PORT_IDENTIFY:
		if (is_due)
			port_recover(p, 0);
		return;
	case PORT_READY:
		if (p->t_look_ns != 0 && now >= p->t_look_ns)
			cmd_check_deadlines(p, now);
		return;
	case PORT_FAILED:
		if (is_due)
			go_reset(p);
		return;
	case PORT_EMPTY: return;
	}
}

uint64_t port_next_timer(const struct port *p)
{
	uint64_t next = ns_earlier(p->t_publish_ns, p->t_state_ns);

	return ns_earlier(next, p->state == PORT_READY ? p->t_look_ns : deadline_first_limit(p));
}
