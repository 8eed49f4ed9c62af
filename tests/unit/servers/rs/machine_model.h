/* SPDX-License-Identifier: BSD-2-Clause */
/* A world in which rs's state machine acts: every act_*() writes a word into `trace`. */
#ifndef RS_MACHINE_MODEL_H
#define RS_MACHINE_MODEL_H

#include "servers/rs/rs.h"

#define MS 1000000ull

extern struct component c;
extern char trace[1024];
extern uint64_t now;
extern bool deps, has_script;
extern int spawn_error, silence_error, settled;

int set_up(void **state);

#define expect(text)                                                                               \
	do {                                                                                       \
		assert_string_equal(trace, text);                                                  \
		trace[0] = '\0';                                                                   \
	} while (0)

#endif
