# SPDX-License-Identifier: BSD-2-Clause
"""The kernel alone: its conformance tests run as the first process, with nothing else in the boot archive."""
import os
import re
import subprocess
import tempfile

import bootimg
from machine import ROOT

PROGRAM = os.path.join(ROOT, "build/guest/strip/tests/kernel")
KERNEL = os.path.join(ROOT, "build/kernel/axolotl.elf")
SEEDS = (1, 2, 3)


def run_kernel(words=""):
    """Console text of a boot of the test program with these words on the command line."""
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, "archive")
        bootimg.write(archive, {"vm": PROGRAM})
        done = subprocess.run(["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35", "-accel", "tcg", "-cpu",
                               "max,-erms,-fsrm", "-m", "256", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel",
                               KERNEL, "-initrd", archive, "-append", words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=50, check=False)
    return done.stdout.decode("utf-8", "replace")


def expect_all_passed(text):
    total = re.search(r"^(\d+) passed, (\d+) failed", text, re.M)
    assert total, f"the tests did not end:\n{text[-2000:]}"
    assert int(total[1]) >= 24 and int(total[2]) == 0, text[-3000:]


def test_conformance_and_random_calls(boot):
    del boot
    for seed in SEEDS:
        text = run_kernel(f"seed={seed:x}")
        assert f"seed {seed:x}" in text, text[-2000:]
        expect_all_passed(text)


test_conformance_and_random_calls.timeout = 150


def test_size_stays_below_4000_lines(boot):
    """Assembly and C, no headers, comments or blank lines: the figure of the 2006 papers."""
    del boot
    lines = 0
    for folder, _, files in os.walk(os.path.join(ROOT, "kernel")):
        for name in files:
            if not name.endswith((".c", ".asm")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            text = re.sub(r"/\*.*?\*/", "", text, flags=re.S) if name.endswith(".c") else re.sub(r";.*", "", text)
            lines += sum(1 for line in text.split("\n") if line.strip())
    print(f"      {lines} lines of code", flush=True)
    assert lines < 4000, f"{lines} lines of code"
