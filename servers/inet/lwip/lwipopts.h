/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration of lwIP for servers/inet: one thread, raw API, IPv4 and IPv6, large TCP windows. What
 * is not here has lwIP's default (lwip/opt.h).
 *
 * Memory: pcbs, segments and other fixed structures are pools in our private memory (MEMP_*); pbufs with
 * data come from the arena that drivers may read (arena.h), by way of lwIP's malloc hooks; data of TCP are
 * custom pbufs over chunks of it (chunk.h), received frames custom pbufs over the receive arena (rxpool.h).
 * lwIP's own pbuf pool is not used.
 *
 * Timers are ours (timers.c): lwIP's would tick ten times a second on an idle machine.
 */
#ifndef INET_LWIPOPTS_H
#define INET_LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_TIMERS          0
#define LWIP_HOOK_FILENAME   "lwip_hooks.h"

/* ---- memory ---- */

#define MEM_ALIGNMENT            8
#define MEM_LIBC_MALLOC          1
#define mem_clib_malloc          arena_alloc
#define mem_clib_calloc          arena_calloc
#define mem_clib_free            arena_free
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define LWIP_PBUF_REF_T          u16_t
#define PBUF_POOL_SIZE           0
#define MEMP_NUM_PBUF            256 /* references to data; those of TCP are chunk.c's */
#define MEMP_NUM_RAW_PCB         64
#define MEMP_NUM_UDP_PCB         512
#define MEMP_NUM_TCP_PCB         2048
#define MEMP_NUM_TCP_PCB_LISTEN  256
#define MEMP_NUM_TCP_SEG         16384
#define MEMP_NUM_REASSDATA       32
#define MEMP_NUM_FRAG_PBUF       256
#define MEMP_NUM_ARP_QUEUE       256
#define MEMP_NUM_ND6_QUEUE       256
#define MEMP_NUM_IGMP_GROUP      64
#define MEMP_NUM_MLD6_GROUP      64

/* ---- link ---- */

#define LWIP_ARP                       1
#define ARP_TABLE_SIZE                 127 /* s16_t indices, u8_t of netif hints */
#define ARP_QUEUEING                   1
#define ARP_QUEUE_LEN                  64
#define ETHARP_SUPPORT_STATIC_ENTRIES  1
#define LWIP_HAVE_LOOPIF               1
#define LWIP_NETIF_LOOPBACK            1
#define LWIP_LOOPBACK_MAX_PBUFS        0 /* bounded by TCP's windows and the arena */
#define LWIP_NETIF_STATUS_CALLBACK     1
#define LWIP_NETIF_LINK_CALLBACK       1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define LWIP_NETIF_HOSTNAME            1
#define LWIP_CHECKSUM_CTRL_PER_NETIF   1
#define LWIP_CHKSUM                    inet_sum

/* ---- IP ---- */

#define LWIP_IPV4                           1
#define IP_FORWARD                          0
#define IP_REASSEMBLY                       1
#define IP_REASS_MAX_PBUFS                  1024 /* two for each received frame */
#define IP_FRAG                             1
#define IP_SOF_BROADCAST                    1
#define IP_SOF_BROADCAST_RECV               1
#define LWIP_ICMP                           1
#define LWIP_IGMP                           1
#define LWIP_MULTICAST_TX_OPTIONS           1
#define LWIP_DHCP                           1
#define DHCP_DOES_ARP_CHECK                 0 /* a second of waiting, for a collision that DHCP servers check */
/* Resolvers are in the C libraries: dns.c is not compiled, the servers that DHCP and router
 * advertisements name are kept by config.c. */
#define LWIP_DNS                            1
#define DNS_MAX_SERVERS                     3
#define LWIP_RAW                            1
#define LWIP_UDP                            1
#define LWIP_IPV6                           1
#define LWIP_IPV6_FORWARD                   0
#define LWIP_IPV6_FRAG                      1
#define LWIP_IPV6_REASS                     1
#define IPV6_FRAG_COPYHEADER                1 /* a list's pointers do not fit into a fragment header */
#define LWIP_IPV6_MLD                       1
#define LWIP_IPV6_AUTOCONFIG                1
#define LWIP_IPV6_DHCP6                     0
#define LWIP_ICMP6                          1
#define LWIP_ND6_NUM_NEIGHBORS              64
#define LWIP_ND6_NUM_DESTINATIONS           64
#define LWIP_ND6_QUEUEING                   1
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS      1
#define LWIP_ND6_TCP_REACHABILITY_HINTS     1
#define LWIP_HOOK_IP4_ROUTE_SRC(src, dst)   route_ip4(src, dst)
#define LWIP_HOOK_ETHARP_GET_GW(netif, dst) route_gateway4(netif, dst)
#define LWIP_HOOK_IP6_ROUTE(src, dst)       route_ip6(src, dst)
#define LWIP_HOOK_ND6_GET_GW(netif, dst)    route_gateway6(netif, dst)
#define SO_REUSE                            1
#define SO_REUSE_RXTOALL                    1

/* ---- TCP ---- */

#define LWIP_TCP                                  1
#define TCP_MSS                                   1460
#define LWIP_WND_SCALE                            1
#define TCP_RCV_SCALE                             5
#define TCP_WND                                   (1024 * 1024)
#define TCP_SND_BUF                               (1024 * 1024)
#define TCP_SND_QUEUELEN                          (4 * (TCP_SND_BUF / TCP_MSS))
#define TCP_SNDLOWAT                              32768
#define TCP_SNDQUEUELOWAT                         (TCP_SND_QUEUELEN / 2)
#define TCP_QUEUE_OOSEQ                           1
#define TCP_OOSEQ_PBUFS_LIMIT(pcb)                sieve_out_of_order_limit(pcb)
#define LWIP_HOOK_TCP_INPACKET_PCB                sieve_segment
#define LWIP_TCP_SACK_OUT                         1
#define LWIP_TCP_TIMESTAMPS                       1
#define LWIP_TCP_KEEPALIVE                        1
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) inet_tcp_isn(lip, lport, rip, rport)
#define TCP_LISTEN_BACKLOG                        1
/* recover.c: how far a connection has caught up; retrans.c; sack.c. */
#define LWIP_TCP_PCB_NUM_EXT_ARGS                 4
/* Called with constant connections, too, by what sends no data. */
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS(p, hdr, pcb, opts)                                           \
	inet_tcp_out(p, hdr, (struct tcp_pcb *)(mem_ptr_t)(pcb), opts)
#define TCP_OVERSIZE                   TCP_MSS
#define TCP_CALCULATE_EFF_SEND_MSS     1
/* Fast and slow timer: 50 and 100 ms; retransmission after 300 ms when the round trip is short, after a second when it is
 * not known (RFC 6298, 2.1). A SYN's timer backs off (retrans.c): after half a minute nobody is there. */
#define TCP_TMR_INTERVAL               50
#define LWIP_TCP_RTO_TIME              1000
#define TCP_SYNMAXRTX                  4
/* The receive pool's size follows from the receive arena, not from lwIP's pool. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

/* ---- statistics (/proc/net) ---- */

#define LWIP_STATS         1
#define LWIP_STATS_LARGE   1
#define LWIP_STATS_DISPLAY 0
#define MIB2_STATS         1
#define MEMP_STATS         1

#endif
