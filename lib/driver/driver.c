/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of drivers: see driver.h. */
#include <errno.h>

#include "driver/driver.h"

static const struct driver *self;
static uint64_t alarm_at;

int driver_attach(const struct driver_devices *d, unsigned *count)
{
	unsigned n = 0;

	for (; n < d->max && pcidev_find(n, d->pci(n)) == 0; n++) {
		int err = d->start(n);

		if (err != 0) {
			sys_log("%s: device %u does not start: error %d\n", self->name, n, -err);
			return err;
		}
	}
	*count = n;
	if (n == 0)
		sys_log("%s: there is no device\n", self->name);
	return n > 0 ? 0 : -ENXIO;
}

/* ---- main loop ---- */

static int init(const struct sys_init *how)
{
	return self->init(how);
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (!self->server->message(m, how))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void doorbell(endpoint_t from)
{
	(void)self->server->doorbell(from);
}

static void interrupt(uint64_t hooks)
{
	if (self->interrupt != NULL)
		self->interrupt(hooks);
}

static void alarm_fired(uint64_t now)
{
	alarm_at = 0;
	if (self->alarm != NULL)
		self->alarm(now);
}

static void idle(void)
{
	uint64_t at;

	if (self->poll != NULL)
		self->poll();
	self->server->idle();
	at = self->next_alarm != NULL ? self->next_alarm() : 0;
	/* An alarm that is too early does no harm; moving it all the time would cost. */
	if (at == 0 || (alarm_at != 0 && alarm_at <= at))
		return;
	alarm_at = at;
	if (k_setalarm(at) < 0)
		sys_panic("%s: no alarm", self->name);
}

static int status(char *buf, size_t len)
{
	int used = self->server->status_text(buf, len);

	if (self->status != NULL && used >= 0 && (size_t)used < len)
		used += self->status(buf + used, len - (size_t)used);
	return used;
}

void driver_main(const struct driver *d)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .interrupt = interrupt,
	                                               .alarm = alarm_fired,
	                                               .idle = idle,
	                                               .status = status};

	self = d;
	sys_main(&component);
}
