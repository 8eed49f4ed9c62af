/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is shared with drivers, when it is needed (memory.h). */
#include <errno.h>
#include <sys/mman.h>

#include "arena.h"
#include "memory.h"
#include "netdev/netdev.h"
#include "rxpool.h"
#include "sys/sys.h"

#define SEND_BYTES     (12u << 20)
#define RECEIVE_BYTES  (RX_SLOTS * NET_RX_BUFFER)
/* Page index modulo 512, away from mfs's arena (costs: cache sets). */
#define SEND_COLOUR    195
#define RECEIVE_COLOUR 323

static bool has_send, has_receive;

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
	if (*number >= 0)
		return memory;
	if (vm_unmap(memory, len_bytes) != 0)
		sys_log("%zu bytes of memory are lost\n", len_bytes);
	return NULL;
}

int memory_for_sockets(void)
{
	int number;
	void *memory;

	if (has_send)
		return 0;
	memory = share(SEND_BYTES, SEND_COLOUR, true, &number);
	if (memory == NULL)
		return -ENOMEM;
	arena_init(memory, SEND_BYTES, number);
	has_send = true;
	return 0;
}

int memory_for_units(void)
{
	int r = memory_for_sockets(), number;
	void *memory;

	if (r != 0 || has_receive)
		return r;
	memory = share(RECEIVE_BYTES, RECEIVE_COLOUR, false, &number);
	if (memory == NULL)
		return -ENOMEM;
	arena_set_receive(memory, RECEIVE_BYTES, number);
	rxpool_init(memory, number);
	has_receive = true;
	return 0;
}
