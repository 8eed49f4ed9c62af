/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State machine of a port.
 *
 *   EMPTY --connect--> RESET --1 ms--> LINK --signature--> IDENTIFY --data--> READY
 *     ^                  ^               |no device: EMPTY     |               |
 *     |                  +-- error, timeout: jobs wait, careful ---------------+
 *     +-- link gone: jobs fail          |3 resets in a row without success: FAILED, jobs fail
 *
 *   state      interrupt                        timer                       clients see
 *   EMPTY      connect: RESET                   -                           ENXIO, EIO
 *   RESET      -                                release DET: LINK           EAGAIN (open), requests
 * wait LINK       -                                look; late: RESET or EMPTY  the same IDENTIFY
 * data: READY; error: RESET        late: RESET                 the same READY      completions;
 * error: RESET        late command: RESET         service FAILED     connect: RESET - EIO
 *
 * A predecessor's commands do not matter: COMRESET (AHCI 10.4.2) makes the device forget them. When it
 * left none (PxCI, PxSACT and the status are clear before the engine stops), the start goes from EMPTY
 * to LINK at once, which saves 1 ms; an IDENTIFY that then fails leads to COMRESET as any error does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ahci.h"

#define RESET_HOLD_NS    1000000ull    /* 10.4.2: DET = 1 for at least 1 ms */
#define LOOK_NS          1000000ull    /* between looks at the link */
#define LINK_TIMEOUT_NS  1000000000ull /* link up and signature */
#define NO_DEVICE_NS     20000000ull   /* no presence detected for so long: nothing is there */
#define IDENTIFY_NS      1000000000ull
#define QUIET_NS         20000000ull /* patience with IDENTIFY of a device that was not reset */
#define PUBLISH_LATER_NS 20000000ull /* ds knows the name: recovery goes first */
#define STOP_TIMEOUT_NS  50000000ull /* 10.1.2 allows 500 ms; then a reset is due anyway */
#define RESETS_MAX       3
#define DEADLINE_LOOK_NS 500000000ull

static void set_state(struct port *p, enum port_state state)
{
	static const uint8_t legal[] = {
		[PORT_EMPTY] = 1u << PORT_RESET | 1u << PORT_LINK,
		[PORT_RESET] = 1u << PORT_LINK | 1u << PORT_EMPTY,
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

void port_fail_all(struct port *p, int status)
{
	cmd_requeue_active(p);
	while (p->wait_head != NULL) {
		struct job *j = p->wait_head;

		p->wait_head = j->next;
		cmd_finish(p, j, status);
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
	port_write(p, PX_SERR, ~0u);
	port_write(p, PX_IS, ~0u);
	port_write(p, PX_CMD, CMD_ICC_ACTIVE | CMD_FRE | CMD_POD | CMD_SUD);
	return true;
}

/* ---- transitions ---- */

static void go_empty(struct port *p)
{
	set_state(p, PORT_EMPTY);
	port_fail_all(p, -EIO);
	memset(&p->disk, 0, sizeof(p->disk)); /* the next one may be another disk */
	bserver_forget_opens(p->unit);
	announce(p, false);
}

static void go_failed(struct port *p)
{
	sys_log("ahci: port %u: the device does not recover\n", p->number);
	set_state(p, PORT_FAILED);
	port_fail_all(p, -EIO);
	announce(p, false);
}

static void go_reset(struct port *p)
{
	uint64_t now = now_ns();

	if (p->state != PORT_EMPTY && p->state != PORT_FAILED && ++p->resets > RESETS_MAX) {
		go_failed(p);
		return;
	}
	if (!stop_commands(p))
		sys_log("ahci: port %u: the command engine does not stop\n", p->number);
	if (!start_receiving(p)) {
		sys_log("ahci: port %u: no memory\n", p->number);
		if (p->state != PORT_EMPTY)
			go_empty(p);
		return;
	}
	p->is_quiet = false;
	port_write(p, PX_SCTL, SCTL_IPM_NONE | SCTL_DET_RESET);
	set_state(p, PORT_RESET);
	p->t_state_ns = now + RESET_HOLD_NS;
	p->t_give_up_ns = now + LINK_TIMEOUT_NS;
}

static void go_link(struct port *p, uint64_t now)
{
	uint64_t give_up = p->t_give_up_ns;

	port_write(p, PX_SCTL, SCTL_IPM_NONE);
	set_state(p, PORT_LINK);
	p->t_state_ns = now; /* emulated links are up at once */
	p->t_give_up_ns = give_up;
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

static void look_at_link(struct port *p, uint64_t now)
{
	unsigned det = SSTS_DET(port_read(p, PX_SSTS));
	bool is_busy = port_read(p, PX_TFD) & (TFD_BSY | TFD_DRQ);

	if (det == DET_PRESENT && !is_busy)
		go_identify(p);
	else if (det == DET_NONE && now > p->t_give_up_ns - LINK_TIMEOUT_NS + NO_DEVICE_NS)
		go_empty(p);
	else if (now >= p->t_give_up_ns)
		go_reset(p);
	else
		p->t_state_ns = now + LOOK_NS;
}

/* ---- events ---- */

void port_init(struct port *p, bool is_restart)
{
	p->is_published = is_restart;
	p->t_publish_ns = is_restart ? now_ns() + PUBLISH_LATER_NS : 0;
	port_write(p, PX_SERR, ~0u);
	port_write(p, PX_IS, ~0u);
	port_write(p, PX_IE, PIS_WANTED);
	if (SSTS_DET(port_read(p, PX_SSTS)) == DET_NONE)
		return; /* EMPTY; a connect change will tell */
	if (!p->is_quiet || !start_receiving(p)) {
		go_reset(p);
		return;
	}
	set_state(p, PORT_LINK);
	p->t_give_up_ns = now_ns() + QUIET_NS;
	look_at_link(p, now_ns());
}

void port_identified(struct port *p)
{
	uint16_t words[256];
	struct disk disk;

	if (p->state != PORT_IDENTIFY)
		return;
	memcpy(words, p->mem->identify, sizeof(words));
	if (!identify_parse(words, &disk)) {
		sys_log("ahci: port %u: not a disk with 512-byte sectors and LBA48\n", p->number);
		go_empty(p);
		return;
	}
	p->disk = disk;
	if (!p->hba_has_ncq)
		p->disk.info.queue_depth = 1;
	p->resets = 0;
	set_state(p, PORT_READY);
	announce(p, true);
	cmd_pump(p);
}

void port_recover(struct port *p)
{
	cmd_requeue_active(p);
	go_reset(p);
}

void port_changed(struct port *p)
{
	bool is_present = SSTS_DET(port_read(p, PX_SSTS)) == DET_PRESENT;

	/* PxSERR.DIAG.X and N hold the causes. */
	port_write(p, PX_SERR, ~0u);
	if (p->state == PORT_RESET || p->state == PORT_LINK)
		return; /* our own reset does that */
	if (is_present && (p->state == PORT_EMPTY || p->state == PORT_FAILED)) {
		p->resets = 0;
		go_reset(p);
	} else if (!is_present && p->state != PORT_EMPTY) {
		p->unplugs++;
		sys_log("ahci: port %u: the device went away\n", p->number);
		go_empty(p);
	}
}

/* What was put off at a restart; in between nothing can be said yet. */
static void publish_late(struct port *p, uint64_t now)
{
	if (p->state == PORT_RESET || p->state == PORT_LINK || p->state == PORT_IDENTIFY)
		p->t_publish_ns = now + PUBLISH_LATER_NS;
	else
		publish(p, p->state == PORT_READY);
}

void port_timer(struct port *p, uint64_t now)
{
	bool is_due = p->t_state_ns != 0 && now >= p->t_state_ns;

	if (p->t_publish_ns != 0 && now >= p->t_publish_ns)
		publish_late(p, now);
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
			port_recover(p);
		return;
	case PORT_READY:
		if (p->active != 0)
			cmd_check_deadlines(p, now);
		return;
	case PORT_EMPTY:
	case PORT_FAILED: return;
	}
}

/* In READY a look twice a second finds late commands, without an alarm for each. */
uint64_t port_next_timer(const struct port *p)
{
	if (p->t_publish_ns != 0 && (p->t_state_ns == 0 || p->t_publish_ns < p->t_state_ns))
		return p->t_publish_ns;
	if (p->state == PORT_READY)
		return p->active != 0 ? (now_ns() / DEADLINE_LOOK_NS + 2) * DEADLINE_LOOK_NS : 0;
	return p->t_state_ns;
}
