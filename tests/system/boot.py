# SPDX-License-Identifier: BSD-2-Clause
"""From power on to the prompt, by both ways of booting, and off again."""
import os
import time

from machine import ROOT

OPTIONS = {}
PROMPT_LIMIT_S = 2.0


def prompt_seconds(boot):
    guest = boot()
    guest.console.seen = 0
    guest.console.expect("axolotl# ", 30)
    seconds = guest.machine.prompt_s
    guest.close()
    return seconds


def test_prompt_in_two_seconds(boot):
    """The best of three, because others use this machine too."""
    times = []
    while len(times) < 3 and min(times, default=99) > PROMPT_LIMIT_S:
        times.append(prompt_seconds(boot))
    print(f"      prompt after {min(times):.2f} s", flush=True)
    assert min(times) <= PROMPT_LIMIT_S, f"prompt after {times} s"


def test_nothing_panics(guest):
    text = guest.machine.kernel_log().lower() + guest.console.text().lower()
    assert "panic" not in text, text[-2000:]


def test_agent_answers_quickly(guest):
    best = min(guest.agent.ping() for _ in range(5))
    assert best < 0.25, f"a round trip takes {best:.3f} s"


def test_poweroff_ends_the_machine(boot):
    guest = boot()
    guest.agent.start("poweroff")
    assert guest.machine.wait_end(20), "the machine still runs"


def test_iso_boots_through_grub(boot):
    assert os.path.exists(os.path.join(ROOT, "build/axolotl.iso")), "there is no ISO; run `make`"
    guest = boot(iso=True)
    guest.check("uname -s", "Linux")


test_iso_boots_through_grub.timeout = 120


def screen(guest):
    """Text of the VGA screen."""
    path = guest.session.path("vga")
    guest.machine.qmp("pmemsave", val=0xb8000, size=80 * 25 * 2, filename=path)
    with open(path, "rb") as file:
        cells = file.read()[::2]
    rows = (cells[at:at + 80] for at in range(0, len(cells), 80))
    return "\n".join(row.decode("latin-1").rstrip() for row in rows)


def wait_screen(guest, wanted, timeout=10):
    end = time.monotonic() + timeout
    while wanted not in screen(guest):
        assert time.monotonic() < end, f"{wanted!r} is not on the screen:\n{screen(guest)}"
        time.sleep(0.1)


def press(guest, key):
    """A key of QEMU's names, with modifiers: shift-f2."""
    guest.machine.qmp("send-key", keys=[{"type": "qcode", "data": part} for part in key.split("-")])
    time.sleep(0.15)


def test_screen_and_keyboard(guest):
    """Typed keys reach the shell on the VGA console, and its answer the screen."""
    wait_screen(guest, "axolotl#")
    for key in ["e", "c", "h", "o", "spc", "shift-4", "shift-9", "shift-9", "6", "shift-8", "7", "shift-0", "shift-0", "ret"]:
        press(guest, key)
    wait_screen(guest, "\n42")


# What the end of each table shows: longer ones scroll.
TABLES = {"f1": "F10 kernel log", "f2": "axod", "f3": "running", "f4": "publish", "f5": "--- violations", "f6": "anonymous", "f7": "blk.ram0",
          "f8": "--- PCI devices", "f9": "--- interrupts", "f10": "vm: "}


def test_debug_keys_show_tables(guest):
    """Shift+F1 to F10: dumps of the information server; also when it was killed and is back."""
    wait_screen(guest, "axolotl#")
    for key, wanted in TABLES.items():
        guest.sh("printf '\\033[2J' > /dev/tty0")
        press(guest, f"shift-{key}")
        wait_screen(guest, wanted)
    guest.sh("kill -9 $(pidof is)")
    guest.until("service list | grep '^is ' | grep -q running", 5)
    guest.sh("printf '\\033[2J' > /dev/tty0")
    press(guest, "shift-f1")
    wait_screen(guest, "F10 kernel log")
