# SPDX-License-Identifier: BSD-2-Clause
"""A host on the wire that sends what nobody should, between the segments of streams that go on (wirepeer): inet does not die, keeps no
memory, and no byte of a stream is wrong."""
import hashlib
import random
import re
import struct
import time

from wirepeer import attacks, frames
from wirepeer.peer import Peer, Stream

SEED = 5
GUEST_MAC = bytes.fromhex("525400090801")
PEER_MAC = bytes.fromhex("525409080707")
PREFIX = "fd00:9::"
DOWN_BYTES, UP_BYTES = 6 << 20, 6 << 20
SETTLE_S = 75        # fragments that never become whole wait 60 s at most, connections half open 20 s
ARENA_SLACK = 16     # blocks: one of each size stays with its allocator
FLOOD_S = 12         # shorter than a half-open connection stays
FLOOD_STEP_S = 0.03  # for a backlog of 9: many round trips, also on a slow machine


def add_wire(session):
    """eth0: virtio (a frame of any length reaches it as it is) on a wire whose other end is this test."""
    peer = session.wire = Peer("10.9.8.7", "fe80::7", PEER_MAC, GUEST_MAC)
    make = session.config

    def config():
        result = make()
        result.qemu_args = list(result.qemu_args) + ["-netdev", peer.netdev("wire"), "-device",
                                                     f"virtio-net-pci,netdev=wire,mac={GUEST_MAC.hex(':')}"]
        return result
    session.config = config


OPTIONS = {"prepare": add_wire, "nics": [], "boot": ["address=eth0:10.9.8.1/24"]}


def link_local(mac):
    return frames.address("fe80::")[:8] + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def wire_of(guest):
    """The peer, introduced to the guest: it has told its prefix, and inet answers."""
    peer = guest.session.wire
    if peer.is_alive():
        return peer
    peer.guest_ip, peer.guest_ip6 = frames.address("10.9.8.1"), link_local(GUEST_MAC)
    peer.ips6.append(frames.address(PREFIX + "7"))
    peer.start()
    guest.until("ping -c 1 -W 1 10.9.8.7 || ping -c 1 10.9.8.1", 20)
    own, everybody = peer.ips6[0], frames.address("ff02::1")
    prefix = b"\3\4\x40\xc0" + struct.pack("!III", 7200, 7200, 0) + frames.address(PREFIX)
    advertisement = frames.icmp6(own, everybody, 134, b"\x40\0\x07\x08" + b"\0" * 8 + prefix + b"\1\1" + PEER_MAC)
    peer.send(frames.ether(b"\x33\x33\0\0\0\1", PEER_MAC, frames.IP6, frames.ip6(own, everybody, frames.ICMP6, advertisement, 255)))
    guest.until(f"ip addr show eth0 | grep 'inet6 {PREFIX}' | grep -vq tentative", 20, "an address with the prefix that was advertised")
    return peer


def figures(guest):
    """What inet holds: connections, sockets, frames, receive buffers, memory."""
    text = guest.sh("service status inet")
    return {key: int(value) for key, value in re.findall(r"^(tcp\.connections|arena\.used|frames\.free|receive\.free|sockets)=(\d+)", text, re.M)}


def check_figures(guest, before):
    """All that hostile frames have taken comes back in the end."""
    slack = before.pop("arena.used") + ARENA_SLACK
    for _ in range(SETTLE_S * 2):
        after = figures(guest)
        used = after.pop("arena.used")
        if after == before and used <= slack:
            return
        guest.sh("sleep 0.5")
    raise AssertionError(f"inet held {before}, now {after}, and uses {used} blocks of at most {slack}")


def content(seed, length):
    return random.Random(seed).randbytes(length)


def start_streams(guest, peer):
    """One into the guest, one out of it, one into it over IPv6; (streams, sums that the guest must find)."""
    guest.sh("for i in 1 2 3 4 5 6 7; do cat /bin/busybox; done | head -c %d > /tmp/up" % UP_BYTES)
    down = peer.listen(7001, Stream(content(1, DOWN_BYTES), 1))
    up = peer.listen(7002, Stream(b"", 2))
    down6 = peer.listen(7003, Stream(content(3, DOWN_BYTES // 2), 3))
    up.room, up.credit = 1, -1      # it does not end by itself
    for name, command in (("down", "nc 10.9.8.7 7001 </dev/null | sha1sum"), ("up", "nc 10.9.8.7 7002 </tmp/up"),
                          ("down6", f"nc {PREFIX}7 7003 </dev/null | sha1sum")):
        guest.sh(f"({command}; echo done) >/tmp/{name}.out 2>&1 &")
        peer.wait(lambda: len(peer.taken) > ("down", "up", "down6").index(name), 10, f"{name} does not connect")
    return down, up, down6


def finish_streams(guest, peer, streams):
    """Lets them run to their ends; every byte must be right."""
    down, up, down6 = streams
    with peer.lock:
        for stream in streams:
            stream.room = 1 << 30
        for stream in (down, down6):
            stream.credit = len(stream.out)
            peer.push(stream)
        peer.send_segment(up, frames.ACK)
    peer.wait(lambda: up.is_in_done or up.is_reset, 60, "the upload does not end")
    with peer.lock:
        up.credit = 0
        peer.push(up)
    for name in ("down", "up", "down6"):
        guest.until(f"grep -q done /tmp/{name}.out", 60, f"{name} does not end")
    assert not any(stream.is_reset for stream in streams), [stream.reset_by for stream in streams]
    assert guest.sh("cat /tmp/down.out").split()[0] == hashlib.sha1(down.out).hexdigest()
    assert guest.sh("cat /tmp/down6.out").split()[0] == hashlib.sha1(down6.out).hexdigest()
    assert up.digest.hexdigest() == guest.sh("sha1sum /tmp/up").split()[0] and up.received == UP_BYTES


def check_alive(guest):
    rows = guest.services()
    assert rows["inet"]["RESTARTS"] == "0" and rows["virtio_net"]["RESTARTS"] == "0", rows
    events = guest.sh("cat /proc/axolotl/events")
    assert not re.search(r"\] (death|complaint|detected) (inet|virtio_net) ", events), events[-2000:]


def test_streams_survive_hostile_frames(guest):
    peer, rng = wire_of(guest), random.Random(SEED)
    guest.sh("mkdir -p /tmp/www && cp /bin/busybox /tmp/www/file && httpd -p 80 -h /tmp/www; httpd -p 81 -h /tmp/www")
    before = figures(guest)
    streams = start_streams(guest, peer)
    made = []
    for kind in attacks.ALL:
        made += list(kind(peer, rng))
    with peer.lock:
        peer.per_attack = (len(streams[0].out) // len(made), UP_BYTES // len(made))
    for start in range(0, len(made), 500):
        peer.inject(made[start:start + 500], 60)
        check_alive(guest)
    finish_streams(guest, peer, streams)
    check_alive(guest)
    get = peer.connect("10.9.8.1", 81, b"GET /file HTTP/1.0\r\n\r\n")
    peer.wait(lambda: get.is_in_done or get.is_reset, 30, "a new connection")
    assert not get.is_reset and get.received > int(guest.sh("wc -c </bin/busybox"))
    check_figures(guest, before)
    peer.check()
    refused = int(re.search(r"^sieve\.frames=(\d+)", guest.sh("service status inet"), re.M)[1])
    assert refused > 100, refused


test_streams_survive_hostile_frames.timeout = 330


def recycled(guest):
    return int(re.search(r"^tcp\.recycled=(\d+)", guest.sh("service status inet"), re.M)[1])


def test_clients_connect_during_a_syn_flood(guest):
    """The listener is full from the beginning, and nothing that is half open gets old enough to be forgotten."""
    peer, rng = wire_of(guest), random.Random(SEED)
    guest.sh("mkdir -p /tmp/www && cp /bin/busybox /tmp/www/file && httpd -p 82 -h /tmp/www")
    length = int(guest.sh("wc -c </bin/busybox"))
    before = recycled(guest)
    peer.inject([attacks.syn(peer, rng, 82) for _ in range(100)], 30)
    end, served = time.monotonic() + FLOOD_S, 0
    get = peer.connect("10.9.8.1", 82, b"GET /file HTTP/1.0\r\n\r\n")
    while served < 3 and time.monotonic() < end:
        peer.inject([attacks.syn(peer, rng, 82)], 10)
        time.sleep(FLOOD_STEP_S)
        if get.is_in_done and get.received > length:
            served += 1
        if get.is_in_done or get.is_reset:
            get = peer.connect("10.9.8.1", 82, b"GET /file HTTP/1.0\r\n\r\n")
    assert served > 0, "nobody gets through"
    assert recycled(guest) - before > 50, "the first hundred alone are more"
    check_alive(guest)
    peer.check()
