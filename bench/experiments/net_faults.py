# SPDX-License-Identifier: BSD-2-Clause
"""net-faults: downloads, uploads and streams through the network fault filter, which drops, corrupts, doubles, reorders, delays and
throttles frames in both directions. Each case has a machine of its own with fault(CARD, rules=...) as its network; the first
one has a rule that never fires and is what the others are compared with.

Files, which go in pieces with a connection each until a case has had its share of bytes or of time, must arrive right, whatever it
costs; streams of iperf3 tell the throughput. The peer's TCP counts as much as ours: with --net-backend user the sender of
what comes in is the TCP of QEMU's own network, which has no SACK and waits a second or more for many of its retransmissions; with
tap it is Linux.
"""
import copy
import re
import time

from agent import AgentError
from machine import MachineError
from record import Record
from session import UsageError, say

from experiments.net_rig import UNITS, NetRig, config_of

TITLE = "throughput and right bytes through a network that drops, corrupts, doubles, reorders, delays and throttles frames"
FILTER = "netfault.net0"
NO_FAULTS = ("drop", 0, "")
# (kind, chance in a million or 0, more words of the rule)
RATE_BYTES = 1000000
RATE = ("rate", 0, f"bytes={RATE_BYTES}")
QUICK_CASES = [("drop", 1000, ""), ("drop", 10000, ""), ("drop", 30000, ""), ("burst", 200, "length=5"), ("corrupt", 10000, ""),
               ("duplicate", 10000, ""), ("reorder", 10000, ""), ("delay", 10000, "for=20ms"), RATE]
FULL_CASES = [(kind, ppm, "") for kind in ("drop", "corrupt") for ppm in (100, 1000, 3000, 10000, 30000, 50000)] + \
             [(kind, ppm, "") for kind in ("duplicate", "reorder") for ppm in (1000, 10000, 100000)] + \
             [("burst", ppm, "length=10") for ppm in (100, 1000)] + \
             [("delay", ppm, "for=20ms") for ppm in (1000, 10000, 100000)] + [("delay", 1000000, "for=5ms"), RATE]
QUICK = {"piece_mb": 1, "file_mb": 8, "file_s": 4, "stream_s": 2, "cases": QUICK_CASES}
FULL = {"piece_mb": 4, "file_mb": 64, "file_s": 30, "stream_s": 10, "cases": FULL_CASES}
WORKS = ("wget_in", "wget_out", "iperf3_in", "iperf3_out")
PATIENCE_S = 600              # a TCP that backs off doubles its timer up to a minute
RATE_SLACK = 1.15             # what is in the line when a stream ends counts for it


def stack_of(unit, case, seed):
    """The network stack of a case."""
    kind, ppm, more = case
    words = [kind] + ([] if kind == "rate" else [f"prob={ppm}"]) + ([more] if more else [])
    return f'fault({unit},rules="{",".join(words)}",seed={seed})'


def name_of(case):
    kind, ppm, _ = case
    if case == NO_FAULTS:
        return "none"
    return f"rate_{RATE_BYTES // 1000}kb_s" if kind == "rate" else f"{kind}_{ppm}ppm"


def files(params, work):
    """Connections of work() one after the other; (bytes, seconds, mistakes). It ends with the first mistake."""
    total, started, took, wrong = 0, time.monotonic(), 0.0, []
    while total < params["file_mb"] << 20 and time.monotonic() - started < params["file_s"] and not wrong:
        got, seconds, wrong = work()
        total, took = total + got, took + seconds
    return total, took, wrong


def works_of(rig, params):
    """{name: function that gives (bytes, seconds, mistakes)}"""
    peer, piece = rig.peer, params["piece_mb"] << 20
    right = peer.body_sha1(piece)
    return {"wget_in": lambda: files(params, lambda: peer.wget_in_sha1(piece, right, PATIENCE_S)),
            "wget_out": lambda: files(params, lambda: peer.wget_out(rig.upload_path, rig.upload_bytes, rig.upload_sha1, PATIENCE_S)),
            "iperf3_in": lambda: peer.iperf3(params["stream_s"], True, PATIENCE_S),
            "iperf3_out": lambda: peer.iperf3(params["stream_s"], False, PATIENCE_S)}


def rules_fired(text):
    """[(kind, shots)] of the rules, from the filter's STATUS."""
    return [(kind, int(fired)) for kind, fired in re.findall(r"^rule\d+=(\w+) matched=\d+ fired=(\d+)$", text, re.M)]


def filter_status(text):
    """(frames, shots, shots that could not be fired) of the filter's STATUS."""
    found = {key: int(value) for key, value in re.findall(r"^(\w+)=(\d+)$", text, re.M)}
    fired = rules_fired(text)
    if not fired or not {"tx", "rx", "missed"} <= set(found):
        raise AgentError(f"{FILTER} tells nothing of its rules: {text[-300:]!r}")
    return found["tx"] + found["rx"], fired[0][1], found["missed"]


def one_case(rig, record, params, case):
    """All works once; a sample, metrics and verdicts."""
    speeds, seconds, mistakes = {}, {}, []
    for work, function in works_of(rig, params).items():
        started = time.monotonic()
        got, took, wrong = function()
        speeds[work], seconds[work] = round(got / 1e6 / max(took, 1e-6), 3), round(time.monotonic() - started, 1)
        mistakes += [f"{work}: {text}" for text in wrong]
    status = filter_status(rig.agent.run(f"service status {FILTER}", 60, check=True).text)
    store(record, case, {"mb_s": speeds, "seconds": seconds, "mistakes": mistakes}, status)


def store(record, case, sample, status):
    """sample: speeds, seconds and mistakes of the works; status: filter_status()."""
    name, (frames, shots, missed), speeds = name_of(case), status, sample["mb_s"]
    record.samples.append({"case": name, "frames": frames, "shots": shots, "missed": missed, **sample})
    record.metrics.update({f"{work}_mb_s_{name}": speeds[work] for work in WORKS})
    base = record.samples[0]["mb_s"]
    if record.samples[0]["case"] == "none" and name != "none":
        record.metrics.update({f"{work}_share_percent_{name}": round(100.0 * speeds[work] / base[work], 1)
                               for work in WORKS if base[work]})
    record.verdicts[f"{name}_every_byte_right"] = not sample["mistakes"]
    if case[0] == "rate":
        record.verdicts[f"{name}_was_kept"] = all(speeds[work] <= RATE_SLACK * RATE_BYTES / 1e6 for work in WORKS)
    elif case == NO_FAULTS:
        record.verdicts["none_was_injected_without_rules"] = shots == 0
    else:
        record.verdicts[f"{name}_was_injected"] = shots > 0
    say(f"{name}: " + ", ".join(f"{work} {speeds[work]:.2f} MB/s" for work in WORKS) + f"; {shots} shots at {frames} frames; "
        + (f"FAILED: {sample['mistakes'][0]}" if sample["mistakes"] else "every byte right"))


def run(args):
    if args.net:
        raise UsageError("net-faults makes its own networks; leave --net out")
    params, config = FULL if args.full else QUICK, config_of(args)
    record = Record("net-faults", args.seed, {**config, **params})
    for case in [NO_FAULTS] + params["cases"]:
        own = copy.copy(args)
        own.net = stack_of(UNITS[config["nic"]], case, args.seed)
        own.no_build = args.no_build or case != NO_FAULTS
        try:
            with NetRig(own, params["piece_mb"]) as rig:
                record.set_machine(rig.machine)
                one_case(rig, record, params, case)
        except (AgentError, MachineError) as error:
            record.verdicts[f"{name_of(case)}_machine_answers"] = False
            say(str(error))
    return record
