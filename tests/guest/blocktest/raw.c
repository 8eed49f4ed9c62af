/* SPDX-License-Identifier: BSD-2-Clause */
#include "blocktest.h"
bool raw_message(const struct msg *in);
bool raw_message(const struct msg *in)
{
	(void)in;
	return false;
}
const struct case_row control_cases[1], data_cases[1], abuse_cases[1];
const unsigned control_case_count, data_case_count, abuse_case_count;
