/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules in a filter's process: see faultfilter.h. */
#include "faultrule/faultfilter.h"
#include "sys/sys.h"

#define KEY "fault"

static uint64_t seed = 1;

int fault_configure(struct fault_rules *r, const struct fault_grammar *g,
                    const struct stack_options *o)
{
	const struct filter_number number = {"seed", STACK_NUMBER, 0, UINT64_MAX};
	const char *text = stack_option(o, "rules", 0);
	unsigned column = 0;

	if (text == NULL)
		return filter_usage("rules=\"...\" is missing");
	if (fault_parse(r, g, text, &column) != 0)
		return filter_usage("rules=\"%s\": column %u", text, column);
	return filter_option(o, &number, &seed);
}

void fault_restore(struct fault_rules *r)
{
	fault_seed(r, seed);
	if (filter_is_restart() &&
	    ds_load(KEY, &r->state, sizeof(r->state)) != (int)sizeof(r->state))
		fault_seed(r, seed);
}

void fault_save(const struct fault_rules *r)
{
	if (ds_save(KEY, &r->state, sizeof(r->state)) != 0)
		sys_log("the ledger's counters were not saved\n");
}
