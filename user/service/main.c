/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service: starts, stops, watches and replaces system components (thesis 2.2, Fig. 2.4). A thin
 * front end: it reads the files, puts words, binary and policy into one call to rs, and prints what
 * rs says.
 *
 *   service COMMAND [...] [--json]; `service help` explains.
 *
 * `service monitor` runs recovery scripts (Fig. 4.2): rs itself reads no files and runs no
 * programs, so an ordinary process waits for recoveries that a script governs and runs the script.
 *
 * Exit status: 0 done, 1 rs refused or failed (its words are on stderr), 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "axolotl/rs.h"

#define OUT_BYTES   131072
#define WORDS_BYTES 4096
#define CONFIG_MAX  16384
#define EXIT_USAGE  2

static const char usage_text[] =
	"usage: service COMMAND [ARGUMENTS] [--json]\n"
	"  up BINARY [OPTIONS]   start a component; its policy is found by label or binary name\n"
	"      -args STRING        arguments of the component, instead of its policy's\n"
	"      -dev NODE           name of its device, for components that take one\n"
	"      -isolation FILE     policy file instead of the system's own\n"
	"      -label NAME         stable name (default: the binary's)\n"
	"      -mirror yes|no      keep the binary in memory (always done)\n"
	"      -period SECONDS     between heartbeats; 0: none\n"
	"      -recovery SCRIPT    run by `service monitor` instead of a direct restart\n"
	"      -standby yes|no     keep a loaded spare\n"
	"  down LABEL            stop a component and give its devices up\n"
	"  refresh LABEL         replace it by a fresh process, politely\n"
	"  restart LABEL         kill it and start it again\n"
	"  update LABEL [BINARY] replace it by a new version of its binary\n"
	"  list                  all components\n"
	"  status [LABEL]        one component in detail\n"
	"  control LABEL WORDS   a command for a component that takes any\n"
	"  stack                 all stacks\n"
	"  stack EXPR [NAME]     start a storage stack as unit NAME (default: disk)\n"
	"  stack -net EXPR [NAME]  a network stack (default: net0); -net may be left out\n"
	"                        when EXPR names network units that are there\n"
	"  stack -down NAME      end it\n"
	"  monitor               run recovery scripts as they are needed; does not end\n"
	"LABEL is one of `service list`, a unit of the component (sata0), or its binary's\n"
	"name with a 0 (ahci0) if there is only one.\n";

struct buffer {
	char *bytes;
	size_t len;
};

static char out[OUT_BYTES];

static int usage(void)
{
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

/* Reads a whole file into memory of ours; rs copies only what is present. */
static bool read_file(const char *path, size_t max, struct buffer *b)
{
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) != 0)
		goto fail;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (size_t)st.st_size > max) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		goto fail;
	}
	b->bytes = calloc(1, (size_t)st.st_size);
	if (b->bytes == NULL)
		goto fail;
	for (b->len = 0; b->len < (size_t)st.st_size; b->len += (size_t)n) {
		n = read(fd, b->bytes + b->len, (size_t)st.st_size - b->len);
		if (n <= 0)
			goto fail;
	}
	close(fd);
	return true;
fail:
	fprintf(stderr, "service: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

/* Joins words with their NULs. */
static bool join(int argc, char **argv, char words[WORDS_BYTES], size_t *len)
{
	*len = 0;
	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;

		if (*len + n > WORDS_BYTES) {
			fprintf(stderr, "service: the command line is too long\n");
			return false;
		}
		memcpy(words + *len, argv[i], n);
		*len += n;
	}
	return true;
}

static long call_rs(int argc, char **argv, struct service_args *args)
{
	static char words[WORDS_BYTES];
	size_t len;

	if (!join(argc, argv, words, &len)) {
		errno = E2BIG;
		return -1;
	}
	memset(out, 0, sizeof(out)); /* also makes its pages present */
	args->argv = words;
	args->argv_bytes = len;
	args->out = out;
	args->out_bytes = sizeof(out);
	return syscall(AXO_NR_SERVICE, args);
}

static int finish(const char *command, long result)
{
	int error = errno;

	if (result >= 0) {
		fputs(out, stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (out[0] != '\0')
		fprintf(stderr, "service: %s", out);
	else
		fprintf(stderr, "service: %s: %s\n", command, strerror(error));
	return 1;
}

static const char *option_value(int argc, char **argv, const char *name)
{
	for (int i = 2; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return NULL;
}

/* A path is read here; a bare name means the boot archive's copy. */
static bool take_binary(const char *binary, struct service_args *args, struct buffer *image)
{
	if (binary == NULL || strchr(binary, '/') == NULL)
		return true;
	if (!read_file(binary, 64u << 20, image))
		return false;
	args->image = image->bytes;
	args->image_bytes = image->len;
	return true;
}

static int command_up(int argc, char **argv)
{
	struct service_args args = {0};
	struct buffer image = {0}, config = {0};
	const char *isolation = option_value(argc, argv, "-isolation");

	if (argc < 2)
		return usage();
	if (!take_binary(argv[1], &args, &image))
		return 1;
	if (isolation != NULL) {
		if (!read_file(isolation, CONFIG_MAX, &config))
			return 1;
		args.config = config.bytes;
		args.config_bytes = config.len;
	}
	return finish(argv[0], call_rs(argc, argv, &args));
}

static int command_update(int argc, char **argv)
{
	struct service_args args = {0};
	struct buffer image = {0};

	if (argc < 2 || argc > 3)
		return usage();
	if (!take_binary(argc == 3 ? argv[2] : NULL, &args, &image))
		return 1;
	return finish(argv[0], call_rs(2, argv, &args));
}

static int command_plain(int argc, char **argv)
{
	struct service_args args = {0};

	return finish(argv[0], call_rs(argc, argv, &args));
}

/* ---- recovery scripts ---- */

static void run_script(char *const words[5])
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(words[0], words);
		fprintf(stderr, "service: recovery script %s: %s\n", words[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		fprintf(stderr, "service: recovery script %s: %s\n", words[0], strerror(errno));
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* script, component, reason, repetition: a line each. */
static bool split_lines(char *text, char *words[5])
{
	char *save = NULL;

	for (int i = 0; i < 4; i++) {
		words[i] = strtok_r(i == 0 ? text : NULL, "\n", &save);
		if (words[i] == NULL)
			return false;
	}
	words[4] = NULL;
	return true;
}

static int command_monitor(int argc, char **argv)
{
	char *next[] = {"next"};
	char *words[5];

	if (argc != 1)
		return usage();
	for (;;) {
		struct service_args args = {0};
		long result = call_rs(1, next, &args);

		if (result < 0)
			return finish(argv[0], result);
		if (split_lines(out, words))
			run_script(words);
	}
}

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
};
static const struct command commands[] = {
	{"up", command_up},           {"update", command_update}, {"down", command_plain},
	{"refresh", command_plain},   {"restart", command_plain}, {"list", command_plain},
	{"status", command_plain},    {"control", command_plain}, {"stack", command_plain},
	{"monitor", command_monitor},
};

int main(int argc, char **argv)
{
	if (argc >= 2 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)) {
		fputs(usage_text, stdout);
		return 0;
	}
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "service: %s: unknown command\n", argv[1]);
	return usage();
}
