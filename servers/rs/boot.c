/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rs knows at its start: system.conf and boot.conf of the boot archive and the kernel's
 * command line; the latter's options come last and win. Options:
 *
 *   start=a,b,c     components to start; each is a policy's name; may stand more than once
 *   skip=a,b        but not these
 *   storage=EXPR    stack that becomes the unit "disk"; storage=NAME:EXPR another name
 *   net=EXPR        the same for networks, "net0"; net=none leaves all drivers out
 *   anything else   is published in ds as "boot.<key>" for others (root=, console=, ...)
 *
 * A component of which the archive has no binary, or the machine no device, is reported and left
 * out; what the rest of the system cannot be without (system.conf, the ids of the trusted base) is
 * a panic.
 */
#include <stdio.h>
#include <string.h>
#include "rs.h"

#define CONF_BYTES 65536u

struct options boot_options;
static struct policy policies[POLICIES_MAX];
struct policy_file boot_policies = {policies, POLICIES_MAX, 0};
static char conf_text[CONF_BYTES];

int boot_entry(const char *name, uint64_t *pa, uint64_t *bytes)
{
	struct vm_image_boot req = {0};
	struct vm_rep rep = {0};
	int result;

	if (strlen(name) >= sizeof(req.name))
		return -ENOENT;
	memcpy(req.name, name, strlen(name));
	result = sys_call(EP_VM, VM_BOOT_ENTRY, &req, &rep);
	if (result == 0)
		result = rep.result;
	if (result < 0)
		return result;
	*pa = rep.value;
	*bytes = rep.value2;
	return 0;
}

/* rs may map the archive: it says so itself, being the one that hands out such rights. */
static void allow_archive(const struct boot_info *info)
{
	struct priv priv;
	struct priv_range range = {info->archive_pa & ~(PAGE_BYTES - 1), 0};
	int result = k_privctl(PRIVCTL_QUERY, EP_RS, &priv);

	range.len =
		((info->archive_pa + info->archive_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)) -
		range.base;
	if (result >= 0 && priv.mem_count < PRIV_RANGES_MAX) {
		priv.mem[priv.mem_count++] = range;
		result = k_privctl(PRIVCTL_UPDATE, EP_NONE, &priv);
	}
	if (result < 0)
		sys_panic("cannot get at the boot archive: %d", result);
}

/* An entry's text, NUL-terminated, in conf_text: its length or -errno. */
static int read_entry(const char *name)
{
	uint64_t pa, bytes;
	size_t mapped;
	void *at;
	int result = boot_entry(name, &pa, &bytes);

	if (result != 0)
		return result;
	if (bytes >= CONF_BYTES)
		return -EFBIG;
	mapped = (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	if (mapped == 0) {
		conf_text[0] = '\0';
		return 0;
	}
	at = vm_map_phys(pa, mapped, VMP_READ);
	if (at == NULL)
		return -ENOMEM;
	memcpy(conf_text, at, bytes);
	conf_text[bytes] = '\0';
	result = vm_unmap(at, mapped);
	return result != 0 ? result : (int)bytes;
}

static void read_policies(void)
{
	struct policy_error error;
	int len = read_entry("system.conf");

	if (len < 0)
		sys_panic("the boot archive has no readable system.conf: %d", len);
	if (policy_parse("system.conf", conf_text, &boot_policies, &error) != 0)
		sys_panic("%s", error.message);
}

void boot_read(void)
{
	static struct boot_info info;
	int result = k_getinfo(KINFO_BOOT, &info, sizeof(info), 0);
	int len;

	if (result < 0)
		sys_panic("the kernel does not tell about the boot: %d", result);
	info.cmdline[sizeof(info.cmdline) - 1] = '\0';
	allow_archive(&info);
	read_policies();
	len = read_entry("boot.conf");
	if (len > 0)
		options_add(&boot_options, conf_text, (size_t)len);
	options_add(&boot_options, info.cmdline, strlen(info.cmdline));
	result = privs_init();
	if (result != 0)
		sys_panic("privileges of the trusted base: %d", result);
}

/* ---- starting ---- */

static bool list_has(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

static bool is_skipped(const char *name)
{
	for (unsigned i = 0; i < boot_options.count; i++)
		if (strcmp(boot_options.items[i].key, "skip") == 0 &&
		    list_has(boot_options.items[i].value, name))
			return true;
	return false;
}

static bool has_no_net(void)
{
	const char *net = options_get(&boot_options, "net");

	return net != NULL && strcmp(net, "none") == 0;
}

static bool is_unwanted(const char *name)
{
	const struct policy *p = policy_find(&boot_policies, name, name);

	if (p == NULL || !has_no_net())
		return false;
	return p->serves == POLICY_NET;
}

static void start_one(const char *name)
{
	struct component *c;
	int result;

	if (is_unwanted(name))
		return;
	if (name[0] == '\0' || is_skipped(name) || table_find(name) != NULL)
		return;
	result = make_from_name(name, name, &c);
	if (result == 0)
		machine_up(c);
	else if (result == -ENOENT)
		sys_log("%s is not in the boot archive; not started", name);
	else
		sys_log("%s is not started: %s", name, strerror(-result));
}

static void start_list(const char *list)
{
	char name[LABEL_MAX];

	while (*list != '\0') {
		size_t len = strcspn(list, ",");

		if (len < sizeof(name)) {
			memcpy(name, list, len);
			name[len] = '\0';
			start_one(name);
		}
		list += len;
		list += *list == ',';
	}
}

struct stack_option {
	const char *key;
	enum policy_class class;
};
static const struct stack_option stack_options[] = {{"storage", POLICY_BLOCK}, {"net", POLICY_NET}};

/* Splits NAME:EXPR; the name ends before any parenthesis. */
static const char *split_stack(const char *value, enum policy_class class, char name[LABEL_MAX])
{
	size_t len = strcspn(value, ":(");

	if (value[len] != ':' || len == 0 || len >= LABEL_MAX) {
		snprintf(name, LABEL_MAX, "%s", stacks_default_name(class));
		return value;
	}
	memcpy(name, value, len);
	name[len] = '\0';
	return value + len + 1;
}

static bool is_replaced(unsigned index, const struct stack_option *so, const char *name)
{
	char other[LABEL_MAX];

	for (unsigned i = index + 1; i < boot_options.count; i++) {
		if (strcmp(boot_options.items[i].key, so->key) != 0)
			continue;
		split_stack(boot_options.items[i].value, so->class, other);
		if (strcmp(other, name) == 0)
			return true;
	}
	return false;
}

static void start_stack(unsigned index, const struct stack_option *so)
{
	char name[LABEL_MAX], why[WHY_BYTES];
	struct stack_want w = {.name = name, .class = so->class};

	w.expr = split_stack(boot_options.items[index].value, so->class, name);
	if (is_replaced(index, so, name) || (so->class == POLICY_NET && has_no_net()))
		return;
	if (stacks_make(&w, why) != 0)
		sys_log("%s %s is not started: %s", so->key, name, why);
}

static void publish_option(const struct option *o)
{
	char key[DS_KEY_MAX];

	if (strlen(o->value) >= DS_VALUE_MAX)
		return; /* storage expressions are ours alone */
	snprintf(key, sizeof(key), "boot.%s", o->key);
	if (ds_publish_str(key, o->value) != 0)
		sys_log("boot option %s is not published", o->key);
}

void boot_start(void)
{
	const struct option *o = boot_options.items;

	for (unsigned i = 0; i < boot_options.count; i++)
		publish_option(&o[i]);
	for (unsigned i = 0; i < boot_options.count; i++)
		if (strcmp(o[i].key, "start") == 0)
			start_list(o[i].value);
	for (unsigned i = 0; i < boot_options.count; i++)
		for (unsigned k = 0; k < sizeof(stack_options) / sizeof(stack_options[0]); k++)
			if (strcmp(o[i].key, stack_options[k].key) == 0)
				start_stack(i, &stack_options[k]);
}
