/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scrub: has a checksum filter look at its whole medium, on all replicas, and heal what it finds.
 *
 *   scrub start [-r BYTES_PER_SECOND] [UNIT]     begins at the start of the medium (default: 32 MiB/s)
 *   scrub status | stop [UNIT]                   UNIT: the unit of the filter (default: disk)
 *   scrub wait [UNIT]                            until it has ended
 *
 * Prints what the filter says: key=value lines, with the counts of this pass. The work is the
 * filter's (filters/block/checksum/scrub.c), by way of rs (`service control`).
 *
 * Exit status: 0 done; 1 the filter or rs refused, or (wait) sectors are lost or unreadable; 2 wrong
 * usage.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "axolotl/rs.h"

#define EXIT_USAGE   2
#define PATIENCE_MAX 100 /* questions in a row that find the filter being replaced */

static char out[8192];

static int usage(void)
{
	fputs("usage: scrub start [-r BYTES_PER_SECOND] [UNIT]\n"
	      "       scrub status | stop | wait [UNIT]\n",
	      stderr);
	return EXIT_USAGE;
}

/* "control checksum.UNIT scrub WORD [RATE]" to rs: bytes of its answer in `out`, or -1 and errno. */
static long ask(const char *unit, const char *word, const char *rate)
{
	struct service_args args = {.out = out, .out_bytes = sizeof(out)};
	char words[256];
	int n = snprintf(words, sizeof(words), "control%cchecksum.%s%cscrub%c%s%c%s", 0, unit, 0, 0,
	                 word, 0, rate != NULL ? rate : "");

	if (n < 0 || (size_t)n >= sizeof(words)) {
		errno = E2BIG;
		return -1;
	}
	memset(out, 0, sizeof(out)); /* also makes its pages present */
	args.argv = words;
	args.argv_bytes = (size_t)n + (rate != NULL ? 1 : 0);
	return syscall(AXO_NR_SERVICE, &args);
}

static int complain(const char *unit, const char *word)
{
	const char *why = strerror(errno);

	if (errno == EBUSY)
		why = "a scrub runs already";
	else if (errno == EINVAL && strcmp(word, "stop") == 0)
		why = "no scrub runs";
	fprintf(stderr, "scrub: %s: %s\n", unit, out[0] != '\0' ? out : why);
	return 1;
}

static unsigned long long value_of(const char *name)
{
	const char *at = strstr(out, name);

	return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static int wait_for_end(const char *unit)
{
	unsigned failures = 0;

	for (;;) {
		const struct timespec pause = {.tv_nsec = 100000000};

		if (ask(unit, "status", NULL) > 0) {
			failures = 0;
			if (strstr(out, "scrub=running\n") == NULL)
				break;
		} else if (++failures > PATIENCE_MAX) {
			return complain(unit, "status");
		}
		nanosleep(&pause, NULL);
	}
	fputs(out, stdout);
	return value_of("scrub_lost=") + value_of("scrub_unreadable=") > 0;
}

int main(int argc, char **argv)
{
	const char *rate = NULL, *unit = "disk", *word = argc > 1 ? argv[1] : "";
	int next = 2;

	if (strcmp(word, "start") == 0 && argc > 3 && strcmp(argv[2], "-r") == 0) {
		rate = argv[3];
		next = 4;
	}
	if (next < argc)
		unit = argv[next++];
	if (next < argc)
		return usage();
	if (strcmp(word, "wait") == 0)
		return wait_for_end(unit);
	if (strcmp(word, "start") != 0 && strcmp(word, "status") != 0 && strcmp(word, "stop") != 0)
		return usage();
	if (ask(unit, word, rate) < 0)
		return complain(unit, word);
	fputs(out, stdout);
	return 0;
}
