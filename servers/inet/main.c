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
#include <sys/mman.h>

#include "arena.h"
#include "axolotl/boot.h"
#include "config.h"
#include "frame.h"
#include "iface.h"
#include "lwip/init.h"
#include "merge.h"
#include "random.h"
#include "rxpool.h"
#include "sockif.h"
#include "status.h"
#include "sys/sys.h"
#include "timers.h"
#include "turn.h"
#include "units.h"

#define SEND_BYTES     (12u << 20)
#define RECEIVE_BYTES  (RX_SLOTS * NET_RX_BUFFER)
/* Page index modulo 512, away from mfs's arena (costs: cache sets). */
#define SEND_COLOUR    195
#define RECEIVE_COLOUR 323

/* In one piece if vm has one (fewer elements, large pages); drivers can do with less. */
static void *share(size_t len_bytes, unsigned colour, bool is_readonly, int *number)
{
	void *memory = vm_alloc_dma(len_bytes, 0, colour, NULL);

	if (memory == NULL)
		memory = mmap(NULL, len_bytes, PROT_READ | PROT_WRITE,
		              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	*number = netdev_arena(memory, len_bytes, is_readonly);
	return *number >= 0 ? memory : NULL;
}

static int init_memory(void)
{
	int send_number, receive_number;
	void *send = share(SEND_BYTES, SEND_COLOUR, true, &send_number);
	void *receive = share(RECEIVE_BYTES, RECEIVE_COLOUR, false, &receive_number);

	if (send == NULL || receive == NULL)
		return -ENOMEM;
	arena_init(send, SEND_BYTES, send_number);
	arena_set_receive(receive, RECEIVE_BYTES, receive_number);
	rxpool_init(receive, receive_number);
	return 0;
}

static int init(const struct sys_init *how)
{
	struct boot_info boot = {0};
	int r = init_memory();

	(void)how;
	if (r != 0)
		return r;
	if (k_getinfo(KINFO_BOOT, &boot, sizeof(boot), 0) < 0)
		sys_log("the boot options cannot be read, interfaces use DHCP\n");
	boot.cmdline[sizeof(boot.cmdline) - 1] = 0;
	config_init(boot.cmdline);
	random_init();
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
	if (netdev_message(m) || sock_message(m, how))
		return;
	if (!(m->type & MSG_REPLY) && how == IPC_SEND)
		sys_reply(m, how, &unknown);
}

static void doorbell(endpoint_t from)
{
	timers_run(now_ns());
	merge_begin();
	(void)netdev_doorbell(from);
	merge_end();
}

static void ds_change(const struct ds_change *c)
{
	/* Both look: a unit's name is followed by netdev and by us. */
	(void)netdev_ds_change(c);
	(void)units_ds_change(c);
}

static void alarm_rang(uint64_t t_ns)
{
	timers_run(now_ns());
	netdev_alarm(t_ns);
	sock_alarm(now_ns());
}

static void set_alarm(void)
{
	static uint64_t set_for;
	uint64_t wants[] = {timers_next_deadline(), netdev_next_deadline(), sock_next_deadline()};
	uint64_t next = 0;

	for (unsigned i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (wants[i] != 0 && (next == 0 || wants[i] < next))
			next = wants[i];
	/* An alarm in the past has rung, or will: it is set again only for another time. */
	if (next == set_for && (next == 0 || next > now_ns()))
		return;
	set_for = next;
	if (k_setalarm(next) != 0)
		sys_panic("the alarm cannot be set");
}

static void idle(void)
{
	turn_before_sleep();
	netdev_idle();
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
