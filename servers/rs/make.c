/* SPDX-License-Identifier: BSD-2-Clause */
/* Components are made from a policy, a binary and arguments. */
#include <stdio.h>
#include <string.h>
#include "rs.h"

#define INIT_NS 5000000000ull
#define STOP_NS 2000000000ull
/* Up for so long, a crash counts as a first one: kills ten times a second must never wait. */
#define CALM_NS 20000000ull

void make_configure(struct component *c)
{
	const struct policy *p = &c->policy;
	struct life *l = &c->life;

	l->has_pci = p->pci_count > 0;
	l->is_guarded = true;
	l->wants_standby = p->is_standby;
	l->period_ns = p->heartbeat_us * 1000;
	l->init_ns = INIT_NS;
	l->stop_ns = STOP_NS;
	l->delays = (struct backoff_config){p->backoff_first_us * 1000, p->backoff_max_us * 1000,
	                                    p->backoff_calm_us * 1000};
	if (l->delays.calm_ns == 0)
		l->delays.calm_ns = CALM_NS;
	backoff_defaults(&l->delays);
	memcpy(c->recovery, p->recovery, sizeof(c->recovery));
	l->has_script = c->recovery[0] != '\0';
}

static int add_boot_range(struct component *c, uint64_t pa, uint64_t bytes)
{
	struct priv_range range = {pa & ~(PAGE_BYTES - 1), 0};

	if (c->extra_mem_count == EXTRA_MEM_MAX)
		return -ENOSPC;
	range.len = ((pa + bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)) - range.base;
	c->extra_mem[c->extra_mem_count++] = range;
	return 0;
}

static int add_range_args(struct component *c, const char *unit, uint64_t pa, uint64_t bytes)
{
	char pa_text[24], bytes_text[24];
	const char *words[] = {"-unit", unit, "-pa", pa_text, "-len", bytes_text};
	int result = add_boot_range(c, pa, bytes);

	snprintf(pa_text, sizeof(pa_text), "0x%llx", (unsigned long long)pa);
	snprintf(bytes_text, sizeof(bytes_text), "%llu", (unsigned long long)bytes);
	for (unsigned i = 0; result == 0 && i < sizeof(words) / sizeof(words[0]); i++)
		result = args_add(&c->args, words[i]);
	return result;
}

/* "ram0=@root.img" becomes "-unit ram0 -pa 0x... -len ..."; "ram1=@?put.tar" may be missing. */
int make_add_arg(struct component *c, const char *word)
{
	const char *at = strstr(word, "=@");
	char unit[LABEL_MAX];
	bool is_optional;
	uint64_t pa, bytes;
	int result;

	if (at == NULL)
		return args_add(&c->args, word);
	if ((size_t)(at - word) >= sizeof(unit))
		return -ENAMETOOLONG;
	memcpy(unit, word, (size_t)(at - word));
	unit[at - word] = '\0';
	is_optional = at[2] == '?';
	result = boot_entry(at + (is_optional ? 3 : 2), &pa, &bytes);
	if (result != 0)
		return is_optional ? 0 : result;
	return add_range_args(c, unit, pa, bytes);
}

static int add_policy_args(struct component *c)
{
	const char *word = c->policy.args;
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < c->policy.args_count; i++) {
		result = make_add_arg(c, word);
		word += strlen(word) + 1;
	}
	return result;
}

static int fill_component(struct component *c, const struct blueprint *b)
{
	int result;

	c->policy = *b->policy;
	memcpy(c->program, b->program, strnlen(b->program, BINARY_MAX - 1));
	if (b->stack != NULL)
		memcpy(c->stack, b->stack, strnlen(b->stack, LABEL_MAX - 1));
	make_configure(c);
	result = args_add(&c->args, c->program);
	if (result == 0 && !b->is_args_whole)
		result = add_policy_args(c);
	if (result == 0 && b->args != NULL)
		result = args_add_words(&c->args, b->args->text, b->args->count);
	if (result != 0)
		return result;
	c->image = b->image;
	if (c->image == NULL)
		result = image_of_boot(c->program, &c->image);
	return result != 0 ? result : privs_install(c);
}

int make_component(const struct blueprint *b, struct component **out)
{
	struct component *c;
	int result;

	if (b->policy == NULL)
		return -EACCES; /* deny by default: no policy, no process */
	if (b->label[0] == '\0' || strlen(b->label) >= LABEL_MAX)
		return -EINVAL;
	if (table_find(b->label) != NULL)
		return -EEXIST;
	c = table_new(b->label);
	if (c == NULL)
		return -ENOSPC;
	result = fill_component(c, b);
	if (result != 0) {
		make_remove(c);
		return result;
	}
	*out = c;
	return 0;
}

int make_from_name(const char *program, const char *label, struct component **out)
{
	struct blueprint b = {.program = program, .label = label};

	b.policy = policy_find(&boot_policies, program, label);
	return make_component(&b, out);
}

void make_remove(struct component *c)
{
	image_put(c->image);
	c->image = NULL;
	if (c->priv_id != PRIV_ID_NONE)
		privs_remove(c);
	table_free(c);
}

void make_sweep(void)
{
	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		struct component *c = &components[i];

		if (c->is_used && c->life.state == CS_DOWN && (c->is_transient || c->life.is_trial))
			make_remove(c);
	}
}
