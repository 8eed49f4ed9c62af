#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How tests/system/run counts: with scenarios that boot nothing."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
SCENARIO = """
from guest import Skipped


def test_passes():
    pass


def test_is_skipped():
    raise Skipped("it is too dark\\nand too late")


def test_fails():
    assert False, "wrong"


def test_fails_and_then_skips():
    try:
        assert False, "wrong"
    finally:
        raise Skipped("to be out of it")


def test_crashes():
    raise OSError("broken")
"""


class CountTest(unittest.TestCase):
    def run_it(self, *words):
        """(status, output, JSON)"""
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "sample.py"), "w", encoding="utf-8") as file:
                file.write(SCENARIO)
            result = os.path.join(folder, "result.json")
            done = subprocess.run([sys.executable, os.path.join(ROOT, "tests/system/run"), "--folder", folder, "--json", result, *words],
                                  capture_output=True, text=True, check=False, timeout=60)
            with open(result, encoding="utf-8") as file:
                return done.returncode, done.stdout, json.load(file)

    def counts(self, *words):
        status, output, found = self.run_it(*words)
        return status, output.splitlines()[-1], found["passed"], found["failed"], found["skipped"]

    def test_a_skip_is_shown_and_hides_no_failure(self):
        for jobs in ("1", "2"):
            self.assertEqual(self.counts("--jobs", jobs), (1, "system: 1 passed, 3 failed, 1 skipped", 1, 3, 1))

    def test_a_skip_says_why(self):
        self.assertIn("\nskip  sample.is_skipped: it is too dark\n", "\n" + self.run_it("sample.is_skipped")[1])

    def test_nothing_skipped_is_not_mentioned(self):
        self.assertEqual(self.counts("sample.passes"), (0, "system: 1 passed, 0 failed", 1, 0, 0))

    def test_skips_alone_are_no_failure(self):
        self.assertEqual(self.counts("sample.is_skipped"), (0, "system: 0 passed, 0 failed, 1 skipped", 0, 0, 1))

    def test_no_test_at_all_is_one(self):
        self.assertEqual(self.counts("nobody")[0], 1)


if __name__ == "__main__":
    unittest.main()
