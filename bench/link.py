# SPDX-License-Identifier: BSD-2-Clause
"""Host end of the agent's link layer: reliable, ordered frames over a serial line. user/axod/link.h has the format.

Pure: feed() takes bytes from the line, output() gives bytes for it, the time is an argument. agent.py moves them.

State: closed --open()--> opening --HELLO--> open --NOSESSION--> closed (on_lost is called).
While opening, SYN is repeated every SYN_S: the guest may not have booted yet.
"""
import collections
import random
import struct
import zlib

MAGIC = b"\xa5\x5a"
HEADER = struct.Struct("<2sBBHHHHI")
CRC = struct.Struct("<I")
HEADER_BYTES = HEADER.size + CRC.size
PAYLOAD_MAX = 1024
QUEUE_FRAMES = 32
VERSION = 1
SYN, HELLO, ACK, NAK, NOSESSION, DATA = 1, 2, 3, 4, 5, 16
SYN_S = 0.1
RETRY_MIN_S = 0.25
RETRY_MAX_S = 2.0
OWN_WINDOW_BYTES = 65536
PARTIAL_S = 0.4      # then the start of a frame was none: its length may be damaged


def encode(kind, session, seq, ack, ident, payload):
    """One frame. seq and ack are numbers modulo 65536; ident is the id of a job."""
    head = HEADER.pack(MAGIC, kind, 0, session, seq & 0xffff, ack & 0xffff, len(payload), ident)
    return head + CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload


class Link:
    """on_frame(kind, ident, payload) for each numbered frame; on_open() and on_lost() when a session begins and ends."""

    def __init__(self, on_frame, on_open, on_lost):
        self.on_frame, self.on_open, self.on_lost = on_frame, on_open, on_lost
        self.state = "closed"
        self.buffer = bytearray()
        self.moved = False        # bytes were taken from the buffer since `since` was set
        self.since = None         # so long does the frame at the front wait for the rest of it
        self.session = random.randrange(1, 65536)
        self.crc_errors = 0
        self.repeated = 0
        self._reset()

    def _reset(self):
        self.peer_window = HEADER_BYTES + PAYLOAD_MAX
        self.rx_expected = 0
        self.ack_due = self.nak_sent = False
        self.control = []
        self.waiting = collections.deque()  # (kind, ident, payload) that have no number yet
        self.flight = []          # frames with numbers tx_first, tx_first + 1, ...
        self.tx_first = 0
        self.resume = 0           # index in flight of the next frame to write
        self.flight_bytes = 0     # of flight[:resume]
        self.retry_at = None
        self.retry_s = RETRY_MIN_S
        self.syn_at = 0.0

    def open(self):
        """A new session; the agent forgets all that belonged to an older one."""
        self.session = self.session % 65535 + 1
        self._reset()
        self.state = "opening"

    def send(self, kind, ident, payload=b""):
        """Queues a numbered frame; the queue has no limit, callers keep to the credit of the job."""
        assert kind >= DATA and len(payload) <= PAYLOAD_MAX
        self.waiting.append((kind, ident, bytes(payload)))

    def feed(self, data):
        """Bytes from the line."""
        self.buffer += data
        while self._parse():
            pass

    def _resynchronise(self):
        self.moved = True
        at = self.buffer.find(MAGIC[0], 1)
        del self.buffer[:at if at > 0 else len(self.buffer)]

    def _parse(self):
        buffer = self.buffer
        if not buffer:
            return False
        if buffer[0] != MAGIC[0] or (len(buffer) > 1 and buffer[1] != MAGIC[1]):
            self._resynchronise()
            return True
        if len(buffer) < HEADER_BYTES:
            return False
        _, kind, zero, session, seq, ack, length, ident = HEADER.unpack_from(buffer)
        if zero != 0 or length > PAYLOAD_MAX:
            self.crc_errors += 1
            self._resynchronise()
            return True
        if len(buffer) < HEADER_BYTES + length:
            return False
        payload = bytes(buffer[HEADER_BYTES:HEADER_BYTES + length])
        if CRC.unpack_from(buffer, HEADER.size)[0] != zlib.crc32(payload, zlib.crc32(bytes(buffer[:HEADER.size]))):
            self.crc_errors += 1
            self._resynchronise()
            return True
        del buffer[:HEADER_BYTES + length]
        self.moved = True
        self._take(kind, session, seq, ack, ident, payload)
        return True

    def _take(self, kind, session, seq, ack, ident, payload):
        if session != self.session or self.state == "closed":
            return
        if kind == HELLO:
            version, window = struct.unpack("<II", payload)
            if version != VERSION:
                raise ValueError(f"the agent in the guest speaks version {version}, this tool {VERSION}")
            if self.state == "opening":
                self.state = "open"
                self.peer_window = max(window, HEADER_BYTES + PAYLOAD_MAX)
                self.on_open()
            return
        if self.state != "open":
            return
        if kind == NOSESSION:
            self.state = "closed"
            self.on_lost()
            return
        self._take_ack(ack)
        if kind == NAK:
            self._go_back()
        elif kind >= DATA:
            self._take_numbered(kind, seq, ident, payload)

    def _take_ack(self, ack):
        acked = (ack - self.tx_first) & 0xffff
        if acked == 0 or acked > len(self.flight):
            return
        self.flight_bytes -= sum(len(frame) for frame in self.flight[:min(acked, self.resume)])
        del self.flight[:acked]
        self.resume = max(0, self.resume - acked)
        self.tx_first = ack
        self.retry_s = RETRY_MIN_S
        self.retry_at = None

    def _go_back(self):
        self.repeated += self.resume
        self.resume = 0
        self.flight_bytes = 0
        self.retry_at = None

    def _take_numbered(self, kind, seq, ident, payload):
        self.ack_due = True
        if seq != self.rx_expected:
            if (seq - self.rx_expected) & 0xffff < 0x8000 and not self.nak_sent:
                self.control.append(NAK)
                self.nak_sent = True
            return
        self.rx_expected = (self.rx_expected + 1) & 0xffff
        self.nak_sent = False
        self.on_frame(kind, ident, payload)

    def _check_partial(self, now):
        """A damaged length makes us wait for bytes that nobody sends, and keeps good frames behind it."""
        if not self.buffer or self.moved or self.since is None:
            self.since = now if self.buffer else None
            self.moved = False
        elif now - self.since >= PARTIAL_S:
            self.crc_errors += 1
            self._resynchronise()
            while self._parse():
                pass
            self.since = now

    def output(self, now):
        """The bytes to write now; they count as sent."""
        self._check_partial(now)
        if self.state == "closed":
            return b""
        if self.state == "opening":
            if now < self.syn_at:
                return b""
            self.syn_at = now + SYN_S
            return encode(SYN, self.session, 0, 0, 0, struct.pack("<I", OWN_WINDOW_BYTES))
        out = [encode(kind, self.session, 0, self.rx_expected, 0, b"") for kind in self.control]
        self.control = []
        if self.resume and self.retry_at is None:     # some of the frames in flight were acknowledged: the rest waits anew
            self.retry_at = now + self.retry_s
        elif self.resume and now >= self.retry_at:
            self._go_back()
            self.retry_s = min(self.retry_s * 2, RETRY_MAX_S)
        out += self._numbered(now)
        if self.ack_due:
            if len(out) == 0:
                out.append(encode(ACK, self.session, 0, self.rx_expected, 0, b""))
            self.ack_due = False
        return b"".join(out)

    def _numbered(self, now):
        out = []
        while True:
            if self.resume == len(self.flight):
                if not self.waiting or len(self.flight) >= QUEUE_FRAMES:
                    break
                kind, ident, payload = self.waiting.popleft()
                self.flight.append(encode(kind, self.session, self.tx_first + len(self.flight), 0, ident, payload))
            frame = self.flight[self.resume]
            if self.flight_bytes + len(frame) > self.peer_window:
                break
            self.flight_bytes += len(frame)
            self.resume += 1
            out.append(self._with_ack(frame))
            if self.retry_at is None:
                self.retry_at = now + self.retry_s
        return out

    def _with_ack(self, frame):
        _, kind, _, session, seq, _, _, ident = HEADER.unpack_from(frame)
        return encode(kind, session, seq, self.rx_expected, ident, frame[HEADER_BYTES:])

    def deadline(self):
        """When output() has to be called although nothing else happened, or None."""
        if self.state == "opening":
            return self.syn_at
        waits = [self.since + PARTIAL_S] if self.buffer and self.since is not None else []
        if self.state == "open" and self.resume:
            waits.append(0.0 if self.retry_at is None else self.retry_at)
        return min(waits, default=None)
