# SPDX-License-Identifier: BSD-2-Clause
# lwIP (ports/lwip) with our configuration (servers/inet/lwip): build/guest/lwip/liblwip.a for servers/inet, and
# build/host/lwip/liblwip.a with sanitizers for unit tests (`/* ports: lwip */`). Its own timers.c is left out
# (servers/inet/timers.c), and so are the files of the APIs that are switched off.

LWIP := $(B)/ports/lwip
LWIP_INCLUDES := -I$(LWIP)/src/include -Iservers/inet/lwip
LWIP_SRCS := $(addprefix core/,def.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c tcp.c \
	tcp_in.c tcp_out.c udp.c) \
	$(addprefix core/ipv4/,dhcp.c etharp.c icmp.c igmp.c ip4.c ip4_addr.c ip4_frag.c) \
	$(addprefix core/ipv6/,ethip6.c icmp6.c inet6.c ip6.c ip6_addr.c ip6_frag.c mld6.c nd6.c) netif/ethernet.c
LWIP_DEPS := $(LWIP)/.stamp $(wildcard servers/inet/lwip/*.h servers/inet/lwip/arch/*.h) tools/build/lwip.mk
# Other people's code: the compiler's own opinion of what is an error, not ours.
THEIR_WARN := -Wno-unused-parameter -Wno-address
# nd6.c uses htonl() without asking for it.
THEIR_WARN += -include arpa/inet.h
# It shifts bytes into the sign bit (timestamps) and reads headers where they are.
THEIR_SAN := -fno-sanitize=shift,alignment

$(G)/lwip/%.c.o: $(LWIP_DEPS) | $(LINUX_HEADERS)
	$(call say,CC,lwip/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSLCC) $(filter-out $(WARN),$(GUEST_CFLAGS)) $(THEIR_WARN) $(LWIP_INCLUDES) -c -o $@ $(LWIP)/src/$*.c

$(H)/lwip/%.c.o: $(LWIP_DEPS)
	$(call say,SAN,lwip/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(filter-out $(WARN),$(SAN_CFLAGS)) $(THEIR_SAN) $(THEIR_WARN) $(LWIP_INCLUDES) -c -o $@ $(LWIP)/src/$*.c

$(G)/lwip/liblwip.a: $(LWIP_SRCS:%=$(G)/lwip/%.o)
$(H)/lwip/liblwip.a: $(LWIP_SRCS:%=$(H)/lwip/%.o)
$(G)/lwip/liblwip.a $(H)/lwip/liblwip.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
