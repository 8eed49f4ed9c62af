# SPDX-License-Identifier: BSD-2-Clause
"""A host at the other end of a guest's card: answers ARP and neighbour solicitations, takes connections, and sends between them whatever
it is told to. All of it is one thread; a frame that the guest sends and that is not well formed ends it."""
import collections
import hashlib
import os
import random
import select
import socket
import tempfile
import threading
import time

from wirepeer import frames as f

MSS = 1460
RESEND_S = 0.5
BURST = 8            # injected frames between two looks at what came in


class Stream:
    """One connection that the guest has opened. `out` is sent, as far as `credit` goes; what comes in is summed, as far as
    `room` goes."""

    def __init__(self, out=b"", seed=1):
        self.out, self.credit, self.room = out, 0, 0
        self.ends = None
        self.iss = random.Random(seed).getrandbits(32)
        self.una = self.sent = self.granted = 0
        self.window = 0
        self.rcv_nxt = self.received = 0
        self.digest = hashlib.sha1()
        self.reset_by = None
        self.is_reset = self.is_in_done = self.is_out_done = False
        self.moved = 0.0
        self.highest = 0   # the guest's bytes that it has sent, for attacks

    @property
    def seq(self):
        """Of the next byte that we send."""
        return self.iss + 1 + self.sent + (self.is_out_done and self.una > len(self.out))

    def segment(self, flags, seq=None, payload=b"", **other):
        return f.tcp(self.ends, self.seq if seq is None else seq, self.rcv_nxt, flags, payload, window=self.window_now(), **other)

    def window_now(self):
        self.granted = max(self.granted, min(self.received + 65535, self.room))
        return self.granted - self.received


class Peer(threading.Thread):
    """Peer(ip="10.9.8.7", ip6="fe80::7", mac=..., guest_mac=...)"""

    def __init__(self, ip, ip6, mac, guest_mac):
        super().__init__(daemon=True)
        self.folder = tempfile.TemporaryDirectory(prefix="axo-wire-")
        self.paths = [os.path.join(self.folder.name, name) for name in ("qemu", "peer")]
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.paths[1])
        self.sock.settimeout(5)
        self.ip, self.ips6, self.mac, self.guest_mac = f.address(ip), [f.address(ip6)], mac, guest_mac
        self.judge = f.Judge(guest_mac)
        self.lock = threading.RLock()
        self.listeners, self.streams, self.taken = {}, {}, []
        self.queue = collections.deque()
        self.others = []            # functions that see what is not ours: kind, what
        self.error = None
        self.is_ended = False
        self.own = []               # frames that we sent, for mutations
        self.last = collections.deque(maxlen=12)    # attacks, for messages
        self.per_attack = (0, 0)    # credit and room that each attack brings to the streams

    def netdev(self, name):
        return f"dgram,id={name},local.type=unix,local.path={self.paths[0]},remote.type=unix,remote.path={self.paths[1]}"

    # ---- sending ----

    def send(self, frame):
        if not frame:
            return              # ends QEMU's side
        try:
            self.sock.sendto(frame, self.paths[0])
        except (FileNotFoundError, ConnectionRefusedError):
            pass                # the machine is not there yet, or no more

    def send_ip(self, target, protocol, data, to=None):
        if len(target) == 4:
            frame = f.ether(to or self.guest_mac, self.mac, f.IP4, f.ip4(self.ip, target, protocol, data))
        else:
            source = self.ips6[-1] if target[0] != 0xfe else self.ips6[0]
            frame = f.ether(to or self.guest_mac, self.mac, f.IP6, f.ip6(source, target, protocol, data, 255 if protocol == f.ICMP6 else 64))
        self.own.append(frame)
        del self.own[:-64]
        self.send(frame)

    def send_segment(self, stream, flags, seq=None, payload=b"", **other):
        data = stream.segment(flags, seq, payload, **other)
        source, target = stream.ends[0], stream.ends[2]
        if len(source) == 16:
            frame = f.ether(self.guest_mac, self.mac, f.IP6, f.ip6(source, target, f.TCP, data))
        else:
            frame = f.ether(self.guest_mac, self.mac, f.IP4, f.ip4(source, target, f.TCP, data))
        self.own.append(frame)
        del self.own[:-64]
        self.send(frame)

    def listen(self, port, stream):
        with self.lock:
            self.listeners[port] = stream
        return stream

    def connect(self, target, port, out):
        """Opens a connection to the guest; the stream."""
        stream = Stream(out)
        with self.lock:
            stream.ends = (self.ip, 30000 + len(self.streams), f.address(target), port)
            stream.credit, stream.room = len(out), 1 << 30
            self.streams[stream.ends[2:] + stream.ends[:2]] = stream
            stream.is_opening = True
            self.send_segment(stream, f.SYN, stream.iss, options=b"\2\4\5\xb4")
        return stream

    # ---- what comes ----

    def take(self, frame):
        found = self.judge.look(frame)
        if found is None:
            return
        kind, what = found
        if kind == "arp":
            self.take_arp(what)
        elif kind == "tcp":
            self.take_segment(what)
        elif kind == "icmp6":
            self.take_icmp6(*what)
        for look in self.others:
            look(kind, what)

    def take_arp(self, packet):
        if packet[6:8] == b"\0\1" and packet[24:28] == self.ip:
            reply = packet[:6] + b"\0\2" + self.mac + self.ip + packet[8:18]
            self.send(f.ether(self.guest_mac, self.mac, f.ARP, reply))

    def take_icmp6(self, source, _, data):
        if data[0] == 135 and data[8:24] in self.ips6 and any(source):
            body = b"\x60\0\0\0" + data[8:24] + b"\2\1" + self.mac
            own = data[8:24]
            packet = f.ip6(own, source, f.ICMP6, f.icmp6(own, source, 136, body), 255)
            self.send(f.ether(self.guest_mac, self.mac, f.IP6, packet))

    def take_segment(self, s):
        stream = self.streams.get(s.key)
        if stream is None and s.flags & (f.SYN | f.ACK | f.RST) == f.SYN and s.dport in self.listeners:
            stream = self.listeners.pop(s.dport)
            stream.ends = (s.target, s.dport, s.source, s.sport)
            stream.is_opening = False
            stream.rcv_nxt = (s.seq + 1) & 0xffffffff
            stream.window = s.window
            self.streams[s.key] = stream
            self.taken.append(stream)
        if stream is None:
            return
        if s.flags & f.RST:
            stream.is_reset = True
            stream.reset_by = [f"{s.seq - stream.rcv_nxt} {s.ack - stream.seq} left {len(self.queue)} got {stream.received} {stream.is_in_done} granted {stream.granted} room {stream.room}"]
        elif s.flags & f.SYN:
            self.take_syn(stream, s)
        else:
            self.take_data(stream, s)

    def take_syn(self, stream, s):
        if stream.is_opening:
            stream.rcv_nxt = (s.seq + 1) & 0xffffffff
            stream.window = s.window
            stream.is_opening = False
            self.send_segment(stream, f.ACK)
            self.push(stream)
        else:
            self.send_segment(stream, f.SYN | f.ACK, stream.iss, options=b"\2\4\5\xb4")

    def take_data(self, stream, s):
        acked = (s.ack - stream.iss - 1) & 0xffffffff
        if acked <= len(stream.out) + 1 and acked >= stream.una:
            stream.window = s.window
            if acked > stream.una:
                stream.una, stream.moved = acked, time.monotonic()
                stream.sent = max(stream.sent, min(acked, len(stream.out)))
        length = len(s.payload)
        ahead = (stream.rcv_nxt - s.seq) & 0xffffffff
        if length and ahead == 0 and length <= stream.granted - stream.received:
            stream.digest.update(s.payload)
            stream.received += length
            stream.rcv_nxt = (stream.rcv_nxt + length) & 0xffffffff
        if s.flags & f.FIN and (s.seq + length) & 0xffffffff == stream.rcv_nxt and not stream.is_in_done:
            stream.is_in_done = True
            stream.rcv_nxt = (stream.rcv_nxt + 1) & 0xffffffff
        if length or s.flags & f.FIN:
            self.send_segment(stream, f.ACK)
        self.push(stream)

    def push(self, stream):
        """Sends what window and credit allow; the FIN when all has been sent."""
        limit = min(len(stream.out), stream.credit, stream.una + min(stream.window, 16 * MSS))
        while stream.sent < limit:
            part = stream.out[stream.sent:min(stream.sent + MSS, limit)]
            self.send_segment(stream, f.ACK | f.PSH, stream.iss + 1 + stream.sent, part)
            stream.sent += len(part)
        if stream.sent == len(stream.out) <= stream.credit and not stream.is_out_done:
            stream.is_out_done = True
            self.send_segment(stream, f.ACK | f.FIN, stream.iss + 1 + stream.sent)

    def tick(self, now):
        for stream in self.streams.values():
            if stream.is_reset or now - stream.moved < RESEND_S:
                continue
            stream.moved = now
            if stream.is_opening:
                self.send_segment(stream, f.SYN, stream.iss, options=b"\2\4\5\xb4")
            elif stream.una < stream.sent or (stream.is_out_done and stream.una <= len(stream.out)):
                stream.sent = min(stream.una, len(stream.out))
                stream.is_out_done = False
                self.push(stream)

    # ---- turning ----

    def attack(self, made):
        """Sends what an attack makes out of what is known now."""
        result = made(self) if callable(made) else made
        for frame in result if isinstance(result, list) else [result]:
            self.send(frame)
            self.last.append(frame[:80].hex())
        for stream in self.taken:
            stream.credit += self.per_attack[0] if stream.out else 0
            stream.room += self.per_attack[1]
            if self.per_attack[0] and not stream.is_reset:
                self.push(stream)
            if self.per_attack[1] and stream.window_now() > MSS and not stream.is_reset and stream.ends and not stream.is_in_done:
                self.send_segment(stream, f.ACK)

    def turn(self):
        ready = select.select([self.sock], [], [], 0 if self.queue else 0.02)[0]
        with self.lock:
            for _ in range(64):
                if not ready:
                    break
                self.take(self.sock.recv(1 << 16))
                ready = select.select([self.sock], [], [], 0)[0]
            for _ in range(BURST):
                if self.queue:
                    self.attack(self.queue.popleft())
            self.tick(time.monotonic())

    def run(self):
        try:
            while not self.is_ended:
                self.turn()
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def check(self):
        if self.error is not None:
            raise self.error

    def inject(self, attacks, timeout):
        """Sends attacks and waits until all are out."""
        self.queue.extend(attacks)
        end = time.monotonic() + timeout
        while self.queue:
            self.check()
            assert time.monotonic() < end, f"{len(self.queue)} frames are not sent within {timeout} s"
            time.sleep(0.02)

    def wait(self, condition, timeout, what):
        end = time.monotonic() + timeout
        while True:
            self.check()
            with self.lock:
                if condition():
                    return
            assert time.monotonic() < end, f"{what}: not within {timeout} s"
            time.sleep(0.02)

    def end(self):
        self.is_ended = True
        self.join(5)
        self.sock.close()
        self.folder.cleanup()
        self.check()
