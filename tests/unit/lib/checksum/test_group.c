/* uses: lib/checksum/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* libs: crypto */
/* Layout, superblock, verification and healing of groups, for every n and every algorithm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "checksum/group.h"

#define REPLICAS 3
static const uint8_t uuid[16] = "0123456789abcde";

static void fill(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)rand();
}

static void make_codec(struct checksum_codec *k, enum sum_algo algo, uint32_t n)
{
	struct checksum_super super;

	assert_int_equal(checksum_super_make(&super, algo, n, 8 + 20 * (n + 1ull) + n), 0);
	assert_true(super.data_sectors == 20ull * n);
	checksum_layout_of(&super, &k->layout);
	assert_int_equal(sum_init(&k->summer, algo, uuid, NULL), 0);
}

/* Runs fn for every n that fits and every algorithm. */
static void for_each(void (*fn)(const struct checksum_codec *k))
{
	srand(7);
	for (int algo = 1; algo < SUM_ALGOS; algo++) {
		uint32_t most = SUM_SECTOR / sum_bytes((enum sum_algo)algo);
		struct checksum_super super;

		for (uint32_t n = 1; n <= most; n++) {
			struct checksum_codec k;

			make_codec(&k, (enum sum_algo)algo, n);
			fn(&k);
		}
		assert_int_equal(
			checksum_super_make(&super, (enum sum_algo)algo, most + 1, 1 << 20),
			-EINVAL);
		assert_int_equal(checksum_super_make(&super, (enum sum_algo)algo, 0, 1 << 20),
		                 -EINVAL);
	}
}

static void check_geometry(const struct checksum_codec *k)
{
	const struct checksum_layout *l = &k->layout;
	uint64_t next = CHECKSUM_HEADER_SECTORS;

	for (uint64_t lba = 0; lba < l->data_sectors; lba++) {
		assert_true(checksum_data_sector(l, lba) == next++);
		if (lba % l->n == l->n - 1)
			assert_true(checksum_sum_sector(l, checksum_group_of(l, lba)) == next++);
	}
	assert_true(l->n > 0);
	if (l->n == 0)
		return; /* for the analyser, which does not know that assertions end */
	for (uint64_t lower = 0; lower < 5 * (l->n + 1ull); lower++) {
		uint64_t count = checksum_fitting(l, lower);

		for (uint64_t lba = 0; count > 0 && lba <= l->n; lba++)
			assert_true(checksum_extent(l, lba, count) <= lower);
		assert_true(count > 0 || lower < l->n + 1ull);
	}
}

static void every_sector_has_its_place(void **state)
{
	(void)state;
	for_each(check_geometry);
}

/* Writes [lba, lba + count) through staging to a model medium, as the filter does. */
struct range {
	uint64_t lba, count;
};

static void write_through(const struct checksum_codec *k, uint8_t *medium, struct range range,
                          uint8_t *data)
{
	const uint64_t lba = range.lba, count = range.count;
	const uint64_t first = checksum_data_sector(&k->layout, lba);
	const uint64_t sectors = checksum_extent(&k->layout, lba, count);
	struct checksum_piece pieces[2] = {{data, SUM_SECTOR},
	                                   {data + SUM_SECTOR, (uint32_t)(count - 1) * SUM_SECTOR}};
	struct checksum_cursor from = {.pieces = pieces, .count = 2};
	struct checksum_span span = {.lba = lba, .count = count};

	span.staging = malloc(sectors * SUM_SECTOR);
	memcpy(span.staging, medium + first * SUM_SECTOR, sectors * SUM_SECTOR);
	checksum_write(k, &span, &from);
	assert_null(checksum_cursor_next(&from));
	memcpy(medium + first * SUM_SECTOR, span.staging, sectors * SUM_SECTOR);
	free(span.staging);
}

static uint64_t read_through(const struct checksum_codec *k, const uint8_t *medium,
                             struct range range, uint8_t *data)
{
	const uint64_t lba = range.lba, count = range.count;
	const uint64_t first = checksum_data_sector(&k->layout, lba);
	const uint64_t sectors = checksum_extent(&k->layout, lba, count);
	struct checksum_piece piece = {data, (uint32_t)count * SUM_SECTOR};
	struct checksum_cursor to = {.pieces = &piece, .count = 1};
	struct checksum_span span = {.lba = lba, .count = count};
	uint64_t got;

	span.staging = malloc(sectors * SUM_SECTOR);
	memcpy(span.staging, medium + first * SUM_SECTOR, sectors * SUM_SECTOR);
	got = checksum_read(k, &span, 0, &to);
	free(span.staging);
	return got;
}

static size_t medium_bytes(const struct checksum_codec *k)
{
	return (CHECKSUM_HEADER_SECTORS + 20 * (k->layout.n + 1ull)) * SUM_SECTOR;
}

static uint8_t *make_medium(const struct checksum_codec *k)
{
	uint8_t *medium = calloc(1, medium_bytes(k));

	checksum_format_groups(k, 0, 20, medium + CHECKSUM_HEADER_SECTORS * SUM_SECTOR);
	return medium;
}

static void check_round_trip(const struct checksum_codec *k)
{
	const uint64_t total = k->layout.data_sectors;
	uint8_t *medium = make_medium(k);
	uint8_t *model = calloc(total, SUM_SECTOR);
	uint8_t *buf = malloc(total * SUM_SECTOR);

	assert_true(read_through(k, medium, (struct range){0, total}, buf) == total);
	assert_memory_equal(buf, model, total * SUM_SECTOR);
	for (int round = 0; round < 12; round++) {
		uint64_t lba = (uint64_t)rand() % total;
		uint64_t count = 1 + (uint64_t)rand() % (total - lba);

		fill(model + lba * SUM_SECTOR, count * SUM_SECTOR);
		write_through(k, medium, (struct range){lba, count}, model + lba * SUM_SECTOR);
		lba = (uint64_t)rand() % total;
		count = 1 + (uint64_t)rand() % (total - lba);
		assert_true(read_through(k, medium, (struct range){lba, count}, buf) == count);
		assert_memory_equal(buf, model + lba * SUM_SECTOR, count * SUM_SECTOR);
	}
	free(medium);
	free(model);
	free(buf);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for_each(check_round_trip);
}

static void check_detection(const struct checksum_codec *k)
{
	const struct checksum_layout *l = &k->layout;
	uint8_t *medium = make_medium(k);
	uint8_t *buf = malloc(l->data_sectors * SUM_SECTOR);
	uint64_t bad = (uint64_t)rand() % l->data_sectors;
	uint64_t neighbour = bad % l->n == 0 ? bad + l->n - 1 : bad - 1;
	uint8_t *sector = medium + checksum_data_sector(l, bad) * SUM_SECTOR;

	sector[rand() % SUM_SECTOR] ^= (uint8_t)(1 << rand() % 8);
	assert_true(read_through(k, medium, (struct range){0, l->data_sectors}, buf) == bad);
	/* A write beside it does not launder it. */
	if (neighbour != bad) {
		fill(buf, SUM_SECTOR);
		write_through(k, medium, (struct range){neighbour, 1}, buf);
	}
	assert_true(read_through(k, medium, (struct range){bad, 1}, buf) == 0);
	/* A write over it mends it. */
	write_through(k, medium, (struct range){bad, 1}, buf);
	assert_true(read_through(k, medium, (struct range){bad, 1}, buf) == 1);
	free(medium);
	free(buf);
}

static void corruption_is_found_and_never_laundered(void **state)
{
	(void)state;
	for_each(check_detection);
}

static void misdirected_sectors_do_not_match(void **state)
{
	struct checksum_codec k;
	uint8_t *medium, *other, buf[8 * SUM_SECTOR];
	const size_t group = 9 * SUM_SECTOR;

	(void)state;
	make_codec(&k, SUM_XXH64, 8);
	medium = make_medium(&k);
	fill(buf, sizeof(buf));
	write_through(&k, medium, (struct range){8, 8}, buf);
	/* A whole group lands on its neighbour. */
	other = medium + CHECKSUM_HEADER_SECTORS * SUM_SECTOR;
	memcpy(other, other + group, group);
	assert_true(read_through(&k, medium, (struct range){0, 8}, buf) == 0);
	memset(other, 0, group); /* zeroed, sums and all */
	assert_true(read_through(&k, medium, (struct range){0, 8}, buf) == 0);
	free(medium);
}

/* ---- healing ---- */

struct heal_case {
	struct checksum_heal h;
	uint8_t *right, *good;
	size_t bytes;
};

static void heal_setup(const struct checksum_codec *k, struct heal_case *c)
{
	struct checksum_piece piece;
	struct checksum_cursor from = {.pieces = &piece, .count = 1};
	struct checksum_span span = {.lba = 3ull * k->layout.n, .count = k->layout.n};

	memset(c, 0, sizeof(*c));
	c->bytes = (k->layout.n + 1ull) * SUM_SECTOR;
	c->h = (struct checksum_heal){.number = 3, .replicas = REPLICAS};
	c->right = span.staging = malloc(c->bytes);
	c->good = malloc(c->bytes);
	piece = (struct checksum_piece){malloc(c->bytes), k->layout.n * SUM_SECTOR};
	fill(piece.ptr, piece.len_bytes);
	checksum_write(k, &span, &from);
	free(piece.ptr);
	for (unsigned r = 0; r < REPLICAS; r++) {
		c->h.copies[r] = malloc(c->bytes);
		memcpy(c->h.copies[r], c->right, c->bytes);
	}
}

static void heal_teardown(struct heal_case *c)
{
	for (unsigned r = 0; r < REPLICAS; r++)
		free(c->h.copies[r]);
	free(c->right);
	free(c->good);
}

static void check_heal(const struct checksum_codec *k)
{
	const uint32_t n = k->layout.n;
	struct heal_case c;
	uint32_t a = (uint32_t)rand() % n, b = (uint32_t)rand() % n;

	heal_setup(k, &c);
	c.h.copies[0][a * SUM_SECTOR + 5] ^= 1;
	memset(c.h.copies[1] + n * SUM_SECTOR, 0x5a, SUM_SECTOR); /* all its entries */
	c.h.copies[2][b * SUM_SECTOR] ^= 1;
	checksum_heal(k, &c.h, c.good);
	assert_false(checksum_mask_any(&c.h.lost));
	assert_memory_equal(c.good, c.right, n * SUM_SECTOR);
	for (unsigned r = 0; r < REPLICAS; r++) {
		assert_true(c.h.want_write[r]);
		assert_memory_equal(c.h.copies[r], c.right, n * SUM_SECTOR + n * k->summer.bytes);
	}
	assert_true(checksum_mask_has(&c.h.bad[0], a) && checksum_mask_has(&c.h.bad[2], b));
	heal_teardown(&c);
}

static void any_agreeing_pair_heals_all_copies(void **state)
{
	(void)state;
	for_each(check_heal);
}

static void data_of_one_and_entry_of_another_agree(void **state)
{
	struct checksum_codec k;
	struct heal_case c;

	(void)state;
	make_codec(&k, SUM_CRC32C, 4);
	heal_setup(&k, &c);
	c.h.replicas = 2;
	c.h.copies[0][0] ^= 1;              /* data of sector 0 */
	c.h.copies[1][4 * SUM_SECTOR] ^= 1; /* entry of sector 0 */
	checksum_heal(&k, &c.h, c.good);
	assert_false(checksum_mask_any(&c.h.lost));
	assert_memory_equal(c.good, c.right, c.bytes);
	heal_teardown(&c);
}

/* Replica 1 has another good version of the group; sector 1 of replica 0 and sector 2 of all are bad. */
static void good_copies_that_differ_become_the_first(void **state)
{
	struct checksum_codec k;
	struct heal_case c, other;
	uint8_t lost[REPLICAS][SUM_SECTOR];

	(void)state;
	make_codec(&k, SUM_XXH64, 4);
	heal_setup(&k, &c);
	heal_setup(&k, &other);
	memcpy(c.h.copies[1], other.right, c.bytes);
	c.h.copies[0][1 * SUM_SECTOR] ^= 1;
	for (unsigned r = 0; r < REPLICAS; r++) {
		c.h.copies[r][2 * SUM_SECTOR] ^= (uint8_t)(2 << r);
		memcpy(lost[r], c.h.copies[r] + (size_t)2 * SUM_SECTOR, SUM_SECTOR);
	}
	c.h.want_equal = true;
	checksum_heal(&k, &c.h, c.good);
	for (unsigned r = 0; r < REPLICAS; r++) {
		const uint8_t *copy = c.h.copies[r];

		assert_memory_equal(copy, c.right, SUM_SECTOR);
		assert_memory_equal(copy + SUM_SECTOR, other.right + SUM_SECTOR, SUM_SECTOR);
		assert_memory_equal(copy + (size_t)2 * SUM_SECTOR, lost[r], SUM_SECTOR);
		assert_memory_equal(copy + (size_t)3 * SUM_SECTOR, c.right + (size_t)3 * SUM_SECTOR,
		                    SUM_SECTOR);
		assert_true(checksum_mask_has(&c.h.bad[r], 2));
		(void)checksum_verify_group(&k, 3, copy, &c.h.bad[r]);
		assert_true(checksum_mask_has(&c.h.bad[r], 2)); /* not laundered */
		assert_int_equal(c.h.bad[r].bits[0], 1 << 2);
		assert_true(c.h.want_write[r]);
	}
	assert_int_equal(c.h.lost.bits[0], 1 << 2);
	heal_teardown(&c);
	heal_teardown(&other);
}

static void equal_copies_are_not_written(void **state)
{
	struct checksum_codec k;
	struct heal_case c;

	(void)state;
	make_codec(&k, SUM_XXH64, 4);
	heal_setup(&k, &c);
	c.h.want_equal = true;
	checksum_heal(&k, &c.h, c.good);
	for (unsigned r = 0; r < REPLICAS; r++)
		assert_false(c.h.want_write[r]);
	heal_teardown(&c);
}

static void lost_sectors_stay_bad_and_others_heal(void **state)
{
	struct checksum_codec k;
	struct heal_case c;
	struct checksum_mask bad;

	(void)state;
	make_codec(&k, SUM_XXH64, 8);
	heal_setup(&k, &c);
	free(c.h.copies[2]);
	c.h.copies[2] = NULL; /* could not be read */
	c.h.copies[0][0] ^= 1;
	c.h.copies[1][1] ^= 1;              /* sector 0 is bad on both, differently */
	c.h.copies[1][2 * SUM_SECTOR] ^= 1; /* sector 2 on one */
	checksum_heal(&k, &c.h, c.good);
	assert_true(c.h.lost.bits[0] == 1 && c.h.lost.bits[1] == 0);
	assert_true(!c.h.want_write[0] && c.h.want_write[1] && !c.h.want_write[2]);
	assert_false(checksum_verify_group(&k, 3, c.h.copies[1], &bad));
	assert_true(bad.bits[0] == 1);
	heal_teardown(&c);
}

/* ---- superblock ---- */

static void superblock_round_trip(void **state)
{
	struct checksum_super super, got;
	uint8_t header[CHECKSUM_HEADER_SECTORS * SUM_SECTOR] = {0};
	char why[96];

	(void)state;
	assert_int_equal(checksum_super_probe(header, 10000, &got), CHECKSUM_BLANK);
	assert_int_equal(checksum_super_make(&super, SUM_XXH64, 8, 10000), 0);
	super.generation = 1;
	checksum_super_seal(&super);
	memcpy(header, &super, SUM_SECTOR);
	memcpy(header + 7 * SUM_SECTOR, &super, SUM_SECTOR);
	assert_int_equal(checksum_super_probe(header, 10000, &got), CHECKSUM_VALID);
	assert_memory_equal(&got, &super, SUM_SECTOR);
	assert_int_equal(checksum_super_probe(header, 9999, &got), CHECKSUM_DAMAGED);
	header[100] ^= 1; /* the copy is enough */
	assert_int_equal(checksum_super_probe(header, 10000, &got), CHECKSUM_VALID);
	header[7 * SUM_SECTOR + 100] ^= 1;
	assert_int_equal(checksum_super_probe(header, 10000, &got), CHECKSUM_DAMAGED);
	assert_int_equal(checksum_super_match(&super, 0, 0, why), 0);
	assert_int_equal(checksum_super_match(&super, SUM_XXH64, 8, why), 0);
	assert_int_equal(checksum_super_match(&super, SUM_SHA1, 8, why), -EINVAL);
	assert_string_equal(why, "the medium has algo=xxh64, the stack says algo=sha1");
	assert_int_equal(checksum_super_match(&super, 0, 4, why), -EINVAL);
	assert_string_equal(why, "the medium has n=8, the stack says n=4");
	assert_int_equal(checksum_super_make(&super, SUM_XXH64, 8, 16), -EINVAL);
	assert_int_equal(checksum_super_make(&super, SUM_XXH64, 8, 17), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sector_has_its_place),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(corruption_is_found_and_never_laundered),
		cmocka_unit_test(misdirected_sectors_do_not_match),
		cmocka_unit_test(any_agreeing_pair_heals_all_copies),
		cmocka_unit_test(data_of_one_and_entry_of_another_agree),
		cmocka_unit_test(good_copies_that_differ_become_the_first),
		cmocka_unit_test(equal_copies_are_not_written),
		cmocka_unit_test(lost_sectors_stay_bad_and_others_heal),
		cmocka_unit_test(superblock_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
