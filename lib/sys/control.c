/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages: see control.h. */
#include <errno.h>
#include <string.h>

#include "sys/control.h"

#define STATUS_TEXT_BYTES 2048

int control_ask(endpoint_t server, uint32_t type, void *payload, size_t len_bytes)
{
	static uint32_t last_id;
	struct msg m;

	if (++last_id == 0)
		last_id = 1;
	memcpy(payload, &last_id, sizeof(last_id));
	msg_put_bytes(&m, type, payload, len_bytes);
	return sys_asend(server, &m);
}

bool control_park(struct control_parking *p, const struct msg *m, enum ipc_primitive how)
{
	for (unsigned i = 0; i < CONTROLS_PARKED_MAX; i++) {
		if (p->parked[i].is_used)
			continue;
		p->parked[i] = (struct control_parked){.is_used = true, .how = how, .m = *m};
		return true;
	}
	return false;
}

void control_retry(struct control_parking *p,
                   void (*answer)(const struct msg *m, enum ipc_primitive how))
{
	for (unsigned i = 0; i < CONTROLS_PARKED_MAX; i++) {
		struct control_parked request = p->parked[i];

		if (!request.is_used)
			continue;
		p->parked[i].is_used = false;
		answer(&request.m, request.how);
	}
}

int control_status(const struct control_text *to, unsigned unit,
                   int (*status)(unsigned unit, char *buf, size_t len))
{
	char text[STATUS_TEXT_BYTES];
	int n, err;

	if (status == NULL)
		return -ENOSYS;
	n = status(unit, text, sizeof(text));
	if (n < 0)
		return n;
	if ((uint32_t)n > to->len_bytes)
		n = (int)to->len_bytes;
	err = k_safecopy_to(to->client, to->grant, 0, text, (size_t)n);
	return err != 0 ? err : n;
}
