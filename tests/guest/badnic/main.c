/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network driver without a device, that lies: publishes net.bad0 and sends every frame back to where it
 * came from (addresses exchanged), and after so many frames it breaks a rule of the protocol in the chosen
 * way. Clients and filters have to find out.
 *
 *     service up /tests/badnic -args "MODE[,after=N][,times=N][,hairpin]"      times: lies in all lives, default 1
 *
 * hairpin: not every frame comes back, but those of TCP, as from another host (hairpin.h): for inet.
 *
 *     loop      never lies                         wrong-id     confirms a frame that nobody sent    N3
 *     double    confirms a frame twice         N3  invent       fills a buffer that nobody posted    N3
 *     long      more bytes than the buffer     N2  short        13 bytes                             N2
 *     never     a frame is not confirmed       N1  reserved     reserved fields are not zero         R4
 *     index     a ring's index jumps           R4  deaf         confirms, and receives nothing more  N2
 *     address   another MAC in each life       N6  mute         INIT is not answered                 N4
 *     crash     a page fault                       hang         for ever
 *
 * How often it has lied is kept in ds ("lies"): a liar that is replaced is honest from then on, or the
 * tests would never end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hairpin.h"
#include "netdev/host.h"

#define UNIT     0
#define QUEUE    256
#define LINK_MAX 1000

enum lie {
	LIE_LOOP,
	LIE_WRONG_ID,
	LIE_DOUBLE,
	LIE_INVENT,
	LIE_LONG,
	LIE_SHORT,
	LIE_NEVER,
	LIE_RESERVED,
	LIE_INDEX,
	LIE_DEAF,
	LIE_ADDRESS,
	LIE_MUTE,
	LIE_CRASH,
	LIE_HANG,
	LIES
};
static const char *const names[LIES] = {"loop",    "wrong-id", "double",   "invent", "long",
                                        "short",   "never",    "reserved", "index",  "deaf",
                                        "address", "mute",     "crash",    "hang"};

/* Kept in ds. */
static struct {
	uint32_t lies, lives;
} kept;

static enum lie mode;
static uint64_t after = 100, times = 1;
static uint64_t seen, echoed, unheard;
static struct nserver_rx *buffers[QUEUE];
static unsigned buffer_count;
static struct nserver_tx *unconfirmed;
static bool is_silent; /* nothing is confirmed any more */
static bool is_hairpin;

/* ---- lies ---- */

static bool will_lie(void)
{
	return mode != LIE_LOOP && seen > after && kept.lies < times;
}

static void count_lie(void)
{
	kept.lies++;
	if (ds_save("lies", &kept, sizeof(kept)) != 0)
		sys_log("the number of lies was not saved\n");
}

static void lie_about_tx(struct nserver_session *s, uint32_t id)
{
	struct net_tx_done done = {.id = id};

	if (mode == LIE_WRONG_ID)
		done.id = ~id;
	if (mode == LIE_RESERVED)
		done.reserved[0] = 1;
	if (ring_push(&s->tx.done, &done) == 0)
		s->tx.has_completions = true;
}

static void lie_about_rx(struct nserver_session *s, uint32_t id)
{
	struct net_rx_done done = {.id = id, .len_bytes = 60};

	if (mode == LIE_INVENT)
		done.id = ~id;
	if (mode == LIE_LONG)
		done.len_bytes = NET_RX_BUFFER_MAX + 1;
	if (mode == LIE_SHORT)
		done.len_bytes = NET_FRAME_MIN - 1;
	if (ring_push(&s->rx.done, &done) == 0)
		s->rx.has_completions = true;
}

/* The next honest completion would put it right again: from here on there is none. */
static void lie_about_index(struct nserver_session *s)
{
	s->tx.done.shared->produced += 100000;
	s->tx.has_completions = true;
	is_silent = true;
}

/* True: the frame is not confirmed. */
static bool lie(const struct nserver_tx *t)
{
	struct nserver_session *s = t->session;

	if (mode == LIE_DEAF || mode == LIE_ADDRESS || mode == LIE_MUTE)
		return false; /* not here */
	if ((mode == LIE_INVENT || mode == LIE_LONG || mode == LIE_SHORT) && buffer_count == 0)
		return false;
	count_lie();
	if (mode == LIE_INVENT || mode == LIE_LONG || mode == LIE_SHORT)
		lie_about_rx(s, buffers[0]->id);
	else if (mode == LIE_WRONG_ID || mode == LIE_DOUBLE || mode == LIE_RESERVED)
		lie_about_tx(s, t->id);
	else if (mode == LIE_INDEX)
		lie_about_index(s);
	else if (mode == LIE_CRASH)
		__builtin_trap();
	while (mode == LIE_HANG)
		__asm__ volatile("pause");
	return mode == LIE_NEVER || mode == LIE_INDEX;
}

/* ---- frames ---- */

static bool is_deaf(void)
{
	return mode == LIE_DEAF && will_lie();
}

static bool turn(uint8_t *frame, size_t bytes)
{
	uint8_t address[6];

	if (is_hairpin)
		return hairpin_turn(frame, bytes);
	memcpy(address, frame, sizeof(address));
	memcpy(frame, frame + 6, sizeof(address));
	memcpy(frame + 6, address, sizeof(address));
	return true;
}

static void echo(const struct nserver_tx *t)
{
	struct nserver_rx *r;
	uint8_t *frame;

	if (buffer_count == 0 || t->bytes > buffers[0]->buffer.len_bytes || is_deaf()) {
		unheard++;
		return;
	}
	r = buffers[0];
	frame = r->buffer.ptr;
	nserver_tx_copy(t, 0, frame, t->bytes);
	if (!turn(frame, t->bytes))
		return; /* the buffer stays */
	buffer_count--;
	for (unsigned i = 0; i < buffer_count; i++)
		buffers[i] = buffers[i + 1];
	echoed++;
	nserver_rx_done(r, (int)t->bytes, 0);
}

static bool tx(struct nserver_tx *t)
{
	if (is_silent)
		return false;
	seen++;
	echo(t);
	if (will_lie() && lie(t)) {
		unconfirmed = t;
		return true;
	}
	nserver_tx_done(t, 0);
	return true;
}

static bool rx(struct nserver_rx *r)
{
	if (buffer_count == QUEUE)
		return false;
	buffers[buffer_count++] = r;
	return true;
}

static void stop(unsigned unit)
{
	struct nserver_tx *t = unconfirmed;

	(void)unit;
	unconfirmed = NULL;
	if (t != NULL)
		nserver_tx_done(t, -ENETDOWN);
	while (buffer_count > 0)
		nserver_rx_done(buffers[--buffer_count], -ECANCELED, 0);
}

/* ---- the unit ---- */

static int info(unsigned unit, struct net_info *out)
{
	if (unit != UNIT)
		return -ENXIO;
	*out = (struct net_info){.name = "bad0",
	                         .model = "liar",
	                         .mac = {0x02, 'b', 'a', 'd', 0, 1},
	                         .mtu = 1500,
	                         .tx_depth = QUEUE,
	                         .rx_depth = QUEUE,
	                         .tx_elements = NET_ELEMENTS_MAX};
	if (mode == LIE_ADDRESS)
		out->mac[4] = (uint8_t)kept.lives;
	if (mode == LIE_MUTE && kept.lives > 1 && kept.lies < times) {
		count_lie();
		return -EAGAIN;
	}
	return 0;
}

static int configure(unsigned unit, const struct net_conf *conf)
{
	const struct net_link link = {.is_up = 1, .speed_mbit = LINK_MAX, .is_full_duplex = 1};

	(void)conf;
	nserver_link(unit, &link);
	return 0;
}

static int status(char *buf, size_t len)
{
	int n = snprintf(buf, len,
	                 "mode=%s\nlives=%u\nlies=%u\nseen=%llu\nechoed=%llu\nunheard=%llu\n",
	                 names[mode], kept.lives, kept.lies, (unsigned long long)seen,
	                 (unsigned long long)echoed, (unsigned long long)unheard);

	if (n < 0 || (size_t)n >= len)
		return 0;
	return n + nserver_status_text(buf + n, len - (size_t)n);
}

static int unit_status(unsigned unit, char *buf, size_t len)
{
	return unit == UNIT ? status(buf, len) : -ENXIO;
}

/* ---- component ---- */

static int init(const struct sys_init *how)
{
	static const struct nserver_ops ops = {.info = info,
	                                       .configure = configure,
	                                       .stop = stop,
	                                       .tx = tx,
	                                       .rx = rx,
	                                       .status = unit_status};
	const struct nserver_config config = {.ops = &ops, .maps_arenas = true};

	if (how->how != SYS_INIT_FIRST && ds_load("lies", &kept, sizeof(kept)) != (int)sizeof(kept))
		memset(&kept, 0, sizeof(kept));
	kept.lives++;
	if (mode == LIE_DEAF && kept.lives > times)
		kept.lies = (uint32_t)times; /* that lie was told all the time */
	if (ds_save("lies", &kept, sizeof(kept)) != 0)
		return -EIO;
	nserver_init(&config);
	return nserver_publish("bad0", UNIT);
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (!nserver_message(m, how))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void doorbell(endpoint_t from)
{
	(void)nserver_doorbell(from);
}

static bool parse_word(char *word)
{
	char *end;

	for (unsigned i = 0; i < LIES; i++) {
		if (strcmp(word, names[i]) == 0) {
			mode = (enum lie)i;
			return true;
		}
	}
	if (strcmp(word, "hairpin") == 0) {
		is_hairpin = true;
		return true;
	}
	if (strncmp(word, "after=", 6) == 0)
		after = strtoull(word + 6, &end, 10);
	else if (strncmp(word, "times=", 6) == 0)
		times = strtoull(word + 6, &end, 10);
	else
		return false;
	return *end == '\0';
}

int main(int argc, char **argv)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .idle = nserver_idle,
	                                               .status = status};

	for (char *w = argc > 1 ? strtok(argv[1], ",") : NULL; w != NULL; w = strtok(NULL, ",")) {
		if (parse_word(w))
			continue;
		sys_log("badnic: '%s' is neither a mode nor hairpin nor after=N nor times=N\n", w);
		return 1;
	}
	sys_main(&component);
}
