# SPDX-License-Identifier: BSD-2-Clause
"""The JSON record of an experiment, and where it came from."""
import hashlib
import json
import os
import platform
import re
import statistics
import subprocess
import time

from machine import IMAGE, QEMU, ROOT


def _output(command):
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return done.stdout.decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _sha256(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


def _host_cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            match = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.M)
            return match[1] if match else platform.machine()
    except OSError:
        return platform.machine()


class Record:
    """metrics: numbers whose names carry the unit; verdicts: booleans; samples and incidents: lists of dicts."""

    def __init__(self, experiment, seed, config):
        self.experiment, self.seed, self.config = experiment, seed, config
        self.samples, self.incidents = [], []
        self.metrics, self.verdicts = {}, {}
        self.started = time.time()
        self.provenance = {"commit": _output(["git", "rev-parse", "HEAD"]),
                           "dirty": bool(_output(["git", "status", "--porcelain", "-uno"])),
                           "image_sha256": _sha256(IMAGE),
                           "qemu": _output([QEMU, "--version"]).split("\n", maxsplit=1)[0],
                           "host_cpu": _host_cpu(), "host_cpus": os.cpu_count()}

    def set_machine(self, machine):
        """What is needed to boot the same machine again."""
        self.provenance["qemu_command"] = machine.command
        self.provenance["accel"] = machine.command[machine.command.index("-accel") + 1]
        self.metrics["boot_s"] = round(machine.boot_s, 3)

    @property
    def passed(self):
        return all(self.verdicts.values())

    def to_json(self):
        return {"experiment": self.experiment, "seed": self.seed, "commit": self.provenance["commit"],
                "seconds": round(time.time() - self.started, 1), "provenance": self.provenance, "config": self.config,
                "samples": self.samples, "metrics": self.metrics, "verdicts": self.verdicts, "incidents": self.incidents}

    def save(self, folder):
        """Writes DIR/<experiment>.json; the path."""
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{self.experiment}.json")
        with open(f"{path}.tmp", "w", encoding="utf-8") as file:
            json.dump(self.to_json(), file, indent=1)
        os.replace(f"{path}.tmp", path)
        return path


def percentile(values, share):
    """The smallest value with at least `share` (0..1) of the values at or below it."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def spread_percent(values):
    """Half the distance between the smallest and the largest value, in percent of the median."""
    if len(values) < 2:
        return 0.0
    return 50.0 * (max(values) - min(values)) / statistics.median(values)
