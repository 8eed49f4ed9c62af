# SPDX-License-Identifier: BSD-2-Clause
"""Components are killed, hang, crash and are refreshed, under load: nobody above notices, no byte is lost."""
from guest import add_random_disk

STACK = "checksum(mirror(sata0,sata1))"
DATA_MB = 16


def add_data(session):
    """sata2: random bytes that the storage gets a file of."""
    add_random_disk(session, "sata2", 5, DATA_MB << 20)


OPTIONS = {"storage": STACK, "disks": ["sata0:96M", "sata1:96M"], "prepare": add_data}
FILTERS = ("checksum.disk", "mirror.disk.1")


def sum_of(guest, path):
    return guest.sh(f"streamio -h {path}", 60).split("sha1=")[1]


def big_file(guest):
    """/mnt/big with the content of the data disk; its SHA-1."""
    if not hasattr(guest, "sum"):
        guest.sh("dd if=/dev/sata2 of=/mnt/big bs=1M 2>/dev/null && fsync /mnt/big", 60)
        guest.sum = sum_of(guest, "/dev/sata2")
        assert sum_of(guest, "/mnt/big") == guest.sum
    return guest.sum


def read_while(guest, disturb, seconds=1.5):
    """Reads the file again and again for some seconds and until disturb() has returned; every pass must be right."""
    expected = big_file(guest)
    guest.sh("rm -f /tmp/stop")
    job = guest.agent.start(f"until [ -f /tmp/stop ]; do streamio -h -d {seconds} /mnt/big || exit 9; done")
    try:
        disturb()
    finally:
        guest.sh("touch /tmp/stop")
    result = job.wait(60)
    assert result.status == 0, result
    sums = [line.split("sha1=")[1] for line in result.text.split("\n")]
    assert set(sums) == {expected}, sums


def restarts(guest, label):
    return int(guest.services()[label]["RESTARTS"])


def disturbed(guest, label, command):
    """Runs a command that should cost `label` its process; it must be back, as another one."""
    pid, before = guest.pid_of(label), restarts(guest, label)
    guest.sh(command.format(pid=pid))
    guest.until(f"service list | awk '$1 == \"{label}\" && $4 > {before} && $2 == \"running\" {{ok = 1}} END {{exit !ok}}'",
                15, f"{label} does not come back after `{command}`")
    assert guest.pid_of(label) != pid


def kill_loop(guest, label, interval_s, count):
    """So many kills at about this interval under a reader; all of them must have hit."""
    def loop():
        last = guest.sh(f"killloop -l {label} -i {interval_s * 1000:g} -n {count}", 60).split("\n")[-1]
        assert last == f"killed {count} of {count}", last
    read_while(guest, loop)


def test_kill_9_of_the_driver_in_the_middle_of_a_file(guest):
    read_while(guest, lambda: disturbed(guest, "ahci", "kill -9 {pid}"))


def test_service_refresh(guest):
    read_while(guest, lambda: disturbed(guest, "ahci", "service refresh ahci"))


def test_driver_that_hangs_misses_its_heartbeat(guest):
    read_while(guest, lambda: disturbed(guest, "ahci", "kill -STOP {pid}"))
    assert guest.services()["ahci"]["CAUSE"] == "heartbeat"


def test_driver_that_crashes(guest):
    read_while(guest, lambda: disturbed(guest, "ahci", "kill -SEGV {pid}"))


def test_kill_of_checksum(guest):
    read_while(guest, lambda: disturbed(guest, FILTERS[0], "kill -9 {pid}"))


def test_kill_of_mirror(guest):
    read_while(guest, lambda: disturbed(guest, FILTERS[1], "kill -9 {pid}"))


def test_kill_of_everything_in_the_stack_at_once(guest):
    pids = [guest.pid_of(label) for label in ("ahci",) + FILTERS]
    read_while(guest, lambda: guest.sh("kill -9 " + " ".join(map(str, pids))))
    assert sum_of(guest, "/mnt/big") == guest.sum


def test_kill_loop_100_ms(guest):
    kill_loop(guest, "ahci", 0.1, 40)


def test_kill_loop_1_s(guest):
    kill_loop(guest, "ahci", 1, 5)


def test_kill_loop_5_s(guest):
    kill_loop(guest, "ahci", 5, 2)


def test_kill_loop_of_the_filters(guest):
    for label in FILTERS:
        kill_loop(guest, label, 0.6, 6)


def test_mixed_writes_under_random_kills(guest):
    """200 kills at random moments while every byte of random reads and writes is checked."""
    job = guest.agent.start("exec killloop -l ahci -i 60 -j 80 -n 200 -s 3")
    result = guest.run("iocheck -s 8 -d 14 -n 10000000 /mnt/check", 100)
    assert result.status == 0, result
    killed = job.wait(40).text.split("\n")[-1]
    assert killed == "killed 200 of 200", killed
    guest.sh("rm /mnt/check")


test_mixed_writes_under_random_kills.timeout = 150


def test_writes_survive_kills_and_a_remount(guest):
    expected = big_file(guest)
    job = guest.agent.start("exec killloop -l ahci -i 150 -d 60")
    guest.sh("dd if=/dev/sata2 of=/mnt/out bs=1M 2>/dev/null && fsync /mnt/out", 60)
    job.kill(15)
    job.wait(10)
    guest.sh("cd /; umount /mnt && mount -t mfs /dev/disk /mnt", 30)
    assert sum_of(guest, "/mnt/out") == expected
    guest.sh("rm /mnt/out")


def test_terminal_driver_is_replaced_under_the_shell(guest):
    guest.fresh_prompt()
    disturbed(guest, "tty", "kill -9 {pid}")
    guest.fresh_prompt()
    assert guest.type_line("echo $((40 + 2))") == "42\n"


def test_time_line_of_a_kill_is_in_the_event_log(guest):
    read_while(guest, lambda: disturbed(guest, "ahci", "kill -9 {pid}"))
    text = guest.sh("tail -n 200 /proc/axolotl/events")
    for kind in ("death", "detect", "publish", "reopen", "recovered"):
        assert kind in text, f"no {kind} in\n{text}"


def test_service_down_and_up(guest):
    """A component that is taken down on purpose stays down, and comes back when asked."""
    big_file(guest)
    guest.sh("cd /; umount /mnt; service stack -down disk; service down ahci", 30)
    assert guest.run("dd if=/dev/sata2 of=/dev/null count=1", 60).status != 0
    guest.sh(f"service up /sbin/ahci -label ahci; service stack '{STACK}'", 30)
    guest.until("mount -t mfs /dev/disk /mnt", 20)
    assert sum_of(guest, "/mnt/big") == guest.sum


test_service_down_and_up.timeout = 120
