# SPDX-License-Identifier: BSD-2-Clause
"""Stacks with faults: legs that are missing, wrong, foreign, full, read-only or failing; corruption behind the system."""
import hashlib
import os
import random
import tempfile
import time

from machine import Disk
from session import DiskSpec, make_sparse
from stackimages import BEFORE, CONTENT, STACK, check_content, damage, images, places, remount


def test_content_survives_a_reboot(boot):
    with images(boot) as pair:
        check_content(pair.both())


def heal_one(boot, bad, good):
    """A sector of leg `bad` is damaged while the stack runs. Whichever leg is read first, once `good` is damaged in
    another sector too, each needs the other; both are whole in the end, and all of it is in the event log."""
    with images(boot) as pair:
        guest = pair.both()
        assert damage(getattr(pair, bad), 2) == 1 and damage(getattr(pair, good), 5) == 1
        end = time.monotonic() + 20
        healed = False
        while not healed and time.monotonic() < end:
            remount(guest)
            check_content(guest)
            healed = any(places(path, 2) and places(path, 5) for path in (pair.a, pair.b))
        assert healed, "neither damaged sector was healed"
        text = guest.sh("cat /proc/axolotl/events")
        assert "corrupt" in text and "heal" in text, text[-1500:]


def test_corruption_behind_the_back_is_healed_and_reported(boot):
    heal_one(boot, "a", "b")


def test_each_leg_alone_heals_the_other(boot):
    """Every sector of the content is damaged on one leg; the file stays right, and the bad leg becomes right when read."""
    for bad in ("a", "b"):
        with images(boot) as pair:
            guest = pair.both()
            for sector in range(8):
                assert damage(getattr(pair, bad), sector) == 1
            for _ in range(2):
                remount(guest)
                check_content(guest)
            guest.close()


test_each_leg_alone_heals_the_other.timeout = 120


def test_both_legs_corrupted_is_an_error_and_never_wrong_data(boot):
    with images(boot) as pair:
        guest = pair.both()
        assert damage(pair.a, 3) == 1 and damage(pair.b, 3, 2) == 1
        remount(guest)
        result = guest.run("cat /mnt/f > /tmp/copy", 60)
        assert result.status != 0, "the damaged file was read without an error"
        found = guest.sh(f"dd if=/mnt/f bs=4096 count={BEFORE // 4096} 2>/dev/null | sha1sum", 60)
        assert found == hashlib.sha1(CONTENT[:BEFORE]).hexdigest() + "  -", found
        guest.check("echo alive; ls /mnt", "alive\nf")


def test_missing_leg_is_served_by_the_other(boot):
    with images(boot) as pair:
        for spec in (DiskSpec("sata0", None, pair.a), DiskSpec("sata1", None, pair.b)):
            guest = pair.start(spec)
            check_content(guest)
            guest.sh("echo more > /mnt/g && fsync /mnt/g")
            guest.close()


def test_stale_leg_never_comes_back_as_good(boot):
    """Written while sata1 was away: afterwards only the new content is read, whatever leg is asked."""
    with images(boot) as pair:
        guest = pair.start(DiskSpec("sata0", None, pair.a))
        guest.sh("echo newer > /mnt/g; cp /mnt/g /mnt/f; fsync /mnt/f; cd /; umount /mnt; sync")
        guest.close()
        guest = pair.both()
        for _ in range(4):
            guest.check("cat /mnt/f", "newer")
            remount(guest)
        guest.close()


def test_leg_of_another_mirror_is_refused(boot):
    with images(boot) as pair, images(boot) as other:
        guest = pair.start(DiskSpec("sata0", None, pair.a), DiskSpec("sata1", None, other.b), mount=False)
        if guest.run("mount -t mfs /dev/disk /mnt", 30).status == 0:
            check_content(guest)
        guest.close()
        guest = other.both()
        check_content(guest)


test_leg_of_another_mirror_is_refused.timeout = 120


def test_foreign_disk_is_refused_and_left_alone(boot):
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/x.img", f"{folder}/y.img"]
        for number, path in enumerate(paths):
            with open(path, "wb") as file:
                file.write(random.Random(number).randbytes(8 << 20))
        before = [hashlib.sha1(open(path, "rb").read()).hexdigest() for path in paths]
        guest = boot(storage=STACK, disks=[DiskSpec("sata0", None, paths[0]), DiskSpec("sata1", None, paths[1])], mount=False)
        assert guest.run("mount -t mfs /dev/disk /mnt", 30).status != 0
        guest.check("echo alive", "alive")
        guest.close()
        assert before == [hashlib.sha1(open(path, "rb").read()).hexdigest() for path in paths]


def test_wrong_stack_expression_is_refused(boot):
    """A mirror leg is no checksum medium, and the other way round."""
    with images(boot) as pair:
        guest = boot(storage="checksum(sata0)", disks=[DiskSpec("sata0", None, pair.a)], mount=False)
        assert guest.run("mount -t mfs /dev/disk /mnt", 30).status != 0
        guest.close()
        check_content(pair.both())


def test_full_disk_says_so_and_goes_on(boot):
    guest = boot(storage="sata0", disks=["sata0:16M"])
    result = guest.run("dd if=/dev/zero of=/mnt/big bs=64k", 60)
    assert result.status != 0 and b"No space left" in result.err, result
    assert guest.run("echo x > /mnt/small").status != 0 or guest.run("dd if=/dev/zero of=/mnt/s2 bs=64k count=2").status != 0
    guest.sh("rm /mnt/big; echo fits > /mnt/small; sync")
    guest.check("cat /mnt/small", "fits")


def test_read_only_mount_refuses_writes(boot):
    with images(boot, "sata0") as pair:
        guest = pair.start(DiskSpec("sata0", None, pair.a), mount=False)
        guest.until("test -b /dev/disk", 10)
        guest.sh("mount -t mfs -o ro /dev/disk /mnt")
        result = guest.run("echo x > /mnt/new")
        assert result.status != 0 and b"Read-only" in result.err, result
        check_content(guest)


def failing(path, **rule):
    """A disk whose accesses fail by QEMU's blkdebug."""
    return Disk("sata0", path, blkdebug={"inject-error": [{"event": "none", "errno": 5, "once": False, **rule}]})


def test_disk_that_refuses_writes_is_reported(boot):
    with images(boot, "sata0") as pair:
        bad = failing(pair.a, iotype="write")
        guest = boot(storage="sata0", mount=False, prepare=lambda session: session.machine_disks.append(bad))
        guest.until("test -b /dev/disk && mount -t mfs /dev/disk /mnt", 20)
        check_content(guest)
        result = guest.run("echo lost > /mnt/g && fsync /mnt/g", 60)
        assert result.status != 0, "a write that cannot have worked was reported as done"
        check_content(guest)


test_disk_that_refuses_writes_is_reported.timeout = 120


def test_unreadable_sector_is_served_by_the_other_leg(boot):
    with images(boot) as pair:
        at = places(pair.a)[0]
        bad = failing(pair.a, iotype="read", sector=at // 512)
        good = Disk("sata1", pair.b)
        guest = boot(storage=STACK, prepare=lambda session: session.machine_disks.extend([bad, good]))
        for _ in range(3):
            check_content(guest)
            remount(guest)


def test_leg_that_dies_is_dropped_and_service_goes_on(boot):
    with images(boot) as pair:
        bad = failing(pair.a, iotype="write")
        good = Disk("sata1", pair.b)
        guest = boot(storage=STACK, prepare=lambda session: session.machine_disks.extend([bad, good]))
        check_content(guest)
        guest.sh("seq 1 100000 > /mnt/g && fsync /mnt/g", 60)
        remount(guest)
        guest.check("seq 1 100000 | cmp - /mnt/g && echo same", "same")
        assert "leg-failed" in guest.sh("cat /proc/axolotl/events")


test_leg_that_dies_is_dropped_and_service_goes_on.timeout = 120


def test_new_disks_are_made_for_a_stack_without_disks(boot):
    guest = boot(storage=STACK)
    guest.sh("df -k /mnt | tail -n 1 | awk '{exit !($2 > 100000)}'")
    assert not os.path.exists("sata0.img")


def test_stack_on_a_unit_that_does_not_exist_is_an_error(boot):
    guest = boot(storage="checksum(nothing)", mount=False)
    assert guest.run("mount -t mfs /dev/disk /mnt", 45).status != 0
    guest.check("echo alive", "alive")


test_stack_on_a_unit_that_does_not_exist_is_an_error.timeout = 90


def test_disk_of_odd_size(boot):
    """A disk of odd size works up to its end."""
    with tempfile.TemporaryDirectory() as folder:
        make_sparse(f"{folder}/odd.img", (5 << 20) + 512)
        guest = boot(disks=[DiskSpec("sata0", None, f"{folder}/odd.img")])
        guest.until("test -b /dev/sata0", 10)
        guest.check("cat /dev/sata0 | wc -c", str((5 << 20) + 512), 60)
        guest.sh("printf end | dd of=/dev/sata0 bs=1 seek=5243389 conv=notrunc 2>/dev/null; sync")
        guest.check("tail -c 3 /dev/sata0", "end", 60)
