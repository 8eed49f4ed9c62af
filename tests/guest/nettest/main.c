/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test of network drivers and filters from above, without a network stack: a component that rs starts like
 * a server.
 *
 *   -args UNIT:ping[:SECONDS]        every size of echo to QEMU's user network; or as load for so long
 *   -args UNIT,UNIT:pair[:SECONDS]   from one unit to the other, which must be on one wire
 *   -args UNIT,UNIT:merge[:SECONDS]  the same, and receiving units may make large frames of small ones
 *
 * As load it expects that drivers are killed meanwhile (by somebody else). Results go to the kernel log, one
 * line a case, and to the component's status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random/random.h"
#include "nettest.h"

static bool is_done;
static uint64_t duration_ns;
static char units[2][LABEL_MAX];
static unsigned unit_count;
static char mode[16];
static unsigned passed, failed;

void report(const char *name, bool is_good)
{
	passed += is_good;
	failed += !is_good;
	tester_say("nettest: %s %s\n", is_good ? "ok  " : "FAIL", name);
}

uint32_t random32(void)
{
	static uint64_t state = 88172645463325252ull;

	return (uint32_t)(random_xorshift(&state) >> 16);
}

/* ---- the test ---- */

static bool open_ports(void)
{
	for (unsigned i = 0; i < unit_count; i++)
		if (!port_open(&ports[i], units[i])) {
			tester_say("nettest: unit %s does not come up\n", units[i]);
			return false;
		}
	return true;
}

static void run(void)
{
	if (!open_ports())
		failed++;
	else if (strcmp(mode, "ping") == 0)
		ping_run(duration_ns != 0, duration_ns);
	else
		pair_run(duration_ns != 0, duration_ns);
	is_done = true;
	tester_say("nettest: done %s %s: %u passed, %u failed\n", units[0], mode, passed, failed);
}

static int init(void)
{
	bool is_ping = strcmp(mode, "ping") == 0, is_pair = !is_ping;

	want_merging = strcmp(mode, "merge") == 0;
	if (!is_ping && !want_merging && strcmp(mode, "pair") != 0)
		return -EINVAL;
	if (unit_count != (is_pair ? 2u : 1u))
		return -EINVAL;
	return ports_init();
}

static int status(char *buf, size_t len)
{
	const struct probe_counts *c = &probe_counts;
	const struct port *p = &ports[0], *q = &ports[1];
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {{"done", is_done},
	             {"passed", passed},
	             {"failed", failed},
	             {"answered", c->answered},
	             {"lost", c->lost},
	             {"repeated", c->repeated},
	             {"strange", c->strange},
	             {"wrong", c->wrong},
	             {"longest_us", c->longest_ns / 1000},
	             {"sent", p->sent + q->sent},
	             {"confirmed", p->confirmed + q->confirmed},
	             {"tx_failed", p->failed + q->failed},
	             {"received", p->received + q->received},
	             {"receive_errors", p->receive_errors + q->receive_errors},
	             {"rounds", p->rounds + q->rounds},
	             {"merged", p->merged + q->merged}};
	int n = 0;

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		n += snprintf(buf + n, len - (size_t)n, "%s=%llu\n", lines[i].name,
		              (unsigned long long)lines[i].value);
	return n + netdev_status_text(buf + n, len - (size_t)n);
}

/* UNIT[,UNIT]:MODE[:SECONDS] */
static void parse(char *text)
{
	char *how = strchr(text, ':'), *seconds, *unit, *rest = text;

	if (how == NULL)
		return;
	*how++ = '\0';
	seconds = strchr(how, ':');
	if (seconds != NULL) {
		*seconds++ = '\0';
		duration_ns = strtoull(seconds, NULL, 10) * 1000000000ull;
	}
	snprintf(mode, sizeof(mode), "%s", how);
	while ((unit = strsep(&rest, ",")) != NULL && unit_count < 2)
		snprintf(units[unit_count++], LABEL_MAX, "%s", unit);
}

int main(int argc, char **argv)
{
	static const struct tester tester = {.name = "nettest",
	                                     .half = &netdev_half,
	                                     .init = init,
	                                     .run = run,
	                                     .status = status};

	if (argc > 1)
		parse(argv[1]);
	tester_main(&tester);
}
