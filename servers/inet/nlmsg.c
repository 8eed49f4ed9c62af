/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink messages: parsing and building (nlmsg.h). Lengths in a request are the application's. */
#include <string.h>
#include "nlmsg.h"

int nl_parse(struct nl_request *q, uint32_t fixed)
{
	uint32_t len = q->h->nlmsg_len, at = NLMSG_LENGTH(0);

	memset(q->attrs, 0, sizeof(q->attrs));
	if (len < at + fixed)
		return -EINVAL;
	q->body = (const uint8_t *)q->h + at;
	at += NLMSG_ALIGN(fixed);
	while (at < len && len - at >= sizeof(struct rtattr)) {
		const struct rtattr *a = (const void *)((const uint8_t *)q->h + at);
		unsigned type = a->rta_type & NLA_TYPE_MASK;

		if (a->rta_len < sizeof(*a) || a->rta_len > len - at)
			return -EINVAL;
		if (type < NL_ATTRS)
			q->attrs[type] = a;
		at += RTA_ALIGN(a->rta_len);
	}
	return 0;
}

uint32_t nl_attr_bytes(const struct nl_request *q, unsigned type)
{
	return q->attrs[type] ? (uint32_t)(q->attrs[type]->rta_len - sizeof(struct rtattr)) : 0;
}

const void *nl_attr(const struct nl_request *q, unsigned type, uint32_t len_bytes)
{
	return q->attrs[type] && nl_attr_bytes(q, type) >= len_bytes
	               ? (const uint8_t *)q->attrs[type] + sizeof(struct rtattr)
	               : NULL;
}

uint32_t nl_attr_u32(const struct nl_request *q, unsigned type, uint32_t otherwise)
{
	const void *p = nl_attr(q, type, sizeof(uint32_t));

	if (p)
		memcpy(&otherwise, p, sizeof(otherwise));
	return otherwise;
}

int nl_attr_ip(const struct nl_request *q, unsigned type, uint8_t family, ip_addr_t *ip)
{
	uint32_t want = family == AF_INET6 ? 16 : 4, w[4];

	if (!q->attrs[type])
		return -ENOENT;
	if (nl_attr_bytes(q, type) != want)
		return -EINVAL;
	memcpy(w, nl_attr(q, type, want), want);
	if (family == AF_INET6)
		addr_set6(ip, w);
	else
		addr_set4(ip, w[0]);
	return 0;
}

bool nl_attr_name(const struct nl_request *q, unsigned type, char name[16])
{
	uint32_t n = nl_attr_bytes(q, type);

	memset(name, 0, 16);
	if (n == 0 || n > 16)
		return false;
	memcpy(name, nl_attr(q, type, n), n);
	return name[15] == 0 && name[0] != 0;
}

/* ---- building ---- */

void nl_flush(struct nl_out *o)
{
	if (o->len)
		netlink_deliver(o->s, o->buf, o->len);
	o->len = 0;
}

void *nl_begin(struct nl_out *o, uint16_t type, uint32_t fixed, uint32_t attrs_max)
{
	uint32_t need = NLMSG_SPACE(fixed) + attrs_max;
	struct nlmsghdr *h;

	if (o->len + need > NL_DATAGRAM)
		nl_flush(o);
	o->message_at = o->len;
	h = (struct nlmsghdr *)(void *)(o->buf + o->len);
	memset(h, 0, NLMSG_SPACE(fixed));
	h->nlmsg_type = type;
	h->nlmsg_flags = o->is_multi ? NLM_F_MULTI : 0;
	h->nlmsg_seq = o->seq;
	h->nlmsg_pid = o->pid;
	o->len += NLMSG_SPACE(fixed);
	return NLMSG_DATA(h);
}

void nl_put(struct nl_out *o, uint16_t type, const void *data, uint32_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)(o->buf + o->len);

	if (o->len + RTA_SPACE(len) > NL_DATAGRAM)
		return; /* cannot be: nl_begin() was told what is needed */
	memset(a, 0, RTA_SPACE(len));
	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	o->len += RTA_SPACE(len);
}

void nl_put_u32(struct nl_out *o, uint16_t type, uint32_t v)
{
	nl_put(o, type, &v, sizeof(v));
}

void nl_put_str(struct nl_out *o, uint16_t type, const char *v)
{
	nl_put(o, type, v, (uint32_t)strlen(v) + 1);
}

void nl_put_ip(struct nl_out *o, uint16_t type, const ip_addr_t *ip)
{
	if (IP_IS_V6(ip))
		nl_put(o, type, ip_2_ip6(ip)->addr, 16);
	else
		nl_put(o, type, &ip_2_ip4(ip)->addr, 4);
}

void nl_end(struct nl_out *o)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)(o->buf + o->message_at);

	h->nlmsg_len = o->len - o->message_at;
	o->len = NLMSG_ALIGN(o->len);
}

void nl_done(struct nl_out *o)
{
	(void)nl_begin(o, NLMSG_DONE, sizeof(int), 0);
	nl_end(o);
	nl_flush(o);
}

void nl_error(struct nl_out *o, const struct nlmsghdr *h, int error)
{
	/* Linux quotes the whole request with an error, its header alone with an acknowledgement. */
	uint32_t quoted = error && h->nlmsg_len <= NL_DATAGRAM / 2 ? h->nlmsg_len : sizeof(*h);
	struct nlmsgerr *e;

	nl_flush(o);
	o->is_multi = false;
	e = nl_begin(o, NLMSG_ERROR, (uint32_t)(sizeof(e->error) + quoted), 0);
	e->error = error;
	memcpy(&e->msg, h, quoted);
	nl_end(o);
	nl_flush(o);
}
