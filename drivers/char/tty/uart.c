/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines on 16550 UARTs: COM1 and COM2. Interrupt-driven both ways; no state but the chip's.
 *
 * Input is never dropped here: while the line's ring has no room, the receive interrupt is off, the
 * chip's FIFO fills, and the other side is held back. A restart must not lose what the FIFO holds,
 * so it is not cleared. A byte is only read when LSR said (in the same call or before) that it is
 * there. The lines are edge-triggered: after the acknowledgement the chip is looked at once more.
 */
#include <string.h>

#include "tty.h"
#include "uart_hw.h"

#define UARTS 2

struct uart {
	uint16_t port;
	uint8_t irq; /* also the hook */
	struct line *line;
	uint8_t ier;
};

static struct uart uarts[UARTS] = {{.port = 0x3f8, .irq = 4}, {.port = 0x2f8, .irq = 3}};

static struct vdevio rd(const struct uart *u, unsigned reg)
{
	return (struct vdevio){.port = (uint16_t)(u->port + reg), .width = 1};
}

static struct vdevio wr(const struct uart *u, unsigned reg, uint8_t value)
{
	return (struct vdevio){
		.port = (uint16_t)(u->port + reg), .width = 1, .is_write = 1, .value = value};
}

static void do_io(struct vdevio *vec, unsigned count)
{
	int err = k_vdevio(vec, count);

	if (err < 0)
		sys_panic("tty: port access refused: %d", err);
}

static void set_ier(struct uart *u, uint8_t ier)
{
	struct vdevio io = wr(u, UART_IER, ier);

	if (ier == u->ier)
		return;
	u->ier = ier;
	do_io(&io, 1);
}

/* ---- transmit ---- */

static struct uart *uart_of(const struct line *l)
{
	return l->minor == MINOR_TTYS0 ? &uarts[0] : &uarts[1];
}

static bool is_tx_ready(struct uart *u)
{
	struct vdevio io = rd(u, UART_LSR);

	do_io(&io, 1);
	return io.value & LSR_THRE;
}

/* One FIFO load at a time, as long as the chip is empty again; else its interrupt continues. */
static void start_output(struct line *l)
{
	struct uart *u = uart_of(l);
	struct vdevio io[FIFO_BYTES + 1];
	const uint8_t *bytes;
	size_t n = line_output(l, &bytes);
	bool is_ready = n > 0 && is_tx_ready(u);

	while (n > 0 && is_ready) {
		unsigned count = n < FIFO_BYTES ? (unsigned)n : FIFO_BYTES;

		for (unsigned i = 0; i < count; i++)
			io[i] = wr(u, UART_DATA, bytes[i]);
		io[count] = rd(u, UART_LSR);
		do_io(io, count + 1);
		line_sent(l, count);
		is_ready = io[count].value & LSR_THRE;
		n = line_output(l, &bytes);
	}
	set_ier(u, n > 0 ? u->ier | IER_TX : u->ier & (uint8_t)~IER_TX);
}

/* ---- receive ---- */

/* Reads `count` bytes that are known to be there; *lsr and *iir are those after them. */
static void read_bytes(struct uart *u, unsigned count, uint8_t *lsr, uint8_t *iir)
{
	struct vdevio io[FIFO_LEVEL + 2];
	uint8_t bytes[FIFO_LEVEL];

	for (unsigned i = 0; i < count; i++)
		io[i] = rd(u, UART_DATA);
	io[count] = rd(u, UART_LSR);
	io[count + 1] = rd(u, UART_IIR);
	do_io(io, count + 2);
	for (unsigned i = 0; i < count; i++)
		bytes[i] = (uint8_t)io[i].value;
	line_received(u->line, bytes, count);
	*lsr = (uint8_t)io[count].value;
	*iir = (uint8_t)io[count + 1].value;
}

/* Serves all causes; returns when the chip has none, or input has no room. */
static void serve(struct uart *u)
{
	struct vdevio io[2] = {rd(u, UART_LSR), rd(u, UART_IIR)};
	uint8_t lsr, iir;

	do_io(io, 2);
	lsr = (uint8_t)io[0].value;
	iir = (uint8_t)io[1].value;
	while (lsr & LSR_DR) {
		if (ldisc_room(&u->line->ldisc) < FIFO_BYTES) {
			set_ier(u, u->ier & (uint8_t)~IER_RX);
			break;
		}
		read_bytes(u, (iir & IIR_ID) == IIR_LEVEL ? FIFO_LEVEL : 1, &lsr, &iir);
	}
	line_work(u->line);
	if (u->ier &
	    IER_TX) /* goes on, or finds that nothing is left and turns the interrupt off */
		start_output(u->line);
}

static void input_room(struct line *l)
{
	struct uart *u = uart_of(l);

	if (!(u->ier & IER_RX) && ldisc_room(&l->ldisc) >= LDISC_INPUT_BYTES / 4)
		set_ier(u, u->ier | IER_RX); /* raises the interrupt if bytes wait */
}

static bool is_pending(struct uart *u)
{
	struct vdevio io = rd(u, UART_IIR);

	do_io(&io, 1);
	return !(io.value & IIR_NONE);
}

void uart_interrupt(uint64_t hooks)
{
	for (unsigned i = 0; i < UARTS; i++) {
		struct uart *u = &uarts[i];
		struct kirqctl ack = {.hook = u->irq};

		if (u->line == NULL || !(hooks & 1ull << u->irq))
			continue;
		serve(u);
		if (k_irqctl(IRQCTL_ACK, &ack) < 0)
			sys_panic("tty: interrupt %u cannot be acknowledged", u->irq);
		while (is_pending(u)) /* ends: serving removes the cause, or masks it */
			serve(u);
	}
}

/* ---- start ---- */

static bool is_present(const struct uart *u)
{
	struct vdevio io[4] = {wr(u, UART_SCR, 0x5a), rd(u, UART_SCR), wr(u, UART_SCR, 0xa5),
	                       rd(u, UART_SCR)};

	return k_vdevio(io, 4) >= 0 && io[1].value == 0x5a && io[3].value == 0xa5;
}

bool uart_init(struct line *l, unsigned index)
{
	static const struct line_device device = {.start_output = start_output,
	                                          .input_room = input_room,
	                                          .settings_changed = settings_save};
	struct uart *u = &uarts[index];
	struct kirqctl irq = {.line = u->irq, .hook = u->irq};
	struct vdevio io[] = {wr(u, UART_LCR, LCR_DLAB),
	                      wr(u, UART_DATA, 1),
	                      wr(u, UART_IER, 0),
	                      wr(u, UART_LCR, LCR_8N1),
	                      wr(u, UART_IIR, FCR_ENABLE | FCR_LEVEL_14),
	                      wr(u, UART_MCR, MCR_DTR | MCR_RTS | MCR_OUT2)};

	if (!is_present(u))
		return false;
	if (k_irqctl(IRQCTL_SET, &irq) < 0) {
		sys_log("tty: no interrupt for %s\n", tty_names[l->minor]);
		return false;
	}
	do_io(io, sizeof(io) / sizeof(io[0]));
	u->line = l;
	l->device = &device;
	u->ier = 0;
	set_ier(u, IER_RX);
	serve(u); /* what came before us */
	return true;
}
