# SPDX-License-Identifier: BSD-2-Clause
"""Terminals: settings and sessions over deaths of tty, the line discipline's ioctls, VGA console beside the serial one."""
import hashlib

OPTIONS = {}


def test_settings_survive_a_restart(guest):
    """termios and window size are the only state that tty keeps (in ds)."""
    guest.sh("stty -F /dev/tty0 rows 33 cols 99 -echo -icanon intr ^B")
    guest.sh("service refresh tty")
    guest.check("stty -F /dev/tty0 size", "33 99")
    settings = guest.sh("stty -F /dev/tty0 -a")
    assert "intr = ^B" in settings and "-echo " in settings and "-icanon" in settings, settings
    guest.sh("stty -F /dev/tty0 sane rows 25 cols 80")


def test_agent_and_console_survive_kills(guest):
    """The agent talks through the driver that dies under it, and what it brings is what was sent."""
    text = "".join(f"{i:06d}\n" for i in range(1000)).encode()
    for _ in range(5):
        guest.sh("kill -9 $(service list | awk '$1 == \"tty\" { print $3 }')")
        guest.agent.run("cat > /tmp/numbers", 20, text)
        guest.check("sha1sum < /tmp/numbers | cut -c1-40", hashlib.sha1(text).hexdigest())
    guest.fresh_prompt()
    assert guest.type_line("echo here").strip() == "here"


def test_nonblocking_and_timed_reads_end(guest):
    """VMIN 0 and VTIME 3: a read without input takes about 0.3 s and returns nothing."""
    guest.sh("stty -F /dev/tty0 -icanon min 0 time 3")
    guest.check("dd if=/dev/tty0 bs=1 count=1 2>/dev/null | wc -c", "0", 10)
    guest.sh("stty -F /dev/tty0 sane")


def test_writes_to_the_screen_are_taken(guest):
    """64 KiB of text with escapes: the screen is fast, and a stopped line does not hang its writer for ever."""
    guest.sh("for i in $(seq 500); do printf '\\033[31mline %d\\033[0m of some text on the screen\\n' $i; done > /dev/tty0", 20)
