# SPDX-License-Identifier: BSD-2-Clause
"""The network protocol without a network: netecho sends numbered frames, badnic sends them back, filters stand between them."""
import re
import struct

OPTIONS = {"nics": [], "boot": ["skip=inet"]}    # badnic is the only card, and inet would take it

# enum proto_rule of axolotl/blk.h
RULES = {"R4": 2, "N1": 12, "N2": 13, "N3": 14, "N4": 15, "N6": 17}
FILTERS = ("nettrace.t0", "capture.c0", "netguard.g0", "netfault.f0")


def start_filter(guest, label, lower, options=""):
    name, unit = label.split(".")
    guest.sh(f"service up /sbin/{name} -label {label} -args '-label {label} -unit {unit} -lower {lower} {options}'")


def stop(guest, *labels):
    for label in labels:
        guest.run(f"service down {label}")


def numbers(guest, label):
    return {key: int(value) for key, value in re.findall(r"^(\w+)=(\d+)$", guest.sh(f"service status {label}"), re.M)}


def start_client(guest, unit, frames):
    guest.sh(f"service up /tests/netecho -args {unit},frames={frames}")


def finish(guest, timeout=60):
    guest.until("service status netecho | grep -q '^done=1'", timeout, "all frames")
    guest.until("service status netecho | grep -q 'tx_pending=0'", 10, "all confirmations")
    return numbers(guest, "netecho")


def check_counts(status):
    assert status["confirmed"] == status["sent"] and status["twice"] == 0, status
    assert status["failed"] == 0 and status["wrong"] == 0, status


def last_complaint(guest, label):
    found = re.search(r"^complaints +(\d+), last rule (\d+)", guest.sh(f"service status {label}"), re.M)
    return int(found.group(1)), int(found.group(2))


def test_frames_survive_deaths(guest):
    """Four filters and the driver are killed in turn under load: each frame arrives, each is confirmed once."""
    guest.sh("service up /tests/badnic -args loop")
    for label, lower in zip(FILTERS, ("bad0", "t0", "c0", "g0")):
        start_filter(guest, label, lower, {"netguard.g0": "-timeout 2s", "netfault.f0": "-rules drop,count=3"}.get(label, ""))
    start_client(guest, "f0", 80000)
    try:
        guest.until("service status netecho | grep -q '^up=1'", 10)
        for label in FILTERS + ("badnic",) + FILTERS[::-1]:
            guest.sh(f"kill -9 {guest.pid_of(label)}")
        status = finish(guest, 120)
        check_counts(status)
        assert status["back"] >= 1 and status["changed"] == 0 and status["link"] == 1, status
        rows = guest.services()
        assert all(int(rows[label]["RESTARTS"]) >= 1 for label in FILTERS + ("badnic",)), rows
    finally:
        stop(guest, "netecho", *FILTERS[::-1], "badnic")


def check_lie(guest, mode, rule, guard=False):
    guest.sh(f"service up /tests/badnic -args {mode},after=300")
    if guard:
        start_filter(guest, "netguard.g0", "bad0", "-timeout 300ms -silence 400ms")
    start_client(guest, "g0" if guard else "bad0", 2000)
    try:
        status = finish(guest, 20)
        count, last = last_complaint(guest, "badnic")
        assert count >= 1 and last == RULES[rule], f"{mode}: {count} complaints, the last one about rule {last}"
        assert status["wrong"] == 0 and status["twice"] == 0, (mode, status)
        assert numbers(guest, "badnic")["lives"] == 2, mode
    finally:
        stop(guest, "netecho", *(["netguard.g0"] if guard else []), "badnic")


def test_lies_are_found(guest):
    """A driver that breaks a rule is complained about by that rule and replaced; all frames arrive."""
    for mode, rule in (("wrong-id", "N3"), ("double", "N3"), ("invent", "N3"), ("long", "N2"), ("short", "N2"),
                       ("reserved", "R4"), ("index", "R4"), ("never", "N1")):
        check_lie(guest, mode, rule)


def test_guard_finds_stuck_and_deaf_drivers(guest):
    check_lie(guest, "never", "N1", guard=True)
    check_lie(guest, "deaf", "N2", guard=True)


def test_crash_and_hang_are_survived(guest):
    for mode in ("crash", "hang"):
        guest.sh(f"service up /tests/badnic -args {mode},after=300")
        start_client(guest, "bad0", 2000)
        try:
            check_counts(finish(guest, 20))
            assert int(guest.services()["badnic"]["RESTARTS"]) == 1
        finally:
            stop(guest, "netecho", "badnic")


def test_faults_are_shot_and_counted(guest):
    """drop: sent again by the client; corrupt: found by it; duplicate, reorder, delay: everything arrives."""
    for rules, expect in (("drop,prob=20000", "resent"), ("corrupt,rx,prob=5000", "wrong"), ("duplicate,prob=20000", "doubles"),
                          ("reorder,prob=20000", None), ("delay,for=2ms,prob=20000", None), ("burst,length=20,skip=500,count=1", "resent")):
        guest.sh("service up /tests/badnic -args loop")
        start_filter(guest, "netfault.f0", "bad0", f"-seed 3 -rules {rules}")
        start_client(guest, "f0", 3000)
        try:
            status = finish(guest)
            shots = numbers(guest, "netfault.f0")["shots"]
            assert shots > 0 and status["twice"] == 0 and status["failed"] == 0, (rules, shots, status)
            assert expect is None or status[expect] > 0, (rules, status)
        finally:
            stop(guest, "netecho", "netfault.f0", "badnic")


def blocks(data):
    """(type, body) of each block of a pcapng file; the lengths at both ends must agree."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0 and struct.unpack_from("<I", data, at + length - 4)[0] == length, (at, kind, length)
        yield kind, data[at + 8:at + length - 4]
        at += length


def test_capture_is_pcapng(guest):
    guest.sh("service up /tests/badnic -args loop")
    start_filter(guest, "capture.c0", "bad0", "-size 512K")
    start_client(guest, "c0", 200)
    try:
        finish(guest)
        guest.until("test -c /dev/capture.c0", 5)
        found = list(blocks(guest.run("cat /dev/capture.c0").out))
        again = 2 * numbers(guest, "netecho")["resent"]  # on a slow machine; each is echoed once more at the most
        assert [kind for kind, _ in found[:3]] == [0x0A0D0D0A, 1, 6] and 402 <= len(found) <= 402 + again, len(found)
        frames = [body[20:20 + struct.unpack_from("<I", body, 12)[0]] for kind, body in found if kind == 6]
        sent = [struct.unpack_from("<I", frame, 14)[0] for frame in frames]
        assert set(sent) == set(range(200)) and min(map(sent.count, sent)) >= 2, sent
        assert all(frame[12:14] == b"\x88\xb5" for frame in frames)
        status = numbers(guest, "capture.c0")
        assert 400 <= status["blocks"] <= 400 + again and status["overwritten"] == 0
    finally:
        stop(guest, "netecho", "capture.c0", "badnic")


for _test in (test_frames_survive_deaths, test_lies_are_found, test_faults_are_shot_and_counted):
    _test.timeout = 240
