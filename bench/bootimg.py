# SPDX-License-Identifier: BSD-2-Clause
"""The boot archive: what the boot loader hands to the kernel beside it (build/axolotl.img).

    header   char magic[8] = "AXOBOOT1"; u32 count; u32 reserved = 0; u64 total_bytes;
    entries  count x { char name[48]; u64 offset; u64 size_bytes; }       directly after the header
    data     each entry at a page-aligned offset, zero padding between and after

All numbers are little endian; total_bytes is a multiple of the page size. The header area is at least HEADER_PAGES pages,
so that axo can add entries without moving what is there. Names are unique and end in a zero byte.
"""
import os
import shutil
import struct

MAGIC = b"AXOBOOT1"
PAGE = 4096
HEADER = struct.Struct("<8sIIQ")
ENTRY = struct.Struct("<48sQQ")
HEADER_PAGES = 2
ENTRIES_MAX = (HEADER_PAGES * PAGE - HEADER.size) // ENTRY.size


class BootImageError(Exception):
    """The archive is malformed or an entry does not fit."""


def _round_up(size):
    return (size + PAGE - 1) // PAGE * PAGE


def _encode_header(entries, total):
    if len(entries) > ENTRIES_MAX:
        raise BootImageError(f"{len(entries)} entries; the boot archive has room for {ENTRIES_MAX}")
    out = HEADER.pack(MAGIC, len(entries), 0, total)
    for name, (offset, size) in entries.items():
        encoded = name.encode()
        if not 0 < len(encoded) < 48:
            raise BootImageError(f"entry name {name!r} must have 1 to 47 bytes")
        out += ENTRY.pack(encoded, offset, size)
    return out.ljust(HEADER_PAGES * PAGE, b"\0")


def read_entries(file):
    """{name: (offset, size)} of an open archive, checked, and its total size."""
    magic, count, reserved, total = HEADER.unpack(file.read(HEADER.size))
    if magic != MAGIC or reserved != 0 or count > ENTRIES_MAX:
        raise BootImageError("not a boot archive")
    entries = {}
    for _ in range(count):
        name, offset, size = ENTRY.unpack(file.read(ENTRY.size))
        if offset % PAGE or offset + size > total:
            raise BootImageError("an entry lies outside the boot archive")
        entries[name.rstrip(b"\0").decode()] = (offset, size)
    return entries, total


def _append(out, entries, total, sources):
    """Writes sources ({name: bytes or path}) at the end of out and puts them into entries; the new total."""
    out.seek(total)
    for name, source in sources.items():
        if isinstance(source, bytes):
            out.write(source)
            size = len(source)
        else:
            with open(source, "rb") as file:
                shutil.copyfileobj(file, out, 1 << 20)
            size = out.tell() - total
        entries[name] = (total, size)
        out.write(bytes(_round_up(size) - size))
        total = out.tell()
    return total


def write(path, sources):
    """Makes a new archive of sources: {name: bytes or path of a file}."""
    temporary = f"{path}.tmp"
    with open(temporary, "w+b") as out:
        entries = {}
        total = _append(out, entries, HEADER_PAGES * PAGE, sources)
        out.seek(0)
        out.write(_encode_header(entries, total))
    os.replace(temporary, path)


def extend(base, path, sources):
    """Copies the archive base to path and adds sources; an entry of the same name is replaced."""
    shutil.copyfile(base, path)
    with open(path, "r+b") as out:
        entries, total = read_entries(out)
        total = _append(out, entries, total, sources)
        out.seek(0)
        out.write(_encode_header(entries, total))


def read(path, name):
    """The bytes of one entry."""
    with open(path, "rb") as file:
        entries, _ = read_entries(file)
        offset, size = entries[name]
        file.seek(offset)
        return file.read(size)
