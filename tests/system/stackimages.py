# SPDX-License-Identifier: BSD-2-Clause
"""What scenarios of storage share: images of a stack with known content, made and damaged on the host."""
import contextlib
import hashlib
import os
import random
import tempfile

from session import MFSTOOL, MKSTACK, DiskSpec, make_sparse, run_tool

STACK = "checksum(mirror(sata0,sata1))"
SIZE = 64 << 20
DATA = 128 * 512                               # of a leg: superblocks and bitmap are before it
PIECE = random.Random(11).randbytes(4096)      # no sector of it occurs anywhere else on the disks
BEFORE = 73 * 4096                             # PIECE fills a block of the file system
CONTENT = random.Random(12).randbytes(BEFORE) + PIECE + random.Random(13).randbytes(300_000)
SUM = hashlib.sha1(CONTENT).hexdigest()


class Images:
    """Two images a.img and b.img of one formatted stack with a file f = CONTENT on it, all made on the host."""

    def __init__(self, boot, folder, storage=STACK):
        self.boot, self.storage = boot, storage
        self.a, self.b = f"{folder}/a.img", f"{folder}/b.img"
        names = [(name, path) for name, path in (("sata0", self.a), ("sata1", self.b)) if name in storage]
        for _, path in names:
            make_sparse(path, SIZE)
        media = [f"{name}={path}" for name, path in names]
        size = run_tool([MKSTACK, "-n", storage] + media).strip()
        os.mkdir(f"{folder}/tree")
        with open(f"{folder}/tree/f", "wb") as file:
            file.write(CONTENT)
        run_tool([MFSTOOL, "mkfs", f"{folder}/volume", "--size", size])
        run_tool([MFSTOOL, "populate", f"{folder}/volume", f"{folder}/tree"])
        run_tool([MKSTACK, "-c", f"{folder}/volume", storage] + media)

    def start(self, *disks, mount=True):
        return self.boot(storage=self.storage, disks=list(disks), mount=mount)

    def both(self, mount=True):
        return self.start(DiskSpec("sata0", None, self.a), DiskSpec("sata1", None, self.b), mount=mount)


@contextlib.contextmanager
def images(boot, storage=STACK):
    with tempfile.TemporaryDirectory() as folder:
        yield Images(boot, folder, storage)


def check_content(guest):
    guest.check("sha1sum < /mnt/f", f"{SUM}  -")


def remount(guest):
    """Nothing stays in the cache."""
    guest.sh("cd /; umount /mnt && mount -t mfs /dev/disk /mnt", 30)


def places(path, sector=0):
    """Where sector `sector` of PIECE is in an image, as byte offsets."""
    wanted, found = PIECE[512 * sector:512 * sector + 512], []
    with open(path, "rb") as file:
        data = file.read()
    at = data.find(wanted)
    while at >= 0:
        found.append(at)
        at = data.find(wanted, at + 1)
    return found


def damage(path, sector=0, flip=1):
    """Changes a few bytes of PIECE on the medium, behind the system's back; how many places."""
    found = places(path, sector)
    with open(path, "r+b") as file:
        for at in found:
            file.seek(at + 100)
            file.write(bytes(byte ^ flip for byte in PIECE[512 * sector + 100:512 * sector + 108]))
    return len(found)


def differing(pair):
    """Sectors of the data area in which the legs differ."""
    with open(pair.a, "rb") as a, open(pair.b, "rb") as b:
        left, right = a.read()[DATA:], b.read()[DATA:]
    return [at // 512 for at in range(0, len(left), 512) if left[at:at + 512] != right[at:at + 512]]
