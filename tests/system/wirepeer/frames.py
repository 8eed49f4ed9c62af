# SPDX-License-Identifier: BSD-2-Clause
"""Ethernet frames: making them, and judging those of the guest (RFC 791, 768, 792, 826, 4443, 8200, 9293)."""
import ipaddress
import struct

ARP, IP4, IP6 = 0x0806, 0x0800, 0x86dd
ICMP, IGMP, TCP, UDP, ICMP6 = 1, 2, 6, 17, 58
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
BROADCAST = b"\xff" * 6
EXTENSIONS = {0, 43, 60}


def checksum(data):
    """RFC 1071; 0 if a right one is in the data."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return ipaddress.ip_address(text).packed


def ether(to, source, kind, payload):
    return to + source + struct.pack("!H", kind) + payload


def ip4(source, target, protocol, payload, **other):
    """other: options, ihl, total, ident, fragment (flags and offset), ttl, sum."""
    options = other.get("options", b"")
    options += b"\0" * (-len(options) % 4)
    ihl = other.get("ihl", 5 + len(options) // 4)
    head = struct.pack("!BBHHHBBH", 0x40 | ihl & 15, 0, other.get("total", 20 + len(options) + len(payload)) & 0xffff,
                       other.get("ident", 1), other.get("fragment", 0), other.get("ttl", 64), protocol, 0)
    head += source + target + options
    value = other.get("sum", checksum(head))
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def ip6(source, target, following, payload, hops=64, length=None):
    return struct.pack("!IHBB", 0x60000000, len(payload) if length is None else length, following, hops) + source + target + payload


def with_sum(source, target, protocol, data, at):
    """The checksum over pseudo header and data goes to offset `at`."""
    data = data[:at] + b"\0\0" + data[at + 2:]
    pseudo = source + target + struct.pack("!IHBB", len(data), 0, 0, protocol)
    value = checksum(pseudo + data) or (0xffff if protocol == UDP else 0)
    return data[:at] + struct.pack("!H", value) + data[at + 2:]


def tcp(ends, seq, ack, flags, payload=b"", **other):
    """ends: (source, port, target, port). other: window, options, offset, urgent."""
    source, sport, target, dport = ends
    options = other.get("options", b"")
    options += b"\0" * (-len(options) % 4)
    offset = other.get("offset", 5 + len(options) // 4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (offset & 15) << 4, flags,
                       other.get("window", 60000), 0, other.get("urgent", 0))
    return with_sum(source, target, TCP, head + options + payload, 16)


def udp(ends, payload, length=None):
    source, sport, target, dport = ends
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload) if length is None else length, 0)
    return with_sum(source, target, UDP, head + payload, 6)


def icmp(kind, code, rest, payload=b""):
    data = struct.pack("!BBH", kind, code, 0) + rest + payload
    return data[:2] + struct.pack("!H", checksum(data)) + data[4:]


def icmp6(source, target, kind, body, code=0):
    return with_sum(source, target, ICMP6, struct.pack("!BBH", kind, code, 0) + body, 2)


class Segment:
    """A TCP segment that arrived."""

    def __init__(self, source, target, data):
        (self.sport, self.dport, self.seq, self.ack, offset, self.flags, self.window, _, _) = struct.unpack_from("!HHIIBBHHH", data)
        self.source, self.target = source, target
        self.payload = data[(offset >> 4) * 4:]
        self.options = data[20:(offset >> 4) * 4]

    @property
    def key(self):
        return self.source, self.sport, self.target, self.dport


class Wrong(Exception):
    """A frame of the guest's is not well formed."""


def must(condition, what, frame):
    if not condition:
        raise Wrong(f"{what}: {frame.hex()}")


class Judge:
    """Looks at each frame of the guest; puts its fragments together."""

    def __init__(self, mac):
        self.mac = mac
        self.pieces = {}
        self.counts = {}

    def look(self, frame):
        """What is in a frame: ("arp", bytes), ("tcp", Segment), ("udp", (ends, bytes)), ("icmp"/"icmp6", (source, target, bytes)) or None."""
        must(60 <= len(frame) <= 1514 or 14 <= len(frame), "length", frame)
        must(frame[6:12] == self.mac and not frame[6] & 1, "source of the frame", frame)
        kind = struct.unpack_from("!H", frame, 12)[0]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind == ARP:
            must(len(frame) >= 42 and frame[14:20] == b"\0\1\10\0\6\4" and frame[20:22] in (b"\0\1", b"\0\2"), "ARP", frame)
            must(frame[22:28] == self.mac, "ARP sender", frame)
            return "arp", frame[14:42]
        if kind == IP4:
            return self.look4(frame, frame[14:])
        must(kind == IP6, "type", frame)
        return self.look6(frame, frame[14:])

    def look4(self, frame, packet):
        must(len(packet) >= 20 and packet[0] >> 4 == 4, "IPv4 header", frame)
        ihl, total = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
        must(20 <= ihl <= total <= len(packet) <= 1500, "IPv4 lengths", frame)
        must(checksum(packet[:ihl]) == 0, "IPv4 checksum", frame)
        must(packet[8] > 0 and not any(packet[total:]), "time to live, padding", frame)
        source, target, data = packet[12:16], packet[16:20], packet[ihl:total]
        must(source[0] < 224 and source != b"\x7f\0\0\1", "source address", frame)
        must((frame[0] & 1) == (target[0] >= 224 or target[3] == 255), "multicast", frame)
        ident, part = struct.unpack_from("!HH", packet, 4)
        must(not part & 0x8000, "reserved flag", frame)
        if part & 0x3fff:
            data = self.gather((source, target, packet[9], ident), (part & 0x1fff) * 8, data, not part & 0x2000)
        return self.transport(frame, (source, target, packet[9]), data) if data is not None else None

    def look6(self, frame, packet):
        must(len(packet) >= 40 and packet[0] >> 4 == 6, "IPv6 header", frame)
        length, following, hops = struct.unpack_from("!HBB", packet, 4)
        must(length + 40 <= len(packet) <= 1500 and hops > 0 and not any(packet[40 + length:]), "IPv6 length", frame)
        source, target, data = packet[8:24], packet[24:40], packet[40:40 + length]
        must(source[0] != 0xff and (frame[0] & 1) == (target[0] == 0xff), "multicast", frame)
        while following in EXTENSIONS:
            must(len(data) >= 8 and len(data) >= (data[1] + 1) * 8, "extension header", frame)
            following, data = data[0], data[(data[1] + 1) * 8:]
        if following == 44:
            must(len(data) >= 8, "fragment header", frame)
            part, ident = struct.unpack_from("!HI", data, 2)
            following, data = data[0], self.gather((source, target, data[0], ident), part & 0xfff8, data[8:], not part & 1)
        return self.transport(frame, (source, target, following), data) if data is not None else None

    def gather(self, key, offset, data, is_last):
        """The whole, when it is there."""
        entry = self.pieces.setdefault(key, {"parts": {}, "end": None})
        entry["parts"][offset] = data
        if is_last:
            entry["end"] = offset + len(data)
        whole = b""
        for at in sorted(entry["parts"]):
            if at != len(whole):
                return None
            whole += entry["parts"][at]
        if len(whole) != entry["end"]:
            return None
        del self.pieces[key]
        return whole

    def transport(self, frame, route, data):
        source, target, protocol = route
        pseudo = source + target + struct.pack("!IHBB", len(data), 0, 0, protocol)
        if protocol == TCP:
            must(len(data) >= 20 and 20 <= (data[12] >> 4) * 4 <= len(data), "TCP header", frame)
            must(checksum(pseudo + data) == 0, "TCP checksum", frame)
            segment = Segment(source, target, data)
            must(segment.sport and segment.dport, "TCP ports", frame)
            must(segment.flags & (SYN | RST | ACK) and segment.flags & (SYN | FIN) != SYN | FIN, "TCP flags", frame)
            must(options_are_right(segment.options), "TCP options", frame)
            return "tcp", segment
        if protocol == UDP:
            must(len(data) >= 8 and struct.unpack_from("!H", data, 4)[0] == len(data), "UDP length", frame)
            is_free = len(source) == 4 and data[6:8] == b"\0\0"
            must(is_free or checksum(pseudo + data) == 0, "UDP checksum", frame)
            sport, dport = struct.unpack_from("!HH", data)
            return "udp", ((source, sport, target, dport), data[8:])
        if protocol == ICMP6:
            must(len(data) >= 4 and checksum(pseudo + data) == 0, "ICMPv6 checksum", frame)
            return "icmp6", (source, target, data)
        must(protocol in (ICMP, IGMP), f"protocol {protocol}", frame)
        must(len(data) >= 8 and checksum(data) == 0, "ICMP or IGMP checksum", frame)
        return "icmp", (source, target, data)


def options_are_right(options):
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2:
            return False
        at += options[at + 1]
    return at <= len(options)
