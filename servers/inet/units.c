/* SPDX-License-Identifier: BSD-2-Clause */
/* Units of ds and their interfaces (units.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iface.h"
#include "sys/sys.h"
#include "units.h"

#define UNITS_MAX  16
#define NO_NUMBER  UINT8_MAX
#define SAVED_KEY  "units"
#define NET_PREFIX "net."
#define UP_PREFIX  "netup."

/* As saved in ds; the other fields of a unit follow from what ds reports. */
struct saved_unit {
	char name[LABEL_MAX];
	uint8_t number;
	uint8_t reserved[7];
};
struct unit {
	struct saved_unit id;
	bool is_served;
	bool is_due;           /* for units_settle() */
	char upper[LABEL_MAX]; /* the unit that covers it, "": none */
};

static struct unit units[UNITS_MAX];

static struct unit *find(const char *name)
{
	for (unsigned i = 0; i < UNITS_MAX; i++)
		if (strcmp(units[i].id.name, name) == 0)
			return &units[i];
	return NULL;
}

/* A unit that was seen once keeps its entry, and its number, until the table is full. */
static struct unit *find_or_add(const char *name)
{
	struct unit *u = find(name);

	if (u != NULL || strlen(name) >= LABEL_MAX)
		return u;
	u = find("");
	for (unsigned i = 0; u == NULL && i < UNITS_MAX; i++)
		if (!units[i].is_served && units[i].upper[0] == 0)
			u = &units[i];
	if (u == NULL)
		return NULL;
	memset(u, 0, sizeof(*u));
	memcpy(u->id.name, name, strlen(name) + 1);
	u->id.number = NO_NUMBER;
	return u;
}

static void save(void)
{
	struct saved_unit ids[UNITS_MAX];
	int r;

	for (unsigned i = 0; i < UNITS_MAX; i++)
		ids[i] = units[i].id;
	r = ds_save(SAVED_KEY, ids, sizeof(ids));
	if (r < 0)
		sys_log("interface numbers are not saved: %d\n", r);
}

static void restore(void)
{
	struct saved_unit ids[UNITS_MAX];

	if (ds_load(SAVED_KEY, ids, sizeof(ids)) != (int)sizeof(ids))
		return;
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		units[i].id = ids[i];
		units[i].id.name[LABEL_MAX - 1] = 0;
	}
}

static void choose_number(struct unit *u)
{
	for (uint8_t n = 0; u->id.number == NO_NUMBER && n < UNITS_MAX; n++) {
		bool is_taken = false;

		for (unsigned i = 0; i < UNITS_MAX; i++)
			is_taken =
				is_taken || (units[i].id.name[0] != 0 && units[i].id.number == n);
		if (!is_taken)
			u->id.number = n;
	}
	save();
}

/* The filter gets the number of what it stands on; when it goes the unit gets it back. */
static void move_number(struct unit *from, struct unit *to)
{
	if (from->id.number == NO_NUMBER || to->id.number != NO_NUMBER)
		return;
	to->id.number = from->id.number;
	from->id.number = NO_NUMBER;
	save();
}

static void look_again(struct unit *u)
{
	struct iface *i = iface_find_unit(u->id.name);
	bool want = u->is_served && u->upper[0] == 0;
	int r;

	if (want == (i != NULL))
		return;
	if (!want) {
		iface_close(i);
		return;
	}
	if (u->id.number == NO_NUMBER)
		choose_number(u);
	r = iface_open(u->id.name, u->id.number);
	if (r != 0)
		sys_log("unit %s does not become an interface: %d\n", u->id.name, r);
}

static void cover(struct unit *u, const char *upper)
{
	struct unit *above = upper[0] != 0 ? find_or_add(upper) : NULL;
	struct unit *before = u->upper[0] != 0 ? find(u->upper) : NULL;
	struct iface *i = iface_find_unit(u->id.name);

	snprintf(u->upper, sizeof(u->upper), "%s", upper);
	if (i != NULL && above != NULL)
		iface_close(i);
	if (above != NULL) {
		move_number(u, above);
	} else if (before != NULL) {
		struct iface *top = iface_find_unit(before->id.name);

		if (top != NULL)
			iface_close(top);
		/* A filter that lets go is on its way out: its name follows. Did it become an interface until
		 * then, it would take a number, and keep it. */
		before->is_served = false;
		move_number(before, u);
		before->is_due = true;
	}
	u->is_due = true;
}

void units_settle(void)
{
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		if (!units[i].is_due)
			continue;
		units[i].is_due = false;
		look_again(&units[i]);
	}
}

bool units_ds_change(const struct ds_change *c)
{
	bool is_up = strncmp(c->key, UP_PREFIX, strlen(UP_PREFIX)) == 0;
	bool is_net = strncmp(c->key, NET_PREFIX, strlen(NET_PREFIX)) == 0;
	const char *name = c->key + (is_up ? strlen(UP_PREFIX) : strlen(NET_PREFIX));
	char value[DS_VALUE_MAX] = "";
	struct unit *u;

	if (!is_up && !is_net)
		return false;
	if (c->result == DS_STR)
		snprintf(value, sizeof(value), "%.*s", (int)sizeof(value) - 1, c->value.str);
	u = find_or_add(name);
	if (u == NULL) {
		sys_log("there is no room for unit %s\n", name);
		return true;
	}
	if (is_up) {
		cover(u, value);
	} else {
		u->is_served = value[0] != 0;
		/* Gone: netdev ends what is pending and reports it; units_gone() follows. */
		u->is_due = u->is_due || u->is_served;
	}
	return true;
}

void units_gone(const char *unit)
{
	struct unit *u = find(unit);

	if (u == NULL)
		return;
	u->is_served = false;
	look_again(u);
}

int units_init(void)
{
	int r;

	memset(units, 0, sizeof(units));
	restore();
	r = ds_subscribe("netup\\..*");
	return r < 0 ? r : ds_subscribe("net\\..*");
}
