# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite of the block protocol (tests/guest/blocktest) on every block server, and load with deaths in between."""
import re

OPTIONS = {"disks": ["sata0:64M", "sata1:64M", "vd0:32M"]}


def run_suite(guest, unit, mode, timeout=60):
    """Runs it and returns its last status; the lines of the cases are in the kernel log."""
    guest.sh(f"service up /tests/blocktest -label blocktest -args {unit}:{mode}")
    try:
        guest.until("service status blocktest | grep -q '^done=1'", timeout, f"blocktest {unit}:{mode}")
        text = guest.sh("service status blocktest")
    finally:
        guest.run("service down blocktest")
    return {key: int(value) for key, value in re.findall(r"^(\w+)=(\d+)$", text, re.M)}


def conforms(guest, unit, at_least):
    status = run_suite(guest, unit, "write")
    assert status["failed"] == 0, guest.sh("dmesg | grep 'FAIL\\|done'")
    assert status["passed"] >= at_least, status


def test_ramdisk_conforms(guest):
    """On the disk of the root file system, deaths of the driver included: nothing is written, nobody notices."""
    status = run_suite(guest, "ram0", "conform")
    assert status["failed"] == 0 and status["passed"] >= 60, guest.sh("dmesg | grep 'FAIL\\|done'")


def test_ahci_conforms(guest):
    conforms(guest, "sata0", 70)


def test_virtio_blk_conforms(guest):
    conforms(guest, "vd0", 70)


def verify_while_it_dies(guest, unit):
    """Fifteen deaths in three seconds under verified writes: no error, no wrong byte."""
    run_suite(guest, unit, "verify")
    report = guest.sh("dmesg | grep 'blocktest: kills' | tail -1")
    counts = {key: int(value) for key, value in re.findall(r"(\w+) (\d+)", report)}
    assert counts["deaths"] >= 5 and counts["replayed"] > 0, report
    assert counts["errors"] == 0 and counts["mismatches"] == 0, report


def test_writes_survive_deaths_of_the_driver(guest):
    verify_while_it_dies(guest, "sata0")


def test_writes_survive_deaths_of_virtio_blk(guest):
    verify_while_it_dies(guest, "vd0")


def test_stack_conforms(guest):
    """checksum(mirror): the whole stack, and the mirror alone (whose contents are the checksum filter's no more then)."""
    guest.sh("mkstack -f 'checksum(mirror(sata0,sata1))'", 60)
    guest.sh("service stack 'checksum(mirror(sata0,sata1))' disk")
    conforms(guest, "disk", 70)
    conforms(guest, "disk.1", 70)
    guest.sh("service stack -down disk")


for _test in (test_ramdisk_conforms, test_ahci_conforms, test_virtio_blk_conforms, test_stack_conforms, test_writes_survive_deaths_of_the_driver,
              test_writes_survive_deaths_of_virtio_blk):
    _test.timeout = 150
