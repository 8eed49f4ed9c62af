#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The host tool without a guest: options, boot archives, records, time lines, reports; and that no machine is left over."""
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import unittest.mock

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
# pylint: disable=wrong-import-position
import bootimg  # noqa: E402
import events  # noqa: E402
import report  # noqa: E402
import session  # noqa: E402
from machine import Config, Machine, MachineError  # noqa: E402
from record import Record, percentile  # noqa: E402


class OptionsTest(unittest.TestCase):
    def test_sizes(self):
        self.assertEqual([session.parse_size(text) for text in ("512", "64K", "2M", "1g", "4MiB")],
                         [512, 65536, 2 << 20, 1 << 30, 4 << 20])
        for bad in ("", "0", "x", "-1", "1X", "1.5G"):
            with self.assertRaises(session.UsageError):
                session.parse_size(bad)

    def test_disks(self):
        spec = session.DiskSpec.parse("sata1:64M:/tmp/a:b.img")
        self.assertEqual((spec.name, spec.size, spec.image), ("sata1", 64 << 20, "/tmp/a:b.img"))
        for bad in ("sata9:1M", "sata0", "disk:1M", "sata0::/nonexistent", "sata0:"):
            with self.assertRaises(session.UsageError):
                session.DiskSpec.parse(bad)

    def test_pairs(self):
        self.assertEqual(session.parse_pair("--put", r"a\:b:/c", "HOST:GUEST"), ("a:b", "/c"))
        for bad in ("a", "a:b:c", ":b", "a:"):
            with self.assertRaises(session.UsageError):
                session.parse_pair("--put", bad, "HOST:GUEST")

    def test_disks_of_a_stack_are_made_as_needed(self):
        with session.Session(session.SessionOptions(storage="checksum(mirror(sata0, sata1))")) as run:
            self.assertEqual([disk.name for disk in run.make_disks()], ["sata0", "sata1"])
            self.assertEqual(run.fresh, {"sata0", "sata1"})

    def test_small_files_go_into_the_archive_and_large_ones_onto_a_disk(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, size in (("small", 10), ("large", 9 << 20)):
                with open(f"{folder}/{name}", "wb") as file:
                    file.truncate(size)
            put = [(f"{folder}/small", "/root/"), (f"{folder}/large", "/root/x"), (f"{folder}/small", "/mnt/y")]
            with session.Session(session.SessionOptions(storage="sata0", put=put)) as run:
                early, late = run.split_puts()
                self.assertEqual([guest for _, guest in early], ["/root/small"])
                self.assertEqual([guest for _, guest in late], ["/root/x", "/mnt/y"])

    def test_a_link_that_is_named_brings_its_file(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/in")
            with open(f"{folder}/in/real", "w", encoding="ascii") as file:
                file.write("text")
            os.symlink("real", f"{folder}/in/link")
            session.write_tar(f"{folder}/tar", [(f"{folder}/in/link", "/lib/one"), (f"{folder}/in", "/all")])
            with tarfile.open(f"{folder}/tar") as tar:
                self.assertEqual(tar.extractfile("lib/one").read(), b"text")
                self.assertTrue(tar.getmember("all/link").issym())

    def test_axo_explains_wrong_usage(self):
        for words, said in ((["run", "--disk", "x"], "--disk x"), (["bench", "nothing"], "invalid choice"),
                            (["report", "/nonexistent"], "there are no records")):
            done = subprocess.run([f"{ROOT}/axo"] + words, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)


class BuildTest(unittest.TestCase):
    commands = []

    def ensure_make(self, install, found, status):
        """What tools/setup is called with, and whether it is enough."""
        done = subprocess.CompletedProcess([], status)
        with unittest.mock.patch.object(session.shutil, "which", side_effect=found), \
                unittest.mock.patch.object(session.subprocess, "run", return_value=done) as run, \
                unittest.mock.patch.object(session, "say"):
            try:
                session.ensure_make(install)
            finally:
                self.commands = [call.args[0] for call in run.call_args_list]

    def test_make_is_installed_first(self):
        self.ensure_make(True, ["/usr/bin/make"], 0)
        self.assertEqual(self.commands, [])
        self.ensure_make(True, [None, "/usr/bin/make"], 0)
        self.assertEqual(self.commands, [[f"{ROOT}/tools/setup"]])

    def test_without_make_nothing_goes(self):
        for install, found, status in ((False, [None], 1), (True, [None, None], 0), (True, [None], 1)):
            with self.assertRaisesRegex(MachineError, "make is not installed.*packages.txt"):
                self.ensure_make(install, found, status)
            self.assertEqual(self.commands[0][1:], [] if install else ["--no-install"])


class BootImageTest(unittest.TestCase):
    def test_entries_are_added_and_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            bootimg.write(f"{folder}/a", {"x": b"1", "y": b"2" * 5000})
            bootimg.extend(f"{folder}/a", f"{folder}/b", {"y": b"3", "z": b""})
            self.assertEqual([bootimg.read(f"{folder}/b", name) for name in "xyz"], [b"1", b"3", b""])
            self.assertEqual(os.path.getsize(f"{folder}/b") % 4096, 0)

    def test_garbage_is_refused(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(8192))
            file.flush()
            with self.assertRaises(bootimg.BootImageError):
                bootimg.read(file.name, "x")


LOG = """[    0.000100] boot
[    0.001000] kill ahci (ep 10) signal=9 by=3
[    0.001010] death ahci (ep 10) signal=9 status=0
[    0.001100] detect ahci (ep 10) cause=3 restarts=1
[    0.001500] publish ahci (ep 12) old=10 new=12
[    0.001600] reopen mirror.disk.1 (ep 20) server=12
[    0.001650] replay mirror.disk.1 (ep 20) requests=4 server=12
[    0.002000] recovered mirror.disk.1 (ep 20) server=12 id=5
[    9.000000] death ahci (ep 12) signal=9 status=0
"""

DEATHS = """[    1.000000] death e1000 (ep 10) signal=9 status=0
[    1.002000] net-resume e1000_0 (ep 20) active=1 outage_us=1400
[    1.100000] death e1000 (ep 12) signal=9 status=0
[    1.102000] net-resume e1000_0 (ep 20) active=1 outage_us=1400
[    1.103000] net-flow e1000_0 (ep 20) resume_us=1500 outage_us=3000
[    1.200000] death e1000 (ep 14) signal=9 status=0
[    1.202000] net-resume e1000_0 (ep 20) active=0 outage_us=1400
[    1.300000] death e1000 (ep 16) signal=9 status=0
[    1.302000] net-resume e1000_0 (ep 20) active=2 outage_us=1400
[    1.400000] death e1000 (ep 16) signal=9 status=0
[    1.402000] net-resume e1000_0 (ep 20) active=0 outage_us=1400
"""


class EventsTest(unittest.TestCase):
    def test_time_line_of_a_kill(self):
        found = events.incidents(events.parse(LOG), "ahci")
        self.assertEqual(len(found), 2)
        first = found[0]
        self.assertEqual((first["outage_us"], first["served_us"]), (1000.0, 650.0))
        self.assertEqual(first["cause"], "signal")
        self.assertEqual(first["phases_us"], {"detect": 100.0, "restart": 400.0, "reopen": 100.0, "replay": 400.0})
        self.assertEqual(first["replayed"], 4)
        self.assertIsNone(found[1]["outage_us"])

    def test_summary_counts_what_never_recovered(self):
        summary = events.summary(events.incidents(events.parse(LOG), "ahci"))
        self.assertEqual((summary["deaths"], summary["recovered"], summary["recovery_p50_us"]), (2, 1, 1000.0))

    def test_time_line_of_a_card(self):
        log = LOG.replace("recovered mirror.disk.1 (ep 20) server=12 id=5", "recovered inet (ep 20) server=12 id=5\n"
                          "[    0.002500] net-resume e1000_0 (ep 20) active=1 outage_us=1400\n"
                          "[    0.004000] net-flow e1000_0 (ep 20) resume_us=1500 outage_us=3000")
        log += "[    9.001000] net-resume e1000_0 (ep 20) active=0 outage_us=900\n"
        with unittest.mock.patch.object(events, "kinds", return_value=events.kinds() | {"net-resume", "net-flow"}):
            found = events.incidents(events.parse(log), "ahci", events.NET_GOOD)
        self.assertEqual((found[0]["outage_us"], found[0]["idle"]), (3000.0, False))
        self.assertEqual((found[1]["outage_us"], found[1]["idle"]), (None, True))
        self.assertEqual(events.summary(found)["idle"], 1)

    def test_an_outage_lasts_over_further_deaths(self):
        found = events.incidents(events.parse(DEATHS), "e1000", events.NET_GOOD)
        self.assertEqual([entry["awaited"] for entry in found], [True, True, False, True, False])
        self.assertEqual([entry["overtaken"] for entry in found], [True, False, True, True, False])
        # The third had nobody waiting; the fourth had, and nothing moved after it.
        self.assertEqual([entry["outage_us"] for entry in found], [103000.0, 3000.0, None, None, None])
        summary = events.summary(found)
        self.assertEqual([summary[name] for name in ("recovered", "idle", "overtaken")], [2, 2, 1])

    def test_percentiles(self):
        values = list(range(1, 101))
        self.assertEqual([percentile(values, share) for share in (0.5, 0.99, 1.0)], [50, 99, 100])
        self.assertEqual(percentile([3], 0.5), 3)


class ReportTest(unittest.TestCase):
    def test_tables_from_json(self):
        record = Record("disk-kill", 1, {"storage": "mirror(sata0,sata1)"})
        record.samples.append({"direction": "read", "interval_s": 1, "kills": 3, "errors": 0, "wrong": 0})
        record.metrics.update({"read_mb_s_1s_undisturbed": 100.0, "read_mb_s_1s": 99.0, "loss_percent_1s": 1.0,
                               "noise_percent_1s": 0.5})
        record.verdicts["read_right_1s"] = True
        with tempfile.TemporaryDirectory() as folder:
            with open(record.save(folder), encoding="utf-8") as file:
                self.assertEqual(json.load(file)["experiment"], "disk-kill")
            _, text = report.write(folder)
            self.assertIn("| read | 1          | 3     | 100.0", text)
            self.assertIn("62.0", text)


STARTER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from machine import Config, Machine
machine = Machine(Config(iso=sys.argv[2])).start()
print(machine.process.pid, flush=True)
try:
    time.sleep(60)
finally:
    machine.close()
"""


class MachineTest(unittest.TestCase):
    def start(self, folder):
        with open(f"{folder}/empty.iso", "wb") as file:
            file.truncate(1 << 20)
        starter = subprocess.Popen([sys.executable, "-c", STARTER, f"{ROOT}/bench", f"{folder}/empty.iso"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return starter, int(starter.stdout.readline())

    def is_gone(self, pid):
        for _ in range(100):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                        return True
            except OSError:
                return True
            time.sleep(0.05)
        return False

    def test_no_machine_outlives_its_starter(self):
        for number in (signal.SIGINT, signal.SIGKILL):
            with tempfile.TemporaryDirectory() as folder:
                starter, pid = self.start(folder)
                starter.send_signal(number)
                starter.wait(10)
                starter.stdout.close()
                self.assertTrue(self.is_gone(pid), f"QEMU survived signal {number}")

    def test_what_qemu_says_is_shown(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(MachineError, "QEMU does not run.*nonsense"):
                Machine(Config(iso=f"{folder}/x", qemu_args=["-nonsense"])).start()

    def test_missing_kernel_says_what_to_do(self):
        with self.assertRaisesRegex(MachineError, "build it with `make`"):
            Machine(Config(kernel="/nonexistent/kernel"))


if __name__ == "__main__":
    unittest.main()
