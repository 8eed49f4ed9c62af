/* uses: servers/vfs/sockwire.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Local addresses and control messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <cmocka.h>
#include "servers/vfs/sockwire.h"

static struct unix_addr parsed(const char *name, size_t len)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct unix_addr a;

	memcpy(sa.sun_path, name, len);
	assert_int_equal(unixaddr_parse(&sa, offsetof(struct sockaddr_un, sun_path) + len, &a), 0);
	return a;
}

static void paths_end_at_their_zero(void **state)
{
	struct unix_addr a = parsed("a/b\0c", 5), b = parsed("a/b", 3);
	uint8_t sa[UNIX_ADDR_BYTES + 1];

	(void)state;
	assert_int_equal(a.len, 3);
	assert_true(unixaddr_equal(&a, &b) && !unixaddr_is_abstract(&a));
	assert_int_equal(unixaddr_store(&a, sa), 2 + 3 + 1);
	assert_memory_equal(sa + 2, "a/b", 4);
}

static void abstract_names_keep_their_zeros(void **state)
{
	struct unix_addr a = parsed("\0x\0y", 4), b = parsed("\0x\0z", 4), c = parsed("\0x", 2);
	uint8_t sa[UNIX_ADDR_BYTES + 1];

	(void)state;
	assert_true(unixaddr_is_abstract(&a) && a.len == 4);
	assert_false(unixaddr_equal(&a, &b) || unixaddr_equal(&a, &c));
	assert_int_equal(unixaddr_store(&a, sa), 2 + 4);
}

static void lengths_and_families_are_checked(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	uint8_t out[UNIX_ADDR_BYTES + 1];
	struct unix_addr a;

	(void)state;
	assert_int_equal(unixaddr_parse(&sa, 0, &a), -EINVAL);
	assert_int_equal(unixaddr_parse(&sa, 1, &a), -EINVAL);
	assert_int_equal(unixaddr_parse(&sa, sizeof(sa) + 1, &a), -EINVAL);
	assert_int_equal(unixaddr_parse(&sa, 2, &a), 0);
	assert_int_equal(a.len, 0);
	assert_int_equal(unixaddr_store(&a, out), 2);
	memset(sa.sun_path, 'x', sizeof(sa.sun_path)); /* the whole field, no zero */
	assert_int_equal(unixaddr_parse(&sa, sizeof(sa), &a), 0);
	assert_int_equal(a.len, sizeof(sa.sun_path));
	assert_int_equal(unixaddr_store(&a, out), UNIX_ADDR_BYTES + 1);
	sa.sun_family = AF_INET;
	assert_int_equal(unixaddr_parse(&sa, sizeof(sa), &a), -EINVAL);
}

/* ---- control messages ---- */

static union {
	uint8_t bytes[4096];
	struct cmsghdr align;
} in;
static size_t in_len;

static struct cmsghdr *add(int level, int type, size_t len)
{
	struct cmsghdr *h = (void *)(in.bytes + in_len);

	*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
	memset(CMSG_DATA(h), 7, len);
	in_len += CMSG_SPACE(len);
	return h;
}

static int parse(struct control *out)
{
	uint8_t *copy = malloc(in_len ? in_len : 1); /* its end is watched */
	int r;

	assert_non_null(copy);
	memcpy(copy, in.bytes, in_len);
	r = control_parse(copy, in_len, out);
	free(copy);
	return r;
}

static int begin(void **state)
{
	(void)state;
	in_len = 0;
	return 0;
}

static void files_and_credentials_are_found(void **state)
{
	struct control c;

	(void)state;
	add(SOL_SOCKET, 1, 3 * sizeof(int));
	add(41, 50, 20); /* another level's */
	add(SOL_SOCKET, 2, sizeof(struct sock_cred));
	add(SOL_SOCKET, 1, sizeof(int));
	assert_int_equal(parse(&c), 0);
	assert_int_equal(c.fds_count, 4);
	assert_int_equal(c.fds[3], 0x07070707);
	assert_true(c.has_cred);
	in_len = 0;
	assert_int_equal(parse(&c), 0);
	assert_true(c.fds_count == 0 && !c.has_cred);
}

static void lengths_that_lie_are_refused(void **state)
{
	static const size_t lies[] = {0, 1, 15, 17 + 16, 1000, (size_t)-1, (size_t)-8};
	struct control c;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		in_len = 0;
		add(SOL_SOCKET, 1, 8)->cmsg_len = lies[i];
		assert_int_equal(parse(&c), -EINVAL);
	}
	in_len = 0;
	add(SOL_SOCKET, 2, 8);
	assert_int_equal(parse(&c), -EINVAL);
	in_len = 0;
	add(SOL_SOCKET, 99, 8);
	assert_int_equal(parse(&c), -EINVAL);
}

static void too_many_files_are_refused(void **state)
{
	struct control c;

	(void)state;
	add(SOL_SOCKET, 1, RIGHTS_FDS_MAX * sizeof(int));
	assert_int_equal(parse(&c), 0);
	assert_int_equal(c.fds_count, RIGHTS_FDS_MAX);
	add(SOL_SOCKET, 1, sizeof(int));
	assert_int_equal(parse(&c), -EINVAL);
}

static void what_is_written_can_be_read(void **state)
{
	struct sock_cred cred = {1, 2, 3};
	int32_t fds[3] = {5, 6, 7};
	struct control_out o = {.buf = in.bytes, .size = sizeof(in)};
	struct control c;

	(void)state;
	control_put_cred(&o, &cred);
	assert_int_equal(control_fds_room(&o, 3), 3);
	control_put_fds(&o, fds, 3);
	in_len = o.used;
	assert_int_equal(parse(&c), 0);
	assert_true(c.has_cred && c.cred.gid == 3 && c.fds_count == 3 && c.fds[2] == 7);
	assert_false(o.is_truncated);
}

static void small_buffers_are_never_left(void **state)
{
	struct sock_cred cred = {1, 2, 3};
	int32_t fds[8] = {0};

	(void)state;
	for (size_t size = 0; size < 80; size++) {
		uint8_t *buf = malloc(size ? size : 1);
		struct control_out o = {.buf = buf, .size = size};
		unsigned room;

		assert_non_null(buf);
		control_put_cred(&o, &cred);
		room = control_fds_room(&o, 8);
		control_put_fds(&o, fds, room);
		assert_true(o.used <= size);
		assert_int_equal(o.is_truncated, size < 16 + sizeof(cred));
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_end_at_their_zero),
		cmocka_unit_test(abstract_names_keep_their_zeros),
		cmocka_unit_test(lengths_and_families_are_checked),
		cmocka_unit_test_setup(files_and_credentials_are_found, begin),
		cmocka_unit_test_setup(lengths_that_lie_are_refused, begin),
		cmocka_unit_test_setup(too_many_files_are_refused, begin),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(small_buffers_are_never_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
