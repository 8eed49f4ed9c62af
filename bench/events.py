# SPDX-License-Identifier: BSD-2-Clause
"""The guest's event log (/proc/axolotl/events) and what it says about recoveries.

A line is "[SECONDS] KIND LABEL (ep N) [NAME=VALUE ...]"; kinds are those of include/axolotl/event.def.
"""
import dataclasses
import os
import re

from machine import ROOT
from record import percentile

PHASES = ("detect", "restart", "reopen", "replay")
# The event that ends an outage: a disk's first good completion, the first data that moves on the network.
DISK_GOOD, NET_GOOD = "recovered", "net-flow"
CAUSES = ("none", "exit", "exception", "signal", "heartbeat", "complaint", "update", "init")


@dataclasses.dataclass
class Event:
    t_us: float
    kind: str
    label: str
    args: dict


def kinds():
    """Texts of all event kinds, from the one list there is."""
    with open(os.path.join(ROOT, "include/axolotl/event.def"), encoding="ascii") as file:
        return set(re.findall(r'^EVENT\(\w+, "([^"]+)"', file.read(), re.M))


LINE = re.compile(r"\[ *(\d+)\.(\d{6})\] (\S+)(?: (?!\()(\S+))?(?: \(ep -?\d+\))?(.*)")


def parse(text):
    """Events of the log's text, in order; lines that are none are skipped."""
    known, found = kinds(), []
    for line in text.split("\n"):
        match = LINE.fullmatch(line.rstrip())
        if not match or match[3] not in known:
            continue
        args = dict(word.partition("=")[::2] for word in match[5].split() if "=" in word)
        found.append(Event(float(int(match[1]) * 1000000 + int(match[2])), match[3], match[4] or "", args))
    return found


def _first(events, start, end, kind, label=None):
    for event in events[start:end]:
        if event.kind == kind and (label is None or event.label == label):
            return event
    return None


def incidents(events, component, good=DISK_GOOD):
    """One incident record for each death of `component`: its time line from the kill to the event `good`.

    served_us ends when all clients had their sessions again. With nothing waiting then (replayed = 0), the rest of the outage
    is the time that the load took to ask for something. An outage in which somebody waited lasts until that event, over all
    deaths that come before it.
    """
    deaths = [at for at, event in enumerate(events) if event.kind == "death" and event.label == component]
    found = []
    for number, at in enumerate(deaths):
        end = deaths[number + 1] if number + 1 < len(deaths) else len(events)
        kill = next((event for event in reversed(events[max(0, at - 8):at])
                     if event.kind == "kill" and event.label == component), None)
        found.append(_incident(component, kill or events[at], events[at:end], good))
        found[-1]["overtaken"] = found[-1]["outage_us"] is None and number + 1 < len(deaths)
        if found[-1]["overtaken"] and found[-1]["awaited"]:
            end = _first(events, end, len(events), good)
            found[-1]["outage_us"] = None if end is None else round(end.t_us - found[-1]["t_us"], 1)
    return found


def _incident(component, start, life, good):
    """`life`: the events from the death up to the next one."""
    detect, publish = (_first(life, 0, len(life), name, component) for name in ("detect", "publish"))
    reopen, resume, recovered = (_first(life, 0, len(life), name) for name in ("reopen", "net-resume", good))
    replays = [event for event in life if event.kind == "replay"]
    waiting = sum(int(event.args.get("requests", 0)) for event in replays)

    def between(since, event):
        return None if event is None or since is None else round(event.t_us - since.t_us, 1)

    # A connection with data under way, or requests at a disk.
    awaited = waiting > 0 if good != NET_GOOD else resume is None or resume.args.get("active") != "0"
    cause = detect.args.get("cause", "") if detect else ""
    return {"t_us": start.t_us, "component": component,
            "cause": CAUSES[int(cause)] if cause.isdigit() and int(cause) < len(CAUSES) else cause or "signal",
            "detected_by": "rs" if detect else None, "healed_by": "restart" if publish else None,
            "outage_us": between(start, recovered), "served_us": between(start, replays[-1] if replays else None),
            "phases_us": {"detect": between(start, detect), "restart": between(detect, publish),
                          "reopen": between(publish, reopen), "replay": between(reopen, recovered)},
            "replayed": waiting, "lost": 0, "awaited": awaited, "idle": good == NET_GOOD and not awaited}


def summary(found):
    """Metrics of a list of incidents: percentiles of the outage and of each phase."""
    outages = [entry["outage_us"] for entry in found if entry["outage_us"] is not None]
    late = [entry for entry in found if entry["outage_us"] is None]
    metrics = {"deaths": len(found), "recovered": len(outages), "idle": sum(1 for entry in late if entry["idle"]),
               "overtaken": sum(1 for entry in late if entry["overtaken"] and not entry["idle"])}
    if outages:
        metrics.update({"recovery_p50_us": percentile(outages, 0.5), "recovery_p99_us": percentile(outages, 0.99),
                        "recovery_max_us": max(outages)})
        waited = [entry["outage_us"] for entry in found if entry["outage_us"] is not None and entry["replayed"]]
        metrics["recovered_with_requests_waiting"] = len(waited)
        if waited:
            metrics.update({"recovery_waiting_p50_us": percentile(waited, 0.5), "recovery_waiting_p99_us": percentile(waited, 0.99)})
        served = [entry["served_us"] for entry in found if entry["served_us"] is not None]
        metrics["served_p50_us"] = percentile(served, 0.5) if served else None
    for phase in PHASES:
        values = [entry["phases_us"][phase] for entry in found if entry["phases_us"][phase] is not None]
        if values:
            metrics[f"phase_{phase}_p50_us"] = percentile(values, 0.5)
    return metrics
