/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service up and update: what Fig. 2.4 of the thesis lists.
 *
 *   up BINARY [-args STRING] [-dev NODE] [-isolation FILE] [-label NAME] [-mirror BOOL]
 *             [-period SECONDS] [-recovery FILE] [-standby BOOL]
 *
 * The utility reads binary and isolation file; rs itself reads no files. The binary is always kept
 * in memory (by vm), so -mirror no is accepted and changes nothing. -dev becomes the option "-dev
 * NODE" of the component, which publishes its units itself.
 */
#include <stdlib.h>
#include <string.h>
#include "service.h"

#define ISOLATION_ENTRIES 16

struct up {
	const char *program; /* last part of the path */
	const char *label;
	const char *args, *dev, *recovery;
	bool has_period, has_standby, is_standby;
	uint64_t period_ns;
};

static struct policy isolation_entries[ISOLATION_ENTRIES];
static char isolation_text[SERVICE_CONF_MAX + 1];

static int parse_bool(const char *word, bool *out)
{
	if (strcmp(word, "yes") == 0 || strcmp(word, "true") == 0 || strcmp(word, "1") == 0)
		*out = true;
	else if (strcmp(word, "no") == 0 || strcmp(word, "false") == 0 || strcmp(word, "0") == 0)
		*out = false;
	else
		return -EINVAL;
	return 0;
}

/* Seconds, with a fraction if wanted: 5, 0.5. */
static int parse_period(const char *word, uint64_t *out_ns)
{
	char *end;
	double seconds = strtod(word, &end);

	if (end == word || *end != '\0' || !(seconds >= 0 && seconds <= 3600))
		return -EINVAL;
	*out_ns = (uint64_t)(seconds * 1e9);
	return 0;
}

static int take_option(struct service *s, struct up *up, const char *name, const char *value)
{
	bool is_mirrored;
	int result = 0;

	if (strcmp(name, "-args") == 0) {
		up->args = value;
	} else if (strcmp(name, "-dev") == 0) {
		up->dev = value;
	} else if (strcmp(name, "-label") == 0) {
		up->label = value;
	} else if (strcmp(name, "-recovery") == 0) {
		up->recovery = value;
		result = strlen(value) < POLICY_PATH_MAX ? 0 : -ENAMETOOLONG;
	} else if (strcmp(name, "-mirror") == 0) {
		result = parse_bool(value, &is_mirrored);
	} else if (strcmp(name, "-standby") == 0) {
		up->has_standby = true;
		result = parse_bool(value, &up->is_standby);
	} else if (strcmp(name, "-period") == 0) {
		up->has_period = true;
		result = parse_period(value, &up->period_ns);
	} else if (strcmp(name, "-isolation") != 0) { /* its text is in user.config */
		return service_fail(s, -EINVAL, "up: unknown option %s", name);
	}
	return result == 0 ? 0 : service_fail(s, result, "up: %s: bad value '%s'", name, value);
}

static int parse_up(struct service *s, struct up *up)
{
	const char *slash = strrchr(s->argv[1], '/');
	int result = 0;

	memset(up, 0, sizeof(*up));
	up->program = slash != NULL ? slash + 1 : s->argv[1];
	up->label = up->program;
	if (up->program[0] == '\0' || strlen(up->program) >= BINARY_MAX)
		return service_fail(s, -EINVAL, "up: bad name of a binary: %s", s->argv[1]);
	for (unsigned i = 2; result == 0 && i < s->argc; i += 2) {
		if (i + 1 == s->argc)
			return service_fail(s, -EINVAL, "up: %s needs a value", s->argv[i]);
		result = take_option(s, up, s->argv[i], s->argv[i + 1]);
	}
	return result;
}

/* The policy: from the isolation file that came along, else from system.conf. */
static int find_policy(struct service *s, const struct up *up, const struct policy **out)
{
	struct policy_file file = {isolation_entries, ISOLATION_ENTRIES, 0};
	struct policy_error error;
	uint64_t bytes = s->user.config_bytes;

	*out = policy_find(&boot_policies, up->program, up->label);
	if (s->user.config != NULL) {
		if (bytes > SERVICE_CONF_MAX)
			return service_fail(s, -EFBIG, "up: isolation file is too large");
		if (k_vircopy(s->ep, (uint64_t)(uintptr_t)s->user.config, EP_SELF,
		              (uint64_t)(uintptr_t)isolation_text, bytes) < 0)
			return -EFAULT;
		isolation_text[bytes] = '\0';
		if (policy_parse("isolation file", isolation_text, &file, &error) != 0)
			return service_fail(s, -EINVAL, "%s", error.message);
		*out = policy_find(&file, up->program, up->label);
	}
	if (*out == NULL)
		return service_fail(s, -EACCES, "%s: no isolation policy names it", up->label);
	return 0;
}

static int take_image(struct service *s, const char *program, struct image **out)
{
	struct vm_image_add add = {.ep = s->ep,
	                           .addr = (uint64_t)(uintptr_t)s->user.image,
	                           .len_bytes = s->user.image_bytes};
	int result;

	if (s->user.image == NULL)
		result = image_of_boot(program, out);
	else
		result = image_of_memory(program, &add, out);
	if (result != 0)
		return service_fail(s, result, "%s: no usable binary: %s", program,
		                    strerror(-result));
	return 0;
}

static int build_args(struct args *args, const struct up *up)
{
	int result = 0;

	memset(args, 0, sizeof(*args));
	if (up->dev != NULL) {
		result = args_add(args, "-dev");
		if (result == 0)
			result = args_add(args, up->dev);
	}
	if (result == 0 && up->args != NULL)
		result = args_split(args, up->args);
	return result;
}

static void apply(struct component *c, const struct up *up)
{
	if (up->has_period)
		c->life.period_ns = up->period_ns;
	if (up->has_standby)
		c->life.wants_standby = up->is_standby;
	if (up->recovery == NULL)
		return;
	memcpy(c->recovery, up->recovery, strlen(up->recovery) + 1);
	c->life.has_script = c->recovery[0] != '\0';
}

/* A component that is down (no device at its start, say) makes room for the new one. */
static void forget_if_down(const char *label)
{
	struct component *c = table_find(label);

	if (c != NULL && !c->is_fixed && c->life.state == CS_DOWN)
		make_remove(c);
}

int service_up(struct service *s)
{
	static struct args args;
	struct up up;
	struct component *c;
	struct blueprint b = {.args = &args};
	int result = parse_up(s, &up);

	if (result == 0)
		result = find_policy(s, &up, &b.policy);
	if (result != 0)
		return result;
	result = build_args(&args, &up);
	if (result != 0)
		return service_fail(s, result, "up: arguments are too long");
	forget_if_down(up.label);
	if (table_find(up.label) != NULL)
		return service_fail(s, -EEXIST, "%s: is there already", up.label);
	result = take_image(s, up.program, &b.image);
	if (result != 0)
		return result;
	b.is_args_whole = up.args != NULL;
	b.program = up.program;
	b.label = up.label;
	result = make_component(&b, &c);
	if (result != 0)
		return service_fail(s, result, "%s: %s", up.label, strerror(-result));
	apply(c, &up);
	c->life.is_trial = true;
	result = service_wait(s, c);
	if (result == -ESUSPENDREP)
		machine_up(c);
	return result;
}

/* A new binary for a running component (thesis: dynamic update). */
int service_update(struct service *s)
{
	struct component *c = service_component(s);
	struct image *image;
	int result;

	if (c == NULL)
		return -ESRCH;
	if (c->life.state != CS_RUNNING)
		return service_fail(s, -EAGAIN, "%s: is not running", c->label);
	result = take_image(s, c->program, &image);
	if (result != 0)
		return result;
	result = service_wait(s, c);
	if (result != -ESUSPENDREP) {
		image_put(image);
		return result;
	}
	image_put(c->image);
	c->image = image;
	machine_replace(c);
	return result;
}
