/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals: a character driver without hardware (protocol axolotl/chr.h, "Pairs"). vfs is the
 * client. Over a restart: nothing. The pairs end with this process; vfs hangs their sessions up, as
 * if each master had been closed, and new ones are made here.
 */
#include <stdio.h>

#include "pty.h"
#include "sys/sys.h"

static int init(const struct sys_init *how)
{
	static const struct chardev_ops ops = {.open = pair_open,
	                                       .close = pair_close,
	                                       .read = pair_read,
	                                       .write = pair_write,
	                                       .ioctl = pair_ioctl,
	                                       .poll = pair_poll,
	                                       .cancel = pair_cancel};

	(void)how;
	chardev_init(&ops);
	return chardev_publish("ptmx", CHR_PTMX);
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (!chardev_message(m, how))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static int status(char *buf, size_t len)
{
	return snprintf(buf, len, "pairs=%u\n", pair_count());
}

int main(void)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .alarm = lines_alarm,
	                                               .idle = lines_set_alarm,
	                                               .status = status};

	sys_main(&component);
}
