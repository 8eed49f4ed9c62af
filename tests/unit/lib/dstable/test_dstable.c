/* uses: lib/dstable/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The data store: owners, private entries, subscriptions, merged changes, tombstones, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "dstable/dstable.h"

static struct dstable t;
static const struct dstable_who rs = {.label = "rs", .ep = EP_RS, .is_rs = true};
static const struct dstable_who ahci = {.label = "ahci", .ep = 20};
static const struct dstable_who mfs = {.label = "mfs", .ep = 21};

static int setup(void **state)
{
	(void)state;
	dstable_init(&t);
	return 0;
}

static struct ds_req request(uint32_t type, const char *key)
{
	struct ds_req req = {.type_flags = type};

	snprintf(req.key, sizeof(req.key), "%s", key);
	return req;
}

static int publish_str(const struct dstable_who *who, const char *key, const char *value,
                       uint32_t flags)
{
	struct ds_req req = request(DS_STR | flags, key);

	snprintf(req.value.str, sizeof(req.value.str), "%s", value);
	return dstable_publish(&t, who, &req, NULL);
}

static int publish_label(const struct dstable_who *who, const char *label, endpoint_t ep)
{
	struct ds_req req = request(DS_LABEL | DS_OVERWRITE, label);

	req.value.label.ep = ep;
	return dstable_publish(&t, who, &req, NULL);
}

static int retrieve_str(const struct dstable_who *who, const char *key, char out[DS_VALUE_MAX])
{
	struct ds_req req = request(DS_STR, key);
	struct ds_rep rep;
	int r = dstable_retrieve(&t, who, &req, &rep);

	memcpy(out, rep.value.str, DS_VALUE_MAX);
	return r;
}

static void entries_belong_to_their_owner(void **state)
{
	char value[DS_VALUE_MAX];

	(void)state;
	assert_int_equal(publish_str(&ahci, "blk.sata0", "ahci:0", 0), 0);
	assert_int_equal(publish_str(&ahci, "blk.sata0", "ahci:1", 0), -EEXIST);
	assert_int_equal(publish_str(&mfs, "blk.sata0", "mfs:1", DS_OVERWRITE), -EPERM);
	assert_int_equal(publish_str(&ahci, "blk.sata0", "ahci:1", DS_OVERWRITE), 0);
	assert_int_equal(retrieve_str(&mfs, "blk.sata0", value), 0);
	assert_string_equal(value, "ahci:1");
	assert_int_equal(dstable_delete(&t, &mfs, "blk.sata0"), -EPERM);
	assert_int_equal(dstable_delete(&t, &ahci, "blk.sata0"), 0);
	assert_int_equal(dstable_delete(&t, &ahci, "blk.sata0"), -ENOENT);
	assert_int_equal(retrieve_str(&mfs, "blk.sata0", value), -ENOENT);
}

static void private_entries_are_invisible_to_others(void **state)
{
	char value[DS_VALUE_MAX];

	(void)state;
	assert_int_equal(publish_str(&ahci, "state", "a", DS_PRIVATE), 0);
	assert_int_equal(retrieve_str(&mfs, "state", value), -ENOENT);
	assert_int_equal(publish_str(&mfs, "state", "m", DS_PRIVATE), 0);
	assert_int_equal(retrieve_str(&ahci, "state", value), 0);
	assert_string_equal(value, "a");
	assert_int_equal(dstable_subscribe(&t, &mfs, ".*"), 0);
	assert_int_equal(dstable_next_notify(&t), EP_NONE);
}

static void only_rs_writes_labels(void **state)
{
	(void)state;
	assert_int_equal(publish_label(&ahci, "ahci", 20), -EPERM);
	assert_int_equal(publish_label(&rs, "ahci", 20), 0);
	assert_string_equal(dstable_name_of(&t, 20), "ahci");
	assert_null(dstable_name_of(&t, 21));
	assert_int_equal(publish_label(&rs, "ahci", EP_NONE), -EINVAL);
}

static void label_moves_in_one_step(void **state)
{
	struct ds_change c;

	(void)state;
	assert_int_equal(publish_label(&rs, "ahci", 20), 0);
	assert_int_equal(dstable_subscribe(&t, &mfs, "ahci"), 0);
	assert_int_equal(dstable_next_notify(&t), 21);
	assert_int_equal(dstable_next_notify(&t), EP_NONE);
	dstable_check(&t, &mfs, &c);
	assert_int_equal(c.result, DS_LABEL);
	assert_true(c.value.label.ep == 20 && c.value.label.old == EP_NONE);
	assert_int_equal(publish_label(&rs, "ahci", 1044), 0);
	assert_int_equal(dstable_next_notify(&t), 21);
	dstable_check(&t, &mfs, &c);
	assert_true(c.value.label.ep == 1044 && c.value.label.old == 20);
	dstable_check(&t, &mfs, &c);
	assert_int_equal(c.result, -ENOENT);
	assert_int_equal(publish_label(&rs, "ahci", 1044), 0); /* the same: no change */
	assert_int_equal(dstable_next_notify(&t), EP_NONE);
	assert_int_equal(dstable_delete_owner(&t, "ahci"), 1);
	dstable_check(&t, &mfs, &c);
	assert_true(c.result == DS_LABEL && c.value.label.ep == EP_NONE &&
	            c.value.label.old == 1044);
}

static void restarts_leave_no_subscriptions(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		const struct dstable_who life = {.label = "mirror", .ep = 100 + i};

		assert_int_equal(dstable_subscribe(&t, &life, "blk\\..*"), 0);
		assert_int_equal(publish_label(&rs, "mirror", life.ep), 0);
	}
	assert_int_equal(dstable_delete_owner(&t, "mirror"), 1);
	for (unsigned i = 0; i < DSTABLE_SUBSCRIBERS_MAX; i++)
		assert_int_equal(dstable_subscriber(&t, i), EP_NONE);
}

/* As inet does with a stack of filters over several cards: two patterns for all units, two for each. */
static void subscriber_follows_many_names(void **state)
{
	char pattern[16], key[16];
	struct ds_change c;

	(void)state;
	assert_int_equal(dstable_subscribe(&t, &mfs, "net\\..*"), 0);
	assert_int_equal(dstable_subscribe(&t, &mfs, "netup\\..*"), 0);
	for (unsigned i = 2; i < DSTABLE_PATTERNS_MAX; i++) {
		snprintf(pattern, sizeof(pattern), "unit%u", i);
		assert_int_equal(dstable_subscribe(&t, &mfs, pattern), 0);
	}
	assert_true(DSTABLE_PATTERNS_MAX >= 2 + 2 * 16);
	assert_int_equal(dstable_subscribe(&t, &mfs, "one-more"), -ENOSPC);
	snprintf(key, sizeof(key), "unit%u", DSTABLE_PATTERNS_MAX - 1);
	assert_int_equal(publish_str(&ahci, key, "1", 0), 0);
	dstable_check(&t, &mfs, &c);
	assert_string_equal(c.key, key);
}

static void changes_merge_and_tombstones_go(void **state)
{
	struct ds_change c;

	(void)state;
	assert_int_equal(dstable_subscribe(&t, &mfs, "blk\\..*"), 0);
	assert_int_equal(publish_str(&ahci, "blk.a", "1", 0), 0);
	assert_int_equal(publish_str(&ahci, "blk.a", "2", DS_OVERWRITE), 0);
	assert_int_equal(publish_str(&ahci, "chr.a", "2", 0), 0);
	dstable_check(&t, &mfs, &c);
	assert_string_equal(c.value.str, "2");
	dstable_check(&t, &mfs, &c);
	assert_int_equal(c.result, -ENOENT);
	assert_int_equal(dstable_delete(&t, &ahci, "blk.a"), 0);
	assert_int_equal(publish_str(&ahci, "blk.a", "3", 0), 0); /* takes its tombstone */
	dstable_check(&t, &mfs, &c);
	assert_string_equal(c.value.str, "3");
	dstable_check(&t, &mfs, &c);
	assert_int_equal(c.result, -ENOENT);
	/* However often: a tombstone is reclaimed once it is fetched, or its subscriber is gone. */
	for (int i = 0; i < 1000; i++) {
		char key[DS_KEY_MAX];

		snprintf(key, sizeof(key), "blk.%d", i);
		assert_int_equal(publish_str(&ahci, key, "x", 0), 0);
		assert_int_equal(dstable_delete(&t, &ahci, key), 0);
		dstable_check(&t, &mfs, &c);
		assert_int_equal(c.result, DS_STR);
		assert_string_equal(c.value.str, "");
	}
	assert_int_equal(dstable_delete(&t, &ahci, "blk.a"), 0);
	dstable_unsubscribe(&t, mfs.ep);
	for (unsigned i = 0; i < DSTABLE_ENTRIES_MAX; i++)
		assert_int_not_equal(t.entries[i].state, DSTABLE_DELETED);
	dstable_check(&t, &mfs, &c);
	assert_int_equal(c.result, -ENOENT);
}

static void mem_entries_survive_and_are_bounded(void **state)
{
	static uint8_t data[DS_MEM_MAX];
	struct ds_req req = request(DS_MEM | DS_PRIVATE | DS_OVERWRITE, "m");
	struct ds_rep rep;

	(void)state;
	memset(data, 7, sizeof(data));
	req.value.mem.len_bytes = sizeof(data);
	assert_int_equal(dstable_publish(&t, &mfs, &req, data), 0);
	req.value.mem.len_bytes = DS_MEM_MAX + 1;
	assert_int_equal(dstable_publish(&t, &mfs, &req, data), -EINVAL);
	assert_int_equal(dstable_retrieve(&t, &mfs, &req, &rep), 0);
	assert_int_equal(rep.value.mem.len_bytes, DS_MEM_MAX);
	assert_memory_equal(dstable_mem(&t, &mfs, "m"), data, sizeof(data));
	assert_null(dstable_mem(&t, &ahci, "m"));
	req.value.mem.len_bytes = 4;
	for (int i = 0; i < 200; i++) { /* its block is given back */
		assert_int_equal(dstable_delete(&t, &mfs, "m"), 0);
		assert_int_equal(dstable_publish(&t, &mfs, &req, data), 0);
	}
	for (int i = 1; i < DSTABLE_MEMS_MAX; i++) {
		snprintf(req.key, sizeof(req.key), "m%d", i);
		assert_int_equal(dstable_publish(&t, &mfs, &req, data), 0);
	}
	snprintf(req.key, sizeof(req.key), "more");
	assert_int_equal(dstable_publish(&t, &mfs, &req, data), -ENOSPC);
}

static void one_owner_cannot_fill_the_table(void **state)
{
	char key[DS_KEY_MAX];
	int r = 0;
	int i;

	(void)state;
	for (i = 0; r == 0; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		r = publish_str(&ahci, key, "x", 0);
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(i - 1, DSTABLE_OWNED_MAX);
	assert_int_equal(publish_str(&mfs, "mine", "x", 0), 0);
	assert_int_equal(dstable_delete_owner(&t, "ahci"), DSTABLE_OWNED_MAX);
}

static void malformed_requests_are_refused(void **state)
{
	struct ds_req req = request(DS_STR, "x");

	(void)state;
	memset(req.key, 'k', sizeof(req.key)); /* no NUL */
	assert_int_equal(dstable_publish(&t, &ahci, &req, NULL), -EINVAL);
	assert_int_equal(publish_str(&ahci, "", "x", 0), -EINVAL);
	assert_int_equal(publish_str(&ahci, "a b", "x", 0), -EINVAL);
	req = request(DS_STR, "x");
	memset(req.value.str, 'v', sizeof(req.value.str));
	assert_int_equal(dstable_publish(&t, &ahci, &req, NULL), -EINVAL);
	req = request(9, "x");
	assert_int_equal(dstable_publish(&t, &ahci, &req, NULL), -EINVAL);
	req = request(DS_U32 | 0x1000, "x");
	assert_int_equal(dstable_publish(&t, &ahci, &req, NULL), -EINVAL);
	assert_int_equal(dstable_subscribe(&t, &ahci, "("), -EINVAL);
}

static void list_shows_public_entries(void **state)
{
	char text[256];
	size_t n;

	(void)state;
	assert_int_equal(publish_label(&rs, "ahci", 20), 0);
	assert_int_equal(publish_str(&ahci, "blk.sata0", "ahci:0", 0), 0);
	assert_int_equal(publish_str(&ahci, "p", "x", DS_PRIVATE), 0);
	n = dstable_list(&t, text, sizeof(text));
	text[n] = '\0';
	assert_string_equal(text, "ahci label 20\nblk.sata0 str ahci:0\n");
	assert_int_equal(dstable_list(&t, text, 20), 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(entries_belong_to_their_owner, setup),
		cmocka_unit_test_setup(private_entries_are_invisible_to_others, setup),
		cmocka_unit_test_setup(only_rs_writes_labels, setup),
		cmocka_unit_test_setup(label_moves_in_one_step, setup),
		cmocka_unit_test_setup(restarts_leave_no_subscriptions, setup),
		cmocka_unit_test_setup(subscriber_follows_many_names, setup),
		cmocka_unit_test_setup(changes_merge_and_tombstones_go, setup),
		cmocka_unit_test_setup(mem_entries_survive_and_are_bounded, setup),
		cmocka_unit_test_setup(one_owner_cannot_fill_the_table, setup),
		cmocka_unit_test_setup(malformed_requests_are_refused, setup),
		cmocka_unit_test_setup(list_shows_public_entries, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
