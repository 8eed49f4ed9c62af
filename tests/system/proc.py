# SPDX-License-Identifier: BSD-2-Clause
"""What the system says about itself: ps, top, free, mount, /proc, the list of services, the event log."""
import json
import re


def test_ps_shows_programs_and_servers(guest):
    text = guest.sh("ps")
    for name in ("init", "axod", "ps"):
        assert re.search(rf"\b{name}\b", text), f"{name} is not in\n{text}"


def test_top_shows_load(guest):
    text = guest.sh("top -b -n 1")
    assert "Mem:" in text and "CPU:" in text, text


def test_free_adds_up(guest):
    words = guest.sh("free -k").split("\n")[1].split()
    total, used, free = (int(word) for word in words[1:4])
    assert total > 100_000 and 0 < free < total and used < total, words


def test_mount_shows_root(guest):
    text = guest.sh("mount")
    assert re.search(r" on / type mfs", text) and re.search(r" on /proc type ", text), text


def test_proc_self(guest):
    guest.check("readlink /proc/self/exe", "/bin/busybox")
    guest.check("cat /proc/self/comm", "cat")
    assert guest.sh("cat /proc/self/stat").split()[1] == "(cat)"
    assert "[stack]" in guest.sh("cat /proc/self/maps")


def test_proc_fd_names_files(guest):
    guest.check("exec 3</etc/passwd; readlink /proc/self/fd/3 || readlink /proc/$$/fd/3", "/etc/passwd")


def test_proc_machine_files(guest):
    assert "MemTotal" in guest.sh("cat /proc/meminfo")
    assert "processor" in guest.sh("cat /proc/cpuinfo")
    assert re.fullmatch(r"\d+\.\d+ \d+\.\d+", guest.sh("cat /proc/uptime"))
    assert "mfs" in guest.sh("cat /proc/filesystems")
    assert guest.sh("cat /proc/version").startswith("Linux version")
    assert re.match(r"cpu +\d+ \d+ \d+ \d+", guest.sh("cat /proc/stat"))


def test_service_list_has_columns(guest):
    rows = guest.services()
    for label in ("tty", "pci"):
        assert label in rows, rows
        assert int(rows[label]["PID"]) > 0, rows[label]


def test_service_list_as_json(guest):
    entries = json.loads(guest.sh("service list --json"))["services"]
    assert any(entry["label"] == "tty" for entry in entries), entries


def test_events_have_the_boot(guest):
    text = guest.sh("cat /proc/axolotl/events")
    assert "boot" in text and "publish" in text, text[-1000:]


def test_missing_calls_are_listed(guest):
    guest.sh("cat /proc/axolotl/abi")


def test_uptime_goes_on(guest):
    first = float(guest.sh("cut -d' ' -f1 /proc/uptime"))
    guest.sh("sleep 0.5")
    second = float(guest.sh("cut -d' ' -f1 /proc/uptime"))
    assert 0.4 < second - first < 10, (first, second)


def test_memory_is_given_back(guest):
    """A hundred programs later there is as much free memory as before, give or take half a megabyte."""
    def free_kb():
        return int(guest.sh("sync; free -k").split("\n")[1].split()[3])
    guest.sh("for i in 1 2 3 4 5 6 7 8 9 10; do ls / >/dev/null; done")
    before = free_kb()
    guest.sh("i=0; while [ $i -lt 100 ]; do ls / | cat >/dev/null; i=$((i + 1)); done", 60)
    lost = before - free_kb()
    assert lost < 512, f"{lost} KiB are gone"
