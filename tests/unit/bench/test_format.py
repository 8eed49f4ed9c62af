#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""mkstack on image files: what is blank, what is refused, and that formatting leaves a file system behind."""
import os
import random
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import session  # noqa: E402  pylint: disable=wrong-import-position

STACK = "checksum(mirror(sata0,sata1))"


class MkstackTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.paths = []
        for number in range(2):
            path = f"{self.folder.name}/{number}.img"
            session.make_sparse(path, 8 << 20)
            self.paths.append(f"sata{number}={path}")

    def tearDown(self):
        self.folder.cleanup()

    def mkstack(self, *words):
        done = subprocess.run([session.MKSTACK] + list(words) + self.paths, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        return done.returncode, done.stdout.strip(), done.stderr

    def image(self, number):
        with open(f"{self.folder.name}/{number}.img", "rb") as file:
            return file.read()

    def test_sizes(self):
        sizes = {stack: int(self.mkstack("-n", stack)[1]) for stack in
                 ("sata0", "mirror(sata0,sata1)", "checksum(sata0)", STACK, "checksum(sata0,n=16)")}
        self.assertEqual(sizes["sata0"], 8 << 20)
        self.assertEqual(sizes["mirror(sata0,sata1)"], (8 << 20) - 65536)
        self.assertLess(sizes["checksum(sata0)"], sizes["checksum(sata0,n=16)"])
        self.assertLess(sizes[STACK], sizes["checksum(sata0)"])

    def test_used_media_are_refused_without_force(self):
        self.assertEqual(self.mkstack(STACK)[0], 0)
        before = self.image(0)
        status, _, error = self.mkstack(STACK)
        self.assertEqual(status, 1)
        self.assertIn("not blank", error)
        self.assertEqual(self.image(0), before)
        self.assertEqual(self.mkstack("-f", STACK)[0], 0)

    def test_dry_run_writes_nothing(self):
        self.mkstack("-n", STACK)
        self.assertEqual(self.image(0), bytes(8 << 20))

    def test_errors_point_at_the_column(self):
        status, _, error = self.mkstack("checksum(mirror(sata0,sata1)")
        self.assertEqual(status, 2)
        self.assertIn("column", error)

    def test_content_is_on_both_legs(self):
        data = random.Random(4).randbytes(512)
        path = f"{self.folder.name}/content"
        with open(path, "wb") as file:
            file.write(bytes(100 * 512) + data)
        self.assertEqual(self.mkstack("-c", path, STACK)[0], 0)
        places = [self.image(number).find(data) for number in range(2)]
        self.assertGreater(places[0], 0)
        self.assertEqual(places[0], places[1])

    def test_content_that_does_not_fit_is_refused(self):
        path = f"{self.folder.name}/content"
        with open(path, "wb") as file:
            file.write(b"x" * (8 << 20))
        status, _, error = self.mkstack("-c", path, STACK)
        self.assertEqual(status, 1)
        self.assertIn("larger than the volume", error)


if __name__ == "__main__":
    unittest.main()
