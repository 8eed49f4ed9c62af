# SPDX-License-Identifier: BSD-2-Clause
"""axo run: a shell on the terminal, or one command with its status and output."""
import json
import os
import shlex
import sys
import threading
import time

from agent import AgentError, AgentTimeout
from machine import MachineError
from session import DiskSpec, Session, SessionOptions, UsageError, machine_options, parse_pair, say

STATUS_TIMEOUT = 124
STATUS_NO_MACHINE = 3
ALL_OUTPUT = 1 << 16


def options_of(args):
    """SessionOptions from the parsed arguments."""
    return SessionOptions(
        storage=args.storage, disks=[DiskSpec.parse(text) for text in args.disk], root=args.root,
        put=[parse_pair("--put", text, "HOST:GUEST") for text in args.put],
        get=[parse_pair("--get", text, "GUEST:HOST") for text in args.get], console=args.console,
        mount=not args.no_mount, format=args.format, iso=args.iso,
        quiet=bool(args.command) or not sys.stdin.isatty(), **machine_options(args))


def command_text(words):
    """One word is shell text; several are the words of a command."""
    return words[0] if len(words) == 1 else shlex.join(words)


class Feed:
    """Standard input for a job: a thread reads it, the agent's thread takes what is there."""

    def __init__(self, agent):
        self.agent, self.job = agent, None
        self.pieces, self.ended = bytearray(), False

    def start(self, job):
        self.job = job
        threading.Thread(target=self._loop, name="stdin", daemon=True).start()

    def _loop(self):
        while not self.ended:
            try:
                data = os.read(sys.stdin.fileno(), 16384)
            except OSError:
                data = b""
            with self.agent.changed:
                self.pieces += data
                self.ended = not data
            self.agent.pump(self.job)

    def read(self, size):
        """At most size bytes; b"" at the end; None: nothing now."""
        if not self.pieces:
            return b"" if self.ended else None
        piece = bytes(self.pieces[:size])
        del self.pieces[:size]
        return piece


def write_out(stream):
    def write(data):
        try:
            stream.buffer.write(data)
            stream.buffer.flush()
        except BrokenPipeError:
            pass
    return write


def run_command(machine, text, timeout):
    """The command's status; its streams are ours."""
    agent = machine.agent
    feed = None if sys.stdin is None or sys.stdin.isatty() else Feed(agent)
    job = agent.start(text, stdin=feed or b"", on_out=write_out(sys.stdout), on_err=write_out(sys.stderr))
    if feed:
        feed.start(job)
    try:
        return job.wait(timeout).status
    except AgentTimeout:
        job.kill()
        say(f"`{text}` did not end in {timeout} s and was killed; --timeout gives it longer")
        return STATUS_TIMEOUT


def run_shell(machine):
    """The terminal, until Ctrl-] or until the machine is switched off."""
    say("Ctrl-] ends the machine; so does `poweroff`")

    def resize(rows, columns):
        if machine.agent.ready:
            machine.agent.start(f"stty -F /dev/console rows {rows} cols {columns} 2>/dev/null")

    if machine.console.attach(machine.is_alive, resize):
        print("", file=sys.stderr)
        say("ended")
    return 0


def main(args):
    with Session(options_of(args)) as session:
        started = time.monotonic()
        machine = session.boot()
        say(f"up in {machine.boot_s:.2f} s")
        if session.mount_point:
            say(f"{args.storage} is mounted on {session.mount_point}")
        if args.command or not sys.stdin.isatty():
            text = command_text(args.command) if args.command else "sh -s"
            status = run_command(machine, text, args.timeout)
        else:
            text, status = None, run_shell(machine)
        if machine.is_alive():
            session.fetch()
            machine.shutdown()
        if args.json:
            record = {"command": text, "status": status, "boot_s": session.timings["boot_s"],
                      "seconds": time.monotonic() - started, "qemu": machine.command}
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=1)
    return status


def guarded(function, args):
    """Runs a verb; what goes wrong becomes a message and an exit status."""
    try:
        return function(args)
    except UsageError as error:
        say(str(error))
        return 2
    except (MachineError, AgentError) as error:
        say(str(error))
        return STATUS_NO_MACHINE
    except KeyboardInterrupt:
        say("interrupted; the machine is ended")
        return 130
