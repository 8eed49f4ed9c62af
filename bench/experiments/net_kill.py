# SPDX-License-Identifier: BSD-2-Clause
"""net-kill (thesis Fig. 5.16): throughput of wget and of iperf3, in both directions, while the driver of the network card gets
SIGKILL at fixed intervals, against the same work undisturbed. No connection may be lost, no byte wrong; and the time line of each
kill, up to the first data that move again (net-flow). A kill while no connection had data under way (wget reads all of its file
after it has connected) has no such end and is counted as idle; an outage that outlasts further kills lasts over all of them.

Throughput is that of all connections of a turn, bytes over seconds with the time for connecting included (wget), or iperf3's own
count; what a turn and what loss is says turns.py. With --net-backend user the sender of downloads is the TCP of QEMU's own
network, a BSD's without SACK; with tap it is Linux. Uploads carry their SHA-1 in every turn, downloads at the end of each interval.
"""
from record import Record
from session import say

import events
from experiments.net_rig import NetRig, config_of
from experiments.turns import KILL, OFF, Turns, tag

TITLE = "throughput and connections while the driver of the network card is killed every 0.1 to 15 s"
TARGETS = {0.1: 15.0, 1: 2.0}
P50_TARGET_US, P99_TARGET_US = 10000, 50000
# Thesis Fig. 5.16: loss in percent by interval in seconds.
THESIS_LOSS = {1: 25.0, 15: 0.9}
WORKS = ("wget_in", "wget_out", "iperf3_in", "iperf3_out")
QUICK = {"file_mb": 128, "upload_mb": 64, "intervals": [0.1, 1, 4], "rounds": 3, "min_s": 3.0, "works": WORKS}
FULL = {"file_mb": 512, "upload_mb": 128, "intervals": [0.1, 1, 2, 4, 8, 15], "rounds": 3, "min_s": 10.0, "works": WORKS}

DEMO = {"file_mb": 128, "upload_mb": 64, "intervals": [0.1, 1], "rounds": 2, "min_s": 3.0, "works": WORKS}


class Work:
    """One work at one interval: passes, what they moved, what went wrong."""

    def __init__(self, rig, params, name):
        self.rig, self.peer, self.name = rig, rig.peer, name
        self.size = params["file_mb"] << 20
        self.connections, self.bytes, self.mistakes = 0, 0, []

    def note(self, got, mistakes):
        self.connections += 1
        self.bytes += got
        self.mistakes += mistakes

    def turn(self, seconds):
        """Connections one after the other for so many seconds; megabytes a second, 0 after a mistake."""
        total, took = 0, 0.0
        while took < seconds:
            got, needed, mistakes = self.connection(seconds)
            self.note(got, mistakes)
            if mistakes:
                return 0.0
            total, took = total + got, took + needed
            if self.name.startswith("iperf3"):
                break
        return total / 1e6 / max(took, 1e-6)

    def connection(self, seconds):
        if self.name == "wget_in":
            return self.peer.wget_in(self.size)
        if self.name == "wget_out":
            return self.peer.wget_out(self.rig.upload_path, self.rig.upload_bytes, self.rig.upload_sha1)
        return self.peer.iperf3(seconds, self.name == "iperf3_in")

    def check(self):
        """A download whose SHA-1 is compared."""
        if self.name == "wget_in":
            got, _, mistakes = self.peer.wget_in_sha1(self.size, self.peer.body_sha1(self.size))
            self.note(got, mistakes)


def one_interval(rig, record, params, name, interval):
    """Turns of one work at one interval; fills samples, metrics, verdicts and incidents."""
    work, last_us = Work(rig, params, name), rig.last_event_us()
    seconds = max(params["min_s"], 1.3 * interval)
    turns = Turns(rig, record.seed, params["rounds"], TARGETS.get(interval))
    loss = turns.take(interval, lambda: work.turn(seconds), work.check)
    record.incidents += events.incidents(rig.events_after(last_us), rig.driver, events.NET_GOOD)
    store(record, interval, turns, loss, work)
    say(f"{name}, {rig.driver} killed every {interval:g} s ({turns.kills} times): {loss.hit:.1f} MB/s, undisturbed "
        f"{loss.base:.1f}: loss {loss.percent:.1f} % (noise {loss.noise:.1f} %), {work.connections} connections, "
        + (f"FAILED: {work.mistakes[0]}" if work.mistakes else "all right"))


def store(record, interval, turns, loss, work):
    name, at = work.name, tag(interval)
    record.samples.append({"work": name, "interval_s": interval, "base_mb_s": turns.speeds[OFF],
                           "kill_mb_s": turns.speeds[KILL], "kills": turns.kills, "connections": work.connections,
                           "bytes": work.bytes, "mistakes": work.mistakes[:20]})
    record.metrics.update({f"{name}_mb_s_{at}_undisturbed": round(loss.base, 2), f"{name}_mb_s_{at}": round(loss.hit, 2),
                           f"{name}_loss_percent_{at}": round(loss.percent, 2),
                           f"{name}_noise_percent_{at}": round(loss.noise, 2),
                           f"{name}_kills_{at}": turns.kills, f"{name}_connections_{at}": work.connections})
    record.verdicts[f"{name}_all_connections_right_{at}"] = not work.mistakes
    record.verdicts[f"{name}_killed_{at}"] = turns.kills > 0
    if turns.target is not None:
        record.verdicts[f"{name}_loss_at_most_{turns.target:g}_percent_{at}"] = loss.meets(turns.target)


def judge_recovery(record):
    """Metrics and verdicts of the incidents under way."""
    record.metrics.update(events.summary(record.incidents))
    p50, p99 = (record.metrics.get(f"recovery_{name}_us", 1e9) for name in ("p50", "p99"))
    record.verdicts["all_recovered"] = record.metrics["deaths"] == record.metrics["recovered"] + record.metrics["idle"]
    record.verdicts[f"recovery_p50_at_most_{P50_TARGET_US}_us"] = p50 <= P50_TARGET_US
    record.verdicts[f"recovery_p99_at_most_{P99_TARGET_US}_us"] = p99 <= P99_TARGET_US
    say(f"{record.metrics['recovered']} of {record.metrics['deaths']} deaths recovered under load: p50 {p50 / 1000:.1f} ms, "
        f"p99 {p99 / 1000:.1f} ms")


def measure(rig, record, params):
    """The whole experiment in a rig that has a peer."""
    for interval in params["intervals"]:
        for name in params["works"]:
            one_interval(rig, record, params, name, interval)
    judge_recovery(record)
    record.verdicts["machine_alive"] = rig.machine.is_alive()


def run(args):
    params = FULL if args.full else QUICK
    record = Record("net-kill", args.seed, {**config_of(args), **params})
    with NetRig(args, params["upload_mb"]) as rig:
        rig.measured(record, measure, params)
    return record
