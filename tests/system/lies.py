# SPDX-License-Identifier: BSD-2-Clause
"""A server that lies in its answers (wrong id, answer twice, short answer) is found out by whoever is above it; no byte is lost."""
from guest import add_random_disk

RULES = {"B2": 5, "B3": 6, "B4": 7}               # enum proto_rule of blk.h
DATA_KB = 3000


def add_data(session):
    add_random_disk(session, "sata1", 9, DATA_KB << 10)


OPTIONS = {"disks": ["sata0:32M"], "prepare": add_data}


def lied_to(guest, kind, rule, stack, complainer):
    """Copies a file through the stack while the fault filter lies four times; each lie is complained about by its rule."""
    fault = f'fault(sata0,rules="{kind},skip=15,count=3;{kind},read,skip=8,count=1",seed=3)'
    guest.sh(f"mkfs.mfs /dev/sata0; service stack '{stack.format(fault)}' lies; mkdir -p /tmp/m", 30)
    before = guest.sh("cat /proc/axolotl/events").count("\n")
    guest.until("mount -t mfs /dev/lies /tmp/m", 20)
    guest.sh("dd if=/dev/sata1 of=/tmp/m/f bs=64k 2>/dev/null && fsync /tmp/m/f", 60)
    for _ in range(2):
        guest.sh("umount /tmp/m && mount -t mfs /dev/lies /tmp/m", 60)
        guest.sh("cmp /dev/sata1 /tmp/m/f", 60)
    events = guest.sh("cat /proc/axolotl/events").split("\n")[before:]
    guest.sh("umount /tmp/m; service stack -down lies", 30)
    shots = sum("] fault " in line for line in events)
    complaints = [line for line in events if "] complaint " in line]
    assert shots == 4, events
    assert complaints and all(f" {complainer}" in line and f"rule={RULES[rule]} " in line for line in complaints), complaints
    return len(complaints), shots


def everywhere(guest, kind, rule):
    for stack, complainer in (("{}", "mfs"), ("guard({},timeout=2s)", "guard.lies"), ("trace({})", "trace.lies")):
        complaints, shots = lied_to(guest, kind, rule, stack, complainer)
        assert complaints == shots, (stack, complaints, shots)


def test_answer_with_a_wrong_id(guest):
    everywhere(guest, "wrongid", "B4")


def test_answer_that_comes_twice(guest):
    everywhere(guest, "duplicate", "B3")


def test_answer_that_says_less_than_all(guest):
    everywhere(guest, "short", "B2")


for _test in (test_answer_with_a_wrong_id, test_answer_that_comes_twice, test_answer_that_says_less_than_all):
    _test.timeout = 150
