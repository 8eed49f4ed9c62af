/* SPDX-License-Identifier: BSD-2-Clause */
/* What lib/sys and the socket layer would give to the core of inet (wire.h). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "servers/inet/memory.h"
#include "servers/inet/sockif.h"
#include "sys/sys.h"
#include "tests/unit/servers/inet/wire.h"

/* ---- what lib/sys would give ---- */

uint64_t now_ns(void)
{
	return wire.now_ns;
}

void sys_log(const char *fmt, ...)
{
	(void)fmt;
}

void sys_panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	abort();
}

void log_event(enum event_kind kind, endpoint_t ep, const char *label, uint64_t a, uint64_t b)
{
	(void)ep;
	(void)label;
	(void)b;
	wire.resumes += kind == EV_NET_RESUME;
	if (kind == EV_NET_RESUME)
		wire.active = (unsigned)a;
	wire.flows += kind == EV_NET_FLOW;
}

/* The wire has given both areas. */
int memory_for_units(void)
{
	return 0;
}

int ds_subscribe(const char *pattern)
{
	(void)pattern;
	return 0;
}

int ds_save(const char *key, const void *data, size_t len)
{
	(void)key;
	(void)data;
	return (int)len;
}

int ds_load(const char *key, void *data, size_t len)
{
	(void)key;
	(void)data;
	(void)len;
	return -ENOENT;
}

/* ---- the socket layer: the tests are at its place ---- */

bool sock_idle(void)
{
	return false;
}

void sock_retry(void)
{
}

void sock_net_changed(struct netif *netif)
{
	(void)netif;
}
