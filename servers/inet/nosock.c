/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of the socket layer, as long as it is not linked: weak, so its functions win. */
#include "sockif.h"

#define WEAK __attribute__((weak))

WEAK void sock_init(void)
{
}

WEAK bool sock_message(const struct msg *m, enum ipc_primitive how)
{
	(void)m;
	(void)how;
	return false;
}

WEAK void sock_idle(void)
{
}

WEAK void sock_retry(void)
{
}

WEAK uint64_t sock_next_deadline(void)
{
	return 0;
}

WEAK void sock_alarm(uint64_t now_ns)
{
	(void)now_ns;
}

WEAK void sock_net_changed(struct netif *netif)
{
	(void)netif;
}

WEAK int sock_status_text(char *buf, size_t len)
{
	(void)buf;
	(void)len;
	return 0;
}
