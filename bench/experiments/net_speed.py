# SPDX-License-Identifier: BSD-2-Clause
"""net-speed: what a TCP stream of iperf3 reaches undisturbed, in both directions, over each card; with --peer linux beside the
distribution's Linux in a second machine with the same QEMU command line.

Both machines are booted, one of them runs at a time, the other is paused by QEMU. Turns alternate, and each pair of turns gives
a ratio, ours to Linux's, in either order by turns, so that a host that becomes slower or faster meanwhile hits both. The ratio of
the tables is the median of the pairs, the noise half their spread. Beside it is how much processor time of this computer the
machine took for a megabyte (QEMU with all its threads): a busy host changes that much less than the throughput. Verdicts are about
connections only: which ratio is good enough is no matter of right and wrong.
"""
import contextlib
import copy
import random
import statistics

import linuxguest
from agent import AgentError
from machine import MachineError
from record import Record, spread_percent
from session import UsageError, machine_options, say

from experiments.net_rig import connect
from experiments.rig import BaseRig

TITLE = "undisturbed streams of iperf3 over each card, with --peer linux beside a Linux guest"
PEERS = ("linux",)
DEFAULT_NICS = ("e1000", "virtio")
OURS, LINUX = "axolotl", "linux"
DIRECTIONS = ("in", "out")
QUICK = {"seconds": 3, "rounds": 3, "warm_s": 1}
FULL = {"seconds": 10, "rounds": 7, "warm_s": 2}


class Streams:
    """The turns of one guest over one card in one direction."""

    def __init__(self):
        self.mbit_s, self.cpu_ms_per_mb = [], []
        self.bytes, self.connections, self.mistakes = 0, 0, []

    def note(self, stream, cpu_s, is_counted=True):
        """One connection: (bytes, seconds, mistakes). One that went wrong, or moved nothing, has no speed."""
        got, seconds, mistakes = stream
        self.connections += 1
        self.bytes += got
        self.mistakes += mistakes
        if is_counted:
            is_good = got and not mistakes
            self.mbit_s.append(round(got * 8 / 1e6 / max(seconds, 1e-6), 2) if is_good else 0.0)
            self.cpu_ms_per_mb.append(round(cpu_s * 1e9 / got, 3) if is_good else 0.0)

    @property
    def is_right(self):
        """All connections lived to their end, and each turn moved something."""
        return not self.mistakes and bool(self.mbit_s) and all(self.mbit_s)


class Guest:
    """A booted machine, paused but for its turns; peer is the host's end of it."""

    def __init__(self, name, machine, tile):
        self.name, self.machine, self.agent = name, machine, machine.agent
        self.streams = {direction: Streams() for direction in DIRECTIONS}
        self.peer = connect(self, tile)
        machine.pause()

    def turn(self, direction, seconds, is_counted=True):
        self.machine.resume()
        before = self.machine.cpu_seconds()
        stream = self.peer.iperf3(seconds, direction == "in")
        self.machine.pause()
        self.streams[direction].note(stream, self.machine.cpu_seconds() - before, is_counted)

    def close(self):
        self.peer.__exit__()


def compare(metrics, name, ours, theirs):
    """Ratios of the pairs that have both figures: their median, and half their spread."""
    pairs = [our / their for our, their in zip(ours, theirs) if our and their]
    if pairs:
        metrics[name] = round(statistics.median(pairs), 3)
        metrics[f"{name}_noise_percent"] = round(spread_percent(pairs), 1)


def store(record, nic, streams):
    """Samples, metrics and verdicts of one card; streams: {guest: {direction: Streams}}."""
    for direction in DIRECTIONS:
        sample, at = {"nic": nic, "direction": direction}, f"{direction}_{nic}"
        for guest, found in streams.items():
            taken, prefix = found[direction], "" if guest == OURS else f"{guest}_"
            sample[guest] = {"mbit_s": taken.mbit_s, "cpu_ms_per_mb": taken.cpu_ms_per_mb, "bytes": taken.bytes,
                             "connections": taken.connections, "mistakes": taken.mistakes[:20]}
            record.metrics[f"{prefix}iperf3_{direction}_mbit_s_{nic}"] = round(statistics.median(taken.mbit_s or [0.0]), 1)
            record.metrics[f"{prefix}cpu_ms_per_mb_{at}"] = round(statistics.median(taken.cpu_ms_per_mb or [0.0]), 2)
            record.verdicts[f"{prefix}{nic}_{direction}_all_connections_right"] = taken.is_right
        if LINUX in streams:
            ours, theirs = streams[OURS][direction], streams[LINUX][direction]
            compare(record.metrics, f"ratio_{at}", ours.mbit_s, theirs.mbit_s)
            compare(record.metrics, f"cpu_ratio_{at}", ours.cpu_ms_per_mb, theirs.cpu_ms_per_mb)
        record.samples.append(sample)
        say(f"{nic} {direction}: " + told(record.metrics, sample))


def told(metrics, sample):
    """One line about a sample."""
    nic, direction = sample["nic"], sample["direction"]
    at = f"{direction}_{nic}"
    text = f"{metrics[f'iperf3_{direction}_mbit_s_{nic}']:.0f} Mbit/s, {metrics[f'cpu_ms_per_mb_{at}']:.1f} ms of processor for a MB"
    if LINUX in sample:
        text += (f"; Linux {metrics[f'linux_iperf3_{direction}_mbit_s_{nic}']:.0f} Mbit/s, "
                 f"{metrics[f'linux_cpu_ms_per_mb_{at}']:.1f} ms")
    if f"ratio_{at}" in metrics:
        text += f"; ratio {metrics[f'ratio_{at}']:.2f} (noise {metrics[f'ratio_{at}_noise_percent']:.0f} %)"
    mistakes = [mistake for guest in (OURS, LINUX) for mistake in sample.get(guest, {}).get("mistakes", [])]
    return text + (f"; FAILED: {mistakes[0]}" if mistakes else "; all connections right")


def measure(guests, params):
    """Turns of all guests, in both directions, every second round in the other order."""
    for guest in guests:
        for direction in DIRECTIONS:
            guest.turn(direction, params["warm_s"], is_counted=False)
    for turn in range(params["rounds"]):
        for direction in DIRECTIONS:
            for guest in guests if turn % 2 == 0 else guests[::-1]:
                guest.turn(direction, params["seconds"])


def boot_linux(stack, rig, record, tile):
    """The second machine, as a Guest."""
    machine = stack.enter_context(linuxguest.make_machine(rig.session.options, rig.session.temporary.name)).wait_ready()
    say(f"Linux is up in {machine.boot_s:.2f} s")
    record.provenance["linux"] = machine.agent.run("uname -r -v", check=True).text
    record.provenance["linux_qemu_command"] = machine.command
    return Guest(LINUX, machine, tile)


def one_card(args, record, nic, params):
    """Boots, measures and stores one card."""
    with contextlib.ExitStack() as stack:
        rig = stack.enter_context(BaseRig(args))
        record.set_machine(rig.machine)
        tile = rig.make_random("tile", 1, random.Random(args.seed))
        guests = [Guest(OURS, rig.machine, tile)]
        stack.callback(guests[0].close)
        if args.peer:
            guests.append(boot_linux(stack, rig, record, tile))
            stack.callback(guests[1].close)
        try:
            measure(guests, params)
        finally:
            store(record, nic, {guest.name: guest.streams for guest in guests})


def cards(args):
    """Models to measure, each once; the options of a machine with one of them must make sense."""
    nics = list(dict.fromkeys(args.nic)) or list(DEFAULT_NICS)
    if nics == ["none"]:
        raise UsageError("net-speed needs a card; leave --nic none out")
    if args.net and len(nics) > 1:
        raise UsageError("--net names one card's unit; choose that card, for example: --nic e1000 --net 'guard(e1000_0)'")
    return nics


def run(args):
    options, nics, params = machine_options(args), cards(args), FULL if args.full else QUICK
    record = Record("net-speed", args.seed, {"nic": ", ".join(nics), "net": options["net"], "peer": args.peer,
                                             "net_backend": options["net_backend"], "mem_mb": options["mem"], **params})
    if args.peer and not args.no_build:
        linuxguest.fetch()
    for nic in nics:
        own = one_card_args(args, nic)
        own.no_build = args.no_build or nic != nics[0]
        try:
            one_card(own, record, nic, params)
        except (AgentError, MachineError) as error:
            record.verdicts[f"{nic}_machines_answer"] = False
            say(str(error))
    return record


def one_card_args(args, nic):
    own = copy.copy(args)
    own.nic = [nic]
    return own
