/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line on the VGA text screen and the PS/2 keyboard: tty0. The screen is kept in memory and the
 * rows that changed are copied to the adapter once before each wait. Scan codes come translated
 * (set 1). After a restart the screen is empty; programs redraw on their own terms.
 */
#include <string.h>

#include "keymap.h"
#include "screen.h"
#include "tty.h"

#define VGA_TEXT_PA   0xb8000u
#define CRTC_INDEX    0x3d4
#define CRTC_DATA     0x3d5
#define CRTC_START    0x0a /* cursor start; bit 5 hides it */
#define CRTC_HIDE     0x20
#define CRTC_LOC_HIGH 0x0e
#define CRTC_LOC_LOW  0x0f
#define CURSOR_SHAPE  13

#define KBD_DATA    0x60
#define KBD_STATUS  0x64
#define KBD_IRQ     1 /* also the hook */
#define STATUS_FULL 0x01
#define STATUS_BUSY 0x02
#define CMD_ENABLE  0xae
#define CODES_MAX   64 /* scan codes taken in one go */
#define KBD_WAIT_US 2000

static struct screen screen;
static struct keymap keymap;
static struct line *line;
static volatile uint64_t *vga;
static unsigned shown_at;
static bool shown_hidden;

static struct vdevio rd(uint16_t port)
{
	return (struct vdevio){.port = port, .width = 1};
}

static struct vdevio wr(uint16_t port, uint8_t value)
{
	return (struct vdevio){.port = port, .width = 1, .is_write = 1, .value = value};
}

/* ---- screen ---- */

static void start_output(struct line *l)
{
	const uint8_t *bytes;
	size_t n;

	while ((n = line_output(l, &bytes)) > 0) {
		screen_write(&screen, bytes, n);
		line_sent(l, n);
	}
}

static void input_room(struct line *l)
{
	(void)l; /* keys that find no room are lost, as everywhere */
}

static void show_cursor(void)
{
	unsigned at = screen.cur.row * SCREEN_COLS + screen.cur.col;
	struct vdevio io[] = {
		wr(CRTC_INDEX, CRTC_LOC_HIGH),
		wr(CRTC_DATA, (uint8_t)(at >> 8)),
		wr(CRTC_INDEX, CRTC_LOC_LOW),
		wr(CRTC_DATA, (uint8_t)at),
		wr(CRTC_INDEX, CRTC_START),
		wr(CRTC_DATA, CURSOR_SHAPE | (screen.is_cursor_hidden ? CRTC_HIDE : 0)),
	};

	if (at == shown_at && screen.is_cursor_hidden == shown_hidden)
		return;
	shown_at = at;
	shown_hidden = screen.is_cursor_hidden;
	if (k_vdevio(io, sizeof(io) / sizeof(io[0])) < 0)
		sys_log("tty: the cursor cannot be moved\n");
}

void console_idle(void)
{
	const unsigned words = SCREEN_COLS * sizeof(uint16_t) / sizeof(uint64_t);

	if (vga == NULL)
		return;
	for (unsigned row = 0; row < SCREEN_ROWS; row++) {
		uint64_t cells[SCREEN_COLS * sizeof(uint16_t) / sizeof(uint64_t)];

		if (!(screen.dirty & 1u << row))
			continue;
		memcpy(cells, screen.cells[row], sizeof(cells));
		for (unsigned i = 0; i < words; i++)
			vga[row * words + i] = cells[i];
	}
	screen.dirty = 0;
	show_cursor();
}

static void answer(void *ctx, const char *bytes, size_t len)
{
	line_received(ctx, (const uint8_t *)bytes, len);
}

/* ---- keyboard ---- */

static bool read_code(uint8_t *code)
{
	struct vdevio io = rd(KBD_STATUS);

	if (k_vdevio(&io, 1) < 0 || !(io.value & STATUS_FULL))
		return false;
	io = rd(KBD_DATA);
	if (k_vdevio(&io, 1) < 0)
		return false;
	*code = (uint8_t)io.value;
	return true;
}

static void serve_keyboard(void)
{
	char typed[KEY_BYTES_MAX];
	uint8_t code;

	for (unsigned i = 0; i < CODES_MAX && read_code(&code); i++) {
		unsigned dump = keymap_dump_key(&keymap, code);
		size_t n = keymap_input(&keymap, code, screen.is_application_keys, typed);

		if (dump != 0) {
			dumpkey_pressed(line, dump);
			continue;
		}
		line_received(line, (const uint8_t *)typed, n);
	}
	line_work(line);
}

void console_interrupt(uint64_t hooks)
{
	struct kirqctl ack = {.hook = KBD_IRQ};

	if (line == NULL || !(hooks & 1ull << KBD_IRQ))
		return;
	serve_keyboard();
	if (k_irqctl(IRQCTL_ACK, &ack) < 0)
		sys_panic("tty: the keyboard's interrupt cannot be acknowledged");
	serve_keyboard(); /* edge-triggered: what came in between */
}

/* The controller's command byte stays the firmware's: interrupt on, translation on. */
static bool init_keyboard(void)
{
	struct kirqctl irq = {.line = KBD_IRQ, .hook = KBD_IRQ};
	uint64_t deadline = now_ns() + KBD_WAIT_US * 1000ull;
	struct vdevio io;

	do {
		io = rd(KBD_STATUS);
		if (k_vdevio(&io, 1) < 0 || io.value == 0xff)
			return false; /* not allowed, or no controller */
	} while ((io.value & STATUS_BUSY) && now_ns() < deadline);
	io = wr(KBD_STATUS, CMD_ENABLE);
	return k_vdevio(&io, 1) >= 0 && k_irqctl(IRQCTL_SET, &irq) >= 0;
}

bool console_init(struct line *l)
{
	static const struct line_device device = {.start_output = start_output,
	                                          .input_room = input_room,
	                                          .settings_changed = settings_save};

	vga = vm_map_phys(VGA_TEXT_PA, PAGE_BYTES, VMP_READ | VMP_WRITE | VMP_UC);
	if (vga == NULL)
		return false;
	line = l;
	screen.answer = answer;
	screen.ctx = l;
	screen_init(&screen);
	l->device = &device;
	l->size = (struct winsize){.ws_row = SCREEN_ROWS, .ws_col = SCREEN_COLS};
	if (init_keyboard())
		serve_keyboard();
	else
		sys_log("tty: there is no PS/2 keyboard\n");
	return true;
}
