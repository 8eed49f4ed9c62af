/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log: a text ring, copied to the debug console (port 0xe9, where it answers) and, until
 * tty takes it over, to the first serial port. Formats: %s %c %d %u %x %p, with l, width and 0.
 */
#include <stdarg.h>
#include "proc.h"

#define KLOG_BYTES 65536
#define COM1       0x3f8
#define DEBUG_PORT 0xe9

static char klog[KLOG_BYTES];
static uint64_t klog_end; /* bytes written since boot */
static bool has_console = true, has_debug_port, is_probed;

void console_enable(bool on)
{
	has_console = on;
}

static void serial_put(char c)
{
	unsigned patience = 100000;

	while (!(inb(COM1 + 5) & 0x20) && --patience)
		;
	outb(COM1, (uint8_t)c);
}

void klog_write(const char *text, size_t len)
{
	if (!is_probed) {
		is_probed = true;
		has_debug_port = inb(DEBUG_PORT) == DEBUG_PORT;
	}
	for (size_t i = 0; i < len; i++) {
		klog[klog_end++ % KLOG_BYTES] = text[i];
		if (has_debug_port)
			outb(DEBUG_PORT, (uint8_t)text[i]);
		if (has_console && text[i] == '\n')
			serial_put('\r');
		if (has_console)
			serial_put(text[i]);
	}
}

size_t klog_read(uint64_t offset, char *buf, size_t len)
{
	size_t n = 0;

	if (klog_end > KLOG_BYTES && offset < klog_end - KLOG_BYTES)
		offset = klog_end - KLOG_BYTES;
	while (n < len && offset + n < klog_end) {
		buf[n] = klog[(offset + n) % KLOG_BYTES];
		n++;
	}
	return n;
}

struct text {
	char buf[256];
	size_t len;
};

static void put(struct text *t, char c)
{
	if (t->len < sizeof(t->buf))
		t->buf[t->len++] = c;
}

static void put_number(struct text *t, uint64_t v, unsigned base, unsigned width, char pad)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (unsigned i = n; i < width; i++)
		put(t, pad);
	while (n)
		put(t, digits[--n]);
}

struct spec {
	char conversion, pad;
	unsigned width;
	bool is_long;
};

static const char *parse_spec(const char *f, struct spec *s)
{
	*s = (struct spec){.pad = ' '};
	if (*f == '0')
		s->pad = *f++;
	while (*f >= '0' && *f <= '9')
		s->width = s->width * 10 + (unsigned)(*f++ - '0');
	while (*f == 'l' || *f == 'z') {
		s->is_long = true;
		f++;
	}
	s->conversion = *f;
	return *f ? f + 1 : f;
}

static void put_spec(struct text *t, const struct spec *s, va_list *ap)
{
	const char *str;
	int64_t v;

	switch (s->conversion) {
	case 's':
		for (str = va_arg(*ap, const char *); *str; str++)
			put(t, *str);
		break;
	case 'c': put(t, (char)va_arg(*ap, int)); break;
	case 'd':
		v = s->is_long ? va_arg(*ap, long) : va_arg(*ap, int);
		if (v < 0)
			put(t, '-');
		put_number(t, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, s->width, s->pad);
		break;
	case 'p':
	case 'x':
	case 'u':
		put_number(t,
		           s->is_long || s->conversion == 'p' ? va_arg(*ap, unsigned long)
		                                              : va_arg(*ap, unsigned),
		           s->conversion == 'u' ? 10 : 16, s->width, s->pad);
		break;
	default: put(t, s->conversion);
	}
}

static void format(struct text *t, const char *f, va_list *ap)
{
	struct spec s;

	while (*f) {
		if (*f != '%') {
			put(t, *f++);
			continue;
		}
		f = parse_spec(f + 1, &s);
		put_spec(t, &s, ap);
	}
}

static void vprint(const char *fmt, va_list *ap)
{
	struct text t = {.len = 0};

	format(&t, fmt, ap);
	klog_write(t.buf, t.len);
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, &ap);
	va_end(ap);
}

static void print_processes(void)
{
	for (unsigned i = 1; i < NR_PROCS; i++) {
		const struct proc *p = &procs[i];

		if (!(p->rts & KRTS_FREE))
			kprintf("%5d %s rts %x flags %x sendto %d getfrom %d rip %p rax %lx call "
			        "%ld\n",
			        p->ep, p->name, p->rts, p->flags, p->sendto, p->getfrom,
			        (void *)p->regs.rip, p->regs.rax, (long)p->orig_rax);
	}
}

/* The machine stops here: what is printed is all that is left. */
void panic(const char *fmt, ...)
{
	static bool is_panicking;
	struct proc *p = this_cpu()->current;
	va_list ap;

	if (is_panicking)
		cpu_halt();
	is_panicking = true;
	has_console = true;
	kprintf("\nkernel panic: ");
	va_start(ap, fmt);
	vprint(fmt, &ap);
	va_end(ap);
	if (p)
		kprintf("\nin %s (ep %d), rip %p rsp %p rax %p rdi %p vector %lu error %lx\n",
		        p->name, p->ep, (void *)p->regs.rip, (void *)p->regs.rsp,
		        (void *)p->regs.rax, (void *)p->regs.rdi, p->regs.vector, p->regs.error);
	else
		kprintf("\n");
	print_processes();
	cpu_halt();
}
