/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot word address= (addressopt.h). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addressopt.h"

#define KEY      "address="
#define ITEM_MAX 40

static bool parse_ip(const char *text, uint32_t *ip)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		return false;
	*ip = a.s_addr;
	return true;
}

/* 10.0.2.15/24 */
static bool parse_network(char *text, struct addressopt *o)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long bits;

	if (slash == NULL || slash[1] < '0' || slash[1] > '9')
		return false;
	*slash = 0;
	bits = strtoul(slash + 1, &end, 10);
	if (*end != 0 || bits < 1 || bits > 32)
		return false;
	o->mask = htonl(UINT32_MAX << (32 - bits));
	return parse_ip(text, &o->address);
}

static bool parse_item(char *item, bool is_first, struct addressopt *o)
{
	if (is_first && strcmp(item, "none") == 0) {
		o->is_none = true;
		return true;
	}
	if (is_first)
		return parse_network(item, o);
	if (o->is_none)
		return false;
	if (strncmp(item, "gw=", 3) == 0)
		return parse_ip(item + 3, &o->gateway);
	if (strncmp(item, "dns=", 4) == 0 && o->dns_count < ADDRESSOPT_DNS_MAX)
		return parse_ip(item + 4, &o->dns[o->dns_count++]);
	return false;
}

static int parse_word(const char *p, const char *end, struct addressopt *o)
{
	memset(o, 0, sizeof(*o));
	for (bool is_first = true;; is_first = false) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t len = (size_t)((comma != NULL ? comma : end) - p);
		char item[ITEM_MAX];

		if (len >= sizeof(item))
			return -EINVAL;
		memcpy(item, p, len);
		item[len] = 0;
		if (!parse_item(item, is_first, o))
			return -EINVAL;
		if (comma == NULL)
			return 1;
		p = comma + 1;
	}
}

/* "ethN:" in front of a word's value; 0 if it has none. */
static unsigned take_number(const char **p, const char *end)
{
	char *after;
	unsigned long n;

	if (end - *p < 5 || strncmp(*p, "eth", 3) != 0 || (*p)[3] < '0' || (*p)[3] > '9')
		return 0;
	n = strtoul(*p + 3, &after, 10);
	if (*after != ':' || n > 255)
		return 0;
	*p = after + 1;
	return (unsigned)n;
}

int addressopt_find(const char *cmdline, unsigned number, struct addressopt *o)
{
	int result = 0;

	for (const char *p = cmdline; *p != 0;) {
		const char *end = p + strcspn(p, " \t\n");
		size_t key = strlen(KEY);

		if ((size_t)(end - p) >= key && strncmp(p, KEY, key) == 0) {
			const char *value = p + key;

			if (take_number(&value, end) == number)
				result = parse_word(value, end, o);
		}
		p = end + strspn(end, " \t\n");
	}
	return result;
}
