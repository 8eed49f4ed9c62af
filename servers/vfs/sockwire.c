/* SPDX-License-Identifier: BSD-2-Clause */
/* Local addresses and control messages; see sockwire.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "sockwire.h"

#define SCM_RIGHTS_NR      1
#define SCM_CREDENTIALS_NR 2

struct header { /* struct cmsghdr as the system call has it */
	uint64_t len;
	int32_t level;
	int32_t type;
};
#define ALIGN8(n) (((n) + 7) & ~(size_t)7)

int unixaddr_parse(const void *sa, size_t len, struct unix_addr *out)
{
	uint16_t family;
	size_t n;

	out->len = 0;
	if (len < sizeof(family) || len > UNIX_ADDR_BYTES)
		return -EINVAL;
	memcpy(&family, sa, sizeof(family));
	if (family != AF_UNIX)
		return -EINVAL;
	n = len - sizeof(family);
	memset(out->name, 0, sizeof(out->name));
	memcpy(out->name, (const uint8_t *)sa + sizeof(family), n);
	if (n > 0 && out->name[0] != '\0')
		n = strnlen(out->name, n);
	out->len = (uint16_t)n;
	return 0;
}

size_t unixaddr_store(const struct unix_addr *a, void *sa)
{
	uint16_t family = AF_UNIX;
	bool is_path = a->len > 0 && a->name[0] != '\0';

	memcpy(sa, &family, sizeof(family));
	memcpy((uint8_t *)sa + sizeof(family), a->name, a->len);
	if (is_path)
		((uint8_t *)sa)[sizeof(family) + a->len] = 0;
	return sizeof(family) + a->len + (is_path ? 1 : 0);
}

bool unixaddr_equal(const struct unix_addr *a, const struct unix_addr *b)
{
	return a->len == b->len && memcmp(a->name, b->name, a->len) == 0;
}

static int add_fds(struct control *out, const uint8_t *data, size_t len)
{
	size_t count = len / sizeof(int32_t);

	if (count > RIGHTS_FDS_MAX - out->fds_count)
		return -EINVAL;
	memcpy(out->fds + out->fds_count, data, count * sizeof(int32_t));
	out->fds_count += (unsigned)count;
	return 0;
}

static int add_message(struct control *out, const struct header *h, const uint8_t *data)
{
	size_t len = h->len - sizeof(*h);

	if (h->level != SOL_SOCKET)
		return 0;
	if (h->type == SCM_RIGHTS_NR)
		return add_fds(out, data, len);
	if (h->type != SCM_CREDENTIALS_NR || len != sizeof(out->cred))
		return -EINVAL;
	memcpy(&out->cred, data, sizeof(out->cred));
	out->has_cred = true;
	return 0;
}

int control_parse(const void *buf, size_t len, struct control *out)
{
	const uint8_t *bytes = buf;
	size_t at = 0;

	out->fds_count = 0;
	out->has_cred = false;
	while (at < len && len - at >= sizeof(struct header)) {
		struct header h;
		int r;

		memcpy(&h, bytes + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - at)
			return -EINVAL;
		r = add_message(out, &h, bytes + at + sizeof(h));
		if (r)
			return r;
		at += ALIGN8(h.len);
	}
	return 0;
}

/* Puts as much as there is room for; a message that does not even begin is left out. */
static void put(struct control_out *o, int type, const void *data, size_t len)
{
	struct header h = {.len = sizeof(h) + len, .level = SOL_SOCKET, .type = type};
	size_t room = o->size - o->used;

	if (room < sizeof(h)) {
		o->is_truncated = true;
		return;
	}
	if (h.len > room) {
		o->is_truncated = true;
		h.len = room;
	}
	memcpy(o->buf + o->used, &h, sizeof(h));
	memcpy(o->buf + o->used + sizeof(h), data, h.len - sizeof(h));
	o->used += ALIGN8(h.len) < room ? ALIGN8(h.len) : room;
}

void control_put_cred(struct control_out *o, const struct sock_cred *cred)
{
	put(o, SCM_CREDENTIALS_NR, cred, sizeof(*cred));
}

unsigned control_fds_room(const struct control_out *o, unsigned wanted)
{
	size_t room = o->size - o->used, n;

	if (room < sizeof(struct header))
		return 0;
	n = (room - sizeof(struct header)) / sizeof(int32_t);
	return n < wanted ? (unsigned)n : wanted;
}

void control_put_fds(struct control_out *o, const int32_t *fds, unsigned count)
{
	if (count > 0)
		put(o, SCM_RIGHTS_NR, fds, count * sizeof(*fds));
}
