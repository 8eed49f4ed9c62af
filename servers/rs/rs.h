/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to rs: components, boot options, service calls. */
#ifndef RS_PRIVATE_H
#define RS_PRIVATE_H

#include "sys/sys.h"
#include "axolotl/pm.h"
#include "axolotl/pci.h"
#include "policy/policy.h"
#include "machine.h"

#define COMPONENTS_MAX 64
#define ARGS_BYTES     2048 /* of one component, argv[0] included */
#define ARGS_MAX       64
#define BINARY_MAX     48 /* as the names of the boot archive */
#define IMAGE_NONE     0xffffffffu
#define CORPSES_MAX    64
#define EXTRA_MEM_MAX  4

struct args {
	unsigned count;
	unsigned bytes;
	char text[ARGS_BYTES]; /* NUL-terminated words, one after the other */
};

/* The image of a binary in vm, counted by the components that use it. */
struct image {
	char name[BINARY_MAX];
	uint32_t id; /* IMAGE_NONE: slot is free */
	uint32_t users;
	bool is_private; /* came with a service call: it goes with its last user */
};

struct component {
	bool is_used;
	bool is_fixed;        /* trusted base: has privileges, is not started or guarded by us */
	bool is_transient;    /* forgotten when it is down */
	bool wants_pci_again; /* the next PCI_ALLOW names the ids, not only the label */
	char label[LABEL_MAX];
	char program[BINARY_MAX]; /* argv[0], and the name in the boot archive */
	char stack[LABEL_MAX];    /* top unit of the stack that it is a part of, or "" */
	struct policy policy;
	struct args args;
	struct image *image;
	uint32_t priv_id;
	struct priv priv; /* as the kernel has it, without what pci added */
	struct priv_range extra_mem[EXTRA_MEM_MAX]; /* boot entries that are its data */
	unsigned extra_mem_count;
	unsigned allow_next;            /* index of the id that pci is asked for next */
	char recovery[POLICY_PATH_MAX]; /* script, or "" */
	struct life life;
	endpoint_t published; /* what ds says, EP_NONE: nothing */

	/* status */
	uint32_t causes[CAUSE_COUNT];
	uint64_t up_ns;
	uint64_t outage_ns, outage_max_ns; /* of the last recovery, of the longest */
	uint64_t recoveries;
	uint32_t complaints;
	uint16_t last_rule;
};

/* ---- table.c ---- */
extern struct component components[COMPONENTS_MAX];
struct component *table_find(const char *label);
struct component *table_by_ep(endpoint_t ep); /* its present process */
struct component *table_by_standby(endpoint_t ep);
struct component *table_new(const char *label); /* NULL: table is full */
void table_free(struct component *c);

/* ---- args.c ---- */
int args_add(struct args *a, const char *word) MUST_CHECK;
int args_add_words(struct args *a, const char *words, unsigned count) MUST_CHECK;
/* Splits text at blanks; '...' and "..." keep blanks. */
int args_split(struct args *a, const char *text) MUST_CHECK;
const char *args_word(const struct args *a, unsigned index);

/* ---- options.c: key=value words of boot.conf and the command line ---- */
#define OPTIONS_MAX      64
#define OPTION_KEY_MAX   16
#define OPTION_VALUE_MAX 512
struct option {
	char key[OPTION_KEY_MAX];
	char value[OPTION_VALUE_MAX];
};
struct options {
	unsigned count;
	unsigned rejected; /* words that are no key=value, or too long */
	struct option items[OPTIONS_MAX];
};
void options_add(struct options *o, const char *text, size_t len);
/* The last one of that name, or NULL. */
const char *options_get(const struct options *o, const char *key);

/* ---- privs.c: policies become privilege structures ---- */
void privs_build(struct priv *out, const struct component *c);
bool privs_may_send(const struct component *from, const struct component *to);
void privs_connect(struct priv *a, const struct priv *b);
/* Gives c its id and structure, and tells all peers: 0 or -errno. */
int privs_install(struct component *c) MUST_CHECK;
void privs_remove(struct component *c);
int privs_init(void) MUST_CHECK;

/* ---- images.c ---- */
int image_of_boot(const char *name, struct image **out) MUST_CHECK;
int image_of_memory(const char *name, const struct vm_image_add *from,
                    struct image **out) MUST_CHECK;
void image_put(struct image *im);

/* ---- boot.c ---- */
extern struct options boot_options;
extern struct policy_file boot_policies;
void boot_read(void);  /* archive, command line, system.conf, boot.conf */
void boot_start(void); /* everything that they name */
/* Physical range of a boot archive entry: 0 or -ENOENT. */
int boot_entry(const char *name, uint64_t *pa, uint64_t *bytes) MUST_CHECK;

/* ---- make.c: components from policies ---- */
struct blueprint {
	const char *program;
	const char *label;
	const struct policy *policy;
	const struct args *args; /* after argv[0] and those of the policy; may be NULL */
	bool is_args_whole;      /* without those of the policy */
	struct image *image;     /* NULL: from the boot archive */
	const char *stack;       /* or NULL */
};
int make_component(const struct blueprint *b, struct component **out) MUST_CHECK;
int make_from_name(const char *program, const char *label, struct component **out) MUST_CHECK;
/* Takes policy and the life cycle's parameters over from c->policy. */
void make_configure(struct component *c);
/* A word of the arguments; "UNIT=@ENTRY" means a boot archive entry as a unit, which c may map. */
int make_add_arg(struct component *c, const char *word) MUST_CHECK;
void make_remove(struct component *c); /* it is down: forget it */
void make_sweep(void);                 /* transient ones that are down */

/* ---- stacks.c: stacks from expressions ---- */
#define WHY_BYTES 256
struct stack_want {
	const char *expr;
	const char *name; /* of the top unit */
	enum policy_class class;
};
/* 0, or -errno with the reason in why. */
int stacks_make(const struct stack_want *w, char why[WHY_BYTES]) MUST_CHECK;
/* By the units that ds knows: POLICY_NET when one of them is a network unit, else POLICY_BLOCK. */
enum policy_class stacks_class(const char *expr);
const char *stacks_default_name(enum policy_class class);
bool stacks_has(const char *name);
int stacks_down(const char *name) MUST_CHECK; /* -ESRCH: no such stack */
size_t stacks_list(char *buf, size_t len, bool is_json);

/* ---- alias.c: stacks without a filter: a second name of a unit ---- */
struct alias_want {
	enum policy_class class;
	const char *name, *unit;
};
int alias_add(const struct alias_want *w) MUST_CHECK;
bool alias_remove(const char *name); /* false: there is none of that name */
/* The unit that the alias means, or NULL. */
const char *alias_unit(const char *name);
bool alias_is_there(const char *name); /* its unit is published */
void alias_ds_changed(void);

/* ---- names.c: what people may call a component ---- */
/* The component of a label, a unit or BINARY0. NULL: none, or several (*count of them). */
struct component *names_find(const char *word, unsigned *count);

/* ---- needs.c ---- */
bool needs_met(const struct component *c);

/* ---- act.c ---- */
void corpses_tick(void);
uint64_t corpses_next_ns(void);
bool corpse_is(endpoint_t ep);

/* ---- events.c: messages of others ---- */
void on_child_exit(const struct msg *m);
void on_ready(const struct msg *m);
void on_complaint(const struct msg *m);
void on_pci_reply(const struct msg *m);
void on_up_fs(const struct msg *m);
void on_down_fs(const struct msg *m);

/* ---- waiters.c: who gets an answer when a component is up or down ---- */
struct waiter {
	bool is_used;
	struct component *c;
	bool is_fs;    /* RS_UP_FS of vfs, else a service call */
	uint32_t id;   /* RS_UP_FS */
	bool is_query; /* the next recovery for a script: `service next` */
	endpoint_t ep;
	uint64_t out, out_bytes; /* of the service call */
};
int waiter_add(const struct waiter *w) MUST_CHECK;
void waiters_settled(struct component *c, int result);
void waiters_forget(endpoint_t ep);
/* Hands the recovery of c to the process that runs scripts; false: there is none. */
bool waiters_script(struct component *c);
struct waiter *waiter_query(void); /* one who runs recovery scripts, or NULL */

/* ---- status.c ---- */
void on_status_reply(const struct msg *m);
void status_tick(void);
uint64_t status_next_ns(void);

/* ---- text.c ---- */
struct text {
	char *buf;
	size_t len, size;
};
void text_put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_json(struct text *t, const char *p, size_t len); /* quoted */

/* ---- service.c, report.c ---- */
void service_call(const struct msg *m);
bool service_reply(endpoint_t ep, int64_t result); /* false: nobody waits */
int service_put_text(const struct waiter *w, const char *text) MUST_CHECK;
size_t report_list(char *buf, size_t len, bool is_json);
struct report_form {
	bool is_json;
	const char *own_status; /* key=value lines of the component, or NULL */
};
size_t report_one(const struct component *c, char *buf, size_t len, const struct report_form *form);
void on_info(const struct msg *m);

#endif
