# SPDX-License-Identifier: BSD-2-Clause
"""Devices of virtio_net that differ in what they offer: interrupts, events, queues, large frames (tests/guest/nettest)."""
import re

WIRE = "hubport,id={net},hubid=0"
LOAD_S = 5
KILLS = 12


def machine(boot, devices, options=()):
    """A machine with these devices on one wire; inet would take the units. options: of the kernel's command line."""
    args = []
    for unit, device in enumerate(devices):
        args += ["-netdev", WIRE.format(net=f"virtio_{unit}"), "-device",
                 f"{device},id=card{unit},netdev=virtio_{unit},mac=52:54:00:00:00:{unit:02x}"]

    def prepare(session):
        make = session.config

        def config():
            result = make()
            result.qemu_args = list(result.qemu_args) + args
            return result
        session.config = config

    return boot(prepare=prepare, nics=[], boot=["skip=inet", *options])


def start(guest, what):
    guest.sh(f"service up /tests/nettest -label nettest -args {what}")


def finish(guest, timeout=40):
    """The counts of a test that must have gone well."""
    guest.until("service status nettest | grep -q '^done=1'", timeout, "nettest")
    status = {key: int(value) for key, value in re.findall(r"^(\w+)=(\d+)$", guest.sh("service status nettest"), re.M)}
    guest.sh("service down nettest")
    assert status["failed"] == 0 and status["wrong"] == 0 and status["receive_errors"] == 0, \
        f"{status} {guest.sh('dmesg | grep nettest | tail -12')}"
    assert status["confirmed"] == status["sent"] and status["tx_failed"] == 0, status
    return status


def pair(guest, first, second, mode="pair"):
    """first, second: numbers of units, or units by name."""
    units = [unit if isinstance(unit, str) else f"virtio_{unit}" for unit in (first, second)]
    start(guest, f"{','.join(units)}:{mode}")
    status = finish(guest)
    assert status["lost"] == 0, status
    return status


def of_unit(guest, unit):
    """What the driver says of a unit."""
    words = guest.sh(f"service status virtio_net | sed -n 's/^virtio_{unit}=//p'").split()
    return dict(word.split("=") for word in words if "=" in word)  # the first are the model's name


def test_all_kinds_of_interrupts(boot):
    """A line for all, one vector for all, one each; with and without event indices."""
    guest = machine(boot, ["virtio-net-pci,vectors=0", "virtio-net-pci,vectors=1",
                           "virtio-net-pci,disable-legacy=on,event_idx=off", "virtio-net-pci,disable-legacy=on"])
    pair(guest, 0, 1)
    pair(guest, 2, 3)
    pair(guest, 0, 3)
    event_idx = 1 << 29
    assert not int(of_unit(guest, 2)["offered"], 16) & event_idx
    assert int(of_unit(guest, 3)["offered"], 16) & event_idx


test_all_kinds_of_interrupts.timeout = 90


def test_frames_in_several_buffers(boot):
    """Frames of up to 9014 bytes over buffers of 2048, without a hole or a byte too much; also while the driver dies."""
    guest = machine(boot, ["virtio-net-pci,host_mtu=9000", "virtio-net-pci,host_mtu=9000"])
    assert pair(guest, 0, 1)["merged"] > 500
    start(guest, f"virtio_0,virtio_1:pair:{LOAD_S}")
    last = guest.sh(f"sleep 0.5; killloop -l virtio_net -i 250 -n {KILLS}", 60).split("\n")[-1]
    assert last == f"killed {KILLS} of {KILLS}", last
    status = finish(guest)
    assert status["merged"] > 0 and status["rounds"] >= 2 * KILLS, status


test_frames_in_several_buffers.timeout = 90


def test_device_without_control_queue(boot):
    guest = machine(boot, ["virtio-net-pci,ctrl_vq=off,status=off", "virtio-net-pci,mrg_rxbuf=off"])
    pair(guest, 0, 1)


def test_device_receives_what_is_asked_for(boot):
    """Not everything, as after a reset."""
    guest = machine(boot, ["virtio-net-pci", "virtio-net-pci"])
    start(guest, "virtio_0,virtio_1:pair")
    guest.until("service status nettest | grep -q '^answered=[1-9]'", 15)
    for unit in range(2):
        device, = guest.machine.qmp("query-rx-filter", name=f"card{unit}")
        assert device["promiscuous"] is False and device["unicast"] == "normal", device
        assert device["multicast"] == "normal" and device["multicast-table"] == [], device
        assert of_unit(guest, unit)["control_errors"] == "0"
    finish(guest)


def test_violations_are_none(boot):
    """The driver does nothing that its policy does not allow."""
    guest = machine(boot, ["virtio-net-pci", "virtio-net-pci"])
    pair(guest, 0, 1, "merge")
    assert guest.sh("grep -c ' violation ' /proc/axolotl/events || true").strip() == "0", \
        guest.sh("grep violation /proc/axolotl/events")
