# SPDX-License-Identifier: BSD-2-Clause
"""What scenarios use: a booted machine with short words for running commands and checking what they say."""
import os
import random
import re
import time

from machine import MachineError
from network import NotPermittedError
from session import DiskSpec, Session, SessionOptions


# The shell asks a terminal of unknown size for its cursor.
PROMPT = r"axolotl# (?:\x1b\[6n)?$"


class Skipped(Exception):
    """This computer cannot do what a test needs, for the reason of the text. Tests raise it before they check anything."""


def add_random_disk(session, name, seed, size_bytes):
    """For a scenario's "prepare": a disk of random bytes, the same for the same seed."""
    path = session.path(f"{name}.img")
    with open(path, "wb") as file:
        file.write(random.Random(seed).randbytes(size_bytes))
    session.options.disks.append(DiskSpec(name, None, path))


class Guest:
    """Guest(storage="mirror(sata0,sata1)", disks=["sata0:64M", ...]): options of SessionOptions, disks also as text."""

    def __init__(self, **options):
        options["disks"] = [DiskSpec.parse(disk) if isinstance(disk, str) else disk for disk in options.get("disks", [])]
        options.setdefault("build", False)
        prepare = options.pop("prepare", None)
        self.session = Session(SessionOptions(**options))
        self.machine = None
        self.tokens = 0
        try:
            if prepare:
                prepare(self.session)
            self.machine = self.session.boot()
        except BaseException as error:
            self.machine = self.session.machine
            self.session.close()
            if isinstance(error, MachineError) and isinstance(error.__cause__, NotPermittedError):
                raise Skipped(str(error)) from error
            raise
        self.agent, self.console = self.machine.agent, self.machine.console

    def close(self):
        self.session.close()

    def keep(self, prefix):
        """Copies console and kernel log to files."""
        os.makedirs(os.path.dirname(prefix), exist_ok=True)
        for suffix, text in (("console", self.machine.console.text() if self.machine.console else ""),
                             ("kernel", self.machine.kernel_log())):
            with open(f"{prefix}.{suffix}.log", "w", encoding="utf-8") as file:
                file.write(text)

    def run(self, command, timeout=30, stdin=b""):
        """The Result of a command, whatever its status."""
        return self.agent.run(command, timeout, stdin)

    def sh(self, command, timeout=30, status=0):
        """The output of a command that must end with `status`."""
        result = self.run(command, timeout)
        assert result.status == status, f"`{command}` ended with status {result.status}, not {status}: " \
            f"{result.out[-300:]!r} {result.err[-300:]!r}"
        return result.text

    def check(self, command, expected, timeout=30):
        """The output (without the last newline) must be exactly this."""
        found = self.sh(command, timeout)
        assert found == expected, f"`{command}` printed {found!r}, not {expected!r}"

    def until(self, command, timeout=10, what=None):
        """Repeats a command until it succeeds."""
        end = time.monotonic() + timeout
        while True:
            result = self.run(command)
            if result.status == 0:
                return result.text
            assert time.monotonic() < end, f"{what or command}: not within {timeout} s: {result.out!r} {result.err!r}"
            time.sleep(0.05)

    def services(self):
        """Rows of `service list` as dicts by column name, keyed by label."""
        lines = self.sh("service list").split("\n")
        columns = lines[0].split()
        rows = (dict(zip(columns, line.split(None, len(columns) - 1))) for line in lines[1:] if line.strip())
        return {row["LABEL"]: row for row in rows}

    def pid_of(self, label):
        return int(self.services()[label]["PID"])

    def fresh_prompt(self):
        """A prompt on the console, with nothing behind it."""
        self.run("stty -F /dev/console rows 24 cols 80 2>/dev/null")
        self.tokens += 1
        token = f":{self.tokens}:"
        self.console.send(f"\necho {token}\n")
        self.console.expect(rf"\n{token}\r?\n.*?" + PROMPT, 10)

    def type_line(self, line, timeout=10, echo=None):
        """Types a command on the console; what it prints between the echo of the command and the next prompt."""
        self.console.send(line + "\n")
        pattern = re.escape(line if echo is None else echo) + r"\r?\n(.*?)" + PROMPT
        match = self.console.expect(pattern, timeout)
        return match[1].decode("utf-8", "replace").replace("\r", "")
