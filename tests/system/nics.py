# SPDX-License-Identifier: BSD-2-Clause
"""Network drivers without a network stack: every size of frame, offloads, byte for byte, and deaths in between (tests/guest/nettest)."""
import dataclasses
import re


@dataclasses.dataclass
class Driver:
    """A driver: its label, QEMU's devices for its units, what the suite of a pair has at least (checksums and segments: where the
    device has them). Unit 0 is in a user network, the others are on one wire."""
    label: str
    units: str
    devices: list
    cases: int


DRIVERS = (Driver("e1000", "e1000", ["e1000", "e1000", "e1000", "e1000e"], 8),
           Driver("rtl8139", "rtl8139", ["rtl8139"] * 3, 2),
           Driver("virtio_net", "virtio", ["virtio-net-pci"] * 3, 2))
LOAD_S = 6
KILLS = 12


def add_nics(session):
    """All devices of all drivers, in the order of their units."""
    args, make = [], session.config
    for wire, driver in enumerate(DRIVERS):
        for unit, device in enumerate(driver.devices):
            net = f"{driver.units}_{unit}"
            backend = f"user,id={net},restrict=on" if unit == 0 else f"hubport,id={net},hubid={wire}"
            args += ["-netdev", backend, "-device", f"{device},netdev={net},mac=52:54:00:{wire:02x}:00:{unit:02x}"]

    def config():
        result = make()
        result.qemu_args = list(result.qemu_args) + args
        return result
    session.config = config


# inet would take the units.
OPTIONS = {"prepare": add_nics, "nics": [], "boot": ["skip=inet"]}


def start(guest, what):
    guest.sh(f"service up /tests/nettest -label nettest -args {what}")


def counts(guest):
    text = guest.sh("service status nettest")
    return {key: int(value) for key, value in re.findall(r"^(\w+)=(\d+)$", text, re.M)}


def wait_answers(guest):
    guest.until("service status nettest | grep -q '^answered=[1-9]'", 15, "nettest sends nothing")


def finish(guest, timeout=40):
    """Waits for the end; the counts, of a test without failures."""
    try:
        guest.until("service status nettest | grep -q '^done=1'", timeout, "nettest")
        status = counts(guest)
    finally:
        guest.run("service down nettest")
    assert status["failed"] == 0 and status["wrong"] == 0 and status["receive_errors"] == 0, \
        f"{status} {guest.sh('dmesg | grep nettest | tail -12')}"
    assert status["confirmed"] == status["sent"] and status["tx_failed"] == 0, status
    return status


def kill(guest, label):
    last = guest.sh(f"sleep 0.5; killloop -l {label} -i 300 -n {KILLS}", 60).split("\n")[-1]
    assert last == f"killed {KILLS} of {KILLS}", last


def restarts(guest, label):
    return int(guest.services()[label]["RESTARTS"])


def ping(guest, driver):
    """1455 echoes, one of each size. Few are sent twice: those of the first second of QEMU's 82540EM."""
    start(guest, f"{driver.units}_0:ping")
    status = finish(guest)
    assert status["answered"] == 1456 and status["lost"] == 0 and status["repeated"] < 32, status


def pair(guest, driver):
    start(guest, f"{driver.units}_1,{driver.units}_2:pair")
    status = finish(guest)
    assert status["passed"] >= driver.cases and status["lost"] == 0, status


def ping_under_kills(guest, driver):
    """Every echo is answered in the end. (On a busy host a client may see two deaths as one.)"""
    start(guest, f"{driver.units}_0:ping:{LOAD_S}")
    kill(guest, driver.label)
    status = finish(guest)
    assert status["lost"] == 0 and status["rounds"] > KILLS / 2 and status["answered"] > 500, status


def pair_under_kills(guest, driver):
    """Frames on the wire may be lost with the driver that had them, but most arrive, and none arrives wrong."""
    start(guest, f"{driver.units}_1,{driver.units}_2:pair:{LOAD_S}")
    kill(guest, driver.label)
    status = finish(guest)
    assert status["rounds"] >= 2 * KILLS and status["answered"] > 500, status
    assert status["lost"] < status["answered"] / 10, status


def other_deaths(guest, driver):
    """Crash, hang and polite replacement while echoes go on."""
    start(guest, f"{driver.units}_0:ping:{LOAD_S}")
    wait_answers(guest)
    for number, command in enumerate(("kill -SEGV {pid}", "kill -STOP {pid}", "service refresh " + driver.label)):
        before = restarts(guest, driver.label)
        guest.sh(command.format(pid=guest.pid_of(driver.label)))
        guest.until(f"service list | awk '$1 == \"{driver.label}\" && $4 > {before} && $2 == \"running\" {{ok = 1}} END {{exit !ok}}'",
                    15, f"{driver.label} does not come back after `{command}`")
        guest.until(f"service status nettest | awk -F= '$1 == \"rounds\" && $2 > {number} {{ok = 1}} END {{exit !ok}}'", 5,
                    f"the client does not find {driver.label} after `{command}`")
    status = finish(guest)
    assert status["lost"] == 0 and status["rounds"] >= 3, status


def client_dies(guest, driver):
    """The device must have stopped writing into a client's memory before that is gone; the next client finds a working one."""
    start(guest, f"{driver.units}_1,{driver.units}_2:pair:60")
    for _ in range(5):
        pid = guest.pid_of("nettest")
        wait_answers(guest)
        guest.sh(f"kill -9 {pid}")
        guest.until(f"service list | awk '$1 == \"nettest\" && $3 != {pid} && $2 == \"running\" {{ok = 1}} END {{exit !ok}}'", 15)
    guest.sh("service down nettest")
    before = restarts(guest, driver.label)
    pair(guest, driver)
    assert restarts(guest, driver.label) == before


def link(guest, driver):
    """A cable that is pulled out and put in again."""
    start(guest, f"{driver.units}_0:ping:{LOAD_S}")
    guest.until("service status nettest | grep -q '^answered=[1-9]'", 15)
    guest.machine.qmp("set_link", name=f"{driver.units}_0", up=False)
    guest.until(f"service status {driver.label} | grep -q '^{driver.units}_0=.* link=down'", 5)
    guest.until(f"service status nettest | grep -q '^lower.{driver.units}_0=.* link=down'", 5)
    guest.machine.qmp("set_link", name=f"{driver.units}_0", up=True)
    guest.until(f"service status nettest | grep -q '^lower.{driver.units}_0=.* link=up'", 5)
    guest.until("service status nettest | grep -q '^done=1'", 40)
    status = counts(guest)
    guest.sh("service down nettest")
    assert status["wrong"] == 0 and status["answered"] > 0 and status["confirmed"] == status["sent"], status


def make(function, driver):
    def test(guest):
        function(guest, driver)
    test.__doc__ = function.__doc__
    test.timeout = 120
    test.__name__ = f"test_{driver.label}_{function.__name__}"
    test.__module__ = __name__
    globals()[test.__name__] = test


for _driver in DRIVERS:
    for _function in (ping, pair, ping_under_kills, pair_under_kills, other_deaths, client_dies, link):
        make(_function, _driver)


def test_e1000e_with_e1000(guest):
    """The 82574L (message-signalled interrupts, checksums of received frames) against the 82540EM."""
    start(guest, "e1000_1,e1000_3:pair")
    status = finish(guest)
    assert status["passed"] >= 6 and status["lost"] == 0, status
    assert " msi=1 " in guest.sh("service status e1000 | grep ^e1000_3=")
    for state, is_up in (("down", False), ("up", True)):
        guest.machine.qmp("set_link", name="e1000_3", up=is_up)
        guest.until(f"service status e1000 | grep -q '^e1000_3=.* link={state}'", 10)


test_e1000e_with_e1000.timeout = 90
