# SPDX-License-Identifier: BSD-2-Clause
"""Linux calls about processes, signals, time and threads behave as on Linux; random calls hurt only their caller."""


def test_rows_pass(guest):
    said = guest.sh("/tests/abi | grep -v '^ok '", 120)
    assert said.endswith(" 0 failed"), said


test_rows_pass.timeout = 150


def test_random_calls_do_not_hurt(guest):
    guest.check("/tests/abi -f 3 20", "fuzz: 20 rounds", 120)
    guest.check("echo alive", "alive")


test_random_calls_do_not_hurt.timeout = 150


def test_killed_driver_is_replaced(guest):
    """Users see drivers as processes; root may kill one."""
    pid = guest.sh("awk '$1 == \"tty\" {print $3}' /proc/axolotl/services")
    guest.sh(f"kill -9 {pid}; sleep 1")
    assert int(guest.services()["tty"]["RESTARTS"]) == 1
    guest.check("kill -9 4; echo $?", "1")
