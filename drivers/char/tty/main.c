/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: tty0 (VGA text and keyboard), ttyS0 (COM1), ttyS1 (COM2, raw: the host's agent). vfs
 * is the client; protocol axolotl/chr.h. `console` is another name of ttyS0, or of tty0 when the
 * boot option says console=tty0 or there is no COM1.
 *
 * Over a restart: termios and window size of each line, in ds (settings.c). What was in the rings is
 * lost; waiting requests are asked again by vfs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tty.h"

struct line tty_lines[MINORS];

static struct line *line_for(struct chardev_request *r)
{
	struct line *l = r->req.minor < MINORS ? &tty_lines[r->req.minor] : NULL;

	if (l != NULL && l->device != NULL)
		return l;
	chardev_reply(r, -ENXIO);
	return NULL;
}

/* An open line is like a closed one. */
static void do_open_or_close(struct chardev_request *r)
{
	if (line_for(r) != NULL)
		chardev_reply(r, 0);
}

static void with_line(struct chardev_request *r,
                      void (*fn)(struct line *, struct chardev_request *))
{
	struct line *l = line_for(r);

	if (l != NULL)
		fn(l, r);
}

static void do_read(struct chardev_request *r)
{
	with_line(r, line_read);
}

static void do_write(struct chardev_request *r)
{
	with_line(r, line_write);
}

static void do_ioctl(struct chardev_request *r)
{
	with_line(r, line_ioctl);
}

static void do_poll(struct chardev_request *r)
{
	with_line(r, line_poll);
}

static void do_cancel(struct chardev_request *r)
{
	with_line(r, line_cancel);
}

/* ---- start ---- */

const char *const tty_names[MINORS] = {"tty0", "ttyS0", "ttyS1"};

static int publish_console(void)
{
	char wanted[DS_VALUE_MAX] = "";
	bool is_serial = tty_lines[MINOR_TTYS0].device != NULL;

	if (ds_lookup_str("boot.console", wanted, sizeof(wanted)) == 0 &&
	    strcmp(wanted, "tty0") == 0 && tty_lines[MINOR_TTY0].device != NULL)
		is_serial = false;
	return chardev_publish("console", is_serial ? MINOR_TTYS0 : MINOR_TTY0);
}

static void take_console_from_kernel(void)
{
	uint32_t off = 0;

	if (tty_lines[MINOR_TTYS0].device != NULL &&
	    k_sysctl(SYSCTL_CONSOLE, &off, sizeof(off)) < 0)
		sys_log("tty: the kernel keeps writing to the serial port\n");
}

static int init(const struct sys_init *how)
{
	static const struct chardev_ops ops = {.open = do_open_or_close,
	                                       .close = do_open_or_close,
	                                       .read = do_read,
	                                       .write = do_write,
	                                       .ioctl = do_ioctl,
	                                       .poll = do_poll,
	                                       .cancel = do_cancel};

	chardev_init(&ops);
	for (unsigned i = 0; i < MINORS; i++) {
		line_init(&tty_lines[i], i, i == MINOR_TTYS1);
		/* until somebody says otherwise */
		tty_lines[i].size = (struct winsize){.ws_row = 24, .ws_col = 80};
	}
	take_console_from_kernel();
	console_init(&tty_lines[MINOR_TTY0]);
	uart_init(&tty_lines[MINOR_TTYS0], 0);
	uart_init(&tty_lines[MINOR_TTYS1], 1);
	for (unsigned i = 0; i < MINORS; i++) {
		int err = 0;

		if (tty_lines[i].device == NULL)
			continue;
		if (how->how != SYS_INIT_FIRST)
			settings_restore(&tty_lines[i]);
		err = chardev_publish(tty_names[i], i);
		if (err != 0)
			return err;
	}
	return publish_console();
}

/* ---- main loop ---- */

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (!dumpkey_message(m) && !chardev_message(m, how))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void interrupt(uint64_t hooks)
{
	uart_interrupt(hooks);
	console_interrupt(hooks);
}

static void idle(void)
{
	console_idle();
	lines_set_alarm();
}

static int status(char *buf, size_t len)
{
	size_t used = 0;

	for (unsigned i = 0; i < MINORS && used < len; i++) {
		const struct line *l = &tty_lines[i];

		if (l->device != NULL)
			used += (size_t)snprintf(
				buf + used, len - used,
				"%s=input %zu output %u dropped_in %llu dropped_echo %llu\n",
				tty_names[i], ldisc_readable(&l->ldisc), l->out_tail - l->out_head,
				(unsigned long long)l->ldisc.dropped,
				(unsigned long long)l->out_dropped);
	}
	return (int)(used < len ? used : len);
}

int main(void)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .interrupt = interrupt,
	                                               .alarm = lines_alarm,
	                                               .idle = idle,
	                                               .status = status};

	sys_main(&component);
}
