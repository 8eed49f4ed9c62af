/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netpuppet: one TCP connection (or datagram socket) whose every step a test decides, because the tests
 * of kills want to say what is in flight when the driver dies.
 *
 * Commands are lines of standard input, each is answered by one line when it has been done: "ok ..." or
 * "error ...".
 *
 *   connect ADDRESS PORT      listen ADDRESS PORT      accept
 *   send BYTES SEED           sends a stream (netpuppet.h); ok BYTES SHA1
 *   sendtill FILE SEED        the same until FILE exists; ok BYTES SHA1
 *   receive BYTES             so many bytes, or to the end of the stream with -1; ok BYTES SHA1
 *   shut                      ends our half        close        ends both
 *   ask ADDRESS PORT BYTES    a datagram, and waits for its answer, the same bytes in reverse; ok BYTES
 *
 * Called with arguments it is one of two programs of their own: crowd.c, watch.c.
 * Exit status: 0 at the end of the input; crowd and watch say their own.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "netpuppet.h"

#define WORDS_MAX     4
#define STEP_BYTES    65536u
#define DATAGRAM_MAX  1400u
#define DATAGRAM_SEED 77u

static int fd = -1;
static int listener = -1;
static uint8_t buffer[STEP_BYTES];

static void fail(const char *what)
{
	printf("error %s: %s\n", what, strerror(errno));
}

int parse_address(const char *ip, const char *port, struct sockaddr_storage *out)
{
	in_port_t number = htons((uint16_t)strtoul(port, NULL, 10));
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = number};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = number};

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
		memcpy(out, &in, sizeof(in));
	else if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
		memcpy(out, &in6, sizeof(in6));
	else
		return -EINVAL;
	return 0;
}

socklen_t address_bytes(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
	                                     : sizeof(struct sockaddr_in6);
}

static void close_fd(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

static void do_connect(char **word)
{
	struct sockaddr_storage to;

	close_fd();
	if (parse_address(word[1], word[2], &to) != 0) {
		puts("error connect: address");
		return;
	}
	fd = socket(to.ss_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, address_bytes(&to)) != 0)
		fail("connect");
	else
		puts("ok");
}

static void do_listen(char **word)
{
	struct sockaddr_storage own;
	int on = 1;

	if (listener >= 0)
		close(listener);
	listener = -1;
	if (parse_address(word[1], word[2], &own) != 0) {
		puts("error listen: address");
		return;
	}
	listener = socket(own.ss_family, SOCK_STREAM, 0);
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(listener, (struct sockaddr *)&own, address_bytes(&own)) != 0 ||
	    listen(listener, 4) != 0)
		fail("listen");
	else
		puts("ok");
}

static void do_accept(char **word)
{
	(void)word;
	close_fd();
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		fail("accept");
	else
		puts("ok");
}

static void print_sum(uint64_t bytes, SHA_CTX *sum)
{
	uint8_t digest[SHA_DIGEST_LENGTH];

	SHA1_Final(digest, sum);
	printf("ok %llu ", (unsigned long long)bytes);
	for (size_t i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	putchar('\n');
}

static bool send_all(const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t done = send(fd, data, len, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		data += done;
		len -= (size_t)done;
	}
	return true;
}

/* till: a path, or NULL for `bytes` of them. */
static void send_stream(uint64_t bytes, const char *till, uint32_t seed)
{
	uint64_t pos = 0;
	SHA_CTX sum;

	SHA1_Init(&sum);
	while (till != NULL ? access(till, F_OK) != 0 : pos < bytes) {
		size_t step = till != NULL || bytes - pos > STEP_BYTES ? STEP_BYTES
		                                                       : (size_t)(bytes - pos);

		pattern_fill(seed, pos, buffer, step);
		SHA1_Update(&sum, buffer, step);
		if (!send_all(buffer, step)) {
			fail("send");
			return;
		}
		pos += step;
	}
	print_sum(pos, &sum);
}

static void do_send(char **word)
{
	send_stream(strtoull(word[1], NULL, 10), NULL, (uint32_t)strtoul(word[2], NULL, 10));
}

static void do_sendtill(char **word)
{
	send_stream(0, word[1], (uint32_t)strtoul(word[2], NULL, 10));
}

static void do_receive(char **word)
{
	uint64_t bytes = strtoull(word[1], NULL, 10), got = 0; /* -1: more than there can be */
	bool is_to_end = bytes == UINT64_MAX;
	SHA_CTX sum;

	SHA1_Init(&sum);
	while (got < bytes) {
		ssize_t done =
			recv(fd, buffer, bytes - got < STEP_BYTES ? bytes - got : STEP_BYTES, 0);

		if (done < 0) {
			fail("receive");
			return;
		}
		if (done == 0)
			break;
		SHA1_Update(&sum, buffer, (size_t)done);
		got += (uint64_t)done;
	}
	if (!is_to_end && got < bytes)
		printf("error receive: the stream ended after %llu bytes\n",
		       (unsigned long long)got);
	else
		print_sum(got, &sum);
}

static void do_shut(char **word)
{
	(void)word;
	if (shutdown(fd, SHUT_WR) != 0)
		fail("shut");
	else
		puts("ok");
}

static void do_close(char **word)
{
	(void)word;
	close_fd();
	puts("ok");
}

static bool is_reversed(const uint8_t *sent, const uint8_t *got, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (got[i] != sent[len - 1 - i])
			return false;
	return true;
}

static void do_ask(char **word)
{
	uint8_t question[DATAGRAM_MAX];
	size_t len = strtoul(word[3], NULL, 10);
	struct sockaddr_storage to;
	ssize_t got;

	close_fd();
	if (len > sizeof(question) || parse_address(word[1], word[2], &to) != 0) {
		puts("error ask: arguments");
		return;
	}
	fd = socket(to.ss_family, SOCK_DGRAM, 0);
	pattern_fill(DATAGRAM_SEED, 0, question, len);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, address_bytes(&to)) != 0 ||
	    send(fd, question, len, 0) != (ssize_t)len) {
		fail("ask");
		return;
	}
	got = recv(fd, buffer, sizeof(buffer), 0);
	if (got < 0)
		fail("answer");
	else if ((size_t)got != len || !is_reversed(question, buffer, len))
		printf("error answer: %zd bytes, not what was asked for\n", got);
	else
		printf("ok %zu\n", len);
}

static const struct command {
	const char *name;
	int arguments;
	void (*run)(char **word);
} commands[] = {
	{"connect", 2, do_connect}, {"listen", 2, do_listen},     {"accept", 0, do_accept},
	{"send", 2, do_send},       {"sendtill", 2, do_sendtill}, {"receive", 1, do_receive},
	{"shut", 0, do_shut},       {"close", 0, do_close},       {"ask", 3, do_ask},
};

static void obey(char *line)
{
	char *word[WORDS_MAX] = {0};
	int count = 0;

	for (char *w = strtok(line, " \n"); w != NULL && count < WORDS_MAX; w = strtok(NULL, " \n"))
		word[count++] = w;
	for (size_t i = 0; count > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, word[0]) == 0 && commands[i].arguments == count - 1) {
			commands[i].run(word);
			return;
		}
	puts("error: no such command");
}

int main(int argc, char **argv)
{
	char line[256];

	if (argc > 1 && strcmp(argv[1], "crowd") == 0)
		return crowd_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "watch") == 0)
		return watch_main(argc - 1, argv + 1);
	if (argc > 1) {
		fprintf(stderr,
		        "usage: netpuppet [crowd ADDRESS PORT COUNT BYTES | watch INTERFACE]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) != NULL)
		obey(line);
	return 0;
}
