# SPDX-License-Identifier: BSD-2-Clause
"""What nobody should send. Each function yields attacks for Peer.inject(): frames, or functions of the peer that make one (or a list) out of
what is known at that moment about its streams.

None of them is what a stream's real peer could have sent: whoever sees the traffic and answers in the peer's name can break
any TCP stream (RFC 5961, 1), and ARP and neighbour discovery believe everybody on the link. So there is nothing here that
claims the peer's address by ARP or ND with all lengths right, and no segment that is acceptable by both of its numbers."""
import struct

from wirepeer import frames as f

STRANGER = bytes([10, 9, 8, 66])
STRANGER_MAC = bytes([2, 0x66, 0x66, 0x66, 0x66, 0x66])
STRANGER6 = f.address("fe80::bad:1")
ALL_NODES = f.address("ff02::1")
CLOSED_PORT, OPEN_PORT = 9, 80
WINDOW = 1 << 20     # inet's largest


def to_guest(peer, kind, payload):
    return f.ether(peer.guest_mac, peer.mac, kind, payload)


def packet4(peer, protocol, payload, source=None, **other):
    return to_guest(peer, f.IP4, f.ip4(source or peer.ip, peer.guest_ip, protocol, payload, **other))


def packet6(peer, following, payload, **other):
    return to_guest(peer, f.IP6, f.ip6(peer.ips6[0], peer.guest_ip6, following, payload, **other))


def live(peer, rng):
    """A stream that is going on, or None."""
    going = [s for s in peer.taken if not s.is_reset and not s.is_in_done and not s.is_out_done]
    return rng.choice(going) if going else None


def segment(peer, stream, flags, seq, ack, payload=b"", **other):
    """Of a live connection, with any numbers."""
    data = f.tcp(stream.ends, seq, ack, flags, payload, **other)
    source, target = stream.ends[0], stream.ends[2]
    if len(source) == 16:
        return to_guest(peer, f.IP6, f.ip6(source, target, f.TCP, data))
    return to_guest(peer, f.IP4, f.ip4(source, target, f.TCP, data))


def on_live(rng, make):
    """An attack on a live stream: make(peer, stream)."""
    def attack(peer):
        stream = live(peer, rng)
        return make(peer, stream) if stream else b""
    return attack


# ---- lengths ----

def whole_frames(peer):
    """One good frame of each kind, none of which changes anything."""
    ports = (peer.ip, 1234, peer.guest_ip, CLOSED_PORT)
    ports6 = (peer.ips6[0], 1234, peer.guest_ip6, CLOSED_PORT)
    return [
        to_guest(peer, f.ARP, arp(peer, 1, STRANGER)),
        packet4(peer, f.TCP, f.tcp(ports, 1, 1, f.ACK)),
        packet4(peer, f.UDP, f.udp(ports, b"garbage")),
        packet4(peer, f.ICMP, f.icmp(8, 0, b"\0\1\0\1", b"echo")),
        packet6(peer, f.TCP, f.tcp(ports6, 1, 1, f.ACK)),
        packet6(peer, f.ICMP6, f.icmp6(peer.ips6[0], peer.guest_ip6, 128, b"\0\1\0\1echo")),
    ]


def lengths(peer, _):
    for frame in whole_frames(peer):
        for length in range(1, 65):
            yield frame[:length]
        yield frame + b"\0" * (1514 - len(frame))
        yield frame + b"\xa5" * (4000 - len(frame))
        yield frame + b"\xa5" * (60000 - len(frame))


def kinds(peer, rng):
    for kind in (0, 1, 46, 0x05dc, 0x05ff, 0x0600, 0x8035, 0x8100, 0x88a8, 0x88cc, 0x9000, 0xffff):
        yield to_guest(peer, kind, rng.randbytes(60))
    for frame in whole_frames(peer):
        yield frame[:12] + b"\x81\0" + struct.pack("!H", rng.getrandbits(16)) + frame[12:]
        yield frame[:12] + b"\x81\0\0\5\x88\xa8\0\7" + frame[12:]
        yield f.BROADCAST + frame[6:]
        yield b"\1\0\x5e\0\0\1" + frame[6:]


# ---- ARP ----

def arp(peer, operation, sender, **other):
    head = struct.pack("!HHBBH", other.get("hardware", 1), other.get("protocol", f.IP4), other.get("hlen", 6), other.get("plen", 4), operation)
    return head + STRANGER_MAC + sender + b"\0" * 6 + other.get("target", peer.guest_ip)


def arps(peer, rng):
    for operation in (0, 1, 2, 3, 9, 0xffff):
        yield to_guest(peer, f.ARP, arp(peer, operation, STRANGER))
    for length in (0, 1, 5, 7, 16, 255):
        yield to_guest(peer, f.ARP, arp(peer, 1, peer.ip, hlen=length))
        yield to_guest(peer, f.ARP, arp(peer, 2, peer.ip, plen=length))
    for value in (0, 2, 6, 0xffff):
        yield to_guest(peer, f.ARP, arp(peer, 2, peer.ip, hardware=value))
        yield to_guest(peer, f.ARP, arp(peer, 2, peer.ip, protocol=value))
    for length in range(28):
        yield to_guest(peer, f.ARP, arp(peer, 1, STRANGER)[:length])
    for _ in range(200):    # more neighbours than the table holds
        yield to_guest(peer, f.ARP, arp(peer, 1, bytes([10, 9, 8, rng.randrange(100, 250)])))
    for target in (b"\0\0\0\0", b"\xff" * 4, b"\x7f\0\0\1", peer.guest_ip):
        yield to_guest(peer, f.ARP, arp(peer, 1, target, target=target))


# ---- IPv4 ----

def ip4_headers(peer, rng):
    for ihl in range(16):
        yield packet4(peer, f.ICMP, f.icmp(8, 0, b"\0\1\0\1"), ihl=ihl)
    for total in (0, 1, 19, 20, 21, 27, 28, 29, 64, 1500, 1501, 0x7fff, 0xffff):
        yield packet4(peer, f.UDP, f.udp((peer.ip, 1, peer.guest_ip, CLOSED_PORT), b"x" * 40), total=total)
    for version in range(16):
        frame = packet4(peer, f.ICMP, f.icmp(8, 0, b"\0\1\0\1"))
        yield frame[:14] + bytes([version << 4 | 5]) + frame[15:]
    for protocol in range(256):
        yield packet4(peer, protocol, rng.randbytes(rng.randrange(0, 64)))
    for source in (b"\0\0\0\0", b"\x7f\0\0\1", b"\xff" * 4, b"\xe0\0\0\1", peer.guest_ip, b"\x0a\x09\x08\xff"):
        for data in (f.icmp(8, 0, b"\0\1\0\1"), f.tcp((source, OPEN_PORT, peer.guest_ip, OPEN_PORT), 1, 0, f.SYN)):
            yield packet4(peer, f.ICMP if len(data) == 8 else f.TCP, data, source=source)
    for kind in range(0, 256, 3):
        for length in (0, 1, 2, 3, 4, 7, 39, 255):
            yield packet4(peer, f.ICMP, f.icmp(8, 0, b"\0\1\0\1"), options=(bytes([kind, length]) + rng.randbytes(38))[:rng.randrange(4, 41)])


def fragment(peer, ident, at, data, is_more, **other):
    return packet4(peer, other.pop("protocol", f.UDP), data, ident=ident, fragment=at // 8 | (0x2000 if is_more else 0), **other)


def ip4_fragments(peer, rng):
    data = rng.randbytes(2400)
    for ident in range(100, 130):          # teardrop: the second lies inside of the first
        yield fragment(peer, ident, 0, data[:800], True)
        yield fragment(peer, ident, 8 * rng.randrange(1, 90), data[:8 * rng.randrange(1, 20)], rng.random() < 0.5)
        yield fragment(peer, ident, 8 * rng.randrange(1, 300), data[:rng.randrange(1, 800)], False)
    for ident in range(200, 220):          # beyond the largest packet
        yield fragment(peer, ident, 65528, data[:800], rng.random() < 0.5)
        yield fragment(peer, ident, 8 * 8190, data[:16], False)
    for ident in range(300, 330):          # small ones, the header of UDP cut, lengths that are no words
        for at in rng.sample(range(0, 64, 8), 5):
            yield fragment(peer, ident, at, data[:rng.randrange(0, 9)], at < 56)
    for ident in range(1000, 1400):        # never complete
        yield fragment(peer, ident, 8 * rng.randrange(0, 180), data[:8 * rng.randrange(1, 180)], True, protocol=rng.choice((1, 6, 17)))
    for ident in range(2000, 2040):        # everything of one packet several times, with options
        for _ in range(4):
            at = 8 * rng.randrange(0, 100)
            yield fragment(peer, ident, at, data[at:at + 8 * rng.randrange(1, 60)], True, options=rng.randbytes(4 * rng.randrange(0, 10)))


# ---- ICMP ----

def quote(rng, peer):
    """A header of a live connection, as an error of the network would quote it."""
    stream = live(peer, rng)
    if stream is None:
        return b"", True
    source, sport, target, dport = stream.ends
    data = struct.pack("!HHII", dport, sport, stream.rcv_nxt, stream.seq) + b"\x50\x10" + b"\0" * 6
    is_ip6 = len(source) == 16
    return (f.ip6 if is_ip6 else f.ip4)(target, source, f.TCP, data), is_ip6


def icmp_errors(_, rng):
    def attack(kind, code, rest):
        def make(peer):
            quoted, is_ip6 = quote(rng, peer)
            if is_ip6:
                return packet6(peer, f.ICMP6, f.icmp6(peer.ips6[0], peer.guest_ip6, kind, rest + quoted, code))
            return packet4(peer, f.ICMP, f.icmp(kind, code, rest, quoted[:rng.choice((28, 40, len(quoted)))]))
        return make
    for kind in (1, 2, 3, 4, 5, 11, 12):
        for code in range(16):
            yield attack(kind, code, b"\0\0\0\0")
    for mtu in (0, 1, 8, 47, 48, 68, 576, 1279):    # path MTUs that would leave no room
        for _ in range(4):
            yield attack(2, 0, struct.pack("!I", mtu))
            yield attack(3, 4, struct.pack("!I", mtu))
    for length in range(0, 60, 3):
        yield lambda peer, n=length: packet4(peer, f.ICMP, f.icmp(3, 3, b"\0\0\0\0", rng.randbytes(n)))
    for kind in range(256):
        yield lambda peer, k=kind: packet4(peer, f.ICMP, f.icmp(k, rng.randrange(256), rng.randbytes(4), rng.randbytes(rng.randrange(64))))


def groups(peer, rng):
    """IGMP and MLD."""
    for kind in (0x11, 0x12, 0x16, 0x17, 0x22, 0, 255):
        for length in (0, 1, 3, 4, 7, 8, 9, 12, 40):
            data = (bytes([kind, 1, 0, 0]) + b"\0\0\0\0" + rng.randbytes(40))[:length]
            yield packet4(peer, f.IGMP, data[:2] + struct.pack("!H", f.checksum(data[:2] + b"\0\0" + data[4:])) + data[4:] if length > 3 else data, ttl=1)
    for kind in (130, 131, 132, 143):
        for length in (0, 4, 12, 20, 21, 28, 100):
            yield packet6(peer, f.ICMP6, f.icmp6(peer.ips6[0], peer.guest_ip6, kind, rng.randbytes(length)), hops=rng.choice((1, 64)))


# ---- IPv6 ----

def chain(rng, last, count):
    """Extension headers: (first, bytes)."""
    following, data = last, b""
    for _ in range(count):
        kind, words = rng.choice((0, 43, 60, 51, 135)), rng.choice((0, 1, 2))
        data = bytes([following, words]) + rng.randbytes(words * 8 + 6) + data
        following = kind
    return following, data


def ip6_headers(peer, rng):
    echo = f.icmp6(peer.ips6[0], peer.guest_ip6, 128, b"\0\1\0\1echo")
    for length in (0, 1, 7, 8, 40, 1460, 1461, 0x7fff, 0xffff):
        yield packet6(peer, f.ICMP6, echo, length=length)
    for following in range(256):
        yield packet6(peer, following, rng.randbytes(rng.randrange(0, 80)))
    for count in list(range(1, 12)) * 8:
        first, data = chain(rng, rng.choice((f.ICMP6, f.TCP, f.UDP, 59, 44)), count)
        yield packet6(peer, first, data + echo)
        yield packet6(peer, first, data[:rng.randrange(len(data))])
    for option in range(256):       # a hop-by-hop option of each kind, with lengths that are wrong
        yield packet6(peer, 0, bytes([f.ICMP6, 0, option, rng.choice((0, 4, 5, 200))]) + rng.randbytes(4) + echo)
    for source in ("::", "::1", "ff02::1", "::ffff:10.9.8.7", "fe80::dead"):
        yield to_guest(peer, f.IP6, f.ip6(f.address(source), peer.guest_ip6, f.ICMP6, f.icmp6(f.address(source), peer.guest_ip6, 128, b"\0\1\0\1")))


def ip6_fragments(peer, rng):
    def piece(ident, at, data, is_more, following=f.UDP):
        return packet6(peer, 44, bytes([following, 0]) + struct.pack("!HI", at & 0xfff8 | is_more, ident) + data)
    data = rng.randbytes(1400)
    for ident in range(40):
        yield piece(ident, 0, data[:800], 1)
        yield piece(ident, 8 * rng.randrange(1, 90), data[:8 * rng.randrange(1, 20)], rng.randrange(2))
        yield piece(ident, 8 * rng.randrange(1, 300), data[:rng.randrange(1, 800)], 0)
    for ident in range(100, 400):
        yield piece(ident, 8 * rng.randrange(0, 170), data[:8 * rng.randrange(1, 170)], 1, rng.choice((6, 17, 44, 58)))
    for ident in range(500, 520):
        yield piece(ident, 0xfff8, data[:rng.randrange(1, 1400)], rng.randrange(2))
        yield piece(ident, 0, b"", rng.randrange(2))
        yield piece(ident, 0, data[:rng.randrange(1, 8)], 1)


def ip6_flush(peer, _):
    """IPv6 fragments wait for a minute, those of five packets: small ones take the others' place."""
    for ident in range(1000, 1010):
        yield packet6(peer, 44, bytes([f.UDP, 0]) + struct.pack("!HI", 9, ident) + b"12345678")


def neighbours(peer, rng):
    """Solicitations, advertisements, router advertisements, redirects whose lengths are wrong, or that come from far away."""
    def packet(kind, body, target=peer.guest_ip6, hops=255, code=0):
        return to_guest(peer, f.IP6, f.ip6(STRANGER6, target, f.ICMP6, f.icmp6(STRANGER6, target, kind, body, code), hops))
    for kind in (133, 134, 135, 136, 137):
        head = {133: b"\0" * 4, 134: b"\x40\0\x07\x08" + b"\0" * 8, 135: b"\0" * 4 + peer.guest_ip6, 136: b"\x20\0\0\0" + STRANGER6,
                137: b"\0" * 4 + STRANGER6 * 2}[kind]
        for option in (1, 2, 3, 4, 5, 24, 25, 31, 255):
            for length in (0, 2, 5, 31, 255):
                yield packet(kind, head + (bytes([option, length]) + rng.randbytes(rng.choice((0, 1, 6, 14, 30)))))
        for length in range(0, len(head), 3):
            yield packet(kind, head[:length], ALL_NODES)
        yield packet(kind, head + b"\2\1" + STRANGER_MAC, hops=64)
        yield packet(kind, head + b"\2\1" + STRANGER_MAC, code=9)
    for hops in (64, 254):          # the peer's own address, but from behind a router
        body = b"\x20\0\0\0" + peer.ips6[0] + b"\2\1" + STRANGER_MAC
        yield packet6(peer, f.ICMP6, f.icmp6(peer.ips6[0], peer.guest_ip6, 136, body), hops=hops)
    for _ in range(150):            # more neighbours than the cache holds
        source = STRANGER6[:8] + rng.randbytes(8)
        body = b"\0" * 4 + peer.guest_ip6 + b"\1\1" + STRANGER_MAC
        yield to_guest(peer, f.IP6, f.ip6(source, peer.guest_ip6, f.ICMP6, f.icmp6(source, peer.guest_ip6, 135, body), 255))


# ---- TCP ----

def tcp_headers(peer, rng):
    """To ports that nobody has and to one that listens."""
    for offset in range(16):
        for port in (CLOSED_PORT, OPEN_PORT):
            ends = (peer.ip, 2000 + offset, peer.guest_ip, port)
            yield packet4(peer, f.TCP, f.tcp(ends, 1, 1, f.SYN, b"x" * 10, offset=offset))
    for flags in range(256):
        ends = (STRANGER, 3000 + flags, peer.guest_ip, rng.choice((CLOSED_PORT, OPEN_PORT)))
        yield packet4(peer, f.TCP, f.tcp(ends, rng.getrandbits(32), rng.getrandbits(32), flags, rng.randbytes(rng.randrange(20))), source=STRANGER)
    for _ in range(100):
        ends = (STRANGER, rng.getrandbits(16), peer.guest_ip, OPEN_PORT)
        yield packet4(peer, f.TCP, f.tcp(ends, 1, 0, f.SYN, options=options(rng)), source=STRANGER)


def options(rng):
    """Of each kind, with lengths of 0, 1, right ones and those beyond the header."""
    data = b""
    while len(data) < 36 and rng.random() < 0.8:
        kind = rng.choice((0, 1, 2, 2, 3, 4, 5, 8, 8, 14, 28, 29, 254, rng.randrange(256)))
        length = rng.choice((0, 1, 2, 3, 4, 10, 40, 255, rng.randrange(256)))
        data += bytes([kind, length]) + rng.randbytes(rng.randrange(0, 9))
    return data[:40]


def tcp_options(_, rng):
    """On a pure acknowledgement of a live connection, right in everything else: what was agreed on stays."""
    def attack(what):
        return on_live(rng, lambda peer, s: segment(peer, s, f.ACK, s.seq, s.rcv_nxt, options=what, window=s.window_now()))
    for what in (b"\2\4\0\1", b"\2\4\0\0", b"\2\4\0\x0c", b"\2\4\xff\xff", b"\3\3\x0e", b"\3\3\xff", b"\4\2", b"\2\0", b"\2\1", b"\2\xff", b"\x08\x0a\0\0\0\1\0\0\0\2",
                 b"\5\x0a" + b"\xff" * 8, b"\5\x22" + b"\0" * 32, b"\1" * 40):
        for _ in range(6):
            yield attack(what)
    for _ in range(200):
        yield attack(options(rng))


def tcp_blind(_, rng):
    """RFC 5961: resets, SYNs, data and acknowledgements in and out of the window, none of which is acceptable."""
    near = (1, 2, 100, 1000, 10000)
    far = (1 << 22, 1 << 30, 1 << 31, -(1 << 22), -(1 << 30))
    for _ in range(5):
        for step in near + far:
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.RST, s.seq + d, 0))
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.RST | f.ACK, s.seq + d, s.rcv_nxt))
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.SYN, s.seq + d, 0))
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.SYN | f.ACK, s.seq + d, s.rcv_nxt))
        yield on_live(rng, lambda peer, s: segment(peer, s, f.SYN, s.seq, 0))
        for step in far:
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.ACK, s.seq + d, s.rcv_nxt, b"beyond"))
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.ACK | f.FIN, s.seq + d, s.rcv_nxt))
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.ACK, s.seq + d, s.rcv_nxt, window=0))
        for step in (1 << 22, 1 << 30, 1 << 31, -(1 << 24), -(1 << 30)):    # what was never sent, what was long ago
            for ahead in (0, 1, 1000):
                yield on_live(rng, lambda peer, s, d=step, a=ahead: segment(peer, s, f.ACK | f.PSH, s.seq + a, s.rcv_nxt + d, b"wrong data"))
            yield on_live(rng, lambda peer, s, d=step: segment(peer, s, f.ACK, s.seq, s.rcv_nxt + d, window=0))
        for flags in (0, f.PSH, f.URG, f.FIN):          # no acknowledgement at all
            yield on_live(rng, lambda peer, s, x=flags: segment(peer, s, x, s.seq, 0, b"wrong data"))
    for _ in range(40):                                 # already acknowledged: other bytes in its place
        yield on_live(rng, lambda peer, s: segment(peer, s, f.ACK, s.iss + 1, s.rcv_nxt, b"z" * min(s.una, 500)) if s.una > 500 else b"")
        yield on_live(rng, lambda peer, s: segment(peer, s, f.ACK | f.URG, s.seq, s.rcv_nxt, window=s.window_now(), urgent=rng.getrandbits(16)))


def tcp_overrun(_, rng):
    """The end of the window and beyond, out of order: it must not be kept."""
    for ahead in (65000, 65535 - 100, 65534, 65535, 65536, WINDOW - 10, WINDOW):
        for _ in range(8):
            yield on_live(rng, lambda peer, s, d=ahead: segment(peer, s, f.ACK, s.iss + 1 + s.una + d, s.rcv_nxt, b"y" * 1400))


def tcp_zero_window(_, rng):
    """The real peer closes its window, and opens it again."""
    for _ in range(10):
        yield on_live(rng, lambda peer, s: segment(peer, s, f.ACK, s.seq, s.rcv_nxt, window=0))
        yield on_live(rng, lambda peer, s: segment(peer, s, f.ACK, s.seq, s.rcv_nxt, window=s.window_now()))


def syn(peer, rng, port):
    """From nobody."""
    source = bytes([10, 9, rng.randrange(9, 200), rng.randrange(1, 250)])
    ends = (source, rng.randrange(1024, 65536), peer.guest_ip, port)
    return packet4(peer, f.TCP, f.tcp(ends, rng.getrandbits(32), 0, f.SYN, options=b"\2\4\5\xb4"), source=source)


def syn_flood(peer, rng):
    for _ in range(600):
        yield syn(peer, rng, OPEN_PORT)


# ---- UDP ----

def datagrams(peer, rng):
    """From the ports of name servers and DHCP, to any; lengths that are wrong."""
    for _ in range(150):
        ends = (peer.ip, rng.choice((53, 67, 123)), peer.guest_ip, rng.choice((68, 5353, rng.randrange(1024, 65536))))
        data = rng.randbytes(rng.choice((0, 1, 12, 100, 240, 300, 1400)))
        yield packet4(peer, f.UDP, f.udp(ends, data, rng.choice((None, None, 0, 7, 8, 9, 0xffff))))


# ---- spoiled copies of real traffic ----

def mutations(count):
    """One word of a frame is changed: checksums always see that, and nothing else makes it a frame that must be ignored."""
    def make(_, rng):
        def attack(peer):
            if not peer.own:
                return b""
            frame = bytearray(rng.choice(peer.own))
            at = rng.randrange(7, len(frame) // 2) * 2
            if rng.random() < 0.1:
                return bytes(frame[:rng.randrange(14, len(frame))])
            frame[at + rng.randrange(2)] ^= 1 << rng.randrange(8)
            return bytes(frame)
        for _ in range(count):
            yield attack
    return make


# What needs long to be forgotten comes first.
ALL = [ip4_fragments, ip6_fragments, syn_flood, lengths, kinds, arps, ip4_headers, icmp_errors, groups, ip6_headers, neighbours, tcp_headers, tcp_options,
       tcp_blind, tcp_overrun, tcp_zero_window, datagrams, mutations(1500), ip6_flush]
