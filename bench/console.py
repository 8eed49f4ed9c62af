# SPDX-License-Identifier: BSD-2-Clause
"""The guest's console: everything it prints is kept; text can be typed and waited for; a terminal can be attached."""
import os
import re
import select
import signal
import sys
import termios
import threading
import time
import tty

ESCAPE = b"\x1d"  # Ctrl-]
PROMPT = b"axolotl# "


class ConsoleTimeout(Exception):
    """What was waited for did not appear."""


class Console:
    """sock: QEMU's serial0. path: a file that gets a copy of the output."""

    def __init__(self, sock, path=None):
        self.sock = sock
        self.output = bytearray()
        self.seen = 0                 # expect() looks at what follows
        self.ended = False
        self.prompt_at = None         # monotonic time of the first prompt
        self.changed = threading.Condition()
        self.mirror = None            # called with each piece while a terminal is attached
        self.file = open(path, "wb") if path else None
        self.thread = threading.Thread(target=self._loop, name="console", daemon=True)
        self.thread.start()

    def _loop(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                data = b""
            with self.changed:
                if data:
                    self.output += data
                    if self.prompt_at is None and PROMPT in self.output[-len(data) - len(PROMPT):]:
                        self.prompt_at = time.monotonic()
                    if self.file:
                        self.file.write(data)
                        self.file.flush()
                    if self.mirror:
                        self.mirror(data)
                else:
                    self.ended = True
                self.changed.notify_all()
            if not data:
                return

    def text(self):
        """Everything so far."""
        with self.changed:
            return self.output.decode("utf-8", "replace").replace("\r\n", "\n")

    def send(self, text):
        """Types text."""
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def expect(self, pattern, timeout=10):
        """Waits for a regular expression in what came after the last match; the match object (of str)."""
        end = time.monotonic() + timeout
        compiled = re.compile(pattern.encode(), re.S)
        with self.changed:
            while True:
                match = compiled.search(self.output, self.seen)
                if match:
                    self.seen = match.end()
                    return match
                left = end - time.monotonic()
                if left <= 0 or self.ended:
                    tail = bytes(self.output[self.seen:][-600:])
                    raise ConsoleTimeout(f"{pattern!r} did not appear on the console in {timeout:g} s; it shows {tail!r}")
                self.changed.wait(left)

    def attach(self, is_alive, on_resize):
        """Connects this process's terminal until Ctrl-] is typed (True) or the machine ends (False).

        on_resize(rows, columns) is called at the start and whenever the terminal's size changes.
        """
        fd = sys.stdin.fileno()
        saved = termios.tcgetattr(fd) if os.isatty(fd) else None
        wake_read, wake_write = os.pipe()
        old_handler = signal.signal(signal.SIGWINCH, lambda *_: os.write(wake_write, b"w"))
        with self.changed:
            sys.stdout.buffer.write(self.output)
            sys.stdout.buffer.flush()
            self.mirror = self._show
        try:
            if saved:
                tty.setraw(fd)
                os.write(wake_write, b"w")
            return self._pump(fd, wake_read, is_alive, on_resize)
        finally:
            self.mirror = None
            if saved:
                termios.tcsetattr(fd, termios.TCSADRAIN, saved)
            signal.signal(signal.SIGWINCH, old_handler)
            os.close(wake_read)
            os.close(wake_write)

    @staticmethod
    def _show(data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def _pump(self, fd, wake_fd, is_alive, on_resize):
        inputs = [fd, wake_fd]
        while is_alive() and not self.ended:
            ready, _, _ = select.select(inputs, [], [], 0.2)
            if wake_fd in ready:
                os.read(wake_fd, 64)
                size = os.get_terminal_size(fd)
                on_resize(size.lines, size.columns)
            if fd in ready:
                data = os.read(fd, 1024)
                if not data:          # end of a script that was piped in
                    inputs.remove(fd)
                elif ESCAPE in data and os.isatty(fd):
                    return True
                else:
                    self.send(data)
        return False

    def close(self):
        try:
            self.sock.shutdown(2)
        except OSError:
            pass
        self.thread.join(5)
        self.sock.close()
        if self.file:
            self.file.close()
