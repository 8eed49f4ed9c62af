/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink messages (linux/netlink.h, linux/rtnetlink.h): taking requests apart, and building answers in
 * datagrams of at most NL_DATAGRAM bytes, which fit the buffers of all C libraries.
 */
#ifndef INET_NLMSG_H
#define INET_NLMSG_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "sock_impl.h"

#define NL_DATAGRAM    3584u
#define NL_REQUEST_MAX 16384u
#define NL_ATTRS       64u /* of a request; higher types are ignored as unknown */

struct nl_request { /* one message of a request */
	const struct nlmsghdr *h;
	const void *body; /* behind the header; its fixed part has been checked to be there */
	const struct rtattr *attrs[NL_ATTRS];
	bool is_root;
};

struct nl_out {
	struct sock *s;
	uint32_t seq, pid;
	uint32_t len; /* of the datagram under way */
	uint32_t message_at;
	bool is_multi;
	uint8_t buf[NL_DATAGRAM] __attribute__((aligned(8)));
};

/* Attributes of the message behind a fixed part of `fixed` bytes; -EINVAL: malformed. */
int nl_parse(struct nl_request *q, uint32_t fixed) MUST_CHECK;
/* Attribute's payload if it has exactly (at least) that many bytes, else NULL. */
const void *nl_attr(const struct nl_request *q, unsigned type, uint32_t len_bytes);
uint32_t nl_attr_bytes(const struct nl_request *q, unsigned type);
uint32_t nl_attr_u32(const struct nl_request *q, unsigned type, uint32_t otherwise);
/* An address attribute of the family: 0; -ENOENT: not there; -EINVAL: of another length. */
int nl_attr_ip(const struct nl_request *q, unsigned type, uint8_t family, ip_addr_t *ip) MUST_CHECK;
/* A name: false if it is not there or not terminated in its attribute. */
bool nl_attr_name(const struct nl_request *q, unsigned type, char name[16]);

/* A message with room for the fixed part (zeroed) and up to `attrs_max` bytes of attributes. */
void *nl_begin(struct nl_out *o, uint16_t type, uint32_t fixed, uint32_t attrs_max);
void nl_put(struct nl_out *o, uint16_t type, const void *data, uint32_t len);
void nl_put_u32(struct nl_out *o, uint16_t type, uint32_t v);
void nl_put_str(struct nl_out *o, uint16_t type, const char *v);
void nl_put_ip(struct nl_out *o, uint16_t type, const ip_addr_t *ip);
void nl_end(struct nl_out *o);
void nl_flush(struct nl_out *o); /* hands the datagram to the socket */
void nl_done(struct nl_out *o);
void nl_error(struct nl_out *o, const struct nlmsghdr *h, int error);

/* netlink.c: a datagram for the reader. */
void netlink_deliver(struct sock *s, const void *data, uint32_t len);

/* nldump.c: 0 or -errno; answers are put into o. */
int nl_dump_links(struct nl_out *o, const struct nl_request *q);
int nl_dump_addresses(struct nl_out *o, const struct nl_request *q);
int nl_dump_routes(struct nl_out *o, const struct nl_request *q);
int nl_dump_neighbours(struct nl_out *o, const struct nl_request *q);
int nl_get_link(struct nl_out *o, const struct nl_request *q);
int nl_get_route(struct nl_out *o, const struct nl_request *q);

/* nlchange.c */
int nl_set_link(const struct nl_request *q);
int nl_new_address(const struct nl_request *q);
int nl_del_address(const struct nl_request *q);
int nl_new_route(const struct nl_request *q);
int nl_del_route(const struct nl_request *q);
int nl_new_neighbour(const struct nl_request *q);
int nl_del_neighbour(const struct nl_request *q);

#endif
