/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance suite of the block protocol, and load on it: a component that rs starts like a
 * driver.
 *
 *   boot option blocktest=UNIT:MODE, or -args "UNIT:MODE"
 *     conform   every case that does not write     write    all cases (destroys the unit's
 * contents) read      sequential reads, 1 MiB            kill     reads while the server is
 * complained to death verify    writes and reads back with deaths in between (destroys the
 * contents)
 *
 * Results go to the kernel log, one line a case, and to the component's status: "passed=N
 * failed=N". Cases run in a fiber, so that they read as straight-line code while the main loop
 * stays responsive.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev/blockdev.h"
#include "blocktest.h"

#define LOOKUP_NS 10000000ull
#define START_NS  10000000000ull

struct test_unit test_unit;

static char mode[16] = "conform";
static unsigned passed, failed, skipped;
static bool is_done;

endpoint_t wait_server(endpoint_t old, uint64_t timeout_ns)
{
	uint64_t deadline = now_ns() + timeout_ns;
	endpoint_t ep;

	while (now_ns() < deadline) {
		if (ds_lookup_label(test_unit.label, &ep) == 0 && ep != old && ep != EP_NONE)
			return ep;
		tester_wait(LOOKUP_NS);
	}
	return EP_NONE;
}

/* ---- the suite ---- */

static void run_cases(const struct case_row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const char *why = rows[i].fn();

		if (why == NULL)
			passed++;
		else if (why[0] == '\0')
			skipped++;
		else
			failed++;
		if (why == NULL || why[0] != '\0')
			tester_say("blocktest: %s %s%s%s\n", why == NULL ? "ok  " : "FAIL",
			           rows[i].name, why == NULL ? "" : ": ", why == NULL ? "" : why);
	}
}

static void find_unit(void)
{
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];
	uint64_t deadline = now_ns() + START_NS;
	char *colon;

	snprintf(key, sizeof(key), "blk.%.20s", test_unit.name);
	while (ds_lookup_str(key, value, sizeof(value)) != 0) {
		if (now_ns() > deadline)
			sys_panic("blocktest: there is no unit %s", test_unit.name);
		tester_wait(LOOKUP_NS);
	}
	colon = strrchr(value, ':');
	SYS_ASSERT(colon != NULL);
	*colon = '\0';
	snprintf(test_unit.label, sizeof(test_unit.label), "%s", value);
	test_unit.unit = (uint32_t)strtoul(colon + 1, NULL, 10);
}

static void run(void)
{
	bool is_suite = strcmp(mode, "conform") == 0 || strcmp(mode, "write") == 0;

	test_unit.may_write = strcmp(mode, "write") == 0 || strcmp(mode, "verify") == 0;
	find_unit();
	if (is_suite) {
		run_cases(control_cases, control_case_count);
		run_cases(data_cases, data_case_count);
		run_cases(abuse_cases, abuse_case_count);
	} else {
		stress_run(mode);
	}
	is_done = true;
	tester_say("blocktest: done %s %s: %u passed, %u failed, %u skipped\n", test_unit.name,
	           mode, passed, failed, skipped);
}

/* ---- start ---- */

static int init(void)
{
	char option[DS_VALUE_MAX];

	if (test_unit.name[0] == '\0' &&
	    ds_lookup_str("boot.blocktest", option, sizeof(option)) == 0) {
		char *colon = strchr(option, ':');

		if (colon != NULL) {
			*colon = '\0';
			snprintf(mode, sizeof(mode), "%s", colon + 1);
		}
		snprintf(test_unit.name, sizeof(test_unit.name), "%s", option);
	}
	if (test_unit.name[0] == '\0')
		return -EINVAL;
	return 0;
}

static int status(char *buf, size_t len)
{
	return snprintf(buf, len, "unit=%s\nmode=%s\ndone=%d\npassed=%u\nfailed=%u\nskipped=%u\n",
	                test_unit.name, mode, is_done, passed, failed, skipped);
}

int main(int argc, char **argv)
{
	static const struct tester tester = {.name = "blocktest",
	                                     .half = &bdev_half,
	                                     .init = init,
	                                     .run = run,
	                                     .message = raw_message,
	                                     .status = status};

	if (argc > 1) {
		const char *colon = strchr(argv[1], ':');

		snprintf(test_unit.name, sizeof(test_unit.name), "%.*s",
		         colon != NULL ? (int)(colon - argv[1]) : LABEL_MAX - 1, argv[1]);
		if (colon != NULL)
			snprintf(mode, sizeof(mode), "%s", colon + 1);
	}
	tester_main(&tester);
}
