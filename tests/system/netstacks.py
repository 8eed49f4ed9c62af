# SPDX-License-Identifier: BSD-2-Clause
"""Network stacks of filters, from the command line and at run time, with frames through them (tests/guest/nettest)."""
import json

from virtio_net import KILLS, LOAD_S, finish, machine, pair, start

DEVICES = ["virtio-net-pci", "virtio-net-pci"]


def stacks(guest):
    return {stack["name"]: stack for stack in json.loads(guest.sh("service stack --json"))["stacks"]}


def test_stack_of_the_command_line(boot):
    """net=EXPR is net0; every frame passes, also while filters and driver die."""
    guest = machine(boot, DEVICES, ["net=guard(trace(virtio_0),timeout=2s)"])
    guest.sh("service stack -net 'capture(virtio_1)' lan")
    guest.until("! service stack --json | grep -qE 'starting|waiting'")
    found = stacks(guest)
    assert found["net0"] == {"name": "net0", "kind": "network", "state": "running",
                             "expression": "guard(trace(virtio_0), timeout=2s)"}, found
    assert found["lan"]["expression"] == "capture(virtio_1)", found
    assert {"netguard.net0", "nettrace.net0.1", "capture.lan", "virtio_net"} <= set(guest.services())
    guest.check("grep -c '^netup.virtio_[01] ' /proc/axolotl/ds", "2")
    pair(guest, "net0", "lan")
    start(guest, f"net0,lan:pair:{LOAD_S}")
    for label in ("netguard.net0", "virtio_net", "nettrace.net0.1", "capture.lan"):
        guest.sh(f"killloop -l {label} -i 200 -n {KILLS // 4}", 30)
    finish(guest)


test_stack_of_the_command_line.timeout = 90


def test_stacks_at_run_time(boot):
    """Known units make it a network stack; down leaves the units as they were."""
    guest = machine(boot, DEVICES)
    guest.sh("service stack 'guard(virtio_0)'; service stack 'guard(capture(virtio_1))' other")
    guest.until("service stack | grep -q '^net0.*running' && service stack | grep -q '^other.*running'")
    pair(guest, "net0", "other")
    refusal = guest.run("service stack 'trace(virtio_0)'")
    assert refusal.status == 1 and b"net0: there is a stack of that name" in refusal.err, refusal
    guest.sh("service stack -down net0; service stack -down other")
    guest.until("! service list | grep -qE 'netguard|capture'")
    guest.until("! grep -qE '^net(up|[.]net0|[.]other)' /proc/axolotl/ds")
    pair(guest, 0, 1)


test_stacks_at_run_time.timeout = 90


def test_second_name_of_a_network_unit(boot):
    """It is taken under its own name, and free again when the second one goes."""
    guest = machine(boot, DEVICES, ["net=uplink:virtio_0"])
    guest.until("grep -q '^net.uplink str virtio_net:0' /proc/axolotl/ds")
    guest.check("sed -n 's/^netup.virtio_0 str //p' /proc/axolotl/ds", "uplink")
    pair(guest, "uplink", "virtio_1")
    guest.sh("service stack -down uplink")
    guest.check("grep -cE '^net(up|[.]uplink)' /proc/axolotl/ds || true", "0")
    pair(guest, 0, 1)


def test_network_is_left_out(boot):
    """net=none: neither drivers nor stacks, although there are cards."""
    guest = machine(boot, DEVICES, ["net=none"])
    rows = guest.services()
    assert not {"virtio_net", "e1000", "rtl8139", "netguard.net0"} & set(rows), rows
