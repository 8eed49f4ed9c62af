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
# The event that ends an outage: a disk's first good completion, the network's first segment of a peer.
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
    """One incident record for each death of `component`: the time line up to the event `good`."""
    deaths = [at for at, event in enumerate(events) if event.kind == "death" and event.label == component]
    found = []
    for number, at in enumerate(deaths):
        end = deaths[number + 1] if number + 1 < len(deaths) else len(events)
        kill = next((event for event in reversed(events[max(0, at - 8):at])
                     if event.kind == "kill" and event.label == component), None)
        start = kill or events[at]
        steps = {name: _first(events, at, end, name, component) for name in ("detect", "restart", "ready", "publish")}
        steps.update({name: _first(events, at, end, name) for name in ("reopen", "replay", "net-resume")})
        steps["recovered"] = _first(events, at, end, good)
        found.append(_incident(component, start, steps))
        # The next death came before the first good completion: that one's time line tells when it came.
        found[-1]["overtaken"] = steps["recovered"] is None and number + 1 < len(deaths)
        # No connection was there to notice: nobody was waiting for anything.
        resume = steps["net-resume"]
        found[-1]["idle"] = good == NET_GOOD and resume is not None and resume.args.get("connections") == "0"
    return found


def _incident(component, start, steps):
    def after(name, since):
        return None if steps[name] is None or since is None else round(steps[name].t_us - since, 1)

    def time_of(name):
        return None if steps[name] is None else steps[name].t_us

    cause = steps["detect"].args.get("cause", "") if steps["detect"] else ""
    return {"t_us": start.t_us, "component": component,
            "cause": CAUSES[int(cause)] if cause.isdigit() and int(cause) < len(CAUSES) else cause or "signal",
            "detected_by": "rs" if steps["detect"] else None, "healed_by": "restart" if steps["publish"] else None,
            "outage_us": after("recovered", start.t_us),
            "phases_us": {"detect": after("detect", start.t_us), "restart": after("publish", time_of("detect")),
                          "reopen": after("reopen", time_of("publish")),
                          "replay": after("recovered", time_of("reopen"))},
            "replayed": int(steps["replay"].args.get("requests", 0)) if steps["replay"] else 0, "lost": 0}


def summary(found):
    """Metrics of a list of incidents: percentiles of the outage and of each phase."""
    outages = [entry["outage_us"] for entry in found if entry["outage_us"] is not None]
    late = [entry for entry in found if entry["outage_us"] is None]
    metrics = {"deaths": len(found), "recovered": len(outages), "idle": sum(1 for entry in late if entry["idle"]),
               "overtaken": sum(1 for entry in late if entry["overtaken"] and not entry["idle"])}
    if outages:
        metrics.update({"recovery_p50_us": percentile(outages, 0.5), "recovery_p99_us": percentile(outages, 0.99),
                        "recovery_max_us": max(outages)})
    for phase in PHASES:
        values = [entry["phases_us"][phase] for entry in found if entry["phases_us"][phase] is not None]
        if values:
            metrics[f"phase_{phase}_p50_us"] = percentile(values, 0.5)
    return metrics
