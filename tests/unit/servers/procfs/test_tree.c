/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/procfs/tree.c lib/dump/text.c */
/* Inode numbers and names of /proc, on a small tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "servers/procfs/tree.h"

static const struct node nodes[] = {
	{"", INO_ROOT, NODE_DIR, NULL, 0},         {"sys", INO_ROOT, NODE_DIR, NULL, 0},
	{"version", INO_ROOT, NODE_FILE, NULL, 0}, {"version", 2, NODE_FILE, NULL, 0},
	{"self", INO_ROOT, NODE_LINK, NULL, 0},
};
static const struct node proc_nodes[] = {
	[KIND_DIR] = {"", 0, NODE_DIR, NULL, 0},
	[KIND_FD] = {"fd", KIND_DIR, NODE_DIR, NULL, 0},
	[KIND_TASK] = {"task", KIND_DIR, NODE_DIR, NULL, 0},
	[KIND_TASK_DIR] = {"", KIND_TASK, NODE_DIR, NULL, 0},
	[KIND_NET] = {"net", KIND_DIR, NODE_DIR, NULL, 0},
	[KIND_FIRST_FILE] = {"stat", KIND_DIR, NODE_FILE, NULL, 0},
	{"comm", KIND_DIR, NODE_FILE, NULL, 0},
};
static const struct tree tr = {nodes, 5, proc_nodes, 7};

static uint32_t find(uint32_t dir, const char *name)
{
	return tree_find(&tr, dir, name, (uint32_t)strlen(name));
}

static void names_are_found_in_their_directory(void **state)
{
	(void)state;
	assert_int_equal(find(INO_ROOT, "version"), 3);
	assert_int_equal(find(2, "version"), 4);
	assert_int_equal(find(INO_ROOT, "vers"), 0);
	assert_int_equal(find(2, "self"), 0);
	assert_int_equal(tree_parent(&tr, 4), 2);
	assert_int_equal(tree_parent(&tr, INO_ROOT), INO_ROOT);
}

static void process_entries_carry_their_pid(void **state)
{
	uint32_t dir = tree_proc_ino(42, KIND_DIR), stat = find(dir, "stat");
	struct place p;

	(void)state;
	assert_true(tree_decode(&tr, stat, &p));
	assert_int_equal(p.pid, 42);
	assert_string_equal(p.node->name, "stat");
	assert_int_equal(tree_parent(&tr, stat), dir);
	assert_int_equal(tree_parent(&tr, dir), INO_ROOT);
	assert_int_equal(find(tree_proc_ino(42, KIND_TASK_DIR), "comm"), find(dir, "comm"));
	assert_int_equal(find(tree_proc_ino(42, KIND_TASK_DIR), "task"), 0);
	assert_true(tree_decode(&tr, tree_proc_ino(42, FD_BASE + 7), &p));
	assert_null(p.node);
	assert_int_equal(p.fd, 7);
	assert_int_equal(tree_parent(&tr, tree_proc_ino(42, FD_BASE + 7)),
	                 tree_proc_ino(42, KIND_FD));
}

static void wild_inode_numbers_mean_nothing(void **state)
{
	const uint32_t wild[] = {0,
	                         6,
	                         100,
	                         INO_PROC,
	                         INO_PROC | 0xfff,
	                         0xffffffff,
	                         tree_proc_ino(5, 7),
	                         tree_proc_ino(5, 0x800)};
	struct place p;

	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		assert_false(tree_decode(&tr, wild[i], &p));
}

static void children_are_listed_once(void **state)
{
	unsigned n = 0;

	(void)state;
	while (tree_child(&tr, INO_ROOT, n))
		n++;
	assert_int_equal(n, 3);
	n = 0;
	while (tree_child(&tr, tree_proc_ino(9, KIND_DIR), n))
		n++;
	assert_int_equal(n, 5);
	assert_int_equal(tree_child(&tr, tree_proc_ino(9, KIND_FD), 0), 0);
}

static void numbers_are_decimal_without_leading_zero(void **state)
{
	(void)state;
	assert_int_equal(tree_number("0", 1), 0);
	assert_int_equal(tree_number("32767", 5), 32767);
	assert_int_equal(tree_number("01", 2), -1);
	assert_int_equal(tree_number("1a", 2), -1);
	assert_int_equal(tree_number("123456", 6), -1);
	assert_int_equal(tree_number("", 0), -1);
}

static void full_text_keeps_whole_pieces(void **state)
{
	char buf[8];
	struct text t = {.buf = buf, .cap = sizeof(buf)};

	(void)state;
	text_add(&t, "abc%d", 1);
	text_add(&t, "%s", "too long");
	text_add(&t, "x");
	assert_true(t.is_full);
	assert_int_equal(t.len, 4);
	assert_memory_equal(buf, "abc1", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_in_their_directory),
		cmocka_unit_test(process_entries_carry_their_pid),
		cmocka_unit_test(wild_inode_numbers_mean_nothing),
		cmocka_unit_test(children_are_listed_once),
		cmocka_unit_test(numbers_are_decimal_without_leading_zero),
		cmocka_unit_test(full_text_keeps_whole_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
