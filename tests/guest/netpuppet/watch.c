/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netpuppet watch INTERFACE [LOOKS]: asks for the state of an interface as often as it can, in the ways that programs do, until
 * SIGTERM or so many times: SIOCGIFFLAGS, RTM_GETLINK (flags and IFLA_OPERSTATE), /proc/net/dev. Prints "looks N down D missing M".
 * Exit status: 0; 1 when one of them cannot be asked; 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "netpuppet.h"

#define PAUSE_NS     500000
#define OPERSTATE_UP 6 /* IF_OPER_UP of linux/if.h, which does not go with net/if.h */
#define LOWER_UP     (1u << 16)

static volatile sig_atomic_t has_ended;
static unsigned looks, down, missing;

static void on_end(int number)
{
	(void)number;
	has_ended = 1;
}

static bool look_by_ioctl(int sock, const char *name)
{
	struct ifreq request = {0};

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(sock, SIOCGIFFLAGS, &request) != 0)
		return false;
	down += (request.ifr_flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING);
	return true;
}

static unsigned operstate_of(struct nlmsghdr *head)
{
	struct ifinfomsg *info = NLMSG_DATA(head);
	int len = (int)IFLA_PAYLOAD(head);

	for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type == IFLA_OPERSTATE)
			return *(uint8_t *)RTA_DATA(a);
	return 0;
}

static bool look_by_netlink(int sock, unsigned index)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} request = {{.nlmsg_len = sizeof(request),
	              .nlmsg_type = RTM_GETLINK,
	              .nlmsg_flags = NLM_F_REQUEST,
	              .nlmsg_seq = looks},
	             {.ifi_index = (int)index}};
	union {
		struct nlmsghdr head;
		uint8_t bytes[8192];
	} answer;
	struct ifinfomsg *info = NLMSG_DATA(&answer.head);
	ssize_t got;

	if (send(sock, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
		return false;
	got = recv(sock, &answer, sizeof(answer), 0);
	if (got < 0 || !NLMSG_OK(&answer.head, (unsigned)got))
		return false;
	if (answer.head.nlmsg_type != RTM_NEWLINK || info->ifi_index != (int)index) {
		missing++;
		return true;
	}
	down += (info->ifi_flags & (IFF_UP | IFF_RUNNING | LOWER_UP)) !=
	        (IFF_UP | IFF_RUNNING | LOWER_UP);
	down += operstate_of(&answer.head) != OPERSTATE_UP;
	return true;
}

static bool look_by_proc(const char *name)
{
	char text[4096], wanted[IFNAMSIZ + 1];
	int fd = open("/proc/net/dev", O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got < 0)
		return false;
	text[got] = '\0';
	snprintf(wanted, sizeof(wanted), "%s:", name);
	missing += strstr(text, wanted) == NULL;
	return true;
}

int watch_main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_end};
	struct timespec pause = {.tv_nsec = PAUSE_NS};
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	unsigned index = argc >= 2 ? if_nametoindex(argv[1]) : 0;
	unsigned most = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : UINT_MAX;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: netpuppet watch INTERFACE [LOOKS]\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	while (!has_ended && looks < most) {
		if (index == 0 || !look_by_ioctl(sock, argv[1]) ||
		    !look_by_netlink(netlink, index) || !look_by_proc(argv[1])) {
			if (errno == EINTR)
				break;
			perror("netpuppet: watch");
			return 1;
		}
		looks++;
		nanosleep(&pause, NULL);
	}
	printf("looks %u down %u missing %u\n", looks, down, missing);
	return 0;
}
