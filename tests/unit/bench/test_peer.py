#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The host's end of the network experiments, with this computer as the guest: what is counted, and that nothing wrong passes."""
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import types
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
# pylint: disable=wrong-import-position
import report  # noqa: E402
from agent import AgentError  # noqa: E402
from experiments import net_faults, net_kill, peer, turns  # noqa: E402
from network import Network, check_stack  # noqa: E402
from record import Record  # noqa: E402

SIZE = 3 << 20


class LocalAgent:
    """Runs commands here, with busybox's wget."""

    def __init__(self, folder):
        os.symlink("/bin/busybox", f"{folder}/wget")
        self.env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")

    def run(self, command, timeout=60):
        done = subprocess.run(["sh", "-c", command], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=timeout)
        return types.SimpleNamespace(status=done.returncode, err=done.stderr, text=done.stdout.decode().rstrip("\n"))


class PeerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tile = f"{self.folder.name}/tile"
        with open(self.tile, "wb") as file:
            file.write(random.Random(1).randbytes(1 << 20).replace(b"\0", b"\1"))
        self.agent = LocalAgent(self.folder.name)
        saved, peer.GUEST_SEES = peer.GUEST_SEES, "127.0.0.1"
        self.addCleanup(setattr, peer, "GUEST_SEES", saved)
        machine = types.SimpleNamespace(network=Network(["e1000"]), agent=self.agent)
        self.peer = peer.Peer(machine, self.tile).__enter__()
        self.addCleanup(self.peer.__exit__)

    def test_downloads(self):
        got, seconds, mistakes = self.peer.wget_in(SIZE)
        self.assertEqual((got, mistakes), (SIZE, []))
        self.assertGreater(seconds, 0)
        self.assertEqual(self.peer.wget_in_sha1(SIZE, self.peer.body_sha1(SIZE))[2], [])
        self.assertIn("WRONG DATA", self.peer.wget_in_sha1(SIZE, self.peer.body_sha1(SIZE - 1))[2][0])

    def test_uploads(self):
        with open(self.tile, "rb") as file:
            right = hashlib.sha1(file.read()).hexdigest()
        self.assertEqual(self.peer.wget_out(self.tile, 1 << 20, right)[::2], (1 << 20, []))
        self.assertIn("WRONG DATA", self.peer.wget_out(self.tile, 1 << 20, "0" * 40)[2][0])
        self.assertIn("lost after", self.peer.wget_out(self.tile, 1 << 21, right)[2][0])

    def test_a_guest_that_goes_away_loses_its_connection(self):
        real = self.peer.url
        self.peer.url = lambda path="": f"{real(path)} & sleep 0.1; kill -9 $!; wait $!"
        mistakes = self.peer.wget_in(1 << 40)[2]
        self.assertIn("status", mistakes[0])
        self.assertIn("lost after", mistakes[1])
        self.peer.url = real
        self.assertEqual(self.peer.wget_in(SIZE)[2], [])

    def test_no_server_is_a_mistake(self):
        self.peer.port = 1
        self.assertIn("wget: status 1", self.peer.wget_in(SIZE)[2][0])

    def test_iperf3_both_ways(self):
        for is_in in (True, False):
            got, seconds, mistakes = self.peer.iperf3(1, is_in)
            self.assertEqual(mistakes, [])
            self.assertGreater(got, 1 << 20)
            self.assertAlmostEqual(seconds, 1, delta=0.5)


class ResultTest(unittest.TestCase):
    def test_iperf3_reports(self):
        good = '{"end": {"sum_received": {"bytes": 5, "seconds": 1.0}}}'
        self.assertEqual(peer.iperf3_result(0, good), (5, 1.0, []))
        self.assertEqual(peer.iperf3_result(1, good)[2], ["iperf3: status 1"])
        self.assertEqual(peer.iperf3_result(1, '{"error": "control socket has closed"}')[2],
                         ["iperf3: control socket has closed"])
        self.assertIn("no report", peer.iperf3_result(139, "")[2][0])
        self.assertIn("nothing was received", peer.iperf3_result(0, "{}")[2][0])


class TurnsTest(unittest.TestCase):
    def test_loss_is_the_mean_of_pairs(self):
        loss = turns.Loss({turns.OFF: [100, 50, 200], turns.KILL: [90, 40, 140]})
        self.assertEqual((loss.base, loss.hit), (100, 90))
        self.assertAlmostEqual(loss.percent, 20.0)
        self.assertAlmostEqual(loss.noise, 2.92 * 10 / 3 ** 0.5)
        self.assertTrue(loss.meets(4))
        self.assertFalse(loss.meets(3))

    def test_a_machine_that_slows_down_is_no_loss(self):
        """Pairs agree although the turns do not."""
        loss = turns.Loss({turns.OFF: [100, 50, 25], turns.KILL: [99, 49.5, 24.75]})
        self.assertAlmostEqual(loss.percent, 1.0)
        self.assertAlmostEqual(loss.noise, 0.0)

    def test_a_turn_without_speed_is_lost(self):
        for speeds in ({turns.OFF: [0], turns.KILL: [0]}, {turns.OFF: [5], turns.KILL: [0]}):
            loss = turns.Loss(speeds)
            self.assertEqual((loss.percent, loss.noise), (100.0, 0.0))
        loss = turns.Loss({turns.OFF: [5, 5], turns.KILL: [0, 5]})
        self.assertFalse(loss.meets(20))

    def take(self, speeds, target):
        """Turns of these speeds, in the order they are asked for; how many were, and the verdict."""
        left = list(speeds)
        found = turns.Turns(FakeRig([]), 1, 2, target)
        loss = found.take(1, lambda: left.pop(0))
        return len(speeds) - len(left), loss.meets(target or 0)

    def test_a_missed_target_takes_more_pairs(self):
        self.assertEqual(self.take([100, 99, 98, 100], 2), (4, True))
        noisy = [100, 50] + [99, 100] + [100, 99, 99, 100] * 4
        self.assertEqual(self.take(noisy, 2), (16, True))
        self.assertEqual(self.take([100, 80, 80, 100] * 8, 2), (16, False))
        lucky = [100, 90, 90, 100] + [100, 101, 101, 100] * 6
        self.assertEqual(self.take(lucky, 2), (16, True))
        self.assertEqual(self.take([100, 0, 0, 100] * 8, 2), (4, False))
        self.assertEqual(self.take(noisy, None)[0], 4)


class FakeRig:
    """A rig whose works give what the test says: one list of mistakes a connection."""
    driver, upload_path, upload_bytes, upload_sha1 = "e1000", "/dev/sata3", 1, ""

    def __init__(self, mistakes):
        self.mistakes = list(mistakes)
        self.peer = self

    def wget_in(self, size):
        return size, 0.5, self.mistakes.pop(0) if self.mistakes else []

    def wget_in_sha1(self, size, _):
        return self.wget_in(size)

    def body_sha1(self, _):
        return ""

    def killer(self, *_, **__):
        import contextlib  # pylint: disable=import-outside-toplevel
        return contextlib.nullcontext([(1, 2, 0)])

    def last_event_us(self):
        return 0

    def events_after(self, _):
        return []


class NetKillTest(unittest.TestCase):
    def take(self, mistakes):
        record = Record("net-kill", 1, {"nic": "e1000", "net": None, "net_backend": "user"})
        params = {"file_mb": 8, "rounds": 2, "min_s": 1.0}
        net_kill.one_interval(FakeRig(mistakes), record, params, "wget_in", 1)
        return record

    def test_good_turns(self):
        record = self.take([])
        self.assertTrue(record.passed, record.verdicts)
        self.assertEqual(record.metrics["wget_in_loss_percent_1s"], 0.0)
        self.assertEqual(record.metrics["wget_in_connections_1s"], 13)
        self.assertIn("| wget_in | 1 ", report.tables(record.to_json()))
        self.assertIn("card e1000 (user), network without filters", report.tables(record.to_json()))

    def test_one_lost_connection_is_a_false_verdict(self):
        record = self.take([[], ["the connection was lost after 1 of 2 bytes"]])
        self.assertFalse(record.verdicts["wget_in_all_connections_right_1s"])
        self.assertIn("the connection was lost", report.tables(record.to_json()))


class NetFaultsTest(unittest.TestCase):
    STATUS = "rule0=drop matched=2000 fired=3\ntx=1500\nrx=500\nshots=3\nmissed=1\nunit.0=running tx_frames=3"

    def test_stacks_of_cases_are_stacks(self):
        for case in [net_faults.NO_FAULTS] + net_faults.QUICK_CASES + net_faults.FULL_CASES:
            text = net_faults.stack_of("e1000_0", case, 7)
            self.assertEqual(check_stack(text), text)
        self.assertEqual(net_faults.stack_of("e1000_0", ("delay", 5, "for=20ms"), 7),
                         'fault(e1000_0,rules="delay,prob=5,for=20ms",seed=7)')
        self.assertEqual(net_faults.stack_of("e1000_0", net_faults.RATE, 7), 'fault(e1000_0,rules="rate,bytes=1000000",seed=7)')

    def test_every_kind_is_in_both_sizes(self):
        with open(os.path.join(ROOT, "filters/net/fault/rules.c"), encoding="ascii") as file:
            kinds = set(re.findall(r'^\t\[NETFAULT_\w+\] = "(\w+)"', file.read(), re.M)) - {"none", "die"}
        for cases in (net_faults.QUICK_CASES, net_faults.FULL_CASES):
            self.assertEqual({case[0] for case in cases}, kinds)
            self.assertEqual(len({net_faults.name_of(case) for case in cases}), len(cases))

    def test_the_filter_is_asked(self):
        self.assertEqual(net_faults.filter_status(self.STATUS), (2000, 3, 1))
        with self.assertRaisesRegex(AgentError, "tells nothing"):
            net_faults.filter_status("state down")

    def test_files_end_by_bytes_by_time_and_by_mistakes(self):
        params = {"file_mb": 2, "file_s": 60}
        self.assertEqual(net_faults.files(params, lambda: (1 << 20, 0.5, [])), (2 << 20, 1.0, []))
        self.assertEqual(net_faults.files(params, lambda: (5, 0.5, ["lost"])), (5, 0.5, ["lost"]))
        self.assertEqual(net_faults.files({**params, "file_s": 0.01}, lambda: time.sleep(0.02) or (9, 1.0, [])), (9, 1.0, []))

    def take(self, case, status, mistakes=(), speed=0.9):
        record = Record("net-faults", 1, {"nic": "e1000", "net": None, "net_backend": "user"})
        for now, shots in ((net_faults.NO_FAULTS, (100, 0, 0)), (case, status)):
            speeds = {work: 10.0 if now == net_faults.NO_FAULTS else speed for work in net_faults.WORKS}
            net_faults.store(record, now, {"mb_s": speeds, "seconds": {}, "mistakes": list(mistakes)}, shots)
        return record

    def test_verdicts(self):
        case = ("drop", 1000, "")
        self.assertTrue(self.take(case, (1000, 1, 0)).passed)
        self.assertEqual(self.take(case, (1000, 1, 0)).metrics["wget_in_share_percent_drop_1000ppm"], 9.0)
        self.assertFalse(self.take(case, (1000, 0, 0)).verdicts["drop_1000ppm_was_injected"])
        self.assertFalse(self.take(case, (1000, 1, 0), ["WRONG DATA"]).verdicts["drop_1000ppm_every_byte_right"])
        self.assertTrue(self.take(net_faults.RATE, (1000, 9, 0)).passed)
        self.assertFalse(self.take(net_faults.RATE, (1000, 9, 0), speed=1.5).verdicts["rate_1000kb_s_was_kept"])

    def test_tables(self):
        text = report.tables(self.take(("drop", 1000, ""), (1000, 1, 0), ["wget_in: WRONG DATA"]).to_json())
        self.assertIn("| drop_1000ppm | 1     | 0.9 (9 %)", text)
        self.assertIn("WRONG DATA", text)


if __name__ == "__main__":
    unittest.main()
