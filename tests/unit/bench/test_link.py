#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The host end of the agent's link layer, frame by frame, with a clock of the test's own."""
import os
import struct
import sys
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import link  # noqa: E402  pylint: disable=wrong-import-position


def opened():
    """A link with an open session."""
    end = link.Link(lambda *frame: None, lambda: None, lambda: None)
    end.open()
    end.output(0.0)
    end.feed(link.encode(link.HELLO, end.session, 0, 0, 0, struct.pack("<II", link.VERSION, 65536)))
    return end


class LinkTest(unittest.TestCase):
    def test_frames_behind_an_acknowledged_one_are_repeated(self):
        end = opened()
        for n in range(3):
            end.send(link.DATA, n, b"x")
        size = len(end.output(1.0)) // 3
        end.feed(link.encode(link.ACK, end.session, 0, 1, 0, b""))
        self.assertEqual(end.output(1.1), b"")
        self.assertIsNotNone(end.deadline())
        self.assertEqual(len(end.output(end.deadline())), 2 * size)

    def test_nothing_is_repeated_when_all_is_acknowledged(self):
        end = opened()
        end.send(link.DATA, 1, b"x")
        end.output(1.0)
        end.feed(link.encode(link.ACK, end.session, 0, 1, 0, b""))
        self.assertIsNone(end.deadline())
        self.assertEqual(end.output(100.0), b"")


if __name__ == "__main__":
    unittest.main()
