# SPDX-License-Identifier: BSD-2-Clause
"""One run of a machine from the front door: build what is missing, make disks, boot, move files in and out, end.

    with Session(options) as session:            options: SessionOptions, or the parsed arguments of `axo run`
        session.boot()
        session.machine.agent.run("...")

Files go in (put) by a tar archive: small ones in the boot archive (/etc/rc unpacks it), large ones, or ones that belong
below the storage's mount point, on a scratch disk (sata4). Files come out (get) over the agent's line if they are small, else
as a tar archive on a second scratch disk (sata5).
"""
import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

from agent import AgentError, unpack
from machine import ROOT, Config, Disk, Machine, MachineError
from network import Forward, NetworkError, check_address, check_stack, parse_nics, tap_addresses

MKSTACK = os.path.join(ROOT, "build/guest/bin/mkstack")
MFSTOOL = os.path.join(ROOT, "build/host/mfstool")
STORAGE_DEVICE = "/dev/disk"
MOUNT_POINT = "/mnt"
PUT_PORT, GET_PORT = "sata4", "sata5"
ARCHIVE_PUT_MAX = 8 << 20
AGENT_GET_MAX_KB = 1024
GET_DISK_BYTES = 16 << 30
DEFAULT_DISK_BYTES = 256 << 20
BUILD_WORD_S = 10    # how often a quiet build says how far it is
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class UsageError(Exception):
    """The options make no sense; the text says which and what would."""


def say(text):
    """Progress for people: standard error, so that a command's output stays clean."""
    print(f"axo: {text}", file=sys.stderr, flush=True)


def parse_size(text):
    """4096, 64K, 256M, 1G -> bytes."""
    match = re.fullmatch(r"(\d+)([KMGT]?)i?B?", text.strip(), re.I)
    if not match or int(match[1]) == 0:
        raise UsageError(f"{text!r} is not a size; write 512K, 64M or 1G")
    return int(match[1]) * UNITS[match[2].upper()]


@dataclasses.dataclass
class DiskSpec:
    """--disk NAME:SIZE[:IMAGE]"""
    name: str
    size: int = None
    image: str = None

    @staticmethod
    def parse(text):
        parts = text.split(":", 2)
        if len(parts) < 2 or not re.fullmatch(r"sata[0-5]|vd[0-7]", parts[0]):
            raise UsageError(f"--disk {text}: write NAME:SIZE[:IMAGE], NAME being sata0 to sata5 or vd0 to vd7, "
                             "for example sata0:256M or sata1:256M:disk.img")
        size = parse_size(parts[1]) if parts[1] else None
        image = parts[2] if len(parts) == 3 else None
        if size is None and not (image and os.path.exists(image)):
            raise UsageError(f"--disk {text}: a disk without an existing image needs a size, for example {parts[0]}:256M")
        return DiskSpec(parts[0], size, image)


def parse_pair(option, text, what):
    """HOST:GUEST or GUEST:HOST; a colon inside a name can be written as \\:"""
    parts = [part.replace("\\:", ":") for part in re.split(r"(?<!\\):", text)]
    if len(parts) != 2 or not all(parts):
        raise UsageError(f"{option} {text}: write {what}")
    return parts[0], parts[1]


@dataclasses.dataclass
class SessionOptions:
    """See `axo run --help`; disks are DiskSpec, put and get are pairs of paths."""
    storage: str = None
    disks: list = dataclasses.field(default_factory=list)
    root: str = None
    mem: int = 512
    smp: int = 1
    nics: list = dataclasses.field(default_factory=lambda: ["e1000"])
    net: str = None
    net_backend: str = "user"
    forwards: list = dataclasses.field(default_factory=list)
    addresses: list = dataclasses.field(default_factory=list)
    accel: str = "auto"
    put: list = dataclasses.field(default_factory=list)
    get: list = dataclasses.field(default_factory=list)
    boot: list = dataclasses.field(default_factory=list)
    console: str = None
    mount: bool = True
    format: bool = False
    iso: bool = False
    build: bool = True
    install: bool = True
    quiet: bool = False


def machine_options(args):
    """The SessionOptions of what every verb that boots a machine understands (cli.add_machine_options)."""
    for word in args.boot:
        if "=" not in word:
            raise UsageError(f"--boot {word}: write KEY=VALUE")
    try:
        nics, forwards = parse_nics(args.nic), [Forward.parse(text) for text in args.forward]
        net = check_stack(args.net) if args.net else None
        addresses = [check_address(text) for text in args.address]
    except NetworkError as error:
        raise UsageError(str(error)) from error
    if not nics and (net or addresses or forwards):
        raise UsageError("--nic none: without a card there is no use for --net, --address and --forward")
    if args.net_backend == "tap":
        if forwards:
            raise UsageError("--forward is for --net-backend user; with tap the host reaches the guest at 10.0.2.15 itself")
        addresses = addresses or tap_addresses(len(nics))
    return {"mem": args.mem, "smp": args.smp, "accel": args.accel, "boot": args.boot, "build": not args.no_build,
            "install": not args.no_install, "nics": nics, "net": net, "net_backend": args.net_backend, "forwards": forwards,
            "addresses": addresses}


def ensure_make(install):
    """The build itself installs what is missing (tools/build/setup.mk), but for make."""
    if shutil.which("make"):
        return
    say("make is missing; installing it and what else is needed")
    command = [os.path.join(ROOT, "tools/setup")] + ([] if install else ["--no-install"])
    if subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False).returncode != 0 or not shutil.which("make"):
        raise MachineError("make is not installed on this computer; install it and the other packages of tools/packages.txt")


def build_all(install=True, quiet=False):
    """Builds what is out of date, with the compiler's words on standard error. Quiet: only what is installed, which ports are
    built, and now and then how far it is; all of it after a failure."""
    env = dict(os.environ, **({} if install else {"AXO_NO_INSTALL": "1"}))
    started = time.monotonic()
    ensure_make(install)
    with subprocess.Popen(["make", "-j2", "--no-print-directory", "all"], cwd=ROOT, env=env, text=True, errors="replace",
                          stdout=subprocess.PIPE if quiet else sys.stderr, stderr=subprocess.STDOUT if quiet else None,
                          stdin=subprocess.DEVNULL) as make:
        words = show_progress(make.stdout, started) if quiet else []
    if make.returncode != 0:
        raise MachineError("the build failed; see above, or run `make V=1 all`\n" + "".join(words[-200:]).rstrip())
    if time.monotonic() - started > 5:
        say(f"built in {time.monotonic() - started:.0f} s")


def show_progress(lines, started):
    """Reads a build's output to its end, tells people what they wait for; all lines."""
    words, told = [], started
    for line in lines:
        words.append(line)
        if line.startswith(("setup:", "ports:", "  PORT ")):
            say(" ".join(line.split()))
            told = time.monotonic()
        elif time.monotonic() - told > BUILD_WORD_S:
            told = time.monotonic()
            say(f"building, {told - started:.0f} s so far, {len(words)} steps: {' '.join(line.split())[:80]}")
    return words


def run_tool(command):
    """Output of one of our tools on the host."""
    if not os.path.exists(command[0]):
        raise MachineError(f"{os.path.relpath(command[0])} does not exist; build it with `make`")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise UsageError(f"{os.path.basename(command[0])}: {done.stdout.strip()}")
    return done.stdout


def sata_names(expression):
    """The disks that a stack expression names."""
    return sorted(set(re.findall(r"\bsata\d\b", expression or "")))


def tree_bytes(path):
    """Bytes that a file or a folder needs in a tar archive, about."""
    if not os.path.isdir(path):
        return os.path.getsize(path) + 1024
    total = 0
    for folder, _, names in os.walk(path):
        total += 1024 * (len(names) + 1)
        total += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
    return total


def write_tar(path, pairs):
    """A tar archive of (host path, path in the guest) pairs, owned by root. A link that is named itself is followed."""
    def owned_by_root(member):
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        return member
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for host, guest in pairs:
            tar.add(os.path.realpath(host), arcname=guest.lstrip("/"), filter=owned_by_root)
    pad_to_sector(path)


def pad_to_sector(path, unit=1 << 20):
    """Disks are whole sectors; zeros also end a tar archive."""
    size = os.path.getsize(path)
    os.truncate(path, (size // unit + 1) * unit)


def make_sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


class Session:
    """A machine with its files. After boot(): machine, device (of the storage) and mount_point, or None."""

    def __init__(self, options):
        self.options = options
        self.temporary = tempfile.TemporaryDirectory(prefix="axo-files-")
        self.machine = None
        self.device = None
        self.mount_point = None
        self.fresh = set()            # disks that this run has made, so nothing can be lost by formatting them
        self.put_on_disk = []
        self.machine_disks = []       # ready Disks beside those of the options
        self.timings = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.machine:
            self.machine.close()
        self.temporary.cleanup()

    def path(self, name):
        """A file in this run's temporary folder."""
        return os.path.join(self.temporary.name, name)

    # ---- before the boot ----

    def make_disks(self):
        """The disks of the options, and one for each name in the storage expression that has none."""
        specs = {}
        for spec in self.options.disks:
            if spec.name in specs:
                raise UsageError(f"--disk {spec.name} is given twice")
            specs[spec.name] = spec
        wanted = sata_names(self.options.storage) + sata_names(self.options.root)
        if not self.options.disks and not self.machine_disks:
            for name in wanted:
                specs.setdefault(name, DiskSpec(name, DEFAULT_DISK_BYTES))
        disks = []
        for name, spec in sorted(specs.items()):
            path = spec.image or self.path(f"{name}.img")
            if not os.path.exists(path):
                make_sparse(path, spec.size)
                self.fresh.add(name)
            elif spec.size is not None and os.path.getsize(path) != spec.size:
                raise UsageError(f"--disk {name}: {path} has {os.path.getsize(path)} bytes, not {spec.size}; "
                                 f"write {name}::{path} to take it as it is")
            disks.append(Disk(name, path, is_scratch=not spec.image))
        return disks

    def format_disks(self, disks):
        """Superblocks of the filters and an empty file system on the images: all new ones, or --format says so."""
        names, expression = sata_names(self.options.storage), self.options.storage
        if not names or not (self.options.format or set(names) <= self.fresh):
            return
        paths = [f"{disk.name}={disk.path}" for disk in disks if disk.name in names]
        size = run_tool([MKSTACK, "-n", expression] + paths).strip()
        volume = self.path("volume.img")
        run_tool([MFSTOOL, "mkfs", volume, "--size", size])
        run_tool([MKSTACK, "-f", "-c", volume, expression] + paths)
        os.unlink(volume)

    def below_mount(self, guest):
        return self.options.storage and (guest + "/").startswith(MOUNT_POINT + "/")

    def split_puts(self):
        """Puts for the boot archive and puts for a disk."""
        early, late, total = [], [], 0
        for host, guest in self.options.put:
            if not os.path.lexists(host):
                raise UsageError(f"--put {host}:{guest}: there is no {host}")
            if guest.endswith("/"):
                guest += os.path.basename(host.rstrip("/"))
            size = tree_bytes(host)
            if self.below_mount(guest) or total + size > ARCHIVE_PUT_MAX:
                late.append((host, guest))
            else:
                early.append((host, guest))
                total += size
        return early, late

    def config(self):
        """The machine's configuration; makes the disks and archives that it needs."""
        options = self.options
        disks = self.make_disks() + self.machine_disks
        self.format_disks(disks)
        used = {disk.name for disk in disks}
        early, self.put_on_disk = self.split_puts()
        put_tar = None
        if early:
            put_tar = self.path("put.tar")
            write_tar(put_tar, early)
        for port, wanted, path in ((PUT_PORT, self.put_on_disk, self.path("put-disk.tar")),
                                   (GET_PORT, options.get, self.path("get-disk.tar"))):
            if not wanted:
                continue
            if port in used:
                raise UsageError(f"{port} is needed for --put and --get; take another port for the disk")
            if port == PUT_PORT:
                write_tar(path, wanted)
            else:
                make_sparse(path, GET_DISK_BYTES)
            disks.append(Disk(port, path, is_scratch=True))
        boot = dict(word.partition("=")[::2] for word in options.boot)
        if options.root and options.root != "ramdisk":
            boot["root"] = options.root.replace(" ", "")
        return Config(storage=options.storage, disks=disks, mem_mb=options.mem, smp=options.smp, accel=options.accel,
                      nics=options.nics, net=options.net, net_backend=options.net_backend, forwards=options.forwards,
                      addresses=options.addresses, options=boot, put_tar=put_tar, console_path=options.console,
                      iso=os.path.join(ROOT, "build/axolotl.iso") if options.iso else None)

    # ---- the machine ----

    def boot(self):
        """Builds, boots, mounts the storage, brings the files in."""
        if self.options.build:
            build_all(self.options.install, self.options.quiet)
        self.machine = Machine(self.config()).start().wait_ready()
        self.timings["boot_s"] = self.machine.boot_s
        if self.options.net:
            self.check_network()
        if self.options.storage and self.options.mount:
            self.mount_storage()
        if self.put_on_disk:
            self.machine.agent.run(f"tar -x -f /dev/{PUT_PORT} -C /", 1800, check=True)
        return self.machine

    def check_network(self):
        """rs says in the log why it cannot start a stack."""
        refused = self.machine.agent.run("dmesg | sed -n 's/^rs: net net0 is not started: //p'", 30).text
        if refused:
            raise UsageError(f"--net {refused.splitlines()[0]}")

    def mount_storage(self):
        """Waits for the device of the stack and mounts it."""
        agent = self.machine.agent
        agent.run(f"n=0; until [ -b {STORAGE_DEVICE} ]; do n=$((n+1)); [ $n -gt 100 ] && exit 1; sleep 0.1; done", 30)
        done = agent.run(f"mkdir -p {MOUNT_POINT} && mount -t mfs {STORAGE_DEVICE} {MOUNT_POINT}", 60)
        if done.status != 0:
            raise MachineError(f"the storage {self.options.storage} could not be mounted: "
                               f"{done.err.decode('utf-8', 'replace').strip()}\n"
                               "If these disks were never formatted: --format does it, and erases them.\n"
                               + self.machine.last_words())
        self.device, self.mount_point = STORAGE_DEVICE, MOUNT_POINT

    def fetch(self):
        """--get: files and folders out of the guest."""
        for guest, host in self.options.get:
            self.get(guest, host)

    def get(self, guest, host):
        """Copies one file or folder of the guest to the host."""
        agent = self.machine.agent
        if os.path.isdir(host):
            host = os.path.join(host, os.path.basename(guest.rstrip("/")))
        used = agent.run(f"du -s -k {shlex.quote(guest)}", 120)
        if used.status != 0:
            raise AgentError(f"--get {guest}: {used.err.decode('utf-8', 'replace').strip()}")
        if int(used.text.split()[0]) <= AGENT_GET_MAX_KB:
            agent.get(guest, host)
            return
        folder, name = os.path.split(guest.rstrip("/"))
        agent.run(f"tar -c -f /dev/{GET_PORT} -C {shlex.quote(folder or '/')} {shlex.quote(name)} && sync", 3600, check=True)
        with open(self.path("get-disk.tar"), "rb") as stream:
            unpack(stream, name, host)
