# SPDX-License-Identifier: BSD-2-Clause
"""The host's side of tests/guest/netpuppet: its commands, the bytes of its streams, servers for it; kills at chosen moments.

    with Puppet(guest) as puppet:                    one connection of the guest
        puppet.do("connect", HOST, port)             waits for the answer
        puppet.begin("send", 4096, 1)                does not
        puppet.answer()
"""
import asyncio
import contextlib
import hashlib
import re
import socket
import struct
import threading
import time

from wire import Wire, without_vnet

HOST = "10.0.2.2"
BLOCK, TILE, HEAD = 4096, 65536, 8
TILE_SEED, SEED_STRIDE, STRIDE = 0x61786f6c6f746c, 40503, 4099
ANSWER_SEED = 1000000
DIED_S = 10
DUMP_BYTES_MAX = 1 << 17     # of a frame


def make_tile():
    """splitmix64, as pattern.c has it."""
    words, state, mask = [], TILE_SEED, (1 << 64) - 1
    for _ in range(TILE // 8):
        state = (state + 0x9e3779b97f4a7c15) & mask
        z = ((state ^ (state >> 30)) * 0xbf58476d1ce4e5b9) & mask
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & mask
        words.append(z ^ (z >> 31))
    data = struct.pack(f"<{len(words)}Q", *words)
    return data + data[:BLOCK]


RANDOM = make_tile()


def blocks(seed, first, count):
    """Blocks of the stream of a seed."""
    parts = []
    for number in range(first, first + count):
        start = (seed * SEED_STRIDE + number * STRIDE) % (1 << 32) % TILE
        parts += [struct.pack("<II", seed, number), RANDOM[start:start + BLOCK - HEAD]]
    return b"".join(parts)


def pattern(seed, size):
    return blocks(seed, 0, size // BLOCK + 1)[:size]


def sum_of(seed, size):
    """What the guest says of having sent or received this."""
    return f"{size} {hashlib.sha1(pattern(seed, size)).hexdigest()}"


class Lines:
    """Standard input of a job, line by line as they come."""

    def __init__(self):
        self.data, self.is_ended, self.lock = b"", False, threading.Lock()

    def add(self, text):
        with self.lock:
            self.data += text

    def read(self, size):
        with self.lock:
            piece, self.data = self.data[:size], self.data[size:]
            return piece or (b"" if self.is_ended else None)


class Puppet:
    """A netpuppet in the guest."""

    def __init__(self, guest):
        self.lines, self.answers, self.text = Lines(), [], b""
        self.changed = threading.Condition()
        self.agent = guest.agent
        self.job = guest.agent.start("exec /tests/netpuppet", stdin=self.lines, on_out=self._take)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.is_ended = True
        self.job.kill()

    def _take(self, data):
        with self.changed:
            *lines, self.text = (self.text + data).split(b"\n")
            self.answers += lines
            self.changed.notify_all()

    def begin(self, *words):
        self.lines.add((" ".join(str(word) for word in words) + "\n").encode())
        self.agent.pump(self.job)

    def answer(self, timeout=30):
        """What comes after "ok"."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.answers or self.job.done, timeout), f"no answer in {timeout} s"
            assert self.answers, f"netpuppet ended: {bytes(self.job.err)!r}"
            line = self.answers.pop(0).decode()
        assert line.startswith("ok"), line
        return line[3:]

    def do(self, *words, timeout=30):
        self.begin(*words)
        return self.answer(timeout)

    def receives(self, data, timeout=30):
        """The next bytes of the stream are these."""
        assert self.do("receive", len(data), timeout=timeout) == f"{len(data)} {hashlib.sha1(data).hexdigest()}"


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener_at(network, host=HOST):
    """A listening socket of the host; the guest finds it at `host`."""
    listener = network.socket(family_of(host))
    try:
        listener.bind((host if network.backend == "tap" else network.host_address, 0))
        listener.listen(512)
        return listener
    except OSError:
        listener.close()
        raise


@contextlib.contextmanager
def listening(network, host=HOST):
    """listener_at() with time limits, while the block runs."""
    with contextlib.closing(listener_at(network, host)) as listener:
        listener.settimeout(30)
        yield listener


def port_of(listener):
    return listener.getsockname()[1]


def take_all(connection, size=None):
    """Bytes of a connection: so many, or to the end of the stream."""
    data = bytearray()
    while size is None or len(data) < size:
        piece = connection.recv(65536 if size is None else size - len(data))
        if not piece:
            assert size is None, f"the stream ended after {len(data)} of {size} bytes"
            break
        data += piece
    return bytes(data)


@contextlib.contextmanager
def answering():
    """A datagram socket of the host that sends everything back in reverse; yields its port."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.2)
        has_ended = threading.Event()

        def loop():
            while not has_ended.is_set():
                with contextlib.suppress(TimeoutError):
                    data, sender = sock.recvfrom(65536)
                    sock.sendto(data[::-1], sender)
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            has_ended.set()
            thread.join()


class Source(threading.Thread):
    """Sends the stream of a seed on a connection until end(), then ends this half; counts and sums what it has sent."""

    def __init__(self, connection, seed):
        super().__init__(daemon=True)
        self.connection, self.seed, self.bytes, self.sum = connection, seed, 0, hashlib.sha1()
        self.is_ended, self.error = False, None
        self.start()

    def run(self):
        try:
            while not self.is_ended:
                data = blocks(self.seed, self.bytes // BLOCK, 16)
                self.connection.sendall(data)
                self.sum.update(data)
                self.bytes += len(data)
            self.connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error

    def result(self):
        """As a Puppet answers."""
        self.join(30)
        assert not self.is_alive(), f"after {self.bytes} bytes the connection takes no more"
        assert self.error is None, f"after {self.bytes} bytes: {self.error}"
        return f"{self.bytes} {self.sum.hexdigest()}"


class Sink(threading.Thread):
    """Receives to the end of a stream."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection, self.bytes, self.sum, self.error = connection, 0, hashlib.sha1(), None
        self.start()

    def run(self):
        try:
            while data := self.connection.recv(1 << 18):
                self.sum.update(data)
                self.bytes += len(data)
        except OSError as error:
            self.error = error

    def result(self):
        self.join(30)
        assert not self.is_alive(), f"after {self.bytes} bytes the stream does not end"
        assert self.error is None, f"after {self.bytes} bytes: {self.error}"
        return f"{self.bytes} {self.sum.hexdigest()}"


class Streams:
    """A stream into the guest and one out of it, with a connection each; they go on until end(). Both sides must agree about every
    byte. The guest connects to `host`, or the host to `server` of the guest: an address, and the first of two ports."""

    def __init__(self, guest, host=HOST, server=None):
        self.guest, self.puppets, self.connections = guest, [Puppet(guest), Puppet(guest)], []
        guest.sh("rm -f /tmp/end")
        if server:
            for number, puppet in enumerate(self.puppets):
                self._connect_inwards(puppet, (server[0], server[1] + number))
        else:
            with listening(guest.machine.network, host) as listener:
                for puppet in self.puppets:
                    puppet.do("connect", host, port_of(listener))
                    self.connections.append(listener.accept()[0])
        for connection in self.connections:
            connection.settimeout(60)
        self.puppets[0].begin("receive", -1)
        self.puppets[1].begin("sendtill", "/tmp/end", 2)
        self.source, self.sink = Source(self.connections[0], 1), Sink(self.connections[1])

    def _connect_inwards(self, puppet, server):
        puppet.do("listen", *server)
        puppet.begin("accept")
        self.connections.append(self.guest.machine.network.socket(family_of(server[0])))
        self.connections[-1].settimeout(30)
        self.connections[-1].connect(server)
        puppet.answer()

    def __enter__(self):
        return self

    def moved(self):
        """Bytes so far, in and out."""
        return self.source.bytes, self.sink.bytes

    def until(self, size, timeout):
        end = time.monotonic() + timeout
        while min(self.moved()) < size:
            assert time.monotonic() < end, f"{self.moved()} bytes in {timeout} s, not {size}"
            time.sleep(0.05)

    def end(self):
        """Ends both streams; what was sent must be what was received."""
        self.source.is_ended = True
        self.guest.sh("touch /tmp/end")
        assert self.puppets[0].answer(60) == self.source.result()
        sent = self.puppets[1].answer(60)
        self.puppets[1].do("close")
        assert sent == self.sink.result()

    def __exit__(self, *_):
        for part in self.connections:
            part.close()
        for puppet in self.puppets:
            puppet.__exit__()


class Crowd:
    """The host's end of `netpuppet crowd`: every connection is answered with a stream of its own; `right` are those that arrived whole."""

    def __init__(self, size, network):
        self.size, self.right, self.wrong = size, set(), []
        self.loop, self.started, self.listener = asyncio.new_event_loop(), threading.Event(), listener_at(network)
        self.port = port_of(self.listener)
        threading.Thread(target=self._run, daemon=True).start()
        assert self.started.wait(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(asyncio.start_server(self._serve, sock=self.listener, backlog=512))
        self.started.set()
        self.loop.run_forever()

    async def _serve(self, reader, writer):
        try:
            head = await reader.readexactly(4)
            number = struct.unpack("<I", head)[0]
            writer.write(pattern(number + ANSWER_SEED, self.size))
            writer.write_eof()
            if head + await reader.read(-1) == pattern(number, self.size):
                self.right.add(number)
            else:
                self.wrong.append(number)
            await writer.drain()
        except (OSError, EOFError) as error:
            self.wrong.append(error)
        finally:
            writer.close()

    def settle(self, count, seconds):
        """The guest is through before the last bytes of so many connections are on this side."""
        end = time.monotonic() + seconds
        while len(self.right) + len(self.wrong) < count and time.monotonic() < end:
            time.sleep(0.05)

    def end(self):
        """What is still open is dropped."""
        def stop():
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_soon(self.loop.stop)
        self.loop.call_soon_threadsafe(stop)


# ---- kills ----

def wait_for_lease(guest):
    guest.until("ifconfig eth0 2>/dev/null | grep -q 'inet addr:10.0.2.15 '", 30, "a lease of DHCP")


def restarts(guest, label):
    return int(guest.services()[label]["RESTARTS"])


@contextlib.contextmanager
def frozen(guest, label):
    """A driver that stands still while the block runs, with all that is on its way in it or before it; then it is killed."""
    pid = guest.pid_of(label)
    guest.sh(f"kill -STOP {pid}")
    try:
        yield
    finally:
        guest.run(f"kill -9 {pid}")    # it may have missed its heartbeats
    guest.until(f"service list | awk '$1 == \"{label}\" && $2 == \"running\" && $3 != {pid} {{ok = 1}} END {{exit !ok}}'", DIED_S,
                f"a new {label}")


@contextlib.contextmanager
def withheld(guest, netdev):
    """What the host sends does not reach the card while the block runs; at its end all of it does."""
    guest.machine.qmp("object-add", **{"qom-type": "filter-buffer", "id": "withhold", "netdev": netdev, "queue": "tx",
                                       "interval": 3600000000})
    try:
        yield
    finally:
        guest.machine.qmp("object-del", id="withhold")


@contextlib.contextmanager
def dying_in_the_card(guest, label, netdev):
    """What the host sends while the block runs arrives in the card while its driver stands still; then that is killed."""
    with contextlib.ExitStack() as death:
        with withheld(guest, netdev):
            yield
            death.enter_context(frozen(guest, label))


@contextlib.contextmanager
def dumped(guest, netdev, path):
    """A pcap of the wire while the block runs."""
    guest.machine.qmp("object-add", **{"qom-type": "filter-dump", "id": "wire", "netdev": netdev, "file": path, "maxlen": DUMP_BYTES_MAX})
    try:
        yield
    finally:
        guest.machine.qmp("object-del", id="wire")


@contextlib.contextmanager
def judged(guest, netdev, has_vnet=False):
    """Looks at all frames of the block when it has ended well; yields a list that has the Wire then. has_vnet: see without_vnet()."""
    path, found = guest.session.path("wire.pcap"), []
    with dumped(guest, netdev, path):
        yield found
    found.append(Wire(without_vnet(path) if has_vnet else path))
    found[0].check_frames()


class Kills:
    """with Kills(guest, {label: interval in ms}) as kills: ...; afterwards kills.hits[label]: so many living processes died of it."""

    def __init__(self, guest, intervals, seed=1):
        self.guest, self.intervals, self.seed, self.hits = guest, intervals, seed, {}
        self.before, self.jobs = {}, {}

    def __enter__(self):
        self.before = {label: restarts(self.guest, label) for label in self.intervals}
        self.jobs = {label: self.guest.agent.start(f"exec killloop -l {label} -i {interval} -j 60 -s {self.seed}")
                     for label, interval in self.intervals.items()}
        return self

    def deaths(self, label):
        return restarts(self.guest, label) - self.before[label]

    def until(self, label, count, timeout, meanwhile=lambda: None):
        """Waits for so many deaths; meanwhile() is called about once a second."""
        end = time.monotonic() + timeout
        while (deaths := self.deaths(label)) < count:
            assert time.monotonic() < end, f"{label} died {deaths} times in {timeout} s, not {count} times"
            meanwhile()
            time.sleep(min(1, 0.02 * (count - deaths)))

    def __exit__(self, *_):
        for job in self.jobs.values():
            job.kill(15)
        for label, job in self.jobs.items():
            shots = re.findall(r"^\d+ (\d+) (\d+)$", job.wait(30).text, re.M)
            # A process that has not been replaced yet may be hit twice, which is one death.
            self.hits[label] = len({pid for pid, error in shots if error == "0"})


def streams_under_kills(guest, deaths, size=1, seed=1, **ends):
    """Streams both ways over so many deaths of components, and of so many bytes at least. deaths: {label: (deaths, mean interval in
    ms)}; ends: of Streams."""
    with Streams(guest, **ends) as streams:
        streams.until(1, 10)
        with Kills(guest, {label: interval_ms for label, (_, interval_ms) in deaths.items()}, seed) as kills:
            for label, (count, _) in deaths.items():
                kills.until(label, count, 60)
            before = streams.moved()
        streams.until(max(size, max(before) + 1), 60)
        streams.end()
    assert all(kills.hits[label] >= count for label, (count, _) in deaths.items()), kills.hits


def crowd_under_kills(guest, deaths, count, size, seed=1):
    """So many connections, all open at once: each completes in both directions, with the bytes of its own. deaths: (label, how many
    at least, mean interval in ms)."""
    label, least, interval_ms = deaths
    crowd = Crowd(size, guest.machine.network)
    try:
        with Kills(guest, {label: interval_ms}, seed) as kills:
            text = guest.sh(f"/tests/netpuppet crowd {HOST} {crowd.port} {count} {size}", 110)
        crowd.settle(count, 10)
    finally:
        crowd.end()
    assert text == f"open {count}\ndone {count}", text
    assert crowd.right == set(range(count)) and not crowd.wrong, (len(crowd.right), crowd.wrong)
    assert kills.hits[label] >= least, kills.hits
