/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to rs: one service call while it is worked on. */
#ifndef RS_SERVICE_H
#define RS_SERVICE_H

#include "rs.h"

#define SERVICE_WORDS_MAX 64
#define SERVICE_ARGV_MAX  4096u
#define SERVICE_OUT_MAX   65536u
#define SERVICE_CONF_MAX  16384u

struct service {
	endpoint_t ep;
	bool is_root;
	bool is_json;
	struct service_args user; /* in the caller's memory */
	unsigned argc;            /* without --json */
	const char *argv[SERVICE_WORDS_MAX];
	char note[96]; /* which component a name means, if it is not its label; a line or "" */
	char words[SERVICE_ARGV_MAX];
	size_t out_len;
	char out[SERVICE_OUT_MAX];
};

/* Result: 0 or -errno with an explanation in out; -ESUSPENDREP: a waiter answers later. */
typedef int (*service_fn_t)(struct service *s);

int service_fail(struct service *s, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The answer comes when c is up or down. */
int service_wait(struct service *s, struct component *c) MUST_CHECK;

/* The component that argv[1] means; NULL: explained. The second: one that is managed. */
struct component *service_name(struct service *s);
struct component *service_component(struct service *s);

/* status.c: the status, or what c says to a command (NULL: none). 0: the answer comes later; -EAGAIN: it
 * cannot be asked now */
int status_ask(struct service *s, struct component *c, const char *command) MUST_CHECK;

/* service_up.c */
int service_up(struct service *s);
int service_update(struct service *s);

/* service_stack.c */
int service_stack(struct service *s);

#endif
