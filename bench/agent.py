# SPDX-License-Identifier: BSD-2-Clause
"""Client of the agent inside the guest (user/axod): runs commands, many at once, and moves small files.

    agent = Agent(socket); agent.wait_ready(30)
    result = agent.run("ls /bin", timeout=10)          result.status, .out, .err (bytes)
    job = agent.start("cat", stdin=b"..."); job.wait(10); job.kill(9)

The serial line carries about half a megabyte a second; larger data travels on a disk or in the boot archive.
A thread per agent moves the bytes. Every wait has a deadline.
"""
import io
import os
import selectors
import shlex
import signal
import struct
import tarfile
import threading
import time

from link import Link, PAYLOAD_MAX

EXEC, STDIN, STDOUT, STDERR, EXIT, KILL, CREDIT, PING, PONG = range(16, 25)
EXEC_MORE, EXEC_NO_STDIN = 1, 2
EXITED, SIGNALLED, NOT_STARTED = 0, 1, 2
STDIN_CREDIT = 16384
OUTPUT_CREDIT = 65536
COMMAND_MAX = 65536


class AgentError(Exception):
    """The agent does not answer, or a command could not be started."""


class AgentTimeout(AgentError):
    """A command did not end in time; job has what it printed so far."""

    def __init__(self, text, job=None):
        super().__init__(text)
        self.job = job


class Result:
    """How a command ended: status is its exit status, or 128 + signal."""

    def __init__(self, command, status, out, err, seconds):
        self.command, self.status, self.out, self.err, self.seconds = command, status, out, err, seconds

    @property
    def text(self):
        """Standard output as text without the last newline."""
        return self.out.decode("utf-8", "replace").rstrip("\n")

    def __repr__(self):
        return f"<{self.command!r}: status {self.status}, out {self.out[-200:]!r}, err {self.err[-200:]!r}>"


class Job:
    """One command in the guest. Output is collected in out and err, or given to on_out(bytes) and on_err(bytes)."""

    def __init__(self, agent, ident, command, on_out=None, on_err=None):
        self.agent, self.ident, self.command = agent, ident, command
        self.out, self.err = bytearray(), bytearray()
        self.on_out = on_out or self.out.extend
        self.on_err = on_err or self.err.extend
        self.kind = self.value = None
        self.lost = None
        self.started = time.monotonic()
        self.seconds = None
        self.input = b""          # bytes or a file object that is not sent yet
        self.input_credit = STDIN_CREDIT
        self.input_open = True
        self.consumed = 0

    @property
    def done(self):
        return self.kind is not None or self.lost is not None

    @property
    def status(self):
        return 128 + self.value if self.kind == SIGNALLED else self.value

    def wait(self, timeout):
        """Waits for the end; a Result. AgentTimeout after `timeout` seconds: the job goes on, kill() ends it."""
        with self.agent.changed:
            if not self.agent.changed.wait_for(lambda: self.done, timeout):
                raise AgentTimeout(f"no end of `{self.command}` in {timeout:g} s; so far it printed "
                                   f"{bytes(self.out[-500:])!r} {bytes(self.err[-500:])!r}", self)
        if self.kind == NOT_STARTED:
            raise AgentError(f"`{self.command}` could not be started: {os.strerror(self.value)}")
        if self.lost:
            raise AgentError(f"`{self.command}`: {self.lost}")
        return Result(self.command, self.status, bytes(self.out), bytes(self.err), self.seconds)

    def kill(self, number=signal.SIGKILL):
        """Sends a signal to the job's process group."""
        self.agent.post(KILL, self.ident, struct.pack("<I", number))


class Agent:
    """The connection. sock: a connected stream socket (QEMU's serial1)."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.setblocking(False)
        self.changed = threading.Condition()
        self.jobs = {}
        self.next_id = 1
        self.ready = False
        self.closed = None
        self.pong = None
        self.outgoing = b""
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        self.link = Link(self._on_frame, self._on_open, self._on_lost)
        self.link.open()
        self.thread = threading.Thread(target=self._loop, name="agent", daemon=True)
        self.thread.start()

    # ---- for callers ----

    def wait_ready(self, timeout, alive=lambda: True):
        """Waits until the agent answers. alive() is asked now and then: False ends the wait early."""
        end = time.monotonic() + timeout
        with self.changed:
            while not self.ready:
                left = end - time.monotonic()
                if self.closed or left <= 0 or not alive():
                    why = self.closed or ("the machine has stopped" if left > 0 else f"no answer in {timeout:g} s")
                    raise AgentError(f"the guest's agent is not there: {why}")
                self.changed.wait(min(left, 0.2))

    def start(self, command, stdin=b"", on_out=None, on_err=None):
        """Starts `sh -c command`. stdin: bytes, or a file object that is read to its end."""
        text = command.encode()
        if len(text) > COMMAND_MAX:
            raise AgentError(f"a command of {len(text)} bytes is too long ({COMMAND_MAX} at most)")
        with self.changed:
            if self.closed:
                raise AgentError(self.closed)
            job = Job(self, self.next_id, command, on_out, on_err)
            self.next_id += 1
            self.jobs[job.ident] = job
            job.input = stdin
            step = PAYLOAD_MAX - 1
            pieces = [text[at:at + step] for at in range(0, len(text), step)] or [b""]
            for piece in pieces[:-1]:
                self.link.send(EXEC, job.ident, bytes([EXEC_MORE]) + piece)
            has_input = not isinstance(stdin, bytes) or stdin
            self.link.send(EXEC, job.ident, bytes([0 if has_input else EXEC_NO_STDIN]) + pieces[-1])
            job.input_open = bool(has_input)
            self._pump_input(job)
        self._wake()
        return job

    def run(self, command, timeout=60, stdin=b"", check=False):
        """Runs a command to its end; with check, a status other than 0 is an AgentError. A job that is late is killed."""
        job = self.start(command, stdin)
        try:
            result = job.wait(timeout)
        except AgentTimeout:
            job.kill()
            raise
        if check and result.status != 0:
            raise AgentError(f"`{command}` ended with status {result.status}: "
                             f"{(result.err or result.out).decode('utf-8', 'replace').strip()}")
        return result

    def ping(self, timeout=5):
        """Seconds for one round trip."""
        start = time.monotonic()
        with self.changed:
            self.pong = None
            self.link.send(PING, 0, b"ping")
        self._wake()
        with self.changed:
            if not self.changed.wait_for(lambda: self.pong is not None, timeout):
                raise AgentError(f"no answer to a ping in {timeout:g} s")
        return time.monotonic() - start

    def put(self, host, guest, timeout=120):
        """Copies a file or a folder of the host to the path `guest` (its name there included)."""
        folder, name = os.path.split(guest.rstrip("/"))
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            tar.add(host, arcname=name)
        stream.seek(0)
        folder = shlex.quote(folder or "/")
        self.run(f"mkdir -p {folder} && tar -x -f - -C {folder}", timeout, stdin=stream, check=True)

    def put_bytes(self, data, guest, timeout=60):
        """Writes data to the file `guest`."""
        self.run(f"cat > {shlex.quote(guest)}", timeout, stdin=io.BytesIO(data), check=True)

    def get(self, guest, host, timeout=120):
        """Copies a file or a folder of the guest to the path `host`."""
        folder, name = os.path.split(guest.rstrip("/"))
        result = self.run(f"tar -c -f - -C {shlex.quote(folder or '/')} {shlex.quote(name)}", timeout, check=True)
        unpack(io.BytesIO(result.out), name, host)

    def pump(self, job):
        """The job's input (a file object whose read() gave None) has more now."""
        with self.changed:
            if job.ident in self.jobs:
                self._pump_input(job)
        self._wake()

    def post(self, kind, ident, payload):
        """Queues a frame about a job that still exists."""
        with self.changed:
            if ident in self.jobs:
                self.link.send(kind, ident, payload)
        self._wake()

    def close(self, why="the connection was closed"):
        """Ends the thread; jobs that wait are told."""
        self._close(why)
        self._wake()
        if threading.current_thread() is not self.thread:
            self.thread.join(5)

    # ---- the thread ----

    def _wake(self):
        try:
            os.write(self.wake_write, b"x")
        except OSError:
            pass

    def _close(self, why):
        with self.changed:
            if self.closed is None:
                self.closed = why
            self.ready = False
            for job in self.jobs.values():
                job.lost = job.lost or why
            self.jobs.clear()
            self.changed.notify_all()

    def _loop(self):
        selector = selectors.DefaultSelector()
        selector.register(self.wake_read, selectors.EVENT_READ)
        selector.register(self.sock, selectors.EVENT_READ)
        try:
            while self.closed is None:
                self._step(selector)
        except (OSError, ValueError) as error:
            self._close(f"the connection to the guest broke: {error}")
        finally:
            selector.close()
            self.sock.close()
            os.close(self.wake_read)

    def _step(self, selector):
        with self.changed:
            if not self.outgoing:
                self.outgoing = self.link.output(time.monotonic())
            deadline = self.link.deadline()
        if self.outgoing:
            try:
                self.outgoing = self.outgoing[self.sock.send(self.outgoing):]
            except BlockingIOError:
                pass
        selector.modify(self.sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.outgoing else 0))
        wait = 1.0 if deadline is None else min(max(deadline - time.monotonic(), 0.001), 1.0)
        for key, events in selector.select(wait):
            if key.fileobj is self.sock and events & selectors.EVENT_READ:
                data = self.sock.recv(65536)
                if not data:
                    self._close("the machine has stopped")
                    return
                with self.changed:
                    self.link.feed(data)
            elif key.fileobj == self.wake_read:
                os.read(self.wake_read, 4096)

    def _on_open(self):
        self.ready = True
        self.changed.notify_all()

    def _on_lost(self):
        for job in self.jobs.values():
            job.lost = "the agent in the guest was restarted"
        self.jobs.clear()
        self.ready = False
        self.link.open()
        self.changed.notify_all()

    def _on_frame(self, kind, ident, payload):
        if kind == PONG:
            self.pong = payload
            self.changed.notify_all()
            return
        job = self.jobs.get(ident)
        if job is None:
            return
        if kind in (STDOUT, STDERR):
            (job.on_out if kind == STDOUT else job.on_err)(payload)
            job.consumed += len(payload)
            if job.consumed >= OUTPUT_CREDIT // 4:
                self.link.send(CREDIT, ident, struct.pack("<I", job.consumed))
                job.consumed = 0
        elif kind == CREDIT:
            job.input_credit += struct.unpack("<I", payload)[0]
            self._pump_input(job)
        elif kind == EXIT:
            job.seconds = time.monotonic() - job.started
            job.kind, job.value = struct.unpack("<II", payload)
            del self.jobs[ident]
            self.changed.notify_all()

    def _pump_input(self, job):
        while job.input_open and job.input_credit > 0:
            size = min(PAYLOAD_MAX, job.input_credit)
            if isinstance(job.input, bytes):
                piece, job.input = job.input[:size], job.input[size:]
            else:
                piece = job.input.read(size)
                if piece is None:     # nothing now; pump() comes back
                    return
            job.input_credit -= len(piece)
            self.link.send(STDIN, job.ident, piece)
            if not piece:
                job.input_open = False


def unpack(stream, name, host):
    """Takes the entry `name` of a tar stream, a file or a folder, to the path `host`. Links and devices stay out."""
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        for member in tar.getmembers():
            inside = os.path.normpath(member.name)
            if inside != name and not inside.startswith(name + "/"):
                continue
            target = host + inside[len(name):]
            if member.isdir():
                os.makedirs(target, exist_ok=True)
            elif member.isfile():
                os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
                with tar.extractfile(member) as source, open(target, "wb") as out:
                    while piece := source.read(1 << 20):
                        out.write(piece)
                os.chmod(target, member.mode & 0o777)
