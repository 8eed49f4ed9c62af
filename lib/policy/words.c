/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of system.conf that are numbers, durations, truth values and ranges.
 */
#include <string.h>
#include "axolotl/errno.h"
#include "policy_impl.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

bool policy_scan_number(const char **text, unsigned base, uint64_t limit, uint64_t *out)
{
	const char *c = *text;
	uint64_t value = 0;

	for (; (unsigned)digit_of(*c) < base; c++) {
		unsigned digit = (unsigned)digit_of(*c);

		if (value > (limit - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (c == *text)
		return false;
	*text = c;
	*out = value;
	return true;
}

int policy_word_number(struct policy_scan *s, uint64_t limit, uint64_t *out)
{
	const char *c = s->word;

	if (!policy_scan_number(&c, 10, limit, out) || *c != '\0')
		return policy_fail(s, "expected a number up to %llu", (unsigned long long)limit);
	return 0;
}

int policy_word_duration(struct policy_scan *s, uint64_t *out_us)
{
	static const struct {
		const char *unit;
		uint64_t us;
	} units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}};
	const char *c = s->word;
	uint64_t value;

	if (policy_scan_number(&c, 10, 1000000000, &value)) {
		if (*c == '\0' && value == 0) {
			*out_us = 0;
			return 0;
		}
		for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (strcmp(c, units[i].unit) == 0) {
				*out_us = value * units[i].us;
				return 0;
			}
		}
	}
	return policy_fail(s, "expected a duration such as 500ms, 2s or 50us");
}

int policy_word_bool(struct policy_scan *s, bool *out)
{
	*out = strcmp(s->word, "yes") == 0;
	if (*out || strcmp(s->word, "no") == 0)
		return 0;
	return policy_fail(s, "expected yes or no");
}

int policy_word_range(struct policy_scan *s, uint64_t limit, struct priv_range *out)
{
	const char *c = s->word;

	out->len = 1;
	if (!policy_scan_number(&c, 16, limit, &out->base))
		return policy_fail(s, "expected a hexadecimal range base:count");
	if (*c == ':') {
		c++;
		if (!policy_scan_number(&c, 16, limit, &out->len))
			return policy_fail(s, "expected a hexadecimal range base:count");
	}
	if (*c != '\0' || out->len == 0 || out->len - 1 > limit - out->base)
		return policy_fail(s, "range does not end within %llx", (unsigned long long)limit);
	return 0;
}
