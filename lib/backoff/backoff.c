/* SPDX-License-Identifier: BSD-2-Clause */
/* Restart back-off: see backoff.h. */
#include "backoff/backoff.h"

#define MS 1000000ull

void backoff_defaults(struct backoff_config *config)
{
	if (config->first_ns == 0)
		config->first_ns = 10 * MS;
	if (config->most_ns == 0)
		config->most_ns = 2000 * MS;
	if (config->calm_ns == 0)
		config->calm_ns = 10 * MS;
}

uint64_t backoff_crash(struct backoff *b, const struct backoff_config *config, uint64_t uptime_ns)
{
	uint64_t calm_periods = config->calm_ns == 0 ? 0 : uptime_ns / config->calm_ns;
	uint64_t delay_ns = config->first_ns;

	b->crashes -= calm_periods < b->crashes ? (unsigned)calm_periods : b->crashes;
	if (b->crashes < 64)
		b->crashes++;
	if (b->crashes == 1)
		return 0;
	for (unsigned i = 2; i < b->crashes && delay_ns < config->most_ns; i++)
		delay_ns *= 2;
	return delay_ns < config->most_ns ? delay_ns : config->most_ns;
}
