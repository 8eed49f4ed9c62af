/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the character protocol: see chardev.h.
 */
#include <errno.h>
#include <stdio.h>

#include "chardev/chardev.h"
#include "sys/sys.h"

static const struct chardev_ops *ops;
static struct chardev_request requests[CHARDEV_REQUESTS_MAX];

void chardev_init(const struct chardev_ops *o)
{
	ops = o;
}

int chardev_publish(const char *name, unsigned minor)
{
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];

	if (snprintf(key, sizeof(key), "chr.%s", name) >= (int)sizeof(key) ||
	    snprintf(value, sizeof(value), "%s:%u", sys_label(), minor) >= (int)sizeof(value))
		return -ENAMETOOLONG;
	return ds_publish_str(key, value);
}

static void reply(const struct chardev_request *r, int result)
{
	struct chr_rep rep = {.id = r->req.id, .result = result};
	struct msg m = {.source = r->client, .type = r->type};

	sys_reply(&m, (enum ipc_primitive)r->primitive, &rep);
}

void chardev_reply(struct chardev_request *r, int result)
{
	SYS_ASSERT(r->is_used);
	reply(r, result);
	r->is_used = false;
}

int chardev_copy_out(const struct chardev_request *r, uint64_t offset, const void *from, size_t len)
{
	if (offset > r->req.len_bytes || len > r->req.len_bytes - offset)
		return -EINVAL;
	return k_safecopy_to(r->client, r->req.grant, r->req.grant_offset + offset, from, len);
}

int chardev_copy_in(const struct chardev_request *r, uint64_t offset, void *to, size_t len)
{
	if (offset > r->req.len_bytes || len > r->req.len_bytes - offset)
		return -EINVAL;
	return k_safecopy_from(r->client, r->req.grant, r->req.grant_offset + offset, to, len);
}

static void event(uint32_t type, unsigned minor, unsigned arg)
{
	struct chr_event e = {.minor = minor, .arg = arg};
	struct msg m;

	msg_put(&m, type, &e);
	if (sys_asend(EP_VFS, &m) != 0)
		sys_log("chardev: vfs does not take events\n");
}

void chardev_signal(unsigned minor, int signo)
{
	event(CHR_SIGNAL, minor, (unsigned)signo);
}

void chardev_ready(unsigned minor, unsigned events)
{
	event(CHR_READY, minor, events);
}

static void cancel(const struct msg *m)
{
	struct chr_cancel c;

	msg_get(m, &c);
	for (unsigned i = 0; i < CHARDEV_REQUESTS_MAX; i++) {
		struct chardev_request *r = &requests[i];

		if (r->is_used && r->client == m->source && r->req.id == c.id) {
			ops->cancel(r);
			return;
		}
	}
	/* Answered already: the reply is on its way. */
}

static void dispatch(struct chardev_request *r)
{
	switch (r->type) {
	case CHR_OPEN: ops->open(r); break;
	case CHR_CLOSE: ops->close(r); break;
	case CHR_READ: ops->read(r); break;
	case CHR_WRITE: ops->write(r); break;
	case CHR_IOCTL: ops->ioctl(r); break;
	case CHR_POLL: ops->poll(r); break;
	default: chardev_reply(r, -ENOSYS);
	}
}

bool chardev_message(const struct msg *m, enum ipc_primitive how)
{
	struct chardev_request *r = NULL;

	if (m->type < CHR_OPEN || m->type > CHR_CANCEL)
		return false;
	if (m->type == CHR_CANCEL) {
		cancel(m);
		return true;
	}
	for (unsigned i = 0; i < CHARDEV_REQUESTS_MAX && r == NULL; i++)
		if (!requests[i].is_used)
			r = &requests[i];
	if (r == NULL) {
		struct chardev_request refused = {
			.type = m->type, .client = m->source, .primitive = how};

		msg_get(m, &refused.req);
		reply(&refused, -EAGAIN);
		return true;
	}
	*r = (struct chardev_request){
		.type = m->type, .client = m->source, .primitive = how, .is_used = true};
	msg_get(m, &r->req);
	dispatch(r);
	return true;
}
