# SPDX-License-Identifier: BSD-2-Clause
"""fio verifies all that it writes while driver and filters are killed under it: no error, no wrong byte."""
import json

STACK = "checksum(mirror(sata0,sata1))"
OPTIONS = {"storage": STACK, "disks": ["sata0:96M", "sata1:96M"]}
SECONDS = 25

# Random writes of several sizes, each block verified by its header and crc while the job goes on and again at its end.
FIO = ("fio --name=kills --filename=/mnt/fio --size=24M --rw=randrw --rwmixread=40 --bsrange=4k-64k --ioengine=psync "
       "--numjobs=1 --time_based --runtime={seconds} --verify=crc32c-intel --verify_fatal=1 --verify_backlog=64 "
       "--fsync=32 --randseed=7 --output-format=json --output=/tmp/fio.json")


def fio_while(guest, kills):
    """Runs fio while the labels of `kills` are killed at their intervals (ms); every kill must have hit."""
    jobs = {label: guest.agent.start(f"exec killloop -l {label} -i {interval} -j 30 -d {SECONDS} -s 4")
            for label, interval in kills.items()}
    done = guest.run(FIO.format(seconds=SECONDS), SECONDS + 60)
    killed = {label: job.wait(30).text.split("\n")[-1] for label, job in jobs.items()}
    assert done.status == 0, f"fio: {done.status} {done.err[-600:]!r} {done.out[-300:]!r} kills: {killed}"
    text = guest.sh("cat /tmp/fio.json")
    result = json.loads(text[text.index("{"):])["jobs"][0]
    assert result["error"] == 0 and result["write"]["total_ios"] > 50, (result["error"], result["write"]["total_ios"])
    for label, last in killed.items():
        hit, _, wanted = last.removeprefix("killed ").partition(" of ")
        assert hit == wanted and int(hit) >= 5, (label, last)
    events = guest.sh("cat /proc/axolotl/events")
    assert "] quarantine " not in events and "] leg-failed " not in events, events[-2000:]
    guest.sh("rm -f /mnt/fio")


def test_fio_verifies_while_the_driver_is_killed(guest):
    fio_while(guest, {"ahci": 300})


def test_fio_verifies_while_driver_and_filters_are_killed(guest):
    fio_while(guest, {"ahci": 900, "mirror.disk.1": 1300, "checksum.disk": 1700})


for _test in (test_fio_verifies_while_the_driver_is_killed, test_fio_verifies_while_driver_and_filters_are_killed):
    _test.timeout = 150
