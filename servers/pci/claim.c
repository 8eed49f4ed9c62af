/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns which function. A function belongs to a label, not to a process: rs names the endpoint
 * of each new incarnation (PCI_ALLOW) before it runs, and gets the same functions for it. The
 * privileges that follow from a function (I/O, memory, INTx) are added to the label's privilege
 * structure; that one outlives the incarnation too, so a range that is there already is not added
 * again.
 *
 * A memory BAR is granted in whole pages. A page that also holds a BAR of a function of somebody
 * else is not granted: the owner then cannot map it and says so.
 */
#include <errno.h>
#include <string.h>
#include "sys/sys.h"
#include "pci.h"
#include "pci_hw.h"

static struct function *functions;
static unsigned function_count;
static struct claim claims[CLAIMS_MAX];

void claim_init(struct function *table, unsigned count)
{
	functions = table;
	function_count = count;
	memset(claims, 0, sizeof(claims));
}

const struct function *claim_function_at(unsigned index)
{
	return index < function_count ? &functions[index] : NULL;
}

static struct claim *find_claim(const char *label)
{
	for (unsigned i = 0; i < CLAIMS_MAX; i++)
		if (claims[i].is_used && strcmp(claims[i].label, label) == 0)
			return &claims[i];
	return NULL;
}

static struct claim *make_claim(const char *label)
{
	for (unsigned i = 0; i < CLAIMS_MAX; i++) {
		struct claim *c = &claims[i];

		if (c->is_used)
			continue;
		c->is_used = true;
		c->ep = EP_NONE;
		memcpy(c->label, label, strlen(label) + 1);
		return c;
	}
	return NULL;
}

static bool matches(const struct function *f, const struct pci_allow *a)
{
	return f->header == HEADER_TYPE_PLAIN && (a->vendor == 0xffff || a->vendor == f->vendor) &&
	       (a->device == 0xffff || a->device == f->device) &&
	       (a->class_code == 0xff || a->class_code == f->class_code) &&
	       (a->subclass == 0xff || a->subclass == f->subclass) &&
	       (a->prog_if == 0xff || a->prog_if == f->prog_if);
}

static unsigned count_owned(const struct claim *c)
{
	unsigned count = 0;

	for (unsigned i = 0; i < function_count; i++)
		count += functions[i].owner == c;
	return count;
}

static void assign_matching(struct claim *c, const struct pci_allow *a)
{
	unsigned count = count_owned(c);

	for (unsigned i = 0; i < function_count && count < a->max_devices; i++) {
		if (functions[i].owner != NULL || !matches(&functions[i], a))
			continue;
		functions[i].owner = c;
		count++;
	}
}

/* The pages of a BAR; they are shared if a BAR of another owner lies in them as well. */
static bool shares_pages(const struct function *f, const struct priv_range *pages)
{
	for (unsigned i = 0; i < function_count; i++) {
		const struct function *other = &functions[i];

		for (unsigned b = 0; other != f && other->owner != f->owner && b < BARS; b++) {
			const struct bar *bar = &other->bars[b];

			if (bar->len != 0 && bar->base != 0 && !(bar->flags & BAR_FLAG_IO) &&
			    bar->base < pages->base + pages->len &&
			    pages->base < bar->base + bar->len)
				return true;
		}
	}
	return false;
}

static int add_bar(const struct function *f, const struct bar *bar, endpoint_t ep)
{
	struct priv_range range = {bar->base, bar->len};

	if (bar->len == 0 || bar->base == 0)
		return 0;
	if (bar->flags & BAR_FLAG_IO)
		return k_privctl(PRIVCTL_ADD_IO, ep, &range);
	range.base &= ~(PAGE_BYTES - 1);
	range.len = ((bar->base + bar->len + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)) - range.base;
	if (shares_pages(f, &range)) {
		sys_log("%04x: BAR at 0x%llx shares a page with another device; not granted",
		        f->bdf, (unsigned long long)bar->base);
		return 0;
	}
	return k_privctl(PRIVCTL_ADD_MEM, ep, &range);
}

static int add_irq(const struct function *f, endpoint_t ep)
{
	struct priv_range range = {f->irq_line, 1};

	return f->irq_line != IRQ_NONE ? k_privctl(PRIVCTL_ADD_IRQ, ep, &range) : 0;
}

static int add_privileges(const struct claim *c)
{
	int result = 0;

	for (unsigned i = 0; result >= 0 && i < function_count; i++) {
		const struct function *f = &functions[i];

		if (f->owner != c)
			continue;
		for (unsigned b = 0; result >= 0 && b < BARS; b++)
			result = add_bar(f, &f->bars[b], c->ep);
		if (result >= 0)
			result = add_irq(f, c->ep);
	}
	return result < 0 ? result : 0;
}

int claim_allow(const struct pci_allow *allow, uint32_t *devices)
{
	struct claim *c;

	if (memchr(allow->label, '\0', LABEL_MAX) == NULL || allow->label[0] == '\0')
		return -EINVAL;
	c = find_claim(allow->label);
	if (c == NULL)
		c = make_claim(allow->label);
	if (c == NULL)
		return -ENOSPC;
	c->ep = allow->ep;
	assign_matching(c, allow);
	*devices = count_owned(c);
	if (allow->more)
		return 0;
	claim_save();
	return add_privileges(c);
}

int claim_silence(const char *label)
{
	struct claim *c = find_claim(label);
	int count = 0;

	for (unsigned i = 0; c != NULL && i < function_count; i++) {
		if (functions[i].owner != c)
			continue;
		device_silence(&functions[i]);
		count++;
	}
	if (c != NULL)
		c->ep = EP_NONE;
	return count;
}

int claim_release(const char *label)
{
	struct claim *c = find_claim(label);

	if (c == NULL)
		return -ENOENT;
	claim_silence(label);
	for (unsigned i = 0; i < function_count; i++)
		if (functions[i].owner == c)
			functions[i].owner = NULL;
	c->is_used = false;
	claim_save();
	return 0;
}

struct function *claim_device(endpoint_t ep, uint32_t index)
{
	for (unsigned i = 0; i < function_count; i++) {
		struct claim *owner = functions[i].owner;

		if (owner == NULL || owner->ep != ep)
			continue;
		if (index == 0)
			return &functions[i];
		index--;
	}
	return NULL;
}

/* ---- a restart of pci ---- */

struct saved_claim {
	uint16_t bdf;
	uint16_t reserved;
	endpoint_t ep;
	char label[LABEL_MAX];
};
_Static_assert(sizeof(struct saved_claim) * FUNCTIONS_MAX <= DS_MEM_MAX, "claims fit into ds");

static struct saved_claim saved[FUNCTIONS_MAX];

void claim_save(void)
{
	unsigned count = 0;
	int result;

	for (unsigned i = 0; i < function_count; i++) {
		const struct claim *c = functions[i].owner;

		if (c == NULL)
			continue;
		saved[count] = (struct saved_claim){.bdf = functions[i].bdf, .ep = c->ep};
		memcpy(saved[count].label, c->label, LABEL_MAX);
		count++;
	}
	result = ds_save("claims", saved, count * sizeof(saved[0]));
	if (result < 0)
		sys_log("claims are not saved: %d", result);
}

static void restore(const struct saved_claim *s)
{
	struct claim *c = find_claim(s->label);

	if (c == NULL)
		c = make_claim(s->label);
	for (unsigned i = 0; c != NULL && i < function_count; i++) {
		if (functions[i].bdf != s->bdf)
			continue;
		functions[i].owner = c;
		c->ep = s->ep;
	}
}

void claim_load(void)
{
	int bytes = ds_load("claims", saved, sizeof(saved));

	for (unsigned i = 0; bytes > 0 && i < (unsigned)bytes / sizeof(saved[0]); i++)
		restore(&saved[i]);
}
