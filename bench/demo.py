# SPDX-License-Identifier: BSD-2-Clause
"""axo demo: the main job. Real files go in, a large file is read and written, and all the while the disk driver is
being killed; every byte is compared with the host's; then downloads and streams while the driver of the network card is
being killed; then the tables of losses and recovery times."""
import os
import tarfile
import time

import experiments
import report
from agent import AgentError
from machine import MachineError
from record import Record
from session import DiskSpec, UsageError, pad_to_sector, say

from experiments import disk_kill, net_kill, recovery
from experiments.net_rig import attached, config_of
from experiments.rig import DRIVER, STACK, Rig, sha1_of

DEFAULT_FILES = "/usr/share"
FOLDER = "/mnt/files"
SUMS = ".sha1sums"
FILES_PORT = "sata2"
KILL_S = 0.5


def pick_files(folder, limit_mb):
    """Regular files below `folder` up to limit_mb in all, as (path, relative path); at most 50000."""
    if not os.path.isdir(folder):
        raise UsageError(f"--files {folder}: there is no such folder")
    picked, total = [], 0
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(path, name)
            relative = os.path.relpath(full, folder)
            if not os.path.isfile(full) or os.path.islink(full) or not os.access(full, os.R_OK) or "\n" in name \
                    or "\\" in relative or any(len(part.encode()) > 59 for part in relative.split("/")):
                continue
            size = os.path.getsize(full)
            if total + size > limit_mb << 20:
                continue
            picked.append((full, relative))
            total += size
            if len(picked) == 50000:
                return picked, total
    return picked, total


def write_sums(files, path):
    """The list that `sha1sum -c` reads."""
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as out:
        for full, relative in files:
            out.write(f"{sha1_of(full)}  {relative}\n")


def pack_files(session, files):
    """The files and their sums as a tar archive on a disk of its own."""
    sums, path = session.path("sums"), session.path("files.tar")
    write_sums(files, sums)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(sums, arcname=SUMS)
        for full, relative in files:
            tar.add(full, arcname=relative, recursive=False)
    pad_to_sector(path)
    session.options.disks.append(DiskSpec(FILES_PORT, None, path))


def copy_files(rig, record, count, total):
    """Unpacks the archive on the scratch disk into the storage under fire, then compares every file."""
    started = time.monotonic()
    with rig.killer(KILL_S) as shots:
        rig.sh(f"mkdir -p {FOLDER} && tar -x -f /dev/{FILES_PORT} -C {FOLDER} && sync", 3600)
    seconds = time.monotonic() - started
    checked = rig.agent.run(f"cd {FOLDER} && sha1sum -c {SUMS} >/tmp/checked 2>/tmp/bad; "
                            "grep -c ': OK$' /tmp/checked; grep -v ': OK$' /tmp/checked | head -n 5", 3600)
    lines = checked.text.split("\n")
    good = int(lines[0]) if lines[0].isdigit() else 0
    killed = sum(1 for shot in shots if shot[2] == 0)
    record.samples.append({"files": count, "bytes": total, "seconds": round(seconds, 2), "kills": killed, "right": good,
                           "first_wrong": lines[1:]})
    record.metrics.update({"files": count, "files_right": good, "files_mb": round(total / 1e6, 1),
                           "copy_mb_s": round(total / 1e6 / seconds, 2), "copy_kills": killed})
    record.verdicts["files_right"] = good == count
    record.verdicts["killed_while_copying"] = killed > 0
    say(f"{good} of {count} files right ({total / 1e6:.0f} MB in {seconds:.1f} s, the driver was killed {killed} times)")
    rig.agent.run(f"rm -rf {FOLDER}", 600)


def network(rig, args, record, params):
    """The network's part, in the same machine."""
    with attached(rig, args, params["upload_mb"]):
        net_kill.measure(rig, record, params)


def run_parts(rig, args, files, total):
    """All parts in one machine, each with its record; the worst exit status."""
    params = disk_kill.FULL if args.full else disk_kill.QUICK
    copied = Record("files", args.seed, {"storage": STACK, "driver": DRIVER, "interval_s": KILL_S, "folder": args.files})
    killed = Record("disk-kill", args.seed, {"storage": STACK, "driver": DRIVER, "mem_mb": args.mem, **params})
    timed_params = recovery.FULL if args.full else recovery.QUICK
    timed = Record("recovery", args.seed, {"storage": STACK, "driver": DRIVER, "mem_mb": args.mem, **timed_params})
    net_params = net_kill.FULL if args.full else net_kill.DEMO
    net = Record("net-kill", args.seed, {**config_of(args), **net_params})
    parts = [(copied, lambda: copy_files(rig, copied, len(files), total)),
             (killed, lambda: disk_kill.measure(rig, killed, params)),
             (timed, lambda: recovery.measure(rig, timed, timed_params)),
             (net, lambda: network(rig, args, net, net_params))]
    status = 0
    for record, part in parts:
        record.set_machine(rig.machine)
        try:
            part()
        except (AgentError, MachineError) as error:
            record.verdicts["machine_answers"] = False
            say(f"{error}\n{rig.machine.last_words()}")
        status = max(status, experiments.finish(record, args.out))
        if not rig.machine.is_alive():
            break
    return status


def main(args):
    started = time.monotonic()
    folder = args.files or DEFAULT_FILES
    args.files = folder
    files, total = pick_files(folder, args.files_mb)
    if not files:
        raise UsageError(f"--files {folder}: there are no readable files in it")
    say(f"{len(files)} files of {folder}, {total / 1e6:.0f} MB; storage {STACK}; the drivers {DRIVER} and "
        f"{config_of(args)['driver']} will be killed")
    params = disk_kill.FULL if args.full else disk_kill.QUICK
    disk_mb = 2 * max(params["file_mb"], total >> 20) + 64
    with Rig(args, disk_mb=disk_mb, data_mb=params["file_mb"],
             prepare=lambda session: pack_files(session, files)) as rig:
        status = run_parts(rig, args, files, total)
    path, _ = report.write(args.out)
    say(f"report: {path}; {'all verdicts hold' if status == 0 else 'NOT all verdicts hold'}; "
        f"{time.monotonic() - started:.0f} s in all")
    return status
