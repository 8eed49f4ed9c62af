/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of filters. See filterbase.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "filterbase/filterbase.h"
#include "sys/sys.h"

static const struct filter_spec *spec;
static struct stack_options arguments;

int filter_usage(const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sys_log("%s: %s\n", spec->name, text);
	return -EINVAL;
}

unsigned filter_lower_count(void)
{
	unsigned count = 0;

	while (stack_option(&arguments, "lower", count) != NULL)
		count++;
	return count;
}

const char *filter_lower(unsigned i)
{
	return stack_option(&arguments, "lower", i);
}

const char *filter_unit(void)
{
	return stack_option(&arguments, "unit", 0);
}

static bool is_known(const char *word)
{
	static const char *const common[] = {"label", "unit", "lower", NULL};

	for (unsigned i = 0; common[i] != NULL; i++) {
		if (strcmp(word, common[i]) == 0)
			return true;
	}
	for (unsigned i = 0; spec->options != NULL && spec->options[i] != NULL; i++) {
		if (strcmp(word, spec->options[i]) == 0)
			return true;
	}
	return false;
}

static int check(void)
{
	unsigned lowers = filter_lower_count();

	for (int i = 1; i < arguments.argc; i += 2) {
		const char *word = arguments.argv[i];

		if (word[0] != '-' || !is_known(word + 1))
			return filter_usage("'%s' is not an argument of this filter", word);
		if (i + 1 == arguments.argc)
			return filter_usage("'%s' has no value", word);
	}
	if (filter_unit() == NULL)
		return filter_usage("-unit is missing");
	if (lowers < spec->lowers_min || lowers > spec->lowers_max)
		return filter_usage("takes %u to %u units below it, not %u", spec->lowers_min,
		                    spec->lowers_max, lowers);
	return spec->configure == NULL ? 0 : spec->configure(&arguments);
}

int filter_option(const struct stack_options *o, const struct filter_number *n, uint64_t *value)
{
	uint64_t found = 0;
	int r = stack_option_number(o, n->name, n->kind, &found);

	if (r == -ENOENT)
		return 0;
	if (r != 0 || found < n->min || found > n->max)
		return filter_usage("%s=%s: expected a value from %llu to %llu", n->name,
		                    stack_option(o, n->name, 0), (unsigned long long)n->min,
		                    (unsigned long long)n->max);
	*value = found;
	return 0;
}

int filter_option_flag(const struct stack_options *o, const char *name, bool *value)
{
	const char *word = stack_option(o, name, 0);

	if (word == NULL)
		return 0;
	if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
		return filter_usage("%s=%s: expected yes or no", name, word);
	*value = word[0] == 'y';
	return 0;
}

int filter_arguments(int argc, char **argv, const struct filter_spec *s)
{
	spec = s;
	arguments = (struct stack_options){argc, argv};
	return check();
}
