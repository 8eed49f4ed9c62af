# SPDX-License-Identifier: BSD-2-Clause
"""filters: what the filters cost. Sequential reading of a large file through MFS on a bare disk, on a mirror, on a
checksum, and on both; each round boots one machine for each stack, one after the other, so that a machine that becomes
slower meanwhile slows all of them. The cost is median seconds of the stack / median seconds of the bare disk.
"""
import statistics

from agent import AgentError
from machine import MachineError
from record import Record, spread_percent
from session import say

from experiments.rig import STACK, Rig

TITLE = "cost of the filters, as a ratio to a bare disk"
FILE = "/mnt/big"
BARE = "sata0"
STACKS = {"none": BARE, "mirror": "mirror(sata0,sata1)", "checksum": "checksum(sata0)", "both": STACK}
TARGET = 1.5
QUICK = {"file_mb": 256, "rounds": 3, "seconds": 3}
FULL = {"file_mb": 1024, "rounds": 5, "seconds": 10}


def ns_per_byte(rig, seconds):
    """Of a whole reading of the file, the file being larger than all caches; best of the passes in so many seconds."""
    result, passes = rig.stream(FILE, seconds)
    if result.status != 0 or not passes:
        raise AgentError(f"streamio {FILE} ended with status {result.status}")
    return min(took * 1e9 / size for size, took in passes)


def one_boot(args, params, record, name):
    with Rig(args, storage=STACKS[name], disk_mb=2 * params["file_mb"] + 64, data_mb=params["file_mb"]) as rig:
        record.set_machine(rig.machine)
        rig.fill(FILE)
        cost = ns_per_byte(rig, params["seconds"])
        record.verdicts[f"data_right_{name}"] = (record.verdicts.get(f"data_right_{name}", True)
                                                 and rig.sha1(FILE) == rig.data_sha1)
        return cost


def measure(args, params, record):
    costs = {name: [] for name in STACKS}
    for turn in range(params["rounds"]):
        for name in STACKS:
            costs[name].append(one_boot(args, params, record, name))
        say(f"round {turn + 1} of {params['rounds']}: "
            + ", ".join(f"{name} {1e3 / values[-1]:.0f} MB/s" for name, values in costs.items()))
    bare = statistics.median(costs["none"])
    for name, values in costs.items():
        record.samples.append({"stack": STACKS[name], "ns_per_byte": values})
        record.metrics[f"read_mb_s_{name}"] = round(1e3 / statistics.median(values), 1)
        record.metrics[f"noise_percent_{name}"] = round(spread_percent(values), 1)
        if name != "none":
            record.metrics[f"cost_ratio_{name}"] = round(statistics.median(values) / bare, 3)
    record.verdicts[f"both_at_most_{TARGET}_times".replace(".", "_")] = record.metrics["cost_ratio_both"] <= TARGET


def run(args):
    params = FULL if args.full else QUICK
    record = Record("filters", args.seed, {"stacks": STACKS, "mem_mb": args.mem, **params})
    try:
        measure(args, params, record)
    except (AgentError, MachineError) as error:
        record.verdicts["machine_answers"] = False
        say(str(error))
    return record
