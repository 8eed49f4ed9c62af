/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stack expressions (architecture D8): the one notation for storage and network stacks, used by rs,
 * the service utility, mkstack and the filters.
 *
 *   expression = NAME [ "(" item { "," item } ")" ]       at least one item is an expression
 *   item       = expression | NAME "=" value
 *   value      = WORD | '"' any but '"' '"'
 *   NAME       = letter { letter | digit | "_" | "." | "-" }
 *   WORD       = { letter | digit | "_" | "." | "-" | "+" | ":" | "/" | "%" | "@" }
 *
 *   checksum(mirror(sata0, sata1), n=8, algo=crc32c)      guard(e1000_0, timeout=200ms)
 *
 * A name with parentheses is a filter, one without is a unit that a driver publishes. Values that
 * look like numbers are numbers: 8; sizes (bytes): 4K 1M 2G; durations (us): 50us 200ms 5s.
 *
 * The tree lives in the caller's memory and is bounded; node 0 is the top. No recursion.
 */
#ifndef LIB_STACK_H
#define LIB_STACK_H

#include "axolotl/types.h"

#define STACK_TEXT_MAX  512 /* bytes of an expression, with its NUL */
#define STACK_NODES_MAX 32
#define STACK_ARGS_MAX  64 /* of the whole expression */
#define STACK_DEPTH_MAX 8
#define STACK_VALUE_MAX 128
#define STACK_NONE      0xffff

enum stack_kind { STACK_WORD, STACK_NUMBER, STACK_SIZE, STACK_DURATION };

struct stack_arg {
	char name[LABEL_MAX];
	char text[STACK_VALUE_MAX]; /* as written, without quotes */
	uint64_t number;            /* bytes, us, or the number; 0 for a word */
	uint8_t kind;               /* enum stack_kind */
	uint8_t is_quoted;
	uint16_t node; /* that it belongs to */
};

struct stack_node {
	char name[LABEL_MAX];
	uint16_t parent; /* STACK_NONE: the top */
	uint16_t depth;  /* 0: the top */
	uint16_t lowers; /* 0: a unit */
	uint16_t is_filter;
	uint16_t column; /* of the name in the text, from 1 */
};

/* Nodes are in the order of the text, so the lowers of a node come after it. */
struct stack {
	struct stack_node nodes[STACK_NODES_MAX];
	struct stack_arg args[STACK_ARGS_MAX];
	uint16_t node_count;
	uint16_t arg_count;
};

struct stack_error {
	unsigned column;   /* from 1 */
	char message[112]; /* "expected ',' or ')', found '='" */
};

/* 0 or -EINVAL with *error filled in. */
int stack_parse(const char *text, struct stack *s, struct stack_error *error) MUST_CHECK;
/* The same for a value alone: sets kind and number from text. */
void stack_classify(struct stack_arg *arg);

/* index-th lower of a node, or STACK_NONE. */
uint16_t stack_lower(const struct stack *s, uint16_t node, unsigned index);
/* Argument of a node by name, or NULL. */
const struct stack_arg *stack_arg(const struct stack *s, uint16_t node, const char *name);

/* Canonical text of the whole tree; bytes without the NUL, or -ENOSPC. */
int stack_print(const struct stack *s, char *buf, size_t len) MUST_CHECK;

/*
 * Names in a running system. The top filter publishes the unit `top` ("disk"); the filters below it
 * publish "disk.1", "disk.2", ... by node number. A filter's label is "<filter>.<unit>":
 * mirror.disk.1. A leaf's unit is its own name and it has no label here. 0 or -ENAMETOOLONG.
 */
int stack_unit(const struct stack *s, uint16_t node, const char *top,
               char out[LABEL_MAX]) MUST_CHECK;
int stack_label(const struct stack *s, uint16_t node, const char *top,
                char out[LABEL_MAX]) MUST_CHECK;

/*
 * argv of a filter's process, NUL-terminated strings one after the other (as struct vm_spawn
 * wants): checksum -label checksum.disk -unit disk -lower disk.1 -n 8 -algo crc32c with one -lower
 * for each lower in order; arguments of the expression follow as "-name text".
 */
#define STACK_ARGV_BYTES 2048
struct stack_argv {
	unsigned argc;
	unsigned bytes;
	char text[STACK_ARGV_BYTES];
};
/* 0, -EINVAL: node is no filter, -ENAMETOOLONG, -ENOSPC. */
int stack_argv(const struct stack *s, uint16_t node, const char *top,
               struct stack_argv *out) MUST_CHECK;

/* In a filter: values of "-name" options of its argv; index counts repetitions (-lower). NULL:
 * absent. stack_option_number: 0; -ENOENT: absent; -EINVAL: not of that kind (a plain number is
 * always fine). */
struct stack_options {
	int argc;
	char **argv;
};
const char *stack_option(const struct stack_options *o, const char *name, unsigned index);
int stack_option_number(const struct stack_options *o, const char *name, enum stack_kind kind,
                        uint64_t *out) MUST_CHECK;

#endif
