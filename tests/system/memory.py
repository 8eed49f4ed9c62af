# SPDX-License-Identifier: BSD-2-Clause
"""Memory: applications and system processes get what they ask for and no more; a machine that runs out of it lives on."""


def test_of_applications(guest):
    assert " 0 failed" in guest.sh("/tests/memory", 150)


test_of_applications.timeout = 180


def test_of_system_processes(guest):
    guest.sh("service up /tests/sysmem", 30)
    assert "failed=0" in guest.sh("service status sysmem")
    guest.sh("service down sysmem")


def test_small_machine_survives_exhaustion(boot):
    guest = boot(mem=192)
    before = guest.services()
    assert " 0 failed" in guest.sh("/tests/memory", 150)
    after = guest.services()
    assert [row["PID"] for row in before.values()] == [row["PID"] for row in after.values()], after


test_small_machine_survives_exhaustion.timeout = 240
