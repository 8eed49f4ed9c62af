/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udprelay PORT ADDRESS TOPORT: DNS queries to 127.0.0.1:PORT go to another server, and its answers back
 * to whoever asked. A resolver knows port 53 only; a test's server may have any port of the host.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_BYTES 4096
#define IDS           65536

static struct sockaddr_in askers[IDS]; /* by the id of the query, its first two bytes */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned id_of(const uint8_t *message)
{
	return (unsigned)message[0] << 8 | message[1];
}

static void take_query(int in, int out)
{
	uint8_t message[MESSAGE_BYTES];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(in, message, sizeof(message), 0, (struct sockaddr *)&from, &len);

	if (n < 2)
		return;
	askers[id_of(message)] = from;
	if (send(out, message, (size_t)n, 0) != n)
		perror("udprelay: a query is lost");
}

static void take_answer(int in, int out)
{
	uint8_t message[MESSAGE_BYTES];
	ssize_t n = recv(out, message, sizeof(message), 0);
	const struct sockaddr_in *to;

	if (n < 2)
		return;
	to = &askers[id_of(message)];
	if (to->sin_port != 0 &&
	    sendto(in, message, (size_t)n, 0, (const struct sockaddr *)to, sizeof(*to)) != n)
		perror("udprelay: an answer is lost");
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		fail("udprelay: socket");
	return fd;
}

static struct sockaddr_in address(const char *host, const char *port)
{
	unsigned long number = strtoul(port, NULL, 10);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || number == 0 || number > UINT16_MAX) {
		fprintf(stderr, "udprelay: %s:%s is no address\n", host, port);
		exit(2);
	}
	return a;
}

int main(int argc, char **argv)
{
	struct sockaddr_in own, other;
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};

	if (argc != 4) {
		fprintf(stderr, "usage: udprelay PORT ADDRESS TOPORT\n");
		return 2;
	}
	own = address("127.0.0.1", argv[1]);
	other = address(argv[2], argv[3]);
	p[0].fd = open_socket();
	p[1].fd = open_socket();
	if (bind(p[0].fd, (const struct sockaddr *)&own, sizeof(own)) != 0)
		fail("udprelay: bind");
	if (connect(p[1].fd, (const struct sockaddr *)&other, sizeof(other)) != 0)
		fail("udprelay: connect");
	if (daemon(0, 1) != 0)
		fail("udprelay: daemon");
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents)
			take_query(p[0].fd, p[1].fd);
		if (p[1].revents)
			take_answer(p[0].fd, p[1].fd);
	}
	return 0;
}
