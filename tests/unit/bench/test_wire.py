#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tests/system/wire.py makes of a capture with virtio's headers in it."""
import os
import struct
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/system"))
from wire import NEEDS_CSUM, PCAP_HEAD, PCAP_RECORD, VNET, VNET_OF_RESET_BYTES, ones_sum, without_vnet  # noqa: E402  pylint: disable=wrong-import-position

ADDRESSES = bytes([10, 0, 2, 15, 10, 0, 2, 2])
TCP, HEAD, SUM_AT = 34, 20, 16
ARP = bytes(12) + b"\x08\x06" + bytes(28)


def pseudo(size):
    return ADDRESSES + struct.pack(">HH", 6, size)


def frame_of(payload, started):
    """Ethernet, IPv4 and TCP around a payload; `started` is what the checksum's place has."""
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + HEAD + len(payload), 1, 0, 64, 6, 0) + ADDRESSES
    tcp = struct.pack(">HHIIBBHHH", 80, 1024, 1, 2, 0x50, 0x10, 1000, started, 0)
    return bytes(12) + b"\x08\0" + ip + tcp + payload


def is_right(frame):
    segment = frame[TCP:]
    return ones_sum(pseudo(len(segment)) + segment) == 0xffff


class WithoutVnetTest(unittest.TestCase):
    def plain(self, frames, cut=0, head=VNET.size):
        """Frames of the copy; frames: (flags, bytes) pairs."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "wire.pcap")
            with open(path, "wb") as file:
                file.write(bytes(PCAP_HEAD))
                for flags, frame in frames:
                    data = VNET.pack(flags, 1, TCP + HEAD, 1448, TCP, SUM_AT, 1)[:head] + frame
                    file.write(PCAP_RECORD.pack(5, 6, len(data) - cut, len(data)) + data[:len(data) - cut])
            with open(without_vnet(path), "rb") as file:
                data = file.read()
        found, at = [], PCAP_HEAD
        while at < len(data):
            seconds, us, kept, length = PCAP_RECORD.unpack_from(data, at)
            self.assertEqual((seconds, us, kept), (5, 6, length))
            at += PCAP_RECORD.size
            found.append(data[at:at + length])
            at += length
        return found

    def test_checksums_are_completed(self):
        for payload in (b"", b"odd", bytes(range(256)) * 250):
            frame = frame_of(payload, ones_sum(pseudo(HEAD + len(payload))))
            self.assertFalse(is_right(frame))
            self.assertTrue(is_right(self.plain([(NEEDS_CSUM, frame)])[0]))

    def test_a_wrong_start_stays_wrong(self):
        self.assertFalse(is_right(self.plain([(NEEDS_CSUM, frame_of(b"data", ones_sum(pseudo(HEAD))))])[0]))

    def test_other_frames_stay_as_they_are(self):
        frames = [frame_of(b"one", 1), ARP]
        for head in (VNET.size, VNET_OF_RESET_BYTES):
            self.assertEqual(self.plain([(0, frame) for frame in frames], head=head), frames)

    def test_what_cannot_be_judged_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "is cut"):
            self.plain([(0, ARP)], cut=1)
        with self.assertRaisesRegex(AssertionError, "checksum at 34"):
            self.plain([(NEEDS_CSUM, ARP[:40])])
        with self.assertRaisesRegex(AssertionError, "neither IP nor ARP"):
            self.plain([(0, bytes(60))])


if __name__ == "__main__":
    unittest.main()
