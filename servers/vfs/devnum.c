/* SPDX-License-Identifier: BSD-2-Clause */
/* Device numbers; see devnum.h. */
#include <string.h>
#include "devnum.h"

#define MAKE(major, minor) ((uint32_t)(major) << 8 | ((uint32_t)(minor)&0xff))

struct known {
	const char *name; /* with is_series: followed by a number */
	bool is_block, is_series;
	uint8_t major, minor, step;
};

static const struct known known[] = {
	{"null", false, false, 1, 3, 0},    {"zero", false, false, 1, 5, 0},
	{"full", false, false, 1, 7, 0},    {"random", false, false, 1, 8, 0},
	{"urandom", false, false, 1, 9, 0}, {"tty", false, false, 5, 0, 0},
	{"console", false, false, 5, 1, 0}, {"ptmx", false, false, 5, 2, 0},
	{"pts/", false, true, 136, 0, 1},   {"ttyS", false, true, 4, 64, 1},
	{"tty", false, true, 4, 0, 1},      {"ram", true, true, 1, 0, 1},
	{"sata", true, true, 8, 0, 16},     {"ata", true, true, 3, 0, 64},
	{"vd", true, true, 254, 0, 16},
};

/* The number at the end of name behind the prefix; false: it is not one. */
static bool series_number(const char *name, const char *prefix, unsigned *n)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) != 0 || !name[len])
		return false;
	*n = 0;
	for (const char *p = name + len; *p; p++) {
		if (*p < '0' || *p > '9' || *n > 1000)
			return false;
		*n = *n * 10 + (unsigned)(*p - '0');
	}
	return true;
}

uint32_t devnum_of(const char *name, bool is_block, unsigned index)
{
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];
		unsigned n = 0;

		if (k->is_block != is_block)
			continue;
		if (k->is_series ? series_number(name, k->name, &n) : !strcmp(name, k->name))
			if (k->minor + n * k->step < 256)
				return MAKE(k->major, k->minor + n * k->step);
	}
	return is_block ? MAKE(240, index) : MAKE(10, 64 + index);
}
