/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, default route and name servers (config.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addressopt.h"
#include "config.h"
#include "iface.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "sockif.h"
#include "sys/sys.h"

#define CMDLINE_MAX 1024

static char cmdline[CMDLINE_MAX];
static ip_addr_t servers4[DNS_MAX_SERVERS], servers6[DNS_MAX_SERVERS];
static bool has_static_servers;

void config_init(const char *text)
{
	snprintf(cmdline, sizeof(cmdline), "%s", text);
	memset(servers4, 0, sizeof(servers4));
	memset(servers6, 0, sizeof(servers6));
	has_static_servers = false;
}

/* ---- name servers: in place of lwIP's resolver ---- */

void dns_init(void)
{
}

void dns_setserver(u8_t index, const ip_addr_t *server)
{
	if (index >= DNS_MAX_SERVERS)
		return;
	if (server == NULL) /* a router withdraws it; DHCP never does */
		memset(&servers6[index], 0, sizeof(servers6[index]));
	else if (IP_IS_V6(server))
		servers6[index] = *server;
	else if (!has_static_servers)
		servers4[index] = *server;
}

/* Asked by lwIP for those of router advertisements. */
const ip_addr_t *dns_getserver(u8_t index)
{
	return index < DNS_MAX_SERVERS ? &servers6[index] : IP_ADDR_ANY;
}

static int add_servers(const ip_addr_t *list, char *buf, size_t len)
{
	int done = 0;

	for (unsigned i = 0; i < DNS_MAX_SERVERS; i++) {
		char text[IPADDR_STRLEN_MAX];

		if (!ip_addr_isany(&list[i]) && ipaddr_ntoa_r(&list[i], text, sizeof(text)) != NULL)
			done += snprintf(buf + done, len - (size_t)done, "nameserver %s\n", text);
		if ((size_t)done >= len)
			return (int)len - 1;
	}
	return done;
}

int config_pnp_text(char *buf, size_t len)
{
	int done;

	if (len == 0)
		return 0;
	done = snprintf(buf, len, "#PROTO: %s\n", has_static_servers ? "STATIC" : "DHCP");
	if ((size_t)done >= len)
		return (int)len - 1;
	done += add_servers(servers4, buf + done, len - (size_t)done);
	return done + add_servers(servers6, buf + done, len - (size_t)done);
}

/* ---- addresses ---- */

bool config_uses_dhcp(const struct netif *n)
{
	return netif_dhcp_data(n) != NULL;
}

/* The first interface that has a gateway; else the first that has an address. */
static void choose_default(void)
{
	struct netif *best = NULL, *n = NULL;

	while ((n = ifctl_next(n)) != NULL) {
		bool has_gateway = !ip4_addr_isany_val(*netif_ip4_gw(n));

		if (iface_of(n) == NULL || !netif_is_up(n))
			continue;
		if (best == NULL || (has_gateway && ip4_addr_isany_val(*netif_ip4_gw(best))))
			best = n;
	}
	if (best != netif_default)
		netif_set_default(best);
}

static void status_changed(struct netif *n)
{
	struct iface *i = iface_of(n);
	char address[IP4ADDR_STRLEN_MAX], gateway[IP4ADDR_STRLEN_MAX];

	choose_default();
	sock_net_changed(n);
	if (i == NULL || !netif_is_up(n) || ip4_addr_isany_val(*netif_ip4_addr(n)) ||
	    (ip4_addr_cmp(netif_ip4_addr(n), &i->told_address) &&
	     ip4_addr_cmp(netif_ip4_gw(n), &i->told_gateway)))
		return;
	ip4_addr_copy(i->told_address, *netif_ip4_addr(n));
	ip4_addr_copy(i->told_gateway, *netif_ip4_gw(n));
	ip4addr_ntoa_r(netif_ip4_addr(n), address, sizeof(address));
	ip4addr_ntoa_r(netif_ip4_gw(n), gateway, sizeof(gateway));
	sys_log("%s: address %s, gateway %s\n", i->name, address, gateway);
}

static int start_dhcp(struct netif *n)
{
	return dhcp_start(n) == ERR_OK ? 0 : -ENOMEM;
}

static void stop_dhcp(struct netif *n)
{
	if (!config_uses_dhcp(n))
		return;
	dhcp_release_and_stop(n);
	dhcp_cleanup(n);
}

int config_set_dhcp(struct netif *n, bool is_on)
{
	if (iface_of(n) == NULL)
		return -EOPNOTSUPP;
	if (is_on == config_uses_dhcp(n))
		return 0;
	if (is_on)
		return start_dhcp(n);
	stop_dhcp(n);
	return 0;
}

static void set_static(struct netif *n, const struct addressopt *o)
{
	ip4_addr_t address = {o->address}, mask = {o->mask}, gateway = {o->gateway};

	for (unsigned i = 0; i < o->dns_count; i++) {
		has_static_servers = true;
		ip_addr_set_ip4_u32_val(servers4[i], o->dns[i]);
	}
	netif_set_addr(n, &address, &mask, &gateway);
}

void config_started(struct netif *n)
{
	const struct iface *i = iface_of(n);
	struct addressopt o;
	int r = addressopt_find(cmdline, i->number, &o);

	netif_set_status_callback(n, status_changed);
	if (r < 0)
		sys_log("%s: address= makes no sense, DHCP is used\n", i->name);
	if (r <= 0 && start_dhcp(n) != 0)
		sys_log("%s: no memory for DHCP\n", i->name);
	else if (r > 0 && !o.is_none)
		set_static(n, &o);
	choose_default();
}

/* lwIP's DHCP, DAD and router solicitation follow the link by themselves (netif_set_link_up). */
void config_link_changed(struct netif *n)
{
	(void)n;
	choose_default();
}

void config_ended(struct netif *n)
{
	netif_set_status_callback(n, NULL);
	if (config_uses_dhcp(n)) {
		dhcp_stop(n); /* not released: there is nobody to send it */
		dhcp_cleanup(n);
	}
	if (netif_default == n)
		netif_set_default(NULL);
}
