# SPDX-License-Identifier: BSD-2-Clause
"""axo report: tables of the JSON records in a folder, as DIR/report/summary.md."""
import glob
import json
import os

from session import UsageError, say

NOTE = ("The thesis measured on a real PC of 2007 with a real disk; here disk and network, and where it says tcg the processor too, "
        "are emulated. Only ratios and recovery times compare.")


def table(header, rows):
    """A Markdown table whose columns line up in a terminal."""
    rows = [[str(cell) for cell in row] for row in [header] + rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def disk_kill(record):
    from experiments.disk_kill import THESIS_LOSS
    from experiments.turns import tag
    rows, metrics = [], record["metrics"]
    for sample in record["samples"]:
        direction, interval = sample["direction"], sample["interval_s"]
        if direction == "random":
            rows.append(["random", f"{interval:g}", sample["kills"], "-", "-", "-", "-", "-",
                         "right" if sample["status"] == 0 else "WRONG"])
            continue
        name, prefix = tag(interval), "" if direction == "read" else "write_"
        rows.append([direction, f"{interval:g}", sample["kills"], number(metrics[f"{direction}_mb_s_{name}_undisturbed"]),
                     number(metrics[f"{direction}_mb_s_{name}"]), number(metrics[f"{prefix}loss_percent_{name}"]),
                     number(metrics[f"{prefix}noise_percent_{name}"]),
                     number(THESIS_LOSS.get(interval)) if direction == "read" else "-",
                     "right" if not sample["wrong"] and not sample["errors"] else "WRONG"])
    return table(["work", "interval s", "kills", "MB/s undisturbed", "MB/s", "loss %", "noise %", "thesis loss %", "data"], rows)


def net_kill(record):
    from experiments.net_kill import THESIS_LOSS
    from experiments.turns import tag
    rows, metrics = [], record["metrics"]
    for sample in record["samples"]:
        work, interval = sample["work"], sample["interval_s"]
        name = tag(interval)
        rows.append([work, f"{interval:g}", sample["kills"], number(metrics[f"{work}_mb_s_{name}_undisturbed"]),
                     number(metrics[f"{work}_mb_s_{name}"]), number(metrics[f"{work}_loss_percent_{name}"]),
                     number(metrics[f"{work}_noise_percent_{name}"]),
                     number(THESIS_LOSS.get(interval)) if work == "wget_in" else "-", sample["connections"],
                     sample["mistakes"][0] if sample["mistakes"] else "all right"])
    return (table(["work", "interval s", "kills", "MB/s undisturbed", "MB/s", "loss %", "noise %", "thesis loss %", "connections",
                   "outcome"], rows) + "\n\n" + recovery(record))


def net_faults(record):
    works = list(record["samples"][0]["mb_s"]) if record["samples"] else []
    base = record["samples"][0]["mb_s"] if record["samples"] else {}
    rows = []
    for sample in record["samples"]:
        cells = [f"{number(sample['mb_s'][work])} ({number(100 * sample['mb_s'][work] / base[work], 0) if base[work] else '-'} %)"
                 for work in works]
        rows.append([sample["case"], sample["shots"], *cells, sample["mistakes"][0] if sample["mistakes"] else "right"])
    return table(["faults", "shots", *[f"{work} MB/s" for work in works], "data"], rows)


def net_speed(record):
    rows, metrics = [], record["metrics"]
    for sample in record["samples"]:
        nic, direction = sample["nic"], sample["direction"]
        at = f"{direction}_{nic}"
        guests = [sample[name] for name in ("axolotl", "linux") if name in sample]
        mistakes = [mistake for guest in guests for mistake in guest["mistakes"]]
        rows.append([nic, direction, number(metrics.get(f"iperf3_{direction}_mbit_s_{nic}"), 0),
                     number(metrics.get(f"linux_iperf3_{direction}_mbit_s_{nic}"), 0), number(metrics.get(f"ratio_{at}"), 2),
                     number(metrics.get(f"ratio_{at}_noise_percent"), 0), number(metrics.get(f"cpu_ms_per_mb_{at}")),
                     number(metrics.get(f"linux_cpu_ms_per_mb_{at}")), number(metrics.get(f"cpu_ratio_{at}"), 2),
                     sum(guest["connections"] for guest in guests), mistakes[0] if mistakes else "all right"])
    return table(["card", "direction", "Mbit/s", "Linux", "ratio (aim: 1.0)", "noise %", "CPU ms/MB", "Linux", "ratio",
                  "connections", "outcome"], rows)


def recovery(record):
    metrics = record["metrics"]
    rows = [["outage", number(metrics.get("recovery_p50_us"), 0), number(metrics.get("recovery_p99_us"), 0),
             number(metrics.get("recovery_max_us"), 0), "360000-500000"]]
    for phase in ("detect", "restart", "reopen", "replay"):
        rows.append([phase, number(metrics.get(f"phase_{phase}_p50_us"), 0), "", "", ""])
    return (f"{metrics.get('recovered', 0)} of {metrics.get('deaths', 0)} deaths recovered, {metrics.get('overtaken', 0)} overtaken by the "
            f"next, {metrics.get('idle', 0)} without anybody waiting.\n\n"
            + table(["phase", "p50 us", "p99 us", "max us", "thesis us"], rows))


def filters(record):
    metrics = record["metrics"]
    rows = [[name, stack, number(metrics.get(f"read_mb_s_{name}")), number(metrics.get(f"cost_ratio_{name}", 1.0), 2),
             number(metrics.get(f"noise_percent_{name}"))] for name, stack in record["config"]["stacks"].items()]
    return table(["filters", "stack", "MB/s", "cost ratio", "noise %"], rows)


def plain(record):
    return table(["metric", "value"], [[name, value] for name, value in record["metrics"].items()])


DRAW = {"disk-kill": disk_kill, "net-faults": net_faults, "net-kill": net_kill, "net-speed": net_speed,
        "recovery": recovery, "recovery-nic": recovery, "filters": filters}


def subject(config):
    """What the experiment was about."""
    if config.get("nic"):
        return f"card {config['nic']} ({config['net_backend']}), network {config['net'] or 'without filters'}"
    return f"storage {config.get('storage')}"


def tables(record):
    """One experiment as text."""
    origin = record["provenance"]
    verdicts = table(["verdict", ""], [[name, "yes" if value else "NO"] for name, value in record["verdicts"].items()])
    return (f"## {record['experiment']}\n\nseed {record['seed']}, commit {origin['commit'][:12]}"
            f"{' with changes' if origin['dirty'] else ''}, {origin.get('accel', '?')}, {origin['host_cpu']}, "
            f"{record['seconds']:.0f} s, {subject(record['config'])}\n\n"
            f"{DRAW.get(record['experiment'], plain)(record)}\n\n{verdicts}\n")


def load(folder):
    records = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        try:
            with open(path, encoding="utf-8") as file:
                record = json.load(file)
            if isinstance(record, dict) and "experiment" in record:
                records.append(record)
        except ValueError as error:
            raise UsageError(f"{path} is not a record of an experiment: {error}") from error
    return records


def write(folder):
    """DIR/report/summary.md; its path and text."""
    records = load(folder)
    if not records:
        raise UsageError(f"there are no records in {folder}; make some with: ./axo bench disk-kill --out {folder}")
    text = "# Axolotl: results\n\n" + NOTE + "\n\n" + "\n".join(tables(record) for record in records)
    path = os.path.join(folder, "report", "summary.md")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path, text


def main(args):
    path, text = write(args.dir)
    print(text)
    say(f"{path} is written")
    return 0
