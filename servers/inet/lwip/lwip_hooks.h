/* SPDX-License-Identifier: BSD-2-Clause */
/* Prototypes for lwIP's files of the hooks that lwipopts.h defines; they are in route.c, random.c
 * and sieve.c. */
#ifndef INET_LWIP_HOOKS_H
#define INET_LWIP_HOOKS_H

#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

struct tcp_hdr;
struct tcp_pcb;

struct netif *route_ip4(const ip4_addr_t *src, const ip4_addr_t *dst);
const ip4_addr_t *route_gateway4(struct netif *netif, const ip4_addr_t *dst);
struct netif *route_ip6(const ip6_addr_t *src, const ip6_addr_t *dst);
const ip6_addr_t *route_gateway6(struct netif *netif, const ip6_addr_t *dst);

/* RFC 6528: initial sequence numbers that nobody can guess. */
u32_t inet_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                   u16_t remote_port);

/* ERR_OK: lwIP may look at the segment. */
err_t sieve_segment(struct tcp_pcb *pcb, struct tcp_hdr *header, u16_t options, u16_t options_first,
                    u8_t *options_rest, struct pbuf *p);
/* Pbufs that the connection may keep out of order. */
u16_t sieve_out_of_order_limit(const struct tcp_pcb *pcb);

/* Sees each segment before its checksum is made (retrans.c); gives opts back. */
u32_t *inet_tcp_out(const struct pbuf *p, const struct tcp_hdr *h, struct tcp_pcb *pcb,
                    u32_t *opts);

/* Not a hook that lwIP foresees: tcp_write() without a copy makes its references to data by pbuf_alloc(PBUF_ROM),
 * and those must tell when they are freed (chunk.c). Other types are passed on. */
struct pbuf *inet_pbuf_alloc(pbuf_layer layer, u16_t length, pbuf_type type);
#define pbuf_alloc(layer, length, type) inet_pbuf_alloc(layer, length, type)

#endif
