/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/rs/privs.c servers/rs/table.c lib/policy/ */
/* Privilege structures against a model of the kernel's table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "servers/rs/rs.h"

static struct policy entries[16];
struct policy_file boot_policies = {entries, 16, 0};
static struct priv kernel[NR_PRIVS];

static const char conf[] = "program user { ipc linux yes; ipc targets pm vm vfs; }\n"
			   "program standby { ipc calls RECEIVE; ipc kernel SETTLS; }\n"
			   "server mfs { ipc calls BASIC; ipc targets vm ahci checksum.*; }\n"
			   "driver ahci { ipc calls BASIC; ipc targets ds; isa io 1f0:8; msi 2; }\n"
			   "filter checksum { ipc calls BASIC; ipc targets ahci; }\n"
			   "server inet { ipc targets USER; }\n"
			   "server is { ipc targets ALL_SYS; }\n";

int k_privctl(enum privctl_op op, endpoint_t ep, void *arg)
{
	struct priv *p = arg;

	if (op == PRIVCTL_QUERY) {
		*p = kernel[EP_SLOT(ep)]; /* the trusted base: slot and id are the same number */
		return 0;
	}
	assert_int_equal(op, PRIVCTL_UPDATE);
	kernel[p->id] = *p;
	return 0;
}

void sys_log(const char *fmt, ...)
{
	(void)fmt;
}

void machine_init(struct component *c)
{
	c->life.now.ep = EP_NONE;
	c->life.standby.ep = EP_NONE;
}

static bool may_send(uint32_t from, uint32_t to)
{
	return kernel[from].send_mask[to / 64] >> (to % 64) & 1;
}

static struct component *install(const char *program, const char *label)
{
	struct component *c = table_new(label);
	const struct policy *p = policy_find(&boot_policies, program, label);

	assert_non_null(c);
	assert_non_null(p);
	c->policy = *p;
	assert_int_equal(privs_install(c), 0);
	return c;
}

static int set_up(void **state)
{
	static const char *const base[] = {"", "vm", "ds", "pm", "vfs", "rs"};
	struct policy_error error;

	(void)state;
	memset(components, 0, sizeof(components));
	memset(kernel, 0, sizeof(kernel));
	for (uint32_t id = PRIV_ID_VM; id <= PRIV_ID_RS; id++) {
		kernel[id].id = id;
		kernel[id].flags = PRIV_FIXED;
		strcpy(kernel[id].label, base[id]);
	}
	assert_int_equal(policy_parse("conf", conf, &boot_policies, &error), 0);
	assert_int_equal(privs_init(), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COMPONENTS_MAX; i++)
		if (components[i].is_used)
			privs_remove(&components[i]);
	return 0;
}

static void applications_reach_the_base_and_nobody_else(void **state)
{
	struct component *ahci = install("ahci", "ahci");

	(void)state;
	assert_true(may_send(PRIV_ID_USER, PRIV_ID_PM));
	assert_true(may_send(PRIV_ID_USER, PRIV_ID_VFS));
	assert_true(may_send(PRIV_ID_USER, PRIV_ID_RS));
	assert_true(may_send(PRIV_ID_VFS, PRIV_ID_USER));
	assert_false(may_send(PRIV_ID_USER, PRIV_ID_DS));
	assert_false(may_send(PRIV_ID_USER, ahci->priv_id));
	assert_int_equal(kernel[PRIV_ID_USER].flags, PRIV_LINUX);
	assert_int_equal(kernel[PRIV_ID_USER].ipc_mask, 0);
	assert_int_equal(kernel[PRIV_ID_USER].kcall_mask, 0);
}

static void standby_talks_to_rs_only(void **state)
{
	struct component *is = install("is", "is");

	(void)state;
	assert_true(may_send(PRIV_ID_STANDBY, PRIV_ID_RS));
	assert_true(may_send(PRIV_ID_RS, PRIV_ID_STANDBY));
	for (uint32_t id = 0; id < NR_PRIVS; id++)
		if (id != PRIV_ID_RS)
			assert_false(may_send(PRIV_ID_STANDBY, id));
	assert_false(may_send(is->priv_id, PRIV_ID_USER));
}

static void masks_are_symmetric_in_any_order_of_start(void **state)
{
	struct component *mfs = install("mfs", "mfs.disk");
	struct component *sum = install("checksum", "checksum.disk");
	struct component *ahci = install("ahci", "ahci");

	(void)state;
	assert_true(may_send(mfs->priv_id, sum->priv_id));
	assert_true(may_send(sum->priv_id, mfs->priv_id));
	assert_true(may_send(sum->priv_id, ahci->priv_id));
	assert_true(may_send(ahci->priv_id, sum->priv_id));
	assert_true(may_send(mfs->priv_id, ahci->priv_id));
	assert_true(may_send(ahci->priv_id, PRIV_ID_DS));
	assert_true(may_send(PRIV_ID_DS, ahci->priv_id));
	assert_false(may_send(sum->priv_id, PRIV_ID_DS));
	assert_false(may_send(ahci->priv_id, PRIV_ID_VFS));
	for (uint32_t id = PRIV_ID_DYNAMIC; id < PRIV_ID_DYNAMIC + 3; id++) {
		assert_true(may_send(PRIV_ID_RS, id));
		assert_true(may_send(id, PRIV_ID_RS));
	}
}

static void structure_holds_what_the_policy_says(void **state)
{
	struct component *ahci = install("ahci", "ahci");
	const struct priv *p = &kernel[ahci->priv_id];

	(void)state;
	assert_string_equal(p->label, "ahci");
	assert_int_equal(p->flags, PRIV_SYSTEM);
	assert_int_equal(p->io_count, 1);
	assert_int_equal(p->io[0].base, 0x1f0);
	assert_int_equal(p->msi_count, 2);
	assert_int_equal(p->mem_count, 0);
}

static void targets_user_means_applications(void **state)
{
	struct component *inet = install("inet", "inet");

	(void)state;
	assert_true(may_send(inet->priv_id, PRIV_ID_USER));
	assert_true(may_send(PRIV_ID_USER, inet->priv_id));
}

static void removal_leaves_no_bit_behind(void **state)
{
	struct component *mfs = install("mfs", "mfs.disk");
	struct component *ahci = install("ahci", "ahci");
	uint32_t id = ahci->priv_id;

	(void)state;
	assert_true(may_send(mfs->priv_id, id));
	privs_remove(ahci);
	table_free(ahci);
	for (uint32_t from = 1; from < NR_PRIVS; from++)
		assert_false(may_send(from, id));
	assert_int_equal(kernel[id].kcall_mask, 0);
	assert_int_equal(install("is", "is")->priv_id, id);
	assert_true(may_send(mfs->priv_id, id)); /* `is` may talk to all */
}

static void what_pci_added_stays_while_the_driver_lives(void **state)
{
	struct component *ahci = install("ahci", "ahci");
	struct priv_range *r = &kernel[ahci->priv_id].mem[0];

	(void)state;
	ahci->life.now.ep = (endpoint_t)ahci->priv_id;
	*r = (struct priv_range){0xfe000000, 0x1000};
	kernel[ahci->priv_id].mem_count = 1;
	install("mfs", "mfs.disk");
	assert_int_equal(kernel[ahci->priv_id].mem_count, 1);
	assert_int_equal(kernel[ahci->priv_id].mem[0].base, 0xfe000000);
	ahci->life.now.ep = EP_NONE;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(applications_reach_the_base_and_nobody_else, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(standby_talks_to_rs_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(masks_are_symmetric_in_any_order_of_start, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(structure_holds_what_the_policy_says, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(targets_user_means_applications, set_up, tear_down),
		cmocka_unit_test_setup_teardown(removal_leaves_no_bit_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_pci_added_stays_while_the_driver_lives, set_up,
	                                        tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
