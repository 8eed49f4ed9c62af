#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The guest agent (user/axod) and its client, against each other on this host; also over a line that loses bytes."""
import hashlib
import io
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
from agent import Agent, AgentError, AgentTimeout  # noqa: E402  pylint: disable=wrong-import-position

AXOD = os.path.join(ROOT, "build/guest/bin/axod")


class Line:
    """Two socket pairs with a thread between that damages one of `rate` chunks (0: none)."""

    def __init__(self, rate, seed):
        self.rate, self.random = rate, random.Random(seed)
        self.host, self.near = socket.socketpair()
        self.guest, self.far = socket.socketpair()
        for source, target in ((self.near, self.far), (self.far, self.near)):
            threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def damage(self, data):
        if self.rate == 0 or self.random.randrange(self.rate) != 0:
            return data
        at = self.random.randrange(len(data))
        if self.random.randrange(2):
            return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:]
        return data[:at] + data[at + self.random.randrange(1, 40):]

    def carry(self, source, target):
        try:
            while data := source.recv(2048):
                data = self.damage(data)
                if data:
                    target.sendall(data)
        except OSError:
            pass
        target.close()


class AgentTest(unittest.TestCase):
    rate = 0

    def setUp(self):
        self.line = Line(self.rate, 7)
        self.start_axod()
        self.agent = Agent(self.line.host)
        self.agent.wait_ready(5)

    def start_axod(self):
        fd = self.line.guest.fileno()
        self.axod = subprocess.Popen([AXOD, f"fd:{fd}"], pass_fds=[fd])

    def tearDown(self):
        self.agent.close()
        self.axod.kill()
        self.axod.wait()
        for sock in (self.line.near, self.line.far, self.line.guest):
            sock.close()

    def test_status_and_both_outputs_come_back(self):
        result = self.agent.run("echo out; echo err >&2; exit 7", 10)
        self.assertEqual((result.status, result.out, result.err), (7, b"out\n", b"err\n"))

    def test_signal_is_reported_as_128_plus_number(self):
        self.assertEqual(self.agent.run("kill -9 $$", 10).status, 137)

    def test_input_reaches_the_command_and_ends(self):
        data = random.Random(1).randbytes(200_000)
        result = self.agent.run("sha1sum", 30, stdin=io.BytesIO(data))
        self.assertTrue(result.text.startswith(hashlib.sha1(data).hexdigest()), result)

    def test_large_output_is_whole(self):
        result = self.agent.run("seq 1 60000", 60)
        self.assertEqual(result.out, b"".join(b"%d\n" % n for n in range(1, 60001)))

    def test_no_input_means_end_of_file(self):
        self.assertEqual(self.agent.run("cat; echo done", 10).out, b"done\n")

    def test_many_jobs_run_at_once(self):
        start = time.monotonic()
        jobs = [self.agent.start(f"sleep 0.5; echo {n}") for n in range(20)]
        for number, job in enumerate(jobs):
            self.assertEqual(job.wait(20).out, b"%d\n" % number)
        self.assertLess(time.monotonic() - start, 8)

    def test_a_job_that_reads_nothing_holds_up_nobody(self):
        stuck = self.agent.start("sleep 30", stdin=io.BytesIO(bytes(1_000_000)))
        self.assertEqual(self.agent.run("echo alive", 10).text, "alive")
        stuck.kill()
        self.assertEqual(stuck.wait(10).status, 137)

    def test_late_job_is_a_timeout_and_killed(self):
        with self.assertRaises(AgentTimeout) as caught:
            self.agent.run("echo begun; sleep 60", 1)
        self.assertIn("begun", str(caught.exception))
        self.assertEqual(caught.exception.job.wait(10).status, 137)

    def test_thirty_third_job_is_refused(self):
        jobs = [self.agent.start("sleep 20") for _ in range(32)]
        with self.assertRaisesRegex(AgentError, "could not be started"):
            self.agent.run("true", 10)
        for job in jobs:
            job.kill()
            job.wait(10)

    def test_background_process_does_not_keep_the_job_open(self):
        start = time.monotonic()
        self.assertEqual(self.agent.run("sleep 20 & echo $!", 10).status, 0)
        self.assertLess(time.monotonic() - start, 8)

    def test_long_command_is_sent_in_pieces(self):
        text = "x" * 30000
        self.assertEqual(self.agent.run(f"echo {text}", 10).text, text)

    def test_trees_go_in_and_come_out(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/in/deep")
            for name in ("in/a", "in/deep/b"):
                with open(f"{folder}/{name}", "wb") as file:
                    file.write(os.urandom(5000))
            os.chmod(f"{folder}/in/a", 0o755)
            self.agent.put(f"{folder}/in", f"{folder}/guest/copy")
            self.agent.get(f"{folder}/guest/copy", f"{folder}/out")
            self.assertEqual(subprocess.run(["diff", "-r", f"{folder}/in", f"{folder}/out"], check=False).returncode, 0)
            self.assertTrue(os.access(f"{folder}/out/a", os.X_OK))

    def test_ping(self):
        self.assertLess(self.agent.ping(), 5)


class LossyAgentTest(AgentTest):
    """The same over a line that damages every twelfth chunk."""
    rate = 12


class RestartTest(unittest.TestCase):
    def test_restarted_agent_fails_jobs_and_serves_new_ones(self):
        line = Line(0, 1)
        fd = line.guest.fileno()
        first = subprocess.Popen([AXOD, f"fd:{fd}"], pass_fds=[fd])
        agent = Agent(line.host)
        agent.wait_ready(5)
        job = agent.start("sleep 60")
        self.assertEqual(agent.run("echo 1", 5).text, "1")
        first.kill()
        first.wait()
        second = subprocess.Popen([AXOD, f"fd:{fd}"], pass_fds=[fd])
        job.kill(0)
        with self.assertRaisesRegex(AgentError, "restarted"):
            job.wait(10)
        agent.wait_ready(5)
        self.assertEqual(agent.run("echo 2", 5).text, "2")
        agent.close()
        second.kill()
        second.wait()
        for sock in (line.near, line.far, line.guest):
            sock.close()


if __name__ == "__main__":
    unittest.main()
