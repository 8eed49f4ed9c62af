# SPDX-License-Identifier: BSD-2-Clause
"""disk-kill (thesis Fig. 5.17): throughput of reading and writing a large file while the disk driver gets SIGKILL at
fixed intervals, against the same work undisturbed; and the SHA-1 of the stream (dd | sha1sum) meanwhile.

Throughput is that of plain reads and writes (streamio), bytes over seconds of all passes of a turn; what a turn and what loss
is says turns.py.
"""

from record import Record
from session import say

from experiments.rig import DRIVER, STACK, TILE_BYTES, Rig
from experiments.turns import KILL, OFF, Turns, hits, tag

TITLE = "throughput and integrity while the disk driver is killed every 0.1 to 15 s"
FILE, OUT, CHECK = "/mnt/big", "/mnt/out", "/mnt/check"
READ_TARGETS = {0.1: 20.0, 1: 2.0}
WRITE_TARGETS = {1: 5.0}
# Thesis Fig. 5.17: loss in percent by interval in seconds.
THESIS_LOSS = {1: 62.0, 15: 6.7}
QUICK = {"file_mb": 256, "read_intervals": [0.1, 1, 4], "write_intervals": [0.1, 1], "rounds": 3, "min_s": 3.0,
         "check_s": 8}
FULL = {"file_mb": 1024, "read_intervals": [0.1, 1, 2, 4, 8, 15], "write_intervals": [0.1, 1, 2, 4, 8, 15], "rounds": 3,
        "min_s": 10.0, "check_s": 60}


def timed(rig, state, command, seconds):
    """Passes of streamio for so many seconds; megabytes a second over all of them, or 0 after an error."""
    result, passes = rig.stream(command, seconds)
    state["errors"] += result.status != 0 or not passes
    state["bytes"] += sum(size for size, _ in passes)
    return sum(size for size, _ in passes) / 1e6 / max(sum(took for _, took in passes), 1e-6) if passes else 0.0


def read_pass(rig, state, seconds):
    return timed(rig, state, FILE, seconds)


def write_pass(rig, state, seconds):
    return timed(rig, state, f"-w /tmp/tile -n {state['tiles']} {OUT}", seconds)


def check_read(rig, state):
    """The thesis's own pipe, while the driver is being killed: what arrives must be what was written."""
    found = rig.agent.run(f"dd if={FILE} bs=1M 2>/dev/null | sha1sum", 900)
    state["errors"] += found.status != 0
    state["wrong"] += found.status == 0 and found.text.split()[:1] != [rig.data_sha1]
    state["bytes"] += rig.data_mb << 20


def check_written(rig, state):
    found = rig.agent.run(f"streamio -h {OUT}", 900)
    state["errors"] += found.status != 0
    state["wrong"] += found.status == 0 and not found.text.endswith(f"sha1={state['expected']}")


def one_interval(rig, record, params, direction, interval):
    """Turns of undisturbed and disturbed passes for one interval; fills samples, metrics and verdicts."""
    tiles = max(1, params["file_mb"] * (1 << 20) // TILE_BYTES)
    state = {"errors": 0, "wrong": 0, "bytes": 0, "tiles": tiles, "expected": rig.tiles_sha1(tiles)}
    work = read_pass if direction == "read" else write_pass
    seconds = max(params["min_s"], 1.3 * interval)
    verify = check_read if direction == "read" else check_written
    target = (READ_TARGETS if direction == "read" else WRITE_TARGETS).get(interval)
    turns = Turns(rig, record.seed, params["rounds"], target)
    loss = turns.take(interval, lambda: work(rig, state, seconds), lambda: verify(rig, state))
    store(record, (direction, interval), turns, loss, state)


def store(record, point, turns, loss, state):
    direction, interval = point
    prefix, name = "" if direction == "read" else "write_", tag(interval)
    record.samples.append({"direction": direction, "interval_s": interval, "base_mb_s": turns.speeds[OFF],
                           "kill_mb_s": turns.speeds[KILL], "kills": turns.kills, "bytes": state["bytes"],
                           "errors": state["errors"], "wrong": state["wrong"]})
    record.metrics.update({f"{direction}_mb_s_{name}_undisturbed": round(loss.base, 2),
                           f"{direction}_mb_s_{name}": round(loss.hit, 2),
                           f"{prefix}loss_percent_{name}": round(loss.percent, 2),
                           f"{prefix}noise_percent_{name}": round(loss.noise, 2), f"{direction}_kills_{name}": turns.kills})
    record.verdicts[f"{direction}_right_{name}"] = state["errors"] == 0 and state["wrong"] == 0
    record.verdicts[f"{direction}_killed_{name}"] = turns.kills > 0
    if turns.target is not None:
        record.verdicts[f"{prefix}loss_at_most_{turns.target:g}_percent_{name}"] = loss.meets(turns.target)
    say(f"{direction}, driver killed every {interval:g} s ({turns.kills} times): {loss.hit:.1f} MB/s, undisturbed "
        f"{loss.base:.1f}: loss {loss.percent:.1f} % (noise {loss.noise:.1f} %), "
        + ("every byte right" if state["wrong"] == 0 else "WRONG DATA")
        + (f", {state['errors']} errors" if state["errors"] else ""))


def random_io(rig, record, params):
    """Small random reads and writes with every byte checked, the driver killed every 0.1 s."""
    with rig.killer(0.1) as shots:
        result = rig.agent.run(f"iocheck -s 32 -d {params['check_s']} -n 100000000 -S {record.seed} {CHECK}", 900)
    words = dict(word.split("=") for word in result.text.split() if "=" in word)
    killed = hits(shots)
    record.samples.append({"direction": "random", "interval_s": 0.1, "kills": killed, "status": result.status, **words})
    record.verdicts["random_io_right"] = result.status == 0 and killed > 0
    say(f"random I/O, driver killed every 0.1 s ({killed} times): {words.get('reads')} reads, {words.get('writes')} writes, "
        + ("every byte right" if result.status == 0 else f"WRONG: {result.err.decode('utf-8', 'replace').strip()}"))
    rig.agent.run(f"rm -f {CHECK}", 60)


def measure(rig, record, params):
    """The whole experiment in a booted rig."""
    rig.fill(FILE)
    say(f"{params['file_mb']} MB are in {FILE}, SHA-1 {rig.data_sha1}")
    for interval in params["read_intervals"]:
        one_interval(rig, record, params, "read", interval)
    rig.sh(f"rm -f {FILE}")
    for interval in params["write_intervals"]:
        one_interval(rig, record, params, "write", interval)
    rig.agent.run(f"rm -f {OUT}", 60)
    random_io(rig, record, params)
    record.verdicts["machine_alive"] = rig.machine.is_alive()


def run(args):
    params = FULL if args.full else QUICK
    record = Record("disk-kill", args.seed, {"storage": STACK, "driver": DRIVER, "mem_mb": args.mem, **params})
    with Rig(args, disk_mb=2 * params["file_mb"] + 64, data_mb=params["file_mb"]) as rig:
        rig.measured(record, measure, params)
    return record
