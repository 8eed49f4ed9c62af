/* uses: lib/stack/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Stack expressions: whatever parses must print, parse again and print the same; argv must fit. */
#include <stdlib.h>
#include <string.h>
#include "stack/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct stack *s)
{
	static struct stack again;
	static struct stack_argv args;
	char first[4 * STACK_TEXT_MAX], second[4 * STACK_TEXT_MAX];
	struct stack_error error;

	if (stack_print(s, first, sizeof(first)) < 0)
		abort();
	if (strlen(first) >= STACK_TEXT_MAX)
		return; /* blanks between items can make the canonical text longer */
	if (stack_parse(first, &again, &error) != 0 ||
	    stack_print(&again, second, sizeof(second)) < 0 || strcmp(first, second) != 0)
		abort();
	for (uint16_t i = 0; i < s->node_count; i++)
		(void)!stack_argv(s, i, "disk", &args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stack s;
	struct stack_error error;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (stack_parse(text, &s, &error) == 0)
		check_round_trip(&s);
	else if (error.column == 0 || error.column > strlen(text) + 1 || error.message[0] == '\0')
		abort();
	free(text);
	return 0;
}
