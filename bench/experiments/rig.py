# SPDX-License-Identifier: BSD-2-Clause
"""What the experiments share: a booted machine with a killer and an event log, and for those of the storage a mounted stack and
a large file in it. (The network's is net_rig.py.)"""
import contextlib
import hashlib
import random
import re

import events
from agent import AgentError, AgentTimeout
from machine import MachineError
from session import DiskSpec, Session, SessionOptions, machine_options, say

STACK = "checksum(mirror(sata0,sata1))"
DRIVER = "ahci"
DATA_PORT = "sata3"
TILE_BYTES = 8 << 20
PASS = re.compile(r"^bytes=(\d+) seconds=([\d.]+)", re.M)    # a line of streamio


def sha1_of(path, megabytes=None):
    """Of the whole file, or of its first megabytes."""
    digest, left = hashlib.sha1(), megabytes
    with open(path, "rb") as file:
        while left != 0 and (piece := file.read(1 << 20)):
            digest.update(piece)
            left = None if left is None else left - 1
    return digest.hexdigest()


class BaseRig:
    """A session of these options, its killer and its event log; `with ... as rig:` boots it."""
    driver = DRIVER                   # label of the component that killer() aims at

    def __init__(self, args, prepare=None, **options):
        self.args = args
        self.prepare = prepare        # called with the session before the boot: may add disks and files
        self.session = Session(SessionOptions(quiet=True, **options, **machine_options(args)))
        self.machine = self.agent = None

    def __enter__(self):
        self.session.__enter__()
        try:
            self.make_data()
            if self.prepare:
                self.prepare(self.session)
            self.machine = self.session.boot()
            self.agent = self.machine.agent
            self.greet()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.session.close()

    def make_data(self):
        """Before the boot: what the experiment needs in files and disks."""

    def greet(self):
        """After the boot: what must be so before the experiment starts."""
        say(f"up in {self.machine.boot_s:.2f} s")

    def measured(self, record, measure, params):
        """Runs measure(rig, record, params). A guest that stops answering is a verdict of the record, not the end."""
        record.set_machine(self.machine)
        try:
            measure(self, record, params)
        except AgentError as error:
            record.verdicts["machine_answers"] = False
            say(f"{error}\n{self.machine.last_words()}")

    def make_random(self, name, megabytes, generator):
        """A file of random bytes in the session's folder; its path. Never a zero: the body of busybox's wget --post-file ends
        at one."""
        path = self.session.path(name)
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(generator.randbytes(1 << 20).replace(b"\0", b"\1"))
        return path

    def sh(self, command, timeout=300):
        """A command that must succeed; its result."""
        return self.agent.run(command, timeout, check=True)

    @contextlib.contextmanager
    def killer(self, interval_s, signal=9, label=None, seed=None):
        """While the block runs, `label` (the rig's driver) gets a signal at about this interval; yields a list that is filled at
        the end with (t_us, pid, errno) of each shot. Signal 0 is the load of the killer without its effect."""
        shots = []
        job = self.agent.start(f"exec killloop -l {label or self.driver} -i {interval_s * 1000:g} "
                               f"-s {seed or self.args.seed} -S {signal}")
        try:
            yield shots
        finally:
            job.kill(15)
            try:
                result = job.wait(60)
            except AgentTimeout as error:
                raise AgentError("killloop does not end; the machine may be stuck\n" + self.machine.last_words()) from error
            shots += [tuple(map(int, line)) for line in re.findall(r"^(\d+) (\d+) (\d+)$", result.text, re.M)]

    def last_event_us(self):
        """Time of the newest event."""
        found = events.parse(self.sh("tail -n 1 /proc/axolotl/events").text)
        return found[-1].t_us if found else 0

    def events_after(self, t_us):
        """Events of the log that are newer than t_us."""
        text = self.sh(f"awk -F '[][]' '$2 > {t_us / 1e6:.6f}' /proc/axolotl/events", 120).text
        return events.parse(text)


class Rig(BaseRig):
    """A rig with `storage` on fresh disks of disk_mb each, and a disk of random data to fill files from."""

    def __init__(self, args, storage=STACK, disk_mb=1024, data_mb=256, prepare=None):
        disks = [DiskSpec("sata0", disk_mb << 20), DiskSpec("sata1", disk_mb << 20)]
        super().__init__(args, prepare, storage=storage, disks=disks)
        self.data_mb, self.data_sha1 = data_mb, None

    def greet(self):
        say(f"up in {self.machine.boot_s:.2f} s; {self.session.options.storage} is mounted on {self.session.mount_point}")

    def make_data(self):
        """A disk of random bytes, a multiple of a tile of random bytes: what the guest reads and writes."""
        generator = random.Random(self.args.seed)
        path = self.make_random("data.img", self.data_mb, generator)
        self.data_sha1 = sha1_of(path)
        tile = self.make_random("tile", TILE_BYTES >> 20, generator)
        self.session.options.disks.append(DiskSpec(DATA_PORT, None, path))
        self.session.options.put.append((tile, "/tmp/tile"))

    def tiles_sha1(self, count):
        """The SHA-1 of `count` tiles one after the other."""
        digest = hashlib.sha1()
        with open(self.session.path("tile"), "rb") as file:
            tile = file.read()
        for _ in range(count):
            digest.update(tile)
        return digest.hexdigest()

    def sha1(self, path):
        """SHA-1 of a file in the guest (streamio's, three times as fast as busybox's)."""
        return self.sh(f"streamio -h {path}", 900).text.split("sha1=")[1]

    def stream(self, arguments, seconds):
        """Passes of streamio for so many seconds: its result, and (bytes, seconds) of each pass."""
        result = self.agent.run(f"streamio -d {seconds:g} {arguments}", 900)
        return result, [(int(size), float(took)) for size, took in PASS.findall(result.text)]

    def fill(self, path):
        """Copies the data disk into a file of the storage; its SHA-1 must be right."""
        self.sh(f"dd if=/dev/{DATA_PORT} of={path} bs=1M 2>/dev/null && fsync {path}", 900)
        found = self.sha1(path)
        if found != self.data_sha1:
            raise MachineError(f"{path} has SHA-1 {found}, {self.data_sha1} was written: wrong before anything was killed")
