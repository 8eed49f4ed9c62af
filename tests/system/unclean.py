# SPDX-License-Identifier: BSD-2-Clause
"""The machine stops in the middle of writes, and a leg is corrupted while it is off: checksums decide which leg is right."""
import time

from machine import Disk
from stackimages import BEFORE, DATA, SIZE, STACK, check_content, damage, differing, images, places, remount

REGION = 2048 * 512                 # lib/mirror/super.h: regions of a small leg, the bitmap, where data begins
BITMAP, BITMAP_BYTES = 8 * 512, 512
REGIONS = (SIZE - DATA + REGION - 1) // REGION


def is_dirty(path, at):
    """Does the write-intent bitmap of a leg have the region of a byte of its image?"""
    region = (at - DATA) // REGION
    with open(path, "rb") as file:
        file.seek(BITMAP)
        return bool(file.read(BITMAP_BYTES)[region // 8] >> region % 8 & 1)


def mark_dirty(path):
    """All regions, as if writes had been under way everywhere."""
    bits = bytearray(BITMAP_BYTES)
    for region in range(REGIONS):
        bits[region // 8] |= 1 << region % 8
    with open(path, "r+b") as file:
        file.seek(BITMAP)
        file.write(bits)


def status(guest, label):
    """key=value lines of a component."""
    lines = guest.sh(f"service status {label}").split("\n")
    return dict(line.strip().split("=", 1) for line in lines if "=" in line)


def until_synced(guest, seconds=40):
    guest.until("service status mirror.disk.1 | grep -q '^ *unsynced_regions=0'", seconds, "legs do not become equal")


def stop_while_writing(pair):
    """Ends QEMU while a file is written again and again, with the content that it has, and its region is dirty."""
    guest = pair.both()
    guest.sh("cp /mnt/f /tmp/f")
    guest.agent.start("while true; do dd if=/tmp/f of=/mnt/f conv=notrunc bs=64k; sync; echo $((i++)) > /mnt/g; done")
    end = time.monotonic() + 30
    while True:
        time.sleep(0.4)
        guest.machine.qmp("stop")
        if all(is_dirty(path, places(path)[0]) for path in (pair.a, pair.b)):
            break
        assert time.monotonic() < end, "the region of the file is never marked"
        guest.machine.qmp("cont")
    guest.machine.process.kill()
    guest.machine.process.wait()


def heals(boot, leg):
    with images(boot) as pair:
        stop_while_writing(pair)
        bad = getattr(pair, leg)
        for sector in (1, 4, 6):
            assert damage(bad, sector) == 1
        guest = pair.both()
        check_content(guest)
        until_synced(guest)
        remount(guest)
        check_content(guest)
        counts = status(guest, "checksum.disk")
        assert int(counts["corrupt"]) == 3 and int(counts["healed"]) == 3 and int(counts["lost"]) == 0, counts
        events = guest.sh("cat /proc/axolotl/events")
        assert events.count("] corrupt ") == 3 and events.count("] heal ") == 3, events[-2000:]
        guest.sh("cd /; umount /mnt; sync")
        guest.machine.close()
        assert differing(pair) == [], "the legs differ"
        for sector in range(8):
            assert len(places(pair.a, sector)) == len(places(pair.b, sector)) == 1


def test_corruption_of_the_first_leg_in_a_dirty_region_is_not_spread(boot):
    heals(boot, "a")


def test_corruption_of_the_second_leg_in_a_dirty_region_is_healed(boot):
    heals(boot, "b")


def test_sector_that_is_good_nowhere_is_an_error_and_stays_as_it_is(boot):
    with images(boot) as pair:
        stop_while_writing(pair)
        assert damage(pair.a, 3) == 1 and damage(pair.b, 3, 2) == 1 and damage(pair.a, 5) == 1
        spoilt = {path: damaged_sector(path) for path in (pair.a, pair.b)}
        guest = pair.both()
        until_synced(guest)
        assert guest.run("cat /mnt/f > /tmp/copy", 60).status != 0, "the damaged file was read without an error"
        guest.check(f"dd if=/mnt/f bs=4096 count={BEFORE // 4096} 2>/dev/null | cmp - /tmp/copy; echo $?", "0", 60)
        assert int(status(guest, "checksum.disk")["lost"]) > 0
        guest.machine.close()
        for path, before in spoilt.items():
            assert damaged_sector(path) == before, "what is lost was changed"
            assert len(places(path, 5)) == 1


def damaged_sector(path):
    """Sector 3 of PIECE in an image, whatever it is now: by its neighbour."""
    at = places(path, 2)[0] + 512
    with open(path, "rb") as file:
        file.seek(at)
        return file.read(512)


def slow(name, path):
    """A disk that needs about fifteen seconds for all of its contents."""
    return Disk(name, path, options="throttling.bps-total=4500000")


def test_legs_become_equal_though_filters_are_killed_meanwhile(boot):
    """All regions are dirty and some damaged on either leg; mirror and checksum die again and again from the start."""
    with images(boot) as pair:
        for path, sectors in ((pair.a, (0, 2)), (pair.b, (5, 7))):
            mark_dirty(path)
            for sector in sectors:
                assert damage(path, sector) == 1
        spoil_end(pair)
        disks = [slow("sata0", pair.a), slow("sata1", pair.b)]
        guest = boot(storage=STACK, mount=False, prepare=lambda session: session.machine_disks.extend(disks))
        assert unsynced(guest) > REGIONS // 2
        jobs = [guest.agent.start(f"exec killloop -l {label} -i {interval} -n 4 -s 5")
                for label, interval in (("mirror.disk.1", 500), ("checksum.disk", 700))]
        for job in jobs:
            job.wait(60)
        assert unsynced(guest) > REGIONS // 4, "the kills came too late"
        guest.until("mount -t mfs /dev/disk /mnt", 30)
        check_content(guest)
        until_synced(guest, 90)
        check_content(guest)
        guest.sh("cd /; umount /mnt; sync")
        guest.machine.close()
        assert differing(pair) == [], "the legs differ"
        for path in (pair.a, pair.b):
            assert all(len(places(path, sector)) == 1 for sector in range(8))


test_legs_become_equal_though_filters_are_killed_meanwhile.timeout = 200


def spoil_end(pair):
    """A byte in the last group, which is looked at last."""
    with open(pair.b, "r+b") as file:
        file.seek(SIZE - 512 * 14)
        file.write(b"x")


def unsynced(guest):
    return int(status(guest, "mirror.disk.1")["unsynced_regions"])


def test_judge_above_another_filter_decides_too(boot):
    """trace passes the question on."""
    with images(boot) as pair:
        for path in (pair.a, pair.b):
            mark_dirty(path)
        assert damage(pair.a, 1) == 1
        pair.storage = "checksum(trace(mirror(sata0,sata1)))"
        guest = pair.both()
        guest.until("service status mirror.disk.2 | grep -q '^ *unsynced_regions=0'", 60)
        check_content(guest)
        guest.machine.close()
        assert all(len(places(path, 1)) == 1 for path in (pair.a, pair.b))


def test_mirror_without_a_judge_copies_its_first_leg(boot):
    for storage in ("mirror(sata0,sata1)", "trace(mirror(sata0,sata1))"):
        with images(boot, "mirror(sata0,sata1)") as pair:
            for path in (pair.a, pair.b):
                mark_dirty(path)
            assert damage(pair.b, 1) == 1
            pair.storage = storage
            guest = pair.both()
            check_content(guest)
            label = "mirror.disk" if storage.startswith("mirror") else "mirror.disk.1"
            guest.until(f"service status {label} > /tmp/s && ! grep -q 'resync_left=[1-9]' /tmp/s && "
                        "grep -q unsynced_regions=0 /tmp/s", 60)
            guest.machine.close()
            assert all(len(places(path, 1)) == 1 for path in (pair.a, pair.b))


test_mirror_without_a_judge_copies_its_first_leg.timeout = 120
