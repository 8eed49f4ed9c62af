/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statements of system.conf: one function a key, and the table of keys. A function is called for
 * each word of its statement, so it sees `index` 0, 1, ...; the caller checks how many came.
 */
#include "axolotl/errno.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "policy_impl.h"

/* ---- lists ---- */

static int add_label(struct policy_scan *s, struct policy_labels *list)
{
	if (strlen(s->word) >= LABEL_MAX)
		return policy_fail(s, "label is longer than %d characters", LABEL_MAX - 1);
	if (list->count == POLICY_LABELS_MAX)
		return policy_fail(s, "more than %d labels", POLICY_LABELS_MAX);
	memset(list->label[list->count], 0, LABEL_MAX);
	memcpy(list->label[list->count++], s->word, strlen(s->word));
	return 0;
}

static int key_like(struct policy_scan *s, unsigned index)
{
	struct policy *e = s->entry;

	(void)index;
	for (unsigned i = 0; i < s->out->count; i++) {
		const struct policy *from = &s->out->entries[i];
		struct policy copy = *from;

		if (strcmp(from->name, s->word) != 0)
			continue;
		memcpy(copy.name, e->name, LABEL_MAX);
		copy.kind = e->kind;
		copy.line = e->line;
		*e = copy;
		return 0;
	}
	return policy_fail(s, "no earlier entry has this name");
}

static int key_ipc_calls(struct policy_scan *s, unsigned index)
{
	static const char *const names[IPC_PRIMITIVES] = {"SEND",   "RECEIVE", "SENDREC",
	                                                  "NBSEND", "ASEND",   "NOTIFY"};
	const uint32_t all = (1u << IPC_PRIMITIVES) - 1;

	(void)index;
	for (unsigned i = 0; i < IPC_PRIMITIVES; i++) {
		if (strcasecmp(s->word, names[i]) == 0) {
			s->entry->ipc_mask |= 1u << i;
			return 0;
		}
	}
	if (strcasecmp(s->word, "ALL") == 0)
		s->entry->ipc_mask |= all;
	else if (strcasecmp(s->word, "BASIC") == 0)
		s->entry->ipc_mask |= all & ~(1u << IPC_SEND);
	else
		return policy_fail(s, "no such IPC primitive");
	return 0;
}

static int key_ipc_targets(struct policy_scan *s, unsigned index)
{
	(void)index;
	if (strcmp(s->word, "ALL_SYS") == 0)
		s->entry->targets_all_sys = true;
	else if (strcmp(s->word, "USER") == 0)
		s->entry->targets_user = true;
	else
		return add_label(s, &s->entry->targets);
	return 0;
}

static int key_ipc_kernel(struct policy_scan *s, unsigned index)
{
	static const char *const names[KC_COUNT] = {
#define KCALL(number, name, handler) [number] = #name,
#include "axolotl/kcall.def"
#undef KCALL
	};
	const uint64_t basic = 1ull << KC_SAFECOPY | 1ull << KC_VSAFECOPY | 1ull << KC_SETGRANT |
	                       1ull << KC_SETALARM | 1ull << KC_TIMES | 1ull << KC_GETINFO |
	                       1ull << KC_SYSCTL | 1ull << KC_SETTLS | 1ull << KC_EXIT;

	(void)index;
	for (unsigned i = 0; i < KC_COUNT; i++) {
		if (strcasecmp(s->word, names[i]) == 0) {
			s->entry->kcall_mask |= 1ull << i;
			return 0;
		}
	}
	if (strcasecmp(s->word, "ALL") == 0)
		s->entry->kcall_mask |= (1ull << KC_COUNT) - 1;
	else if (strcasecmp(s->word, "BASIC") == 0)
		s->entry->kcall_mask |= basic;
	else
		return policy_fail(s, "no such kernel call");
	return 0;
}

static int key_ipc_linux(struct policy_scan *s, unsigned index)
{
	bool is_allowed = false;
	int r = policy_word_bool(s, &is_allowed);

	(void)index;
	s->entry->flags &= ~PRIV_LINUX;
	s->entry->flags |= is_allowed ? PRIV_LINUX : 0;
	return r;
}

static int key_flags(struct policy_scan *s, unsigned index)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = {
		{"SYSTEM", PRIV_SYSTEM},   {"LINUX", PRIV_LINUX}, {"PROXY_GRANT", PRIV_PROXY_GRANT},
		{"MANAGER", PRIV_MANAGER}, {"PCI", PRIV_PCI},     {"FIXED", PRIV_FIXED}};

	(void)index;
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcasecmp(s->word, flags[i].name) == 0) {
			s->entry->flags |= flags[i].flag;
			return 0;
		}
	}
	return policy_fail(s, "no such flag");
}

static int key_control(struct policy_scan *s, unsigned index)
{
	(void)index;
	return add_label(s, &s->entry->control);
}

/* ---- devices ---- */

static int key_io(struct policy_scan *s, unsigned index)
{
	struct policy *e = s->entry;

	(void)index;
	if (e->io_count == PRIV_RANGES_MAX)
		return policy_fail(s, "more than %d port ranges", PRIV_RANGES_MAX);
	return policy_word_range(s, 0xffff, &e->io[e->io_count++]);
}

static int key_mem(struct policy_scan *s, unsigned index)
{
	struct policy *e = s->entry;
	struct priv_range *range = &e->mem[e->mem_count];

	(void)index;
	if (e->mem_count == PRIV_RANGES_MAX)
		return policy_fail(s, "more than %d memory ranges", PRIV_RANGES_MAX);
	if (policy_word_range(s, (1ull << 52) - 1, range) != 0)
		return -EINVAL;
	if (range->base % PAGE_BYTES != 0 || range->len % PAGE_BYTES != 0)
		return policy_fail(s, "memory ranges are whole pages");
	e->mem_count++;
	return 0;
}

static int key_irq(struct policy_scan *s, unsigned index)
{
	struct policy *e = s->entry;
	uint64_t line = 0;
	int r = policy_word_number(s, 255, &line);

	(void)index;
	if (r == 0 && e->irq_count == PRIV_RANGES_MAX)
		return policy_fail(s, "more than %d interrupt lines", PRIV_RANGES_MAX);
	if (r == 0)
		e->irq[e->irq_count++] = (uint8_t)line;
	return r;
}

static bool scan_id(const char **text, uint64_t any, uint64_t *out)
{
	if (**text == '*') {
		(*text)++;
		*out = any;
		return true;
	}
	return policy_scan_number(text, 16, any, out);
}

static int add_pci(struct policy_scan *s, const struct policy_pci *match)
{
	if (s->entry->pci_count == POLICY_PCI_MAX)
		return policy_fail(s, "more than %d PCI matches", POLICY_PCI_MAX);
	s->entry->pci[s->entry->pci_count++] = *match;
	return 0;
}

static int key_pci_device(struct policy_scan *s, unsigned index)
{
	const char *c = s->word;
	uint64_t vendor, device;

	(void)index;
	if (!scan_id(&c, POLICY_ANY_ID, &vendor) || *c++ != '/' ||
	    !scan_id(&c, POLICY_ANY_ID, &device) || *c != '\0')
		return policy_fail(s, "expected vendor/device in hexadecimal");
	return add_pci(s, &(struct policy_pci){.vendor = (uint16_t)vendor,
	                                       .device = (uint16_t)device,
	                                       .class_code = POLICY_ANY_CLASS,
	                                       .subclass = POLICY_ANY_CLASS,
	                                       .prog_if = POLICY_ANY_CLASS});
}

static int key_pci_class(struct policy_scan *s, unsigned index)
{
	const char *c = s->word;
	uint64_t part[3] = {POLICY_ANY_CLASS, POLICY_ANY_CLASS, POLICY_ANY_CLASS};

	(void)index;
	for (unsigned i = 0; i < 3; i++) {
		if (!scan_id(&c, POLICY_ANY_CLASS, &part[i]))
			return policy_fail(s, "expected class/subclass/interface in hexadecimal");
		if (*c == '\0')
			break;
		if (i == 2 || *c++ != '/')
			return policy_fail(s, "expected class/subclass/interface in hexadecimal");
	}
	return add_pci(s, &(struct policy_pci){.vendor = POLICY_ANY_ID,
	                                       .device = POLICY_ANY_ID,
	                                       .class_code = (uint8_t)part[0],
	                                       .subclass = (uint8_t)part[1],
	                                       .prog_if = (uint8_t)part[2]});
}

/* ---- scalars ---- */

static int set_u32(struct policy_scan *s, uint64_t limit, uint32_t *out)
{
	uint64_t value = 0;
	int r = policy_word_number(s, limit, &value);

	*out = (uint32_t)value;
	return r;
}

static int key_pci_count(struct policy_scan *s, unsigned index)
{
	(void)index;
	return set_u32(s, 32, &s->entry->pci_devices);
}

static int key_msi(struct policy_scan *s, unsigned index)
{
	(void)index;
	return set_u32(s, 64, &s->entry->msi_count);
}

static int key_uid(struct policy_scan *s, unsigned index)
{
	(void)index;
	return set_u32(s, 65535, &s->entry->uid);
}

static int key_priority(struct policy_scan *s, unsigned index)
{
	(void)index;
	return set_u32(s, SCHED_PRIORITIES - 1, &s->entry->priority);
}

static int key_quantum(struct policy_scan *s, unsigned index)
{
	uint64_t us = 0;
	int r = policy_word_duration(s, &us);

	(void)index;
	if (r == 0 && (us < 100 || us > 1000000))
		return policy_fail(s, "a quantum is between 100us and 1s");
	s->entry->quantum_us = (uint32_t)us;
	return r;
}

static int key_heartbeat(struct policy_scan *s, unsigned index)
{
	(void)index;
	return policy_word_duration(s, &s->entry->heartbeat_us);
}

static int key_backoff(struct policy_scan *s, unsigned index)
{
	uint64_t *const fields[] = {&s->entry->backoff_first_us, &s->entry->backoff_max_us,
	                            &s->entry->backoff_calm_us};

	return policy_word_duration(s, fields[index]);
}

static int key_standby(struct policy_scan *s, unsigned index)
{
	(void)index;
	return policy_word_bool(s, &s->entry->is_standby);
}

static int key_mirror(struct policy_scan *s, unsigned index)
{
	(void)index;
	return policy_word_bool(s, &s->entry->is_mirrored);
}

static int key_args(struct policy_scan *s, unsigned index)
{
	struct policy *e = s->entry;
	size_t len = strlen(s->word) + 1;

	(void)index;
	if (e->args_count == POLICY_ARGS_MAX || len > sizeof(e->args) - e->args_bytes)
		return policy_fail(s, "arguments are limited to %d words and %d bytes",
		                   POLICY_ARGS_MAX, POLICY_ARGS_BYTES);
	memcpy(e->args + e->args_bytes, s->word, len);
	e->args_bytes += (uint32_t)len;
	e->args_count++;
	return 0;
}

static int key_recovery(struct policy_scan *s, unsigned index)
{
	(void)index;
	if (s->word[0] != '/')
		return policy_fail(s, "expected an absolute path");
	snprintf(s->entry->recovery, sizeof(s->entry->recovery), "%s", s->word);
	return 0;
}
_Static_assert(POLICY_WORD_MAX <= POLICY_PATH_MAX, "a word fits the path");

static int word_class(struct policy_scan *s, enum policy_class *out)
{
	static const char *const names[POLICY_CLASSES] = {"block", "net"};

	for (unsigned i = 0; i < POLICY_CLASSES; i++) {
		if (strcmp(s->word, names[i]) == 0) {
			*out = (enum policy_class)i;
			return 0;
		}
	}
	return policy_fail(s, "expected block or net");
}

static int key_serves(struct policy_scan *s, unsigned index)
{
	enum policy_class class = POLICY_BLOCK;
	int r = word_class(s, &class);

	(void)index;
	s->entry->serves = (uint8_t) class;
	return r;
}

static int key_needs(struct policy_scan *s, unsigned index)
{
	enum policy_class class = POLICY_BLOCK;
	int r = word_class(s, &class);

	(void)index;
	if (r == 0)
		s->entry->needs |= (uint8_t)(1u << class);
	return r;
}

/* ---- the table ---- */

#define MANY 255
static const struct key {
	const char *first;
	const char *second; /* NULL: one word */
	uint8_t words_min, words_max;
	uint8_t is_scalar; /* may stand once */
	int (*word)(struct policy_scan *s, unsigned index);
} keys[] = {
	{"like", NULL, 1, 1, 1, key_like},
	{"ipc", "calls", 1, MANY, 0, key_ipc_calls},
	{"ipc", "targets", 1, MANY, 0, key_ipc_targets},
	{"ipc", "kernel", 1, MANY, 0, key_ipc_kernel},
	{"ipc", "linux", 1, 1, 1, key_ipc_linux},
	{"isa", "io", 1, MANY, 0, key_io},
	{"isa", "irq", 1, MANY, 0, key_irq},
	{"isa", "mem", 1, MANY, 0, key_mem},
	{"pci", "device", 1, MANY, 0, key_pci_device},
	{"pci", "class", 1, MANY, 0, key_pci_class},
	{"pci", "count", 1, 1, 1, key_pci_count},
	{"msi", NULL, 1, 1, 1, key_msi},
	{"flags", NULL, 1, MANY, 0, key_flags},
	{"uid", NULL, 1, 1, 1, key_uid},
	{"priority", NULL, 1, 1, 1, key_priority},
	{"quantum", NULL, 1, 1, 1, key_quantum},
	{"heartbeat", NULL, 1, 1, 1, key_heartbeat},
	{"backoff", NULL, 3, 3, 1, key_backoff},
	{"control", NULL, 1, MANY, 0, key_control},
	{"standby", NULL, 1, 1, 1, key_standby},
	{"mirror", NULL, 1, 1, 1, key_mirror},
	{"args", NULL, 1, MANY, 0, key_args},
	{"recovery", NULL, 1, 1, 1, key_recovery},
	{"serves", NULL, 1, 1, 1, key_serves},
	{"needs", NULL, 1, MANY, 0, key_needs},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))
_Static_assert(KEYS <= 64, "one bit of `seen` for each");

/* The key at the current word; behind it on return. NULL after an error. */
static const struct key *find_key(struct policy_scan *s)
{
	char first[POLICY_WORD_MAX];
	bool is_known = false;

	memcpy(first, s->word, sizeof(first));
	for (unsigned i = 0; i < KEYS; i++) {
		is_known |= strcmp(keys[i].first, first) == 0;
		if (strcmp(keys[i].first, first) == 0 && keys[i].second == NULL) {
			policy_next(s);
			return &keys[i];
		}
	}
	if (!is_known) {
		(void)policy_fail(s, "unknown key");
		return NULL;
	}
	policy_next(s);
	for (unsigned i = 0; s->token == TOKEN_WORD && i < KEYS; i++) {
		if (strcmp(keys[i].first, first) == 0 && strcmp(keys[i].second, s->word) == 0) {
			policy_next(s);
			return &keys[i];
		}
	}
	(void)policy_fail(s, "no such key after '%s'", first);
	return NULL;
}

int policy_statement(struct policy_scan *s, bool is_first)
{
	const struct key *key = find_key(s);
	uint64_t bit;
	unsigned words = 0;

	if (key == NULL)
		return -EINVAL;
	bit = 1ull << (key - keys);
	if (key->is_scalar && (s->seen & bit) != 0)
		return policy_fail(s, "%s is given twice", key->first);
	if (key->word == key_like && !is_first)
		return policy_fail(s, "like must be the first statement");
	s->seen |= bit;
	for (; s->token == TOKEN_WORD && words < key->words_max; words++) {
		if (key->word(s, words) != 0)
			return -EINVAL;
		policy_next(s);
	}
	if (s->token == TOKEN_BAD)
		return policy_fail(s, "word is too long or its quote is not closed");
	if (words < key->words_min)
		return policy_fail(s, "%s needs %u words", key->first, key->words_min);
	if (s->token != TOKEN_SEMICOLON)
		return policy_fail(s, "expected ';'");
	policy_next(s);
	return 0;
}
