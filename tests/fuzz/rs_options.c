/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/rs/options.c servers/rs/args.c */
/* Any bytes as boot options and as an argument string: bounded, terminated, in order. */
#include <stdlib.h>
#include <string.h>
#include "servers/rs/rs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_options(const struct options *o)
{
	if (o->count > OPTIONS_MAX)
		abort();
	for (unsigned i = 0; i < o->count; i++)
		if (strnlen(o->items[i].key, OPTION_KEY_MAX) == OPTION_KEY_MAX ||
		    strnlen(o->items[i].value, OPTION_VALUE_MAX) == OPTION_VALUE_MAX ||
		    options_get(o, o->items[i].key) == NULL)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o;
	static struct args a;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(&o, 0, sizeof(o));
	memset(&a, 0, sizeof(a));
	options_add(&o, text, size);
	check_options(&o);
	if (args_split(&a, text) == 0 && (a.count > ARGS_MAX || a.bytes > ARGS_BYTES))
		abort();
	for (unsigned i = 0; i < a.count; i++)
		if (args_word(&a, i) == NULL || args_word(&a, i) >= a.text + a.bytes)
			abort();
	free(text);
	return 0;
}
