# SPDX-License-Identifier: BSD-2-Clause
"""Files as applications see them: the ABI table, random calls, drivers and file servers that die underneath."""

OPTIONS = {"disks": ["sata0:64M"]}


def test_file_abi(guest):
    assert guest.sh("/tests/files | tail -n 1", 120).endswith(" 0 failed")


test_file_abi.timeout = 150


def test_file_abi_under_a_kill_loop(guest):
    """Every row must pass while the drivers of the root disk and of the terminal are killed again and again."""
    guest.sh("(while :; do killall -9 ramdisk; usleep 300000; killall -9 tty; usleep 300000; done) >/dev/null 2>&1 & "
             "loop=$!; /tests/files > /tmp/out; kill $loop; grep -v ^ok /tmp/out | tail -n 1 | grep ' 0 failed'", 150)


test_file_abi_under_a_kill_loop.timeout = 180


def test_random_calls(guest):
    for seed in (1, 2, 3):
        assert "0 ended badly" in guest.sh(f"/tests/filefuzz {seed} 3000 6", 60)
    assert guest.sh("/tests/files rename | tail -n 1", 30).endswith(" 0 failed")


test_random_calls.timeout = 200


def test_proc_outlives_its_server(guest):
    before = guest.sh("ls /proc/1")
    guest.sh("killall -9 procfs")
    guest.until("test -r /proc/1/stat")
    assert guest.sh("ls /proc/1") == before


def test_a_dead_file_server_is_eio_and_can_be_unmounted(guest):
    guest.sh("mkfs.mfs /dev/sata0 && mount -t mfs /dev/sata0 /mnt && echo data > /mnt/f && sync")
    guest.sh("cd /mnt; exec 3</mnt/f; kill -9 $(pidof mfs | tr ' ' '\\n' | sort -n | tail -n 1); usleep 300000; "
             "cat <&3 && exit 1; ls /mnt && exit 1; umount /mnt")
    guest.sh("mount -t mfs /dev/sata0 /mnt")
    guest.check("cat /mnt/f", "data")
    guest.sh("umount /mnt")


def test_many_files_on_a_disk(guest):
    guest.sh("mkfs.mfs /dev/sata0 && mount -t mfs /dev/sata0 /mnt && mkdir /mnt/d")
    guest.sh("cd /mnt/d; i=0; while [ $i -lt 2500 ]; do echo $i > f$i; i=$((i+1)); done", 60)
    guest.check("ls /mnt/d | wc -l; cat /mnt/d/f1234", "2500\n1234")
    guest.sh("umount /mnt && mount -t mfs /dev/sata0 /mnt")
    guest.check("ls /mnt/d | wc -l; cat /mnt/d/f2499", "2500\n2499")
    guest.sh("rm -r /mnt/d && umount /mnt", 60)
    assert " 0 problems" in guest.sh("fsck.mfs /dev/sata0") or guest.sh("fsck.mfs /dev/sata0") == "clean"


test_many_files_on_a_disk.timeout = 150


def test_remount_read_only(guest):
    guest.sh("mkfs.mfs /dev/sata0 && mount -t mfs /dev/sata0 /mnt && echo data > /mnt/f")
    guest.sh("mount -o remount,ro /dev/sata0 /mnt")
    assert "Read-only file system" in guest.run("echo more > /mnt/f; mkdir /mnt/d; rm /mnt/f").err.decode()
    guest.check("cat /mnt/f", "data")
    guest.sh("mount -o remount,rw /dev/sata0 /mnt && echo more >> /mnt/f && umount /mnt")


def test_flushing_a_device_drops_caches(guest):
    guest.sh("mkfs.mfs /dev/sata0 && mount -t mfs /dev/sata0 /mnt && cp /bin/busybox /mnt/f")
    guest.sh("blockdev --flushbufs /dev/sata0")
    guest.sh("cmp /bin/busybox /mnt/f && umount /mnt")
