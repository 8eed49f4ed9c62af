/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of pcapng: see pcapng.h. Sections are of draft-ietf-opsawg-pcapng-02. */
#include "pcapng.h"
#include <string.h>

#define BLOCK_SECTION     0x0a0d0d0au /* 4.1 */
#define BLOCK_INTERFACE   1u          /* 4.2 */
#define BLOCK_PACKET      6u          /* 4.3 */
#define BYTE_ORDER_MAGIC  0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u

#define OPT_END        0u /* 3.5 */
#define OPT_SHB_APP    4u
#define OPT_IF_NAME    2u
#define OPT_IF_TSRESOL 9u
#define OPT_EPB_FLAGS  2u

static size_t put16(uint8_t *out, size_t at, uint16_t value)
{
	memcpy(out + at, &value,
	       sizeof(value)); /* the machine is little-endian, the file says so */
	return at + sizeof(value);
}

static size_t put32(uint8_t *out, size_t at, uint32_t value)
{
	memcpy(out + at, &value, sizeof(value));
	return at + sizeof(value);
}

static size_t pad(uint8_t *out, size_t at)
{
	while (at % 4 != 0)
		out[at++] = 0;
	return at;
}

static size_t put_option(uint8_t *out, size_t at, uint16_t code, const void *value, uint16_t len)
{
	at = put16(out, at, code);
	at = put16(out, at, len);
	if (len > 0)
		memcpy(out + at, value, len);
	return pad(out, at + len);
}

/* The length stands behind the type and at the end. */
static size_t finish_block(uint8_t *out, size_t at)
{
	uint32_t total = (uint32_t)at + 4;

	put32(out, 4, total);
	return put32(out, at, total);
}

static size_t section(uint8_t *out)
{
	static const char app[] = "axolotl capture";
	size_t at = put32(out, 0, BLOCK_SECTION);

	at = put32(out, at + 4, BYTE_ORDER_MAGIC);
	at = put16(out, at, 1); /* version 1.0 */
	at = put16(out, at, 0);
	at = put32(out, at, UINT32_MAX); /* length of the section: not known */
	at = put32(out, at, UINT32_MAX);
	at = put_option(out, at, OPT_SHB_APP, app, sizeof(app) - 1);
	at = put_option(out, at, OPT_END, NULL, 0);
	return finish_block(out, at);
}

static size_t interface(uint8_t *out, const char *name, uint32_t snaplen)
{
	uint8_t resolution = 9; /* 10^-9 s */
	size_t at = put32(out, 0, BLOCK_INTERFACE);

	at = put16(out, at + 4, LINKTYPE_ETHERNET);
	at = put16(out, at, 0);
	at = put32(out, at, snaplen);
	at = put_option(out, at, OPT_IF_NAME, name, (uint16_t)strnlen(name, 31));
	at = put_option(out, at, OPT_IF_TSRESOL, &resolution, 1);
	at = put_option(out, at, OPT_END, NULL, 0);
	return finish_block(out, at);
}

size_t pcapng_header(void *out, const char *name, uint32_t snaplen)
{
	size_t at = section(out);

	return at + interface((uint8_t *)out + at, name, snaplen);
}

size_t pcapng_finish_packet(void *out, const struct pcapng_packet *p)
{
	uint32_t flags = (uint32_t)p->direction;
	size_t at = put32(out, 0, BLOCK_PACKET);

	at = put32(out, at + 4, 0); /* the only interface */
	at = put32(out, at, (uint32_t)(p->t_ns >> 32));
	at = put32(out, at, (uint32_t)p->t_ns);
	at = put32(out, at, p->captured_bytes);
	at = put32(out, at, p->frame_bytes);
	at = pad(out, at + p->captured_bytes);
	at = put_option(out, at, OPT_EPB_FLAGS, &flags, sizeof(flags));
	at = put_option(out, at, OPT_END, NULL, 0);
	return finish_block(out, at);
}
