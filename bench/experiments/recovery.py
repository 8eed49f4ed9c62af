# SPDX-License-Identifier: BSD-2-Clause
"""recovery: many SIGKILLs to a component under load, and the time line of each from the guest's event log:
kill -> detect -> restart (published) -> reopen -> replay -> first good completion (of the network: first data frame that is
acknowledged). --component says which one: the disk driver under a reader, or the card's under a download."""
import contextlib

from record import Record
from session import say

import events
from experiments import net_kill
from experiments.net_rig import NetRig, config_of
from experiments.rig import DATA_PORT, DRIVER, STACK, Rig

TITLE = "time lines of kills of a driver under load (--component disk or nic)"
FILE = "/mnt/big"
# Two readers of a file through the whole stack, and two of a disk beside it: those keep the disk busy.
LOAD = (f"for from in {FILE} {FILE} /dev/{DATA_PORT} /dev/{DATA_PORT}; do "
        "while dd if=$from of=/dev/null bs=1M 2>/dev/null; do :; done & done; wait")
P50_TARGET_US, P99_TARGET_US = 5000, 20000
COMPONENTS = ("disk", "nic")
BATCH = 50
QUICK = {"kills": 200, "interval_s": 0.12, "file_mb": 128}
FULL = {"kills": 1000, "interval_s": 0.12, "file_mb": 256}


@contextlib.contextmanager
def loaded(rig, command):
    """A load while the block runs."""
    load = rig.agent.start(command)
    try:
        yield
    finally:
        load.kill()
    load.wait(30)


def batch(rig, record, params, load, number):
    """Some kills under a load, which is a command and the event that shows it going on; their incidents."""
    kills, last_us = min(BATCH, params["kills"] - number * BATCH), rig.last_event_us()
    command, good = load
    with loaded(rig, command):
        shots = rig.sh(f"killloop -l {rig.driver} -i {params['interval_s'] * 1000:g} -j 40 -s {record.seed * 1000 + number} "
                       f"-n {kills}", 300).text
        rig.sh("sleep 0.3")
    found = events.incidents(rig.events_after(last_us), rig.driver, good)
    record.samples.append({"batch": number, "killed": shots.split("\n")[-1], "incidents": len(found)})
    return found


def all_batches(rig, record, params, *load):
    for number in range(-(-params["kills"] // BATCH)):
        record.incidents += batch(rig, record, params, load, number)


def judge(record, params, p50_us, p99_us):
    """Metrics and verdicts from the incidents."""
    metrics = record.metrics
    metrics.update(events.summary(record.incidents))
    record.verdicts.update({
        "all_killed": metrics["deaths"] >= params["kills"],
        "all_recovered": metrics["deaths"] == metrics["recovered"] + metrics["overtaken"] + metrics["idle"]
        and metrics["recovered"] > 0,
        f"p50_at_most_{p50_us}_us": metrics.get("recovery_p50_us", 1e9) <= p50_us,
        f"p99_at_most_{p99_us}_us": metrics.get("recovery_p99_us", 1e9) <= p99_us})
    say(f"{metrics['recovered']} of {metrics['deaths']} deaths recovered, {metrics['overtaken']} overtaken by the next: "
        f"p50 {metrics.get('recovery_p50_us', 0) / 1000:.1f} ms, p99 {metrics.get('recovery_p99_us', 0) / 1000:.1f} ms")


def measure(rig, record, params):
    """The disk's driver under readers."""
    rig.fill(FILE)
    all_batches(rig, record, params, LOAD, events.DISK_GOOD)
    record.verdicts["data_right"] = rig.sha1(FILE) == rig.data_sha1
    judge(record, params, P50_TARGET_US, P99_TARGET_US)
    metrics = record.metrics
    record.verdicts["requests_were_waiting"] = metrics.get("recovered_with_requests_waiting", 0) >= metrics["deaths"] / 4


def measure_nic(rig, record, params):
    """The card's driver under downloads, none of which may fail."""
    url = rig.peer.url(params["file_mb"] << 20)
    all_batches(rig, record, params, f"rm -f /tmp/lost; while wget -q -O /dev/null {url} || echo lost >>/tmp/lost; do :; done",
                events.NET_GOOD)
    record.verdicts["no_connection_lost"] = rig.agent.run("test ! -e /tmp/lost").status == 0
    judge(record, params, net_kill.P50_TARGET_US, net_kill.P99_TARGET_US)


def run(args):
    params = FULL if args.full else QUICK
    if args.component == "nic":
        record = Record("recovery-nic", args.seed, {**config_of(args), **params})
        rig, work = NetRig(args), measure_nic
    else:
        record = Record("recovery", args.seed, {"storage": STACK, "driver": DRIVER, "mem_mb": args.mem, **params})
        rig, work = Rig(args, disk_mb=2 * params["file_mb"] + 64, data_mb=params["file_mb"]), measure
    with rig:
        rig.measured(record, work, params)
    return record
