/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet: the TCP/IP stack. Clients: vfs (sockets, sock.h), procfs by way of vfs. Servers: units of the
 * network protocol (net.h), which inet does not trust. This file holds the main loop.
 *
 *   application --vfs--> sock*.c --> lwIP (raw API) --> frame.c --> lib/netdev --> driver or filter
 *                                        ^-------------- rxpool.c <-----'
 *
 * One thread. Frames that lwIP sends while messages are handled are collected by netdev and go out, with one
 * doorbell a unit, before the next RECEIVE. The alarm is one-shot, for the earliest of all deadlines.
 *
 * Over a restart of a driver everything stays (recover.h). Over a restart of inet only the numbers of interfaces
 * stay (units.h): connections end, their applications get errors (sock.h), addresses come
 * from DHCP or the boot option again.
 */
#include <errno.h>
#include <string.h>

#include "axolotl/boot.h"
#include "axolotl/sock.h"
#include "config.h"
#include "frame.h"
#include "iface.h"
#include "lwip/init.h"
#include "memory.h"
#include "random.h"
#include "recover.h"
#include "sack.h"
#include "sockif.h"
#include "status.h"
#include "sys/sys.h"
#include "timers.h"
#include "turn.h"
#include "units.h"

#define IDLE_ROUNDS_MAX 8

static int init(const struct sys_init *how)
{
	struct boot_info boot = {0};

	(void)how;
	if (k_getinfo(KINFO_BOOT, &boot, sizeof(boot), 0) < 0)
		sys_log("the boot options cannot be read, interfaces use DHCP\n");
	boot.cmdline[sizeof(boot.cmdline) - 1] = 0;
	config_init(boot.cmdline);
	random_init(NULL);
	frame_init();
	timers_init(now_ns());
	lwip_init();
	sock_init();
	return units_init();
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	struct {
		int32_t result;
	} unknown = {-ENOSYS};

	timers_run(now_ns());
	if (m->type == SOCK_CREATE && memory_for_sockets() != 0)
		sys_log("there is no memory for what sockets send\n");
	if (netdev_message(m) || sock_message(m, how))
		return;
	if (!(m->type & MSG_REPLY) && how == IPC_SEND)
		sys_reply(m, how, &unknown);
}

static void doorbell(endpoint_t from)
{
	timers_run(now_ns());
	(void)netdev_doorbell(from);
}

static void ds_change(const struct ds_change *c)
{
	/* Both look: a unit's name is followed by netdev and by us. */
	(void)netdev_ds_change(c);
	(void)units_ds_change(c);
}

/* Frames came as long as we looked: messages are served, then we look again. */
static bool is_unfinished;
/* The alarm that is set. */
static uint64_t set_for;
static bool is_set_idle;

static void alarm_rang(uint64_t t_ns)
{
	bool is_early = t_ns < set_for;

	set_for = 0;
	is_set_idle = false;
	timers_run(now_ns());
	netdev_alarm(t_ns);
	sock_alarm(now_ns());
	/* Nothing else is to be run: then nobody is about to write more. */
	tcp_hold_run(is_early ? UINT64_MAX : now_ns());
}

static void set_alarm(void)
{
	bool is_held = tcp_hold_deadline() != 0;
	uint64_t wants[] = {timers_next_deadline(), netdev_next_deadline(),
	                    sock_next_deadline(),   recover_next_deadline(),
	                    tcp_hold_deadline(),    sack_next_deadline(),
	                    is_unfinished};
	uint64_t next = 0;

	for (unsigned i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (wants[i] != 0 && (next == 0 || wants[i] < next))
			next = wants[i];
	/* One that rings too early stays: a look at nothing is cheaper than the device, and deadlines move all
	 * the time. One in the past has rung, or will. */
	if (next == 0 && set_for == 0)
		return;
	if (set_for > now_ns() && (next == 0 || set_for <= next) && (is_set_idle || !is_held))
		return;
	set_for = next;
	is_set_idle = is_held;
	if ((is_held ? k_setalarm_idle(next) : k_setalarm(next)) != 0)
		sys_panic("the alarm cannot be set");
}

/* What frames bring that come while we look is done as well: each RECEIVE costs more than they do. */
static void idle(void)
{
	unsigned rounds = 0, taken;

	do {
		units_settle();
		turn_before_sleep();
		taken = netdev_taken();
		netdev_idle();
		is_unfinished = taken != netdev_taken();
	} while (is_unfinished && ++rounds < IDLE_ROUNDS_MAX);
	sock_answer();
	set_alarm();
}

int main(void)
{
	static const struct sys_component component = {
		.init = init,
		.message = message,
		.doorbell = doorbell,
		.alarm = alarm_rang,
		.ds_change = ds_change,
		.idle = idle,
		.status = status_text,
	};

	sys_main(&component);
}
