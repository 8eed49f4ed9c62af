#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""net-speed and its Linux guest: the RAM disk is one that others can read, and what is compared is compared rightly."""
import argparse
import io
import os
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
# pylint: disable=wrong-import-position
import cli  # noqa: E402
import experiments  # noqa: E402
import linuxguest  # noqa: E402
import report  # noqa: E402
from experiments import net_speed  # noqa: E402
from machine import MachineError  # noqa: E402
from network import MODELS  # noqa: E402
from record import Record  # noqa: E402
from session import SessionOptions, UsageError  # noqa: E402


def bench_args(*words):
    return cli.make_parser().parse_args(["bench", *words])


class CpioTest(unittest.TestCase):
    def test_busybox_reads_it(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/tree/a/b")
            with open(f"{folder}/tree/a/b/file", "wb") as file:
                file.write(b"12345")
            os.symlink("b/file", f"{folder}/tree/a/link")
            data = io.BytesIO()
            archive = linuxguest.Cpio(data)
            archive.tree(f"{folder}/tree")
            archive.add("empty", 0o100600)
            archive.end()
            os.makedirs(f"{folder}/out")
            done = subprocess.run(["busybox", "cpio", "-i"], cwd=f"{folder}/out", input=data.getvalue(), check=False,
                                  stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(f"{folder}/out/a/link", "rb") as file:
                self.assertEqual(file.read(), b"12345")
            self.assertEqual(os.readlink(f"{folder}/out/a/link"), "b/file")
            self.assertEqual(os.path.getsize(f"{folder}/out/empty"), 0)


class GuestTest(unittest.TestCase):
    def test_every_card_has_a_driver(self):
        self.assertEqual(set(linuxguest.MODULES), set(MODELS))

    def test_init(self):
        text = linuxguest.init_script("virtio", "eth0:10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3")
        self.assertIn("ip addr add 10.0.2.15/24 dev eth0", text)
        self.assertIn("ip route add default via 10.0.2.2\n", text)
        self.assertIn("net_failover virtio_net; do insmod", text)
        self.assertNotIn("ip route", linuxguest.init_script("e1000", "10.0.2.15/24"))
        self.assertEqual(subprocess.run(["sh", "-n"], input=text.encode(), check=False).returncode, 0)

    def test_what_is_missing_is_named_with_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(linuxguest, "PORTS", folder):
            with self.assertRaisesRegex(MachineError, "busybox does not exist; build it with `make`"):
                linuxguest.make_machine(SessionOptions(), folder)

    def test_fetching_that_fails_says_so(self):
        failed = types.SimpleNamespace(returncode=1, stdout="ports: no network")
        with mock.patch.object(linuxguest.subprocess, "run", return_value=failed):
            with self.assertRaisesRegex(MachineError, "without --peer there are our own figures\nports: no network"):
                linuxguest.fetch()


class OptionsTest(unittest.TestCase):
    def test_cards(self):
        self.assertEqual(net_speed.cards(bench_args("net-speed")), ["e1000", "virtio"])
        self.assertEqual(net_speed.cards(bench_args("net-speed", "--nic", "rtl8139", "--nic", "rtl8139")), ["rtl8139"])
        with self.assertRaisesRegex(UsageError, "needs a card"):
            net_speed.cards(bench_args("net-speed", "--nic", "none"))
        with self.assertRaisesRegex(UsageError, "choose that card"):
            net_speed.cards(bench_args("net-speed", "--net", "guard(e1000_0)"))
        self.assertEqual(net_speed.cards(bench_args("net-speed", "--nic", "e1000", "--net", "guard(e1000_0)")), ["e1000"])

    def test_peer_is_for_experiments_that_have_one(self):
        with self.assertRaisesRegex(UsageError, "--peer linux goes with net-speed only"):
            experiments.main(bench_args("net-speed", "recovery", "--peer", "linux"))
        with self.assertRaises(SystemExit), mock.patch.object(argparse.ArgumentParser, "_print_message"):
            bench_args("net-speed", "--peer", "bsd")


class FakeGuest(net_speed.Guest):
    """Streams whose speeds the test gives: (bytes, seconds, mistakes), the first two of them to warm up."""

    def __init__(self, name, results, order):  # pylint: disable=super-init-not-called
        self.name, self.results, self.order = name, list(results), order
        self.streams = {direction: net_speed.Streams() for direction in net_speed.DIRECTIONS}
        self.peer, self.running = self, False
        self.cpu_s = 0.0
        self.machine = types.SimpleNamespace(pause=lambda: self.switch(False), resume=lambda: self.switch(True),
                                             cpu_seconds=lambda: self.cpu_s)

    def switch(self, on):
        self.running = on

    def iperf3(self, _, is_in):
        assert self.running
        self.order.append((self.name, "in" if is_in else "out"))
        self.cpu_s += 1.0
        return self.results.pop(0)


def good(*mbit_s):
    return [(int(speed * 1e6 / 8) * 2, 2.0, []) for speed in mbit_s]


class MeasureTest(unittest.TestCase):
    def take(self, *results, rounds=2):
        record, order = Record("net-speed", 1, {"nic": "e1000", "net": None, "net_backend": "user"}), []
        guests = [FakeGuest(name, speeds, order) for name, speeds in zip((net_speed.OURS, net_speed.LINUX), results)]
        net_speed.measure(guests, {"seconds": 2, "rounds": rounds, "warm_s": 1})
        net_speed.store(record, "e1000", {guest.name: guest.streams for guest in guests})
        self.order = order
        return record

    def test_ratios_are_of_pairs(self):
        record = self.take(good(1, 1, 100, 50, 300, 50), good(1, 1, 200, 100, 300, 50))
        self.assertEqual(record.metrics, {
            "iperf3_in_mbit_s_e1000": 200.0, "linux_iperf3_in_mbit_s_e1000": 250.0, "ratio_in_e1000": 0.75,
            "ratio_in_e1000_noise_percent": 33.3, "iperf3_out_mbit_s_e1000": 50.0, "linux_iperf3_out_mbit_s_e1000": 75.0,
            "ratio_out_e1000": 0.75, "ratio_out_e1000_noise_percent": 33.3,
            # One second of the processor for 25 MB and 75 MB, 50 MB and 75 MB; 12.5 MB both, 25 MB and 12.5 MB.
            "cpu_ms_per_mb_in_e1000": 26.67, "linux_cpu_ms_per_mb_in_e1000": 16.67, "cpu_ratio_in_e1000": 1.5,
            "cpu_ratio_in_e1000_noise_percent": 33.3, "cpu_ms_per_mb_out_e1000": 80.0,
            "linux_cpu_ms_per_mb_out_e1000": 60.0, "cpu_ratio_out_e1000": 1.5, "cpu_ratio_out_e1000_noise_percent": 33.3})
        self.assertTrue(record.passed and len(record.verdicts) == 4, record.verdicts)
        self.assertIn("| e1000 | in        | 200    | 250   | 0.75 ", report.tables(record.to_json()))
        # After the warming up: ours first, then Linux first.
        self.assertEqual(self.order[4:], [("axolotl", "in"), ("linux", "in"), ("axolotl", "out"), ("linux", "out"),
                                          ("linux", "in"), ("axolotl", "in"), ("linux", "out"), ("axolotl", "out")])

    def test_alone(self):
        record = self.take(good(1, 1, 100, 50), rounds=1)
        self.assertEqual(record.metrics, {"iperf3_in_mbit_s_e1000": 100.0, "iperf3_out_mbit_s_e1000": 50.0,
                                          "cpu_ms_per_mb_in_e1000": 40.0, "cpu_ms_per_mb_out_e1000": 80.0})
        self.assertEqual(set(record.verdicts), {"e1000_in_all_connections_right", "e1000_out_all_connections_right"})
        self.assertIn("| 100    | -     | - ", report.tables(record.to_json()))

    def test_lost_connections_and_silence_are_false_verdicts(self):
        for bad in ((1000, 2.0, ["iperf3: status 1"]), (0, 2.0, [])):
            record = self.take(good(1, 1) + [bad] + good(50), good(1, 1, 100, 50), rounds=1)
            self.assertEqual([name for name, value in record.verdicts.items() if not value], ["e1000_in_all_connections_right"])
            self.assertNotIn("ratio_in_e1000", record.metrics)
        record = self.take([(5, 1.0, ["broke while warming up"])] + good(1, 100, 50), good(1, 1, 100, 50), rounds=1)
        self.assertFalse(record.verdicts["e1000_in_all_connections_right"])
        self.assertIn("broke while warming up", report.tables(record.to_json()))

    def test_nothing_measured_is_no_success(self):
        record = Record("net-speed", 1, {"nic": "e1000", "net": None, "net_backend": "user"})
        net_speed.store(record, "e1000", {net_speed.OURS: {name: net_speed.Streams() for name in net_speed.DIRECTIONS}})
        self.assertFalse(any(record.verdicts.values()))


if __name__ == "__main__":
    unittest.main()
