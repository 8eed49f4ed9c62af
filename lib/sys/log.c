/* SPDX-License-Identifier: BSD-2-Clause */
/* Time, log, events, violations, complaints. The log is rate-limited: a flood must not starve
 * others. */
#include <stdio.h>
#include <stdlib.h>
#include "axolotl/timepage.h"
#include "sys/sys.h"

#define LOG_BURST      64
#define LOG_PER_SECOND 20
#define PANIC_STATUS   254

uint64_t now_ns(void)
{
	return time_page_read(false);
}

uint64_t wall_ns(void)
{
	return time_page_read(true);
}

static void write_text(const char *prefix, const char *fmt, va_list ap)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "%s: ", prefix);
	int room = (int)sizeof(text) - n, m;

	m = vsnprintf(text + n, (size_t)room, fmt, ap);
	n += m < room ? m : room - 1;
	if (n > 0 && text[n - 1] != '\n') {
		if (n == (int)sizeof(text) - 1)
			n--;
		text[n++] = '\n';
	}
	if (k_sysctl(SYSCTL_DIAG, text, (size_t)n) != 0)
		return; /* not allowed to talk: there is nobody to tell */
}

/* A token bucket; the number of suppressed lines is said when there is room again. */
static bool has_token(void)
{
	static uint64_t last_ns, tokens = LOG_BURST, suppressed;
	uint64_t now = now_ns(), earned = (now - last_ns) * LOG_PER_SECOND / 1000000000ul;

	if (earned) {
		last_ns = now;
		tokens = tokens + earned < LOG_BURST ? tokens + earned : LOG_BURST;
	}
	if (!tokens) {
		suppressed++;
		return false;
	}
	tokens--;
	if (suppressed) {
		char note[64];
		int n = snprintf(note, sizeof(note), "%s: %lu lines suppressed\n", sys_label(),
		                 suppressed);

		suppressed = 0;
		return k_sysctl(SYSCTL_DIAG, note, (size_t)n) == 0;
	}
	return true;
}

void sys_log(const char *fmt, ...)
{
	va_list ap;

	if (!has_token())
		return;
	va_start(ap, fmt);
	write_text(sys_label(), fmt, ap);
	va_end(ap);
}

void sys_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_text(sys_label(), fmt, ap);
	va_end(ap);
	log_event(EV_PANIC, EP_SELF, sys_label(), 0, 0);
	k_exit(PANIC_STATUS);
}

void log_event(enum event_kind kind, endpoint_t ep, const char *label, uint64_t a, uint64_t b)
{
	struct event e = {.kind = (uint16_t)kind, .ep = ep, .args = {a, b}};

	snprintf(e.label, sizeof(e.label), "%s", label ? label : "");
	if (k_sysctl(SYSCTL_EVENT, &e, sizeof(e)) != 0)
		sys_log("event %d was refused\n", kind);
}

void sys_violation(endpoint_t ep, enum violation kind, uint64_t detail)
{
	struct kviolation v = {.ep = ep, .kind = kind, .detail = detail};

	if (k_sysctl(SYSCTL_VIOLATION, &v, sizeof(v)) != 0)
		sys_log("violation by %d could not be counted\n", ep);
}

void sys_complain(endpoint_t about, enum proto_rule rule, uint32_t unit, uint32_t request,
                  const void *evidence, size_t len)
{
	struct rs_complaint c = {
		.about = about, .rule = (uint16_t)rule, .request = request, .unit = unit};
	struct msg m;

	if (evidence)
		memcpy(c.evidence, evidence, len < sizeof(c.evidence) ? len : sizeof(c.evidence));
	msg_put(&m, RS_COMPLAIN, &c);
	if (sys_asend(EP_RS, &m) != 0)
		sys_log("complaint about %d (rule %d) could not be sent\n", about, rule);
}
