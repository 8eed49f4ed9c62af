# SPDX-License-Identifier: BSD-2-Clause
"""Scrubbing finds and heals what is corrupt on either replica although nobody reads it; it survives the death of its filter."""
import random
import re
import time

from stackimages import DATA, SIZE, check_content, differing, images

HEADER, N = 8, 8                                     # lib/checksum/layout.h; sectors
GROUPS = (SIZE // 512 - DATA // 512 - HEADER) // (N + 1)


def spoil(pair, count, seed):
    """Flips a bit in so many data sectors, each of another group, on one leg or the other."""
    chance = random.Random(seed)
    for group in chance.sample(range(GROUPS), count):
        at = DATA + 512 * (HEADER + group * (N + 1) + chance.randrange(N)) + chance.randrange(512)
        with open(chance.choice((pair.a, pair.b)), "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << chance.randrange(8)]))


def values(text):
    return {key: value if not value.isdigit() else int(value) for key, value in
            (line.split("=") for line in text.split("\n") if "=" in line)}


def healed(guest, pair, count, kills=0):
    """Each sector is in the event log. A filter that dies in the middle may report one twice, or not that it was healed."""
    events = guest.sh("cat /proc/axolotl/events")
    bad, mended = (re.findall(rf"\] {kind} .* sector=(\d+) ", events) for kind in ("corrupt", "heal"))
    assert len(set(bad)) == count and len(bad) <= count + kills, (len(bad), len(set(bad)))
    assert count - kills <= len(set(mended)) <= count and len(mended) <= len(bad), (len(mended), len(set(mended)))
    check_content(guest)
    guest.sh("cd /; umount /mnt; sync")
    assert differing(pair) == [], "the legs differ"


def test_scrub_heals_everything_and_counts_it(boot):
    with images(boot) as pair:
        guest = pair.both()
        spoil(pair, 100, 1)
        assert values(guest.sh("scrub status"))["scrub"] == "idle"
        guest.sh("scrub start -r 400000000")
        end = values(guest.sh("scrub wait", 60))
        assert end["scrub"] == "done" and end["scrub_group"] == end["scrub_groups"] == GROUPS, end
        assert end["scrub_corrupt"] == end["scrub_healed"] == 100 and end["scrub_lost"] == 0, end
        guest.sh("scrub start -r 400000000")
        again = values(guest.sh("scrub wait", 60))
        assert again["scrub_corrupt"] == 0 and again["scrub"] == "done", again
        healed(guest, pair, 100)


def test_scrub_goes_on_when_the_filter_is_killed(boot):
    with images(boot) as pair:
        guest = pair.both()
        spoil(pair, 60, 2)
        guest.sh("scrub start -r 40000000")
        for _ in range(3):
            time.sleep(0.7)
            guest.sh("kill -9 $(service list | awk '$1 == \"checksum.disk\" {print $3}')")
        guest.sh("kill -9 $(service list | awk '$1 == \"mirror.disk.1\" {print $3}')")
        end = values(guest.sh("scrub wait", 60))
        assert end["scrub"] == "done" and end["scrub_interrupted"] >= 1, end
        assert end["scrub_lost"] == end["scrub_unreadable"] == 0, end
        healed(guest, pair, 60, kills=3)


def test_scrub_is_limited_and_stops_when_told(boot):
    with images(boot) as pair:
        guest = pair.both()
        guest.sh("scrub start -r 2000000 disk")
        assert guest.run("scrub start").status == 1, "two scrubs at a time"
        time.sleep(1)
        guest.sh("scrub stop")
        state = values(guest.sh("scrub status"))
        assert state["scrub"] == "stopped" and 0 < state["scrub_group"] < GROUPS / 4, state
        assert guest.run("scrub stop").status == 1
        assert guest.run("scrub start -r 5").status == 1
        assert guest.run("scrub start nothing").status == 1
        assert guest.run("scrub").status == 2
        check_content(guest)


def test_sector_that_is_lost_is_reported(boot):
    with images(boot) as pair:
        guest = pair.both()
        for path in (pair.a, pair.b):
            with open(path, "r+b") as file:
                file.seek(DATA + 512 * (HEADER + (GROUPS - 1) * (N + 1)))
                file.write(path[-5:].encode() * 3)
        guest.sh("scrub start -r 400000000")
        end = guest.run("scrub wait", 60)
        assert end.status == 1 and values(end.text)["scrub_lost"] == 1, end
        check_content(guest)


def test_replicas_that_are_good_and_differ_are_counted(boot):
    """One leg lost a write: it has the old group, with its old sums."""
    with images(boot) as pair:
        guest = pair.both()
        guest.sh("dd if=/dev/urandom of=/mnt/g bs=4k count=8 2>/dev/null; fsync /mnt/g; umount /mnt")
        with open(pair.b, "rb") as file:
            old = file.read()
        guest.sh("mount -t mfs /dev/disk /mnt; dd if=/dev/urandom of=/mnt/g conv=notrunc bs=4k count=8 2>/dev/null; "
                 "fsync /mnt/g; umount /mnt; sync")
        with open(pair.a, "rb") as a, open(pair.b, "r+b") as b:
            new = a.read()
            groups = [at for at in range(DATA + 512 * HEADER, len(new) - 512 * (N + 1), 512 * (N + 1))
                      if new[at:at + 512 * (N + 1)] != old[at:at + 512 * (N + 1)]]
            assert groups
            b.seek(groups[-1])
            b.write(old[groups[-1]:groups[-1] + 512 * (N + 1)])
        guest.sh("scrub start -r 400000000")
        end = values(guest.sh("scrub wait", 60))
        assert end["scrub_differing"] == 1 and end["scrub_corrupt"] == 0, end
