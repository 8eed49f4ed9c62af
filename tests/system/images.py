# SPDX-License-Identifier: BSD-2-Clause
"""MFS on disk: images of mkfs.minix mount and read back; what the guest wrote passes fsck.minix and fsck.mfs."""
import hashlib
import os
import random
import shutil
import subprocess
import tempfile

from session import DiskSpec, make_sparse

MFSTOOL = "build/host/mfstool"


def tool(name):
    """A program of util-linux; mkfs.minix is in /sbin."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")
    assert path, f"{name} is not installed; run tools/setup"
    return path


def run_host(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: status {done.returncode}: {done.stdout.decode()}"
    return done.stdout.decode()


def tree(folder, seed):
    """Some folders, small and large files, links."""
    generator = random.Random(seed)
    for number in range(40):
        path = os.path.join(folder, f"d{number % 5}", f"e{number % 3}")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, f"file{number}"), "wb") as file:
            file.write(generator.randbytes(generator.choice([0, 1, 700, 5000, 60_000, 800_000])))
    os.symlink("d1/e1", os.path.join(folder, "link"))
    os.link(os.path.join(folder, "d0/e0/file0"), os.path.join(folder, "hard"))


def minix_image(folder, megabytes=64):
    """An empty image made by mkfs.minix -3 (1 KiB blocks)."""
    path = os.path.join(folder, "minix.img")
    make_sparse(path, megabytes << 20)
    run_host(tool("mkfs.minix"), "-3", path)
    return path


def booted_with(boot, path, **options):
    guest = boot(disks=[DiskSpec("sata0", None, path)], **options)
    guest.until("test -b /dev/sata0", 10)
    guest.sh("mount -t mfs /dev/sata0 /mnt")
    return guest


def finish(guest):
    guest.sh("cd /; umount /mnt", 30)
    guest.machine.close()


def sums(folder):
    lines = []
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            if not os.path.islink(full):
                with open(full, "rb") as file:
                    lines.append(f"{hashlib.sha1(file.read()).hexdigest()}  ./{os.path.relpath(full, folder)}")
    return "\n".join(sorted(lines))


SUMS = "cd /mnt && find . -type f | xargs sha1sum | sort"


def test_mkfs_minix_image_reads_back_right(boot):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/tree")
        tree(f"{folder}/tree", 1)
        path = minix_image(folder)
        run_host(MFSTOOL, "populate", path, f"{folder}/tree")
        run_host(tool("fsck.minix"), "-f", path)
        guest = booted_with(boot, path)
        assert guest.sh(SUMS) == sums(f"{folder}/tree")
        guest.check("readlink /mnt/link; stat -c %h /mnt/hard", "d1/e1\n2")


def test_guest_written_minix_image_passes_fsck_minix(boot):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/tree")
        tree(f"{folder}/tree", 2)
        path = minix_image(folder)
        guest = booted_with(boot, path, put=[(f"{folder}/tree", "/tmp/tree")])
        guest.sh("cp -r /tmp/tree/. /mnt/; rm -r /mnt/d2; mkdir /mnt/new; mv /mnt/d3 /mnt/new/; "
                 "truncate -s 100000 /mnt/d0/e0/file0; seq 1 200000 > /mnt/numbers; rm /mnt/numbers; sync", 60)
        expected = guest.sh(SUMS)
        finish(guest)
        run_host(tool("fsck.minix"), "-f", path)
        run_host(MFSTOOL, "check", path)
        os.mkdir(f"{folder}/out")
        run_host(MFSTOOL, "extract", path, f"{folder}/out")
        assert sums(f"{folder}/out") == expected


test_guest_written_minix_image_passes_fsck_minix.timeout = 120


def test_every_block_size(boot):
    with tempfile.TemporaryDirectory() as folder:
        for size in (1024, 2048, 4096, 16384, 65536):
            path = f"{folder}/b{size}.img"
            run_host(MFSTOOL, "mkfs", path, "--size", "32M", "--block-size", str(size))
        disks = [DiskSpec(f"sata{number}", None, f"{folder}/b{size}.img")
                 for number, size in enumerate((1024, 2048, 4096, 16384, 65536))]
        guest = boot(disks=disks)
        for number in range(5):
            guest.sh(f"mount -t mfs /dev/sata{number} /mnt && cd /mnt && seq 1 100000 > f && mkdir d && cp f d/g && "
                     "cmp f d/g && rm f && cd / && umount /mnt && mount -t mfs "
                     f"/dev/sata{number} /mnt && seq 1 100000 | cmp - /mnt/d/g && umount /mnt")
        guest.sh("sync")
        guest.machine.close()
        for disk in disks:
            run_host(MFSTOOL, "check", disk.image)


def test_fsck_mfs_in_the_guest(guest):
    guest.sh("dd if=/dev/zero of=/tmp/i bs=1M count=4 2>/dev/null && mkfs.mfs /tmp/i && fsck.mfs /tmp/i")


def test_power_loss_leaves_a_sound_file_system(boot):
    """The machine is switched off in the middle of writing; what was synced is there, and fsck repairs the rest."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/disk.img"
        run_host(MFSTOOL, "mkfs", path, "--size", "64M")
        guest = booted_with(boot, path)
        guest.sh("cd /mnt; seq 1 50000 > kept; fsync kept; sync")
        guest.agent.start("cd /mnt; i=0; while :; do seq 1 20000 > f$i; i=$((i + 1)); done")
        guest.run("sleep 1")
        guest.machine.close()
        check = subprocess.run([MFSTOOL, "check", path, "--repair"], stdout=subprocess.PIPE, check=False)
        assert check.returncode in (0, 1), check
        guest = booted_with(boot, path)
        guest.check("seq 1 50000 | cmp - /mnt/kept && echo same", "same")


def test_not_a_file_system_is_refused(boot):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/noise.img"
        with open(path, "wb") as file:
            file.write(random.Random(3).randbytes(4 << 20))
        guest = boot(disks=[DiskSpec("sata0", None, path)])
        guest.until("test -b /dev/sata0", 10)
        result = guest.run("mount -t mfs /dev/sata0 /mnt")
        assert result.status != 0 and result.err, result
        guest.check("echo alive", "alive")
