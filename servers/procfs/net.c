/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/net. All texts but that of local sockets are inet's, and procfs must not wait for inet
 * (architecture D6): a read that begins such a file is kept, inet is asked by ASEND, and the read is
 * answered when the text has come, one after the other.
 *
 *     reads --> [queue] --first--> asked --reply--> answered
 *                                    \--inet died, or a deadline--> EIO
 *
 * Without an inet the files are empty.
 */
#include <errno.h>
#include <string.h>
#include "axolotl/sock.h"
#include "axolotl/vfs.h"
#include "procfs.h"

#define LABEL       "inet"
#define READS_MAX   64u
#define NET_BYTES   (64u << 10)
#define DEADLINE_NS 2000000000ull

struct waiting {
	struct msg m;
	enum ipc_primitive how;
};
static struct waiting reads[READS_MAX];
static unsigned first, count;

/* The question that is under way: it is about reads[first]. */
static struct {
	bool is_under_way;
	uint32_t id; /* runs on */
	endpoint_t ep;
	grant_t grant;
	uint64_t deadline_ns;
} asked;
static char answer[NET_BYTES];

static const struct node *node_of(uint32_t ino)
{
	struct place p;

	return tree_decode(&proc_tree, ino, &p) ? p.node : NULL;
}

bool net_is_file(uint32_t ino)
{
	const struct node *n = node_of(ino);

	return n && n->gen == gen_net;
}

int gen_net(struct text *t, int32_t pid)
{
	(void)t;
	(void)pid;
	return -EIO;
}

int gen_net_unix(struct text *t, int32_t pid)
{
	(void)pid;
	return ask_vfs_text(VFS_INFO_UNIX, EP_NONE, 0, t);
}

int gen_net_link(struct text *t, int32_t pid)
{
	(void)pid;
	text_add(t, "self/net");
	return 0;
}

/* Answers the first read and takes it from the queue. */
static void finish_first(const struct fresh *fresh)
{
	const struct waiting *w = &reads[first];
	struct fs_io rq;

	msg_get(&w->m, &rq);
	read_answer(&w->m, w->how, &rq, fresh);
	first = (first + 1) % READS_MAX;
	count--;
}

static int send_question(void)
{
	struct sock_info q = {.id = ++asked.id, .len_bytes = sizeof(answer)};
	struct fs_io rq;
	struct msg m;
	int r;

	msg_get(&reads[first].m, &rq);
	(void)strncpy(q.name, node_of(rq.ino)->name, sizeof(q.name) - 1);
	q.grant = grant_direct(asked.ep, answer, sizeof(answer), GRANT_WRITE);
	if (q.grant == GRANT_INVALID)
		return -ENOMEM;
	msg_put(&m, SOCK_INFO, &q);
	r = sys_asend(asked.ep, &m);
	if (r) {
		grant_revoke(q.grant);
		return r;
	}
	asked.grant = q.grant;
	asked.is_under_way = true;
	asked.deadline_ns = now_ns() + DEADLINE_NS;
	return k_setalarm(asked.deadline_ns);
}

static void ask_next(void)
{
	while (count > 0 && !asked.is_under_way) {
		struct fresh none = {.text = answer};

		if (ds_lookup_label(LABEL, &asked.ep) != 0) {
			finish_first(&none);
			continue;
		}
		if (send_question() != 0 && !asked.is_under_way)
			finish_first(&(struct fresh){.error = -EIO});
	}
}

/* The question has come to an end. */
static void end_question(const struct fresh *fresh)
{
	grant_revoke(asked.grant);
	asked.is_under_way = false;
	finish_first(fresh);
	ask_next();
}

void net_read(const struct msg *m, enum ipc_primitive how)
{
	struct fs_io rq;

	msg_get(m, &rq);
	if (rq.pos > 0 && read_continue(m, how, &rq))
		return;
	if (count == READS_MAX) {
		read_answer(m, how, &rq, &(struct fresh){.error = -ENOMEM});
		return;
	}
	reads[(first + count++) % READS_MAX] = (struct waiting){*m, how};
	ask_next();
}

void net_reply(const struct msg *m)
{
	struct fresh fresh = {.text = answer};
	struct sock_rep rep;

	msg_get(m, &rep);
	if (!asked.is_under_way || m->source != asked.ep || rep.id != asked.id)
		return; /* too late, or invented */
	if (rep.result < 0)
		fresh = (struct fresh){.error = rep.result == -ENOENT ? -ENOENT : -EIO};
	else if ((uint32_t)rep.result > sizeof(answer))
		fresh = (struct fresh){.error = -EIO};
	else
		fresh.len = (size_t)rep.result;
	end_question(&fresh);
}

void net_alarm(uint64_t now)
{
	if (!asked.is_under_way)
		return;
	if (now >= asked.deadline_ns)
		end_question(&(struct fresh){.error = -EIO});
	else if (k_setalarm(asked.deadline_ns) != 0)
		end_question(&(struct fresh){.error = -EIO});
}

void net_ds_change(const struct ds_change *ch)
{
	if (ch->result != DS_LABEL || strncmp(ch->key, LABEL, sizeof(ch->key)) != 0 ||
	    !asked.is_under_way || ch->value.label.ep == asked.ep)
		return;
	sys_asend_cancel(asked.ep);
	end_question(&(struct fresh){.error = -EIO});
}
