# SPDX-License-Identifier: BSD-2-Clause
"""net-faults: downloads, uploads and streams through the network fault filter, which drops, corrupts, doubles, reorders and delays
frames in both directions, by rate. Each case has a machine of its own with fault(CARD, rules=...) as its network; the first
one has the filter without rules and is what the others are compared with. Every file must arrive right, whatever it costs.
"""
import copy

from agent import AgentError
from machine import MachineError
from record import Record
from session import UsageError, say

from experiments.net_rig import UNITS, NetRig, config_of
from experiments.rig import TILE_BYTES

TITLE = "throughput and right bytes through a network that drops, corrupts, doubles, reorders and delays frames"
# (kind, chance in a million, more words of the rule)
QUICK_CASES = [("drop", 1000, ""), ("drop", 10000, ""), ("drop", 30000, ""), ("corrupt", 10000, ""), ("duplicate", 10000, ""),
               ("reorder", 10000, ""), ("delay", 10000, "for=20ms")]
FULL_CASES = [(kind, rate, more) for kind, more in (("drop", ""), ("corrupt", ""), ("duplicate", ""), ("reorder", ""),
                                                    ("delay", "for=20ms"), ("burst", "length=10"))
              for rate in (100, 1000, 10000, 50000)]
QUICK = {"file_mb": 16, "upload_mb": 16, "stream_s": 3, "cases": QUICK_CASES}
FULL = {"file_mb": 64, "upload_mb": 64, "stream_s": 10, "cases": FULL_CASES}
WORKS = ("wget_in", "wget_out", "iperf3_in", "iperf3_out")


def stack_of(unit, case, seed):
    """The network stack of a case; None: no rules."""
    if case is None:
        return f"fault({unit},seed={seed})"
    kind, rate, more = case
    return f'fault({unit},rules="{kind},prob={rate}{"," + more if more else ""}",seed={seed})'


def name_of(case):
    return "none" if case is None else f"{case[0]}_{case[1]}ppm"


def one_case(rig, record, params, case):
    """All works once; a sample, metrics and verdicts."""
    peer, size, speeds, mistakes = rig.peer, params["file_mb"] << 20, {}, []
    works = {"wget_in": lambda: peer.wget_in_sha1(size, peer.tile_sha1(size // TILE_BYTES)),
             "wget_out": lambda: peer.wget_out(rig.upload_path, rig.upload_bytes, rig.upload_sha1),
             "iperf3_in": lambda: peer.iperf3(params["stream_s"], True),
             "iperf3_out": lambda: peer.iperf3(params["stream_s"], False)}
    for work in WORKS:
        got, seconds, wrong = works[work]()
        speeds[work] = round(got / 1e6 / max(seconds, 1e-6), 3)
        mistakes += [f"{work}: {text}" for text in wrong]
    shots = int(rig.agent.run("grep -c '\\] fault ' /proc/axolotl/events", 60).text or 0)
    name = name_of(case)
    record.samples.append({"case": name, "mb_s": speeds, "shots_in_log": shots, "mistakes": mistakes})
    record.metrics.update({f"{work}_mb_s_{name}": speeds[work] for work in WORKS})
    record.verdicts[f"{name}_every_byte_right"] = not mistakes
    if case is not None:
        record.verdicts[f"{name}_was_injected"] = shots > 0
    say(f"{name}: " + ", ".join(f"{work} {speeds[work]:.1f} MB/s" for work in WORKS) + f"; {shots} shots in the event log; "
        + (f"FAILED: {mistakes[0]}" if mistakes else "every byte right"))


def run(args):
    if args.net:
        raise UsageError("net-faults makes its own networks; leave --net out")
    params, config = FULL if args.full else QUICK, config_of(args)
    record = Record("net-faults", args.seed, {**config, **params})
    for case in [None] + params["cases"]:
        own = copy.copy(args)
        own.net = stack_of(UNITS[config["nic"]], case, args.seed)
        own.no_build = args.no_build or case is not None
        try:
            with NetRig(own, params["upload_mb"]) as rig:
                record.set_machine(rig.machine)
                one_case(rig, record, params, case)
        except (AgentError, MachineError) as error:
            record.verdicts[f"{name_of(case)}_machine_answers"] = False
            say(str(error))
    return record
