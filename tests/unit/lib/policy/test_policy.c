/* uses: lib/policy/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* system.conf: every key, the thesis's own example, errors with file, line and word, look-up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "policy/policy.h"

static struct policy entries[8];
static struct policy_file file = {.entries = entries, .capacity = 8};
static struct policy_error error;

static const struct policy *parse_one(const char *text)
{
	if (policy_parse("system.conf", text, &file, &error) != 0)
		fail_msg("%s", error.message);
	assert_true(file.count >= 1);
	return &entries[file.count - 1];
}

static void thesis_example_parses(void **state)
{
	const struct policy *p = parse_one("driver rtl8139 # ISOLATION POLICY\n"
	                                   "{\n"
	                                   "pci device 10ec/8139\n"
	                                   ";\n"
	                                   "ipc targets pm ds rs pci iommu inet\n"
	                                   ";\n"
	                                   "ipc kernel VDEVIO IRQCTL MAPDMA SETGRANT SAFECOPY\n"
	                                   "SYSCTL TIMES SETALARM GETINFO\n"
	                                   ";\n"
	                                   "\n"
	                                   "};\n");

	(void)state;
	assert_string_equal(p->name, "rtl8139");
	assert_int_equal(p->pci_count, 1);
	assert_int_equal(p->pci[0].vendor, 0x10ec);
	assert_int_equal(p->pci[0].device, 0x8139);
	assert_int_equal(p->pci[0].class_code, POLICY_ANY_CLASS);
	assert_int_equal(p->targets.count, 6);
	assert_string_equal(p->targets.label[5], "inet");
	assert_true(p->kcall_mask ==
	            (1ull << KC_VDEVIO | 1ull << KC_IRQCTL | 1ull << KC_MAPDMA |
	             1ull << KC_SETGRANT | 1ull << KC_SAFECOPY | 1ull << KC_SYSCTL |
	             1ull << KC_TIMES | 1ull << KC_SETALARM | 1ull << KC_GETINFO));
	assert_int_equal(p->ipc_mask, 0); /* denied unless given */
	assert_int_equal(p->uid, POLICY_UID);
	assert_int_equal(p->heartbeat_us, POLICY_HEARTBEAT_US);
}

static void every_key_has_its_field(void **state)
{
	const struct policy *p = parse_one(
		"filter mirror* { ipc calls SEND notify; ipc targets ALL_SYS USER; ipc linux yes;\n"
		"ipc kernel ALL; isa io 1f0:8 3F6; isa irq 14 15; isa mem b8000:8000;\n"
		"pci class 1/6/1 2; pci device */7010; pci count 3; msi 2; flags proxy_grant PCI;\n"
		"uid 9; priority 3; quantum 5ms; heartbeat 0; backoff 10ms 2s 10s;\n"
		"control ahci ram*; standby yes; mirror yes; args -v \"two words\";\n"
		"recovery /etc/rs/disk.sh; serves net; needs block net; }");

	(void)state;
	assert_int_equal(p->kind, POLICY_FILTER);
	assert_int_equal(p->ipc_mask, 1u << IPC_SEND | 1u << IPC_NOTIFY);
	assert_true(p->targets_all_sys && p->targets_user);
	assert_int_equal(p->flags, PRIV_SYSTEM | PRIV_LINUX | PRIV_PROXY_GRANT | PRIV_PCI);
	assert_true(p->kcall_mask == (1ull << KC_COUNT) - 1);
	assert_int_equal(p->io_count, 2);
	assert_true(p->io[0].base == 0x1f0 && p->io[0].len == 8);
	assert_true(p->io[1].base == 0x3f6 && p->io[1].len == 1);
	assert_true(p->irq_count == 2 && p->irq[1] == 15);
	assert_true(p->mem[0].base == 0xb8000 && p->mem[0].len == 0x8000);
	assert_int_equal(p->serves, POLICY_NET);
	assert_int_equal(p->needs, 1u << POLICY_BLOCK | 1u << POLICY_NET);
	assert_int_equal(p->pci_count, 3);
	assert_int_equal(p->pci[0].prog_if, 1);
	assert_int_equal(p->pci[1].class_code, 2);
	assert_int_equal(p->pci[1].subclass, POLICY_ANY_CLASS);
	assert_int_equal(p->pci[2].vendor, POLICY_ANY_ID);
	assert_true(p->pci_devices == 3 && p->msi_count == 2);
	assert_true(p->uid == 9 && p->priority == 3 && p->quantum_us == 5000);
	assert_true(p->heartbeat_us == 0 && p->backoff_first_us == 10000);
	assert_true(p->backoff_max_us == 2000000 && p->backoff_calm_us == 10000000);
	assert_true(p->is_standby && p->is_mirrored);
	assert_true(policy_has_label(&p->control, "ahci") &&
	            policy_has_label(&p->control, "ramdisk"));
	assert_false(policy_has_label(&p->control, "ahci0"));
	assert_int_equal(p->args_count, 2);
	assert_memory_equal(p->args, "-v\0two words", 13);
	assert_string_equal(p->recovery, "/etc/rs/disk.sh");
}

static void like_copies_an_earlier_entry(void **state)
{
	const struct policy *p = parse_one("driver base { ipc calls BASIC; priority 3; msi 1; }\n"
	                                   "driver ahci { like base; priority 4; uid 3; };");

	(void)state;
	assert_string_equal(p->name, "ahci");
	assert_int_equal(p->ipc_mask, 0x3e);
	assert_true(p->priority == 4 && p->msi_count == 1 && p->uid == 3 && p->line == 2);
}

static void label_is_found_before_program(void **state)
{
	(void)state;
	parse_one("driver ahci { uid 1; } driver ahci1 { uid 2; } server fs.* { uid 3; }");
	assert_int_equal(policy_find(&file, "ahci", "ahci0")->uid, 1);
	assert_int_equal(policy_find(&file, "ahci", "ahci1")->uid, 2);
	assert_int_equal(policy_find(&file, "mfs", "fs.root")->uid, 3);
	assert_null(policy_find(&file, "mfs", "fs"));
}

static void errors_name_file_line_and_word(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"device x {}", "c:1: 'device': expected driver, server, filter or program"},
		{"driver {", "c:1: '{': expected a name"},
		{"driver x\n;", "c:2: ';': expected '{'"},
		{"driver x {", "c:1: end of file: expected a key or '}'"},
		{"driver x {\n\nfoo 1;", "c:3: 'foo': unknown key"},
		{"driver x { pci bus 1; }", "c:1: 'bus': no such key after 'pci'"},
		{"driver x { ipc ; }", "c:1: ';': no such key after 'ipc'"},
		{"driver x { uid a; }", "c:1: 'a': expected a number up to 65535"},
		{"driver x { uid 99999; }", "c:1: '99999': expected a number up to 65535"},
		{"driver x { uid 1 2; }", "c:1: '2': expected ';'"},
		{"driver x { uid; }", "c:1: ';': uid needs 1 words"},
		{"driver x { uid 1; uid 2; }", "c:1: '2': uid is given twice"},
		{"driver x { uid 1 }", "c:1: '}': expected ';'"},
		{"driver x { isa io 1g; }", "c:1: '1g': range does not end within ffff"},
		{"driver x { isa io fffe:4; }", "c:1: 'fffe:4': range does not end within ffff"},
		{"driver x { isa mem 10:10; }", "c:1: '10:10': memory ranges are whole pages"},
		{"driver x { pci device 8086; }",
	         "c:1: '8086': expected vendor/device in hexadecimal"},
		{"driver x { pci class 1/2/3/4; }",
	         "c:1: '1/2/3/4': expected class/subclass/interface in hexadecimal"},
		{"driver x { heartbeat 5; }",
	         "c:1: '5': expected a duration such as 500ms, 2s or 50us"},
		{"driver x { quantum 5s; }", "c:1: '5s': a quantum is between 100us and 1s"},
		{"driver x { standby maybe; }", "c:1: 'maybe': expected yes or no"},
		{"driver x { ipc kernel FOO; }", "c:1: 'FOO': no such kernel call"},
		{"driver x { ipc calls FOO; }", "c:1: 'FOO': no such IPC primitive"},
		{"driver x { flags FOO; }", "c:1: 'FOO': no such flag"},
		{"driver x { like y; }", "c:1: 'y': no earlier entry has this name"},
		{"driver x { serves disks; }", "c:1: 'disks': expected block or net"},
		{"driver x { needs tty; }", "c:1: 'tty': expected block or net"},
		{"driver x { uid 1; like x; }", "c:1: 'x': like must be the first statement"},
		{"driver x { recovery a; }", "c:1: 'a': expected an absolute path"},
		{"driver x {}\ndriver x {}", "c:2: 'x': has an entry already, in line 1"},
		{"driver x { args \"a\n\"; }",
	         "c:1: 'a': word is too long or its quote is not closed"},
		{"driver abcdefghijklmnopqrstuvwxyz {}",
	         "c:1: 'abcdefghijklmnopqrstuvwxyz': name is longer than 23 characters"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(policy_parse("c", cases[i].text, &file, &error), -EINVAL);
		assert_string_equal(error.message, cases[i].message);
	}
}

static void bounds_are_kept(void **state)
{
	char text[2048];
	size_t used = (size_t)snprintf(text, sizeof(text), "driver x { control");

	(void)state;
	for (int i = 0; i <= POLICY_LABELS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " l%d", i);
	snprintf(text + used, sizeof(text) - used, "; }");
	assert_int_equal(policy_parse("c", text, &file, &error), -EINVAL);
	assert_string_equal(error.message, "c:1: 'l24': more than 24 labels");

	used = 0;
	for (int i = 0; i <= 8; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "driver d%d {}\n", i);
	assert_int_equal(policy_parse("c", text, &file, &error), -EINVAL);
	assert_string_equal(error.message, "c:9: 'driver': more than 8 entries");
}

/* The policies that the system ships: a mistake in them would stop rs at the next boot. */
static void shipped_policies_parse(void **state)
{
	static struct policy shipped[64];
	static char text[65536];
	struct policy_file all = {.entries = shipped, .capacity = 64};
	FILE *f = fopen("image/etc/system.conf", "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	assert_in_range(n, 1, sizeof(text) - 2);
	text[n] = '\0';
	if (policy_parse("system.conf", text, &all, &error) != 0)
		fail_msg("%s", error.message);
	assert_non_null(policy_find(&all, "ahci", "ahci"));
	assert_int_equal(policy_find(&all, "netguard", "netguard.net0")->serves, POLICY_NET);
	assert_int_equal(policy_find(&all, "guard", "guard.disk")->serves, POLICY_BLOCK);
	assert_int_equal(policy_find(&all, "inet", "inet")->needs, 1u << POLICY_NET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thesis_example_parses),
		cmocka_unit_test(every_key_has_its_field),
		cmocka_unit_test(like_copies_an_earlier_entry),
		cmocka_unit_test(label_is_found_before_program),
		cmocka_unit_test(errors_name_file_line_and_word),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(shipped_policies_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
