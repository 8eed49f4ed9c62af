# SPDX-License-Identifier: BSD-2-Clause
"""recovery: many SIGKILLs to a component under load, and the time line of each from the guest's event log:
kill -> detect -> restart (published) -> reopen -> replay -> first good completion."""
from agent import AgentError
from record import Record
from session import say

import events
from experiments.rig import DATA_PORT, DRIVER, STACK, Rig

TITLE = "time lines of kills of the disk driver under load"
FILE = "/mnt/big"
# Two readers of a file through the whole stack, and two of a disk beside it: those keep the disk busy.
LOAD = (f"for from in {FILE} {FILE} /dev/{DATA_PORT} /dev/{DATA_PORT}; do while dd if=$from of=/dev/null bs=1M 2>/dev/null; do :; done & done; wait")
P50_TARGET_US, P99_TARGET_US = 5000, 20000
BATCH = 50
QUICK = {"kills": 200, "interval_s": 0.12, "file_mb": 128}
FULL = {"kills": 1000, "interval_s": 0.12, "file_mb": 256}


def batch(rig, record, params, kills, number):
    """Some kills under a reader; their incidents, and whether the reader saw all bytes right."""
    last_us = rig.last_event_us()
    load = rig.agent.start(LOAD)
    try:
        shots = rig.sh(f"killloop -l {DRIVER} -i {params['interval_s'] * 1000:g} -j 40 -s {record.seed * 1000 + number} "
                       f"-n {kills}", 300).text
        rig.sh("sleep 0.3")
    finally:
        load.kill()
    load.wait(30)
    found = events.incidents(rig.events_after(last_us), DRIVER)
    record.samples.append({"batch": number, "killed": shots.split("\n")[-1], "incidents": len(found)})
    return found


def measure(rig, record, params):
    rig.fill(FILE)
    left, number = params["kills"], 0
    while left > 0:
        kills = min(left, BATCH)
        record.incidents += batch(rig, record, params, kills, number)
        left, number = left - kills, number + 1
    found = rig.sha1(FILE)
    record.metrics.update(events.summary(record.incidents))
    metrics = record.metrics
    record.verdicts.update({
        "all_killed": metrics["deaths"] >= params["kills"], "all_recovered": metrics["recovered"] + metrics["overtaken"] == metrics["deaths"] > metrics["overtaken"],
        "data_right": found == rig.data_sha1,
        "requests_were_waiting": metrics.get("recovered_with_requests_waiting", 0) >= metrics["deaths"] / 4,
        f"p50_at_most_{P50_TARGET_US}_us": metrics.get("recovery_p50_us", 1e9) <= P50_TARGET_US,
        f"p99_at_most_{P99_TARGET_US}_us": metrics.get("recovery_p99_us", 1e9) <= P99_TARGET_US})
    say(f"{metrics['recovered']} of {metrics['deaths']} deaths recovered, {metrics['overtaken']} overtaken by the next: p50 {metrics.get('recovery_p50_us', 0) / 1000:.1f} ms, "
        f"p99 {metrics.get('recovery_p99_us', 0) / 1000:.1f} ms")


def run(args):
    params = FULL if args.full else QUICK
    record = Record("recovery", args.seed, {"storage": STACK, "driver": DRIVER, "mem_mb": args.mem, **params})
    with Rig(args, disk_mb=2 * params["file_mb"] + 64, data_mb=params["file_mb"]) as rig:
        record.set_machine(rig.machine)
        try:
            measure(rig, record, params)
        except AgentError as error:
            record.verdicts["machine_answers"] = False
            say(f"{error}\n{rig.machine.last_words()}")
    return record
