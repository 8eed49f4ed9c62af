/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of network drivers: see nicdriver.h. */
#include <errno.h>
#include <stdio.h>

#include "nicdriver/nicdriver.h"

#define LOOK_NS 250000000ull

static const struct nicdriver *self;
static unsigned unit_count;
static struct {
	uint64_t irqs, start_ns; /* interrupts; how long its start took */
} counts[NICDRIVER_UNITS_MAX];

/* ---- net server ---- */

static int info(unsigned unit, struct net_info *out)
{
	if (unit >= unit_count)
		return -ENXIO;
	*out = (struct net_info){.mtu = 0};
	self->info(unit, out);
	snprintf(out->name, sizeof(out->name), "%s_%u", self->name, unit);
	return 0;
}

static void flush_batch(void)
{
	for (unsigned i = 0; i < unit_count; i++)
		self->flush(i);
}

static int unit_status(unsigned unit, char *buf, size_t len)
{
	struct net_info i;
	const uint8_t *m = i.mac;
	int err = info(unit, &i);
	size_t used;

	if (err != 0)
		return err;
	used = (size_t)snprintf(buf, len,
	                        "%s=%s mac=%02x:%02x:%02x:%02x:%02x:%02x link=%s msi=%d irqs=%llu ",
	                        i.name, i.model, m[0], m[1], m[2], m[3], m[4], m[5],
	                        nserver_link_of(unit)->is_up ? "up" : "down",
	                        self->pci(unit)->is_msi, (unsigned long long)counts[unit].irqs);
	if (used < len)
		used += (size_t)self->status(unit, buf + used, len - used);
	if (used < len)
		used += (size_t)snprintf(buf + used, len - used, "start_us=%llu\n",
		                         (unsigned long long)(counts[unit].start_ns / 1000));
	return (int)(used < len ? used : len);
}

/* ---- start ---- */

static int start_unit(unsigned unit)
{
	uint64_t begun = now_ns();
	char name[LABEL_MAX];
	int err = self->start(unit);

	if (err != 0)
		return err;
	counts[unit].start_ns = now_ns() - begun;
	snprintf(name, sizeof(name), "%s_%u", self->name, unit);
	return nserver_publish(name, unit);
}

static int init(const struct sys_init *how)
{
	static struct nserver_ops ops;
	const struct nserver_config config = {
		.ops = &ops, .wants_bus = self->wants_bus, .maps_arenas = true};
	const struct driver_devices devices = {
		.max = NICDRIVER_UNITS_MAX, .pci = self->pci, .start = start_unit};

	(void)how;
	ops = (struct nserver_ops){.info = info,
	                           .configure = self->configure,
	                           .stop = self->stop,
	                           .tx = self->tx,
	                           .rx = self->rx,
	                           .flush_batch = flush_batch,
	                           .status = unit_status};
	nserver_init(&config);
	return driver_attach(&devices, &unit_count);
}

/* ---- main loop ---- */

static void interrupt(uint64_t hooks)
{
	const unsigned mask = (1u << self->hooks) - 1;

	for (unsigned i = 0; i < unit_count; i++, hooks >>= self->hooks) {
		if (!(hooks & mask))
			continue;
		counts[i].irqs++;
		self->interrupt(i, (unsigned)hooks & mask);
		pcidev_irq_done(self->pci(i));
	}
}

static void poll(void)
{
	for (unsigned i = 0; i < unit_count && self->poll != NULL; i++)
		self->poll(i);
}

static uint64_t next_alarm(void)
{
	bool is_out = false;

	for (unsigned i = 0; i < unit_count; i++)
		is_out |= self->arm(i);
	return is_out ? now_ns() + LOOK_NS : 0;
}

static void alarm_fired(uint64_t now)
{
	for (unsigned i = 0; i < unit_count; i++) {
		uint64_t since = self->look(i);

		if (since != 0 && now > since + NICDRIVER_TIMEOUT_NS)
			sys_panic("%s_%u: the transmitter stands still", self->name, i);
	}
}

static int status(char *buf, size_t len)
{
	size_t used = 0;

	for (unsigned i = 0; i < unit_count && used < len; i++) {
		int more = unit_status(i, buf + used, len - used);

		used += more > 0 ? (size_t)more : 0;
	}
	return (int)used;
}

void nicdriver_main(const struct nicdriver *n)
{
	static struct driver driver = {.server = &nserver_half,
	                               .init = init,
	                               .interrupt = interrupt,
	                               .poll = poll,
	                               .next_alarm = next_alarm,
	                               .alarm = alarm_fired,
	                               .status = status};

	self = n;
	driver.name = n->name;
	driver_main(&driver);
}
