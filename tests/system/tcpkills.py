# SPDX-License-Identifier: BSD-2-Clause
"""Long and many TCP connections while the card's driver is killed; what is on the wire meanwhile (checked by tshark)."""
import struct

from puppet import Kills, Streams, crowd_under_kills, dumped, wait_for_lease
from wire import GUEST_MAC, Wire

SLIRP_MAC = bytes([0x52, 0x55, 10, 0, 2, 2])
IP_VERSION, TCP_FLAGS = 14, 47     # bytes of a frame
DRIVER, NETDEV = "e1000", "net0"
OPTIONS = {}

DEATHS, INTERVAL_MS = 1000, 50
CROWD, CROWD_BYTES, CROWD_INTERVAL_MS = 200, 256 << 10, 80
DUMP_BYTES, DUMP_DEATHS, STALLS_MAX = 8 << 20, 40, 3


def test_thousand_deaths_in_one_transfer(guest):
    """One connection each way, from the first to the last death; both move bytes all the while, none of them wrong."""
    wait_for_lease(guest)
    with Streams(guest) as streams:
        streams.until(1, 10)
        with Kills(guest, {DRIVER: INTERVAL_MS}) as kills:
            for part in range(1, 11):
                before = streams.moved()
                kills.until(DRIVER, DEATHS * part // 10, 40)
                moved = [now - then for now, then in zip(streams.moved(), before)]
                assert min(moved) > 0, f"bytes in and out during the {part}th tenth of the deaths: {moved}"
        streams.end()
    assert kills.hits[DRIVER] >= DEATHS, kills.hits


test_thousand_deaths_in_one_transfer.timeout = 240


def test_crowd_of_connections_under_kills(guest):
    """200 connections, all open at once: each completes in both directions, with the bytes of its own."""
    wait_for_lease(guest)
    crowd_under_kills(guest, (DRIVER, 10, CROWD_INTERVAL_MS), CROWD, CROWD_BYTES)


test_crowd_of_connections_under_kills.timeout = 120


def dump_of_streams(guest, kill):
    """The wire during streams in both directions."""
    path = guest.session.path("wire.pcap")
    wait_for_lease(guest)
    with dumped(guest, NETDEV, path), Streams(guest) as streams:
        if kill:
            with Kills(guest, {DRIVER: INTERVAL_MS}) as kills:
                kills.until(DRIVER, DUMP_DEATHS, 30)
            assert kills.hits[DRIVER] >= DUMP_DEATHS, kills.hits
        else:
            streams.until(DUMP_BYTES, 60)
        streams.end()
    return Wire(path)


def damaged(path, sender, at, bits):
    """A copy of a pcap in which some bits of the first large TCP segment of a sender are others; `at` counts from the frame's start."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    record = 24
    while True:
        length = struct.unpack_from("<I", data, record + 8)[0]
        frame = record + 16
        if length > 1000 and data[frame + 6:frame + 12] == sender and data[frame + 23] == 6:
            break
        record = frame + length
    data[frame + at] ^= bits
    with open(path + ".damaged", "wb") as file:
        file.write(data)
    return Wire(path + ".damaged")


def finds(wire, word):
    try:
        wire.check_frames()
    except AssertionError as error:
        assert word in str(error), error
        return True
    return False


def test_wire_without_kills(guest):
    """Nothing is sent twice by the guest, and by the other side only what its clock takes for lost when this computer stalls; and the
    check finds a wrong bit, a frame that is none and a reset."""
    wire = dump_of_streams(guest, False)
    wire.check_frames()
    assert wire.repeated(from_guest=True) == 0 and wire.repeated(from_guest=False) <= STALLS_MAX, wire
    path, ours, theirs = guest.session.path("wire.pcap"), bytes.fromhex(GUEST_MAC.replace(":", "")), SLIRP_MAC
    assert finds(damaged(path, ours, 500, 1), "wrong checksums")
    assert finds(damaged(path, theirs, TCP_FLAGS, 4), "resets")
    assert finds(damaged(path, ours, IP_VERSION, 4), "malformed")


def test_wire_under_kills(guest):
    """Every frame is well formed, every sum right, nobody resets; the other side repeats less than one segment a death."""
    wire = dump_of_streams(guest, True)
    wire.check_frames()
    assert wire.repeated(from_guest=False) < DUMP_DEATHS, wire
