/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/rs/stacks.c servers/rs/alias.c servers/rs/names.c servers/rs/table.c servers/rs/text.c servers/rs/args.c lib/stack/ lib/policy/ */
/* Stacks of both kinds, second names of units, names of components; against a model of ds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "servers/rs/rs.h"

static struct policy entries[16];
struct policy_file boot_policies = {entries, 16, 0};
static const char conf[] = "filter guard { ipc calls BASIC; }\n"
			   "filter checksum { ipc calls BASIC; }\n"
			   "filter netguard { serves net; }\n"
			   "filter capture { serves net; }\n"
			   "driver ahci { ipc calls BASIC; }\n"
			   "driver e1000 { serves net; }\n";

/* ---- the model of ds ---- */

#define ENTRIES 16
static struct {
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];
} ds[ENTRIES];

static int ds_index(const char *key)
{
	for (int i = 0; i < ENTRIES; i++)
		if (strcmp(ds[i].key, key) == 0)
			return i;
	return -1;
}

int ds_publish_str(const char *key, const char *value)
{
	int i = ds_index(key);

	if (i < 0)
		i = ds_index("");
	assert_true(i >= 0);
	snprintf(ds[i].key, DS_KEY_MAX, "%s", key);
	snprintf(ds[i].value, DS_VALUE_MAX, "%s", value);
	return 0;
}

int ds_lookup_str(const char *key, char *buf, size_t len)
{
	int i = ds_index(key);

	if (i < 0)
		return -ENOENT;
	snprintf(buf, len, "%s", ds[i].value);
	return 0;
}

int ds_delete(const char *key)
{
	int i = ds_index(key);

	if (i < 0)
		return -ENOENT;
	ds[i].key[0] = '\0';
	return 0;
}

int ds_subscribe(const char *pattern)
{
	assert_non_null(strchr(pattern, '\\'));
	return 0;
}

int sys_call_bytes(endpoint_t dst, uint32_t type, const void *req, size_t req_len, void *rep,
                   size_t rep_len)
{
	(void)dst;
	(void)type;
	(void)req;
	(void)req_len;
	(void)rep;
	(void)rep_len;
	return -EIO; /* DS_CHECK: nothing more */
}

/* ---- the rest of rs ---- */

void sys_log(const char *fmt, ...)
{
	(void)fmt;
}

void machine_init(struct component *c)
{
	c->life.now.ep = EP_NONE;
}

void machine_up(struct component *c)
{
	c->life.state = CS_RUNNING;
}

void machine_down(struct component *c)
{
	table_free(c);
}

const char *machine_state_name(enum comp_state s)
{
	return s == CS_RUNNING ? "running" : "other";
}

int make_component(const struct blueprint *b, struct component **out)
{
	struct component *c = table_find(b->label) == NULL ? table_new(b->label) : NULL;

	if (c == NULL)
		return -EEXIST;
	c->policy = *b->policy;
	c->args = *b->args;
	snprintf(c->program, sizeof(c->program), "%s", b->program);
	snprintf(c->stack, sizeof(c->stack), "%s", b->stack);
	*out = c;
	return 0;
}

void make_remove(struct component *c)
{
	table_free(c);
}

/* ---- tests ---- */

static char why[WHY_BYTES];

static int make(enum policy_class class, const char *expr, const char *name)
{
	const struct stack_want w = {expr, name, class};

	return stacks_make(&w, why);
}

static void expect_refusal(enum policy_class class, const char *expr, const char *reason)
{
	char text[WHY_BYTES];

	assert_int_equal(make(class, expr, "x"), -EINVAL);
	snprintf(text, sizeof(text), "%s: %s", expr, reason);
	assert_string_equal(why, text);
	assert_false(stacks_has("x"));
}

static struct component *add_driver(const char *label, const char *unit_key)
{
	struct component *c = table_new(label);
	char value[DS_VALUE_MAX];

	snprintf(c->program, sizeof(c->program), "%s", label);
	c->life.state = CS_RUNNING;
	snprintf(value, sizeof(value), "%s:0", label);
	assert_int_equal(ds_publish_str(unit_key, value), 0);
	return c;
}

static int set_up(void **state)
{
	struct policy_error error;

	(void)state;
	memset(components, 0, sizeof(components));
	memset(ds, 0, sizeof(ds));
	assert_int_equal(policy_parse("conf", conf, &boot_policies, &error), 0);
	return 0;
}

static void same_word_means_another_binary_in_a_network(void **state)
{
	const struct component *c;

	(void)state;
	assert_int_equal(make(POLICY_NET, "guard(e1000_0, timeout=1s)", "net0"), 0);
	assert_int_equal(make(POLICY_BLOCK, "guard(sata0)", "disk"), 0);
	c = table_find("netguard.net0");
	assert_non_null(c);
	assert_string_equal(c->program, "netguard");
	assert_string_equal(args_word(&c->args, 1), "netguard.net0");
	assert_string_equal(args_word(&c->args, 5), "e1000_0");
	assert_non_null(table_find("guard.disk"));
	assert_int_equal(stacks_down("net0"), 0);
	assert_null(table_find("netguard.net0"));
	assert_non_null(table_find("guard.disk"));
	assert_int_equal(stacks_down("net0"), -ESRCH);
	assert_int_equal(stacks_down("disk"), 0);
}

static void filters_without_a_prefix_are_found_too(void **state)
{
	(void)state;
	assert_int_equal(make(POLICY_NET, "capture(guard(e1000_0))", "lan"), 0);
	assert_non_null(table_find("capture.lan"));
	assert_non_null(table_find("netguard.lan.1"));
	assert_int_equal(stacks_down("lan"), 0);
}

static void errors_name_column_and_reason(void **state)
{
	(void)state;
	add_driver("ahci", "blk.sata0");
	add_driver("e1000", "net.e1000_0");
	expect_refusal(POLICY_NET, "capture(checksum(a))",
	               "column 9: checksum is a filter for storage stacks, not for network ones");
	expect_refusal(POLICY_BLOCK, "capture(a)",
	               "column 1: capture is a filter for network stacks, not for storage ones");
	expect_refusal(POLICY_NET, "capture(foo(a))", "column 9: there is no filter foo");
	expect_refusal(POLICY_NET, "e1000(a)", "column 1: e1000 is no filter");
	expect_refusal(POLICY_NET, "guard(sata0)",
	               "column 7: sata0 is a storage unit, not for a network stack");
	expect_refusal(POLICY_BLOCK, "guard(e1000_0)",
	               "column 7: e1000_0 is a network unit, not for a storage stack");
	expect_refusal(POLICY_NET, "guard(a", "column 8: expected ',' or ')', found the end");
}

static void kind_follows_from_the_units_that_are_there(void **state)
{
	(void)state;
	add_driver("e1000", "net.e1000_0");
	assert_int_equal(stacks_class("capture(guard(e1000_0))"), POLICY_NET);
	assert_int_equal(stacks_class("guard(e1000_1)"), POLICY_BLOCK);
	assert_int_equal(stacks_class("guard("), POLICY_BLOCK);
	assert_string_equal(stacks_default_name(POLICY_NET), "net0");
	assert_string_equal(stacks_default_name(POLICY_BLOCK), "disk");
}

static void network_unit_with_a_second_name_is_taken(void **state)
{
	char value[DS_VALUE_MAX];

	(void)state;
	assert_int_equal(make(POLICY_NET, "e1000_0", "net0"), 0);
	assert_int_equal(ds_lookup_str("netup.e1000_0", value, sizeof(value)), 0);
	assert_string_equal(value, "net0");
	assert_int_equal(ds_lookup_str("net.net0", value, sizeof(value)), -ENOENT);
	add_driver("e1000", "net.e1000_0");
	alias_ds_changed();
	assert_int_equal(ds_lookup_str("net.net0", value, sizeof(value)), 0);
	assert_string_equal(value, "e1000:0");
	assert_true(stacks_has("net0"));
	assert_int_equal(stacks_down("net0"), 0);
	assert_int_equal(ds_index("netup.e1000_0"), -1);
	assert_int_equal(ds_index("net.net0"), -1);
	assert_false(stacks_has("net0"));
}

static void disk_with_a_second_name_is_not_marked(void **state)
{
	(void)state;
	add_driver("ahci", "blk.sata0");
	assert_int_equal(make(POLICY_BLOCK, "sata0", "disk"), 0);
	assert_true(ds_index("blk.disk") >= 0);
	assert_int_equal(ds_index("netup.sata0"), -1);
	assert_int_equal(stacks_down("disk"), 0);
}

static void list_has_both_kinds(void **state)
{
	char text[2048];

	(void)state;
	assert_int_equal(make(POLICY_NET, "e1000_0", "net0"), 0);
	assert_int_equal(make(POLICY_BLOCK, "checksum(sata0,n=8,x=\"q\")", "disk"), 0);
	text[stacks_list(text, sizeof(text), false)] = '\0';
	assert_string_equal(text,
	                    "NAME         KIND     STATE     EXPRESSION\n"
	                    "net0         network  waiting   e1000_0\n"
	                    "disk         storage  running   checksum(sata0, n=8, x=\"q\")\n");
	text[stacks_list(text, sizeof(text), true)] = '\0';
	assert_string_equal(text,
	                    "{\"stacks\": [\n"
	                    "{\"name\": \"net0\", \"kind\": \"network\", \"state\": \"waiting\", "
	                    "\"expression\": \"e1000_0\"},\n"
	                    "{\"name\": \"disk\", \"kind\": \"storage\", \"state\": \"running\", "
	                    "\"expression\": \"checksum(sata0, n=8, x=\\\"q\\\")\"}\n]}\n");
	assert_int_equal(stacks_down("net0"), 0);
	table_free(table_find("checksum.disk")); /* taken down by itself */
	text[stacks_list(text, sizeof(text), false)] = '\0';
	assert_null(strstr(text, "disk"));
}

static void components_have_several_names(void **state)
{
	struct component *ahci, *other;
	unsigned count;

	(void)state;
	ahci = add_driver("ahci", "blk.sata0");
	assert_ptr_equal(names_find("ahci", &count), ahci);
	assert_ptr_equal(names_find("sata0", &count), ahci);
	assert_ptr_equal(names_find("ahci0", &count), ahci);
	assert_null(names_find("ahci1", &count));
	assert_int_equal(count, 0);
	assert_null(names_find("0", &count));
	other = add_driver("second", "blk.x");
	snprintf(other->program, sizeof(other->program), "ahci");
	assert_null(names_find("ahci0", &count));
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(same_word_means_another_binary_in_a_network, set_up),
		cmocka_unit_test_setup(filters_without_a_prefix_are_found_too, set_up),
		cmocka_unit_test_setup(errors_name_column_and_reason, set_up),
		cmocka_unit_test_setup(kind_follows_from_the_units_that_are_there, set_up),
		cmocka_unit_test_setup(network_unit_with_a_second_name_is_taken, set_up),
		cmocka_unit_test_setup(disk_with_a_second_name_is_not_marked, set_up),
		cmocka_unit_test_setup(list_has_both_kinds, set_up),
		cmocka_unit_test_setup(components_have_several_names, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
