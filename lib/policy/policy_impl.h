/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to lib/policy: the scanner and the table of keys. */
#ifndef LIB_POLICY_IMPL_H
#define LIB_POLICY_IMPL_H

#include "policy/policy.h"

enum policy_token { TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_SEMICOLON, TOKEN_END, TOKEN_BAD };

struct policy_scan {
	const char *file;
	const char *text;
	unsigned line;
	enum policy_token token;
	char word[POLICY_WORD_MAX]; /* of the token, as written */
	struct policy_error *error;
	struct policy_file *out;
	struct policy *entry;
	uint64_t seen; /* scalar keys of the entry: index into the table */
};

void policy_next(struct policy_scan *s);
/* Returns -EINVAL; names the current word. */
int policy_fail(struct policy_scan *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The statement whose key begins with the current word, with its semicolon. */
int policy_statement(struct policy_scan *s, bool is_first) MUST_CHECK;

/* The current word as a value; 0, or -EINVAL with the error set. */
int policy_word_number(struct policy_scan *s, uint64_t limit, uint64_t *out) MUST_CHECK;
int policy_word_duration(struct policy_scan *s, uint64_t *out_us) MUST_CHECK;
int policy_word_bool(struct policy_scan *s, bool *out) MUST_CHECK;
/* base[:count], hexadecimal, both within limit. */
int policy_word_range(struct policy_scan *s, uint64_t limit, struct priv_range *out) MUST_CHECK;
/* Digits of *text in a base, at most `limit`; moves *text behind them. */
bool policy_scan_number(const char **text, unsigned base, uint64_t limit, uint64_t *out);

#endif
