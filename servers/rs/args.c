/* SPDX-License-Identifier: BSD-2-Clause */
/* Argument vectors as PM_SPAWN wants them: words with their NUL, one after the other. Pure. */
#include <errno.h>
#include <string.h>
#include "rs.h"

static int add_bytes(struct args *a, const char *word, size_t len)
{
	if (a->count == ARGS_MAX || a->bytes + len + 1 > ARGS_BYTES)
		return -E2BIG;
	memcpy(a->text + a->bytes, word, len);
	a->text[a->bytes + len] = '\0';
	a->bytes += (unsigned)len + 1;
	a->count++;
	return 0;
}

int args_add(struct args *a, const char *word)
{
	return add_bytes(a, word, strlen(word));
}

int args_add_words(struct args *a, const char *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int result = args_add(a, words);

		if (result != 0)
			return result;
		words += strlen(words) + 1;
	}
	return 0;
}

/* The next word of *text, without its quotes: its length, or -1 at the end. */
static int next_word(const char **text, const char **word)
{
	const char *p = *text + strspn(*text, " \t\n");
	size_t len;

	if (*p == '\0')
		return -1;
	if (*p == '\'' || *p == '"') {
		const char *end = strchr(p + 1, *p);

		*word = p + 1;
		len = end != NULL ? (size_t)(end - *word) : strlen(*word);
		*text = *word + len + (end != NULL);
		return (int)len;
	}
	*word = p;
	len = strcspn(p, " \t\n");
	*text = p + len;
	return (int)len;
}

int args_split(struct args *a, const char *text)
{
	const char *word;
	int len;

	while ((len = next_word(&text, &word)) >= 0) {
		int result = add_bytes(a, word, (size_t)len);

		if (result != 0)
			return result;
	}
	return 0;
}

const char *args_word(const struct args *a, unsigned index)
{
	const char *p = a->text;

	if (index >= a->count)
		return NULL;
	while (index-- > 0)
		p += strlen(p) + 1;
	return p;
}
