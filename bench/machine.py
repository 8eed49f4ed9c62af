# SPDX-License-Identifier: BSD-2-Clause
"""A machine: QEMU with our kernel, its disks, its two serial lines and its kernel log; nothing survives close().

    with Machine(Config(storage="mirror(sata0,sata1)", disks=[Disk("sata0", path), ...])) as machine:
        machine.agent.run("ls /")

serial0 is the console (a socket that console.py reads), serial1 the agent (agent.py), port 0xe9 the kernel log.
Disks are ports of the AHCI controller that q35 brings: sataN is port N; network cards are network.py's. QEMU runs in a session of its own, dies with
this process (PR_SET_PDEATHSIG), and is ended by its process id.
"""
import ctypes
import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import bootimg
from agent import Agent, AgentError
from console import Console
from network import Network, NetworkError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KERNEL = os.path.join(ROOT, "build/kernel/axolotl.elf")
IMAGE = os.path.join(ROOT, "build/axolotl.img")
QEMU = "qemu-system-x86_64"
SATA_PORTS = 6
CMDLINE_MAX = 255
PR_SET_PDEATHSIG = 1


class MachineError(Exception):
    """The machine could not be started, or does not answer; the text says what to do."""


@dataclasses.dataclass
class Disk:
    """A disk image at AHCI port `name` (sata0..sata5), or a virtio disk (vd0, vd1, ..., in this order). options: more of QEMU's -drive; blkdebug: rules to inject errors.
    is_scratch: the image is gone when the session ends, so FLUSH need not wait for this computer's own disk, whose moods would be in
    every measurement; what a machine wrote is in the image even if it is killed."""
    name: str
    path: str
    options: str = ""
    blkdebug: dict = None
    is_scratch: bool = False

    @property
    def is_virtio(self):
        return re.fullmatch(r"vd[0-7]", self.name) is not None

    @property
    def port(self):
        match = re.fullmatch(r"sata([0-9])", self.name)
        if not match or int(match[1]) >= SATA_PORTS:
            raise MachineError(f"disk name {self.name!r}: disks are called sata0 to sata{SATA_PORTS - 1}, vd0 to vd7")
        return int(match[1])


@dataclasses.dataclass
class Config:
    """What a machine consists of. options: further key=value words of the kernel's command line."""
    storage: str = None
    disks: list = dataclasses.field(default_factory=list)
    mem_mb: int = 512
    smp: int = 1
    nics: list = dataclasses.field(default_factory=list)      # models, see network.py
    net: str = None               # stack expression over a card's unit; without it inet uses the cards themselves
    net_backend: str = "user"
    forwards: list = dataclasses.field(default_factory=list)
    addresses: list = dataclasses.field(default_factory=list)     # static ones; other cards use DHCP
    accel: str = "auto"
    options: dict = dataclasses.field(default_factory=dict)
    put_tar: str = None           # a tar archive that /etc/rc unpacks in the guest
    console_path: str = None      # where to keep the console's output
    kernel_log_path: str = None
    kernel: str = KERNEL
    image: str = IMAGE
    iso: str = None               # boot this through GRUB instead of kernel and image
    boot_timeout_s: float = 60.0
    qemu_args: list = dataclasses.field(default_factory=list)


def pick_accel(wanted="auto"):
    """kvm where the CPU has it and /dev/kvm is usable, else tcg."""
    if wanted != "auto":
        return wanted
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            has_flags = re.search(r"\b(vmx|svm)\b", file.read()) is not None
    except OSError:
        has_flags = False
    return "kvm" if has_flags and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _escape(path):
    return path.replace(",", ",,")


class Machine:
    """A running machine. Attributes: agent, console, command (QEMU's), folder (logs), boot_s (start to the agent)."""

    def __init__(self, config):
        self.config = config
        self.agent = self.console = self.process = None
        self.boot_s = None
        self.folder = tempfile.mkdtemp(prefix="axo-")
        self.kernel_log_path = config.kernel_log_path or os.path.join(self.folder, "kernel.log")
        self.qemu_log_path = os.path.join(self.folder, "qemu.log")
        self.network = Network(config.nics, config.net_backend, config.forwards)
        self.command = self._command()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # ---- the command line ----

    def _words(self):
        """key=value words for the kernel."""
        options = dict(self.config.options)
        if self.config.storage:
            options.setdefault("storage", re.sub(r"\s+", "", self.config.storage))
        if self.config.net:
            options.setdefault("net", self.config.net)
        words = [f"{key}={value}" for key, value in options.items()]
        words += [f"address={address}" for address in self.config.addresses]
        for word in words:
            if re.search(r"\s", word):
                raise MachineError(f"boot option {word}: there must be no space in it")
        return words

    def _archive(self, words, append):
        """The boot archive for this run: the built one, or a copy with --put files and options too long for -append."""
        extra = {}
        if self.config.put_tar:
            extra["put.tar"] = self.config.put_tar
        if len(append) > CMDLINE_MAX:
            if self.config.addresses:
                raise MachineError(f"the words for the kernel have {len(append)} bytes, {CMDLINE_MAX} fit, and addresses must be "
                                   "among them; shorten --storage or --net")
            text = bootimg.read(self.config.image, "boot.conf").decode()
            extra["boot.conf"] = (text + "".join(f"{word}\n" for word in words)).encode()
        if not extra:
            return self.config.image
        path = os.path.join(self.folder, "axolotl.img")
        bootimg.extend(self.config.image, path, extra)
        return path

    def _boot_args(self):
        if self.config.iso:
            if self._words():
                raise MachineError(f"--iso: GRUB passes no words on, but {' '.join(self._words())} would be needed; "
                                   "boot without --iso, or write them into image/grub.cfg")
            return ["-cdrom", self.config.iso, "-boot", "d"]
        for path in (self.config.kernel, self.config.image):
            if not os.path.exists(path):
                raise MachineError(f"{os.path.relpath(path)} does not exist; build it with `make`")
        words = self._words()
        append = " ".join(words)
        archive = self._archive(words, append)
        return ["-kernel", self.config.kernel, "-initrd", archive,
                "-append", append if len(append) <= CMDLINE_MAX else ""]

    def _disk_args(self, disk):
        if not os.path.exists(disk.path):
            raise MachineError(f"disk {disk.name}: there is no file {disk.path}; give a size to have it made")
        args = []
        if disk.blkdebug is not None:
            node = {"driver": "blkdebug", "node-name": disk.name,
                    "image": {"driver": "raw", "file": {"driver": "file", "filename": disk.path}}, **disk.blkdebug}
            args += ["-blockdev", json.dumps(node)]
        else:
            cache = "unsafe" if disk.is_scratch else "writeback"
            args += ["-drive", f"if=none,id={disk.name},format=raw,cache={cache},file={_escape(disk.path)}"
                     + (f",{disk.options}" if disk.options else "")]
        if disk.is_virtio:
            return args + ["-device", f"virtio-blk-pci,drive={disk.name},disable-legacy=on,rerror=report,werror=report"]
        return args + ["-device", f"ide-hd,drive={disk.name},bus=ide.{disk.port},serial=AXO{disk.port},"
                       "rerror=report,werror=report"]

    def _command(self):
        config = self.config
        if not shutil.which(QEMU):
            raise MachineError(f"{QEMU} is not installed; run tools/setup")
        accel = pick_accel(config.accel)
        args = [QEMU, "-nodefaults", "-no-user-config", "-machine", "q35", "-accel",
                "tcg,thread=multi" if accel == "tcg" and config.smp > 1 else accel,
                "-cpu", "host" if accel == "kvm" else "max,-erms,-fsrm", "-m", str(config.mem_mb),
                "-smp", str(config.smp), "-vga", "std", "-display", "none", "-no-reboot",
                "-debugcon", f"file:{_escape(self.kernel_log_path)}"]
        for name in ("console", "agent", "qmp"):
            path = _escape(os.path.join(self.folder, name))
            args += ["-chardev", f"socket,id={name},path={path},server=on,wait=off"]
        args += ["-serial", "chardev:console", "-serial", "chardev:agent", "-mon", "chardev=qmp,mode=control"]
        for disk in config.disks:
            args += self._disk_args(disk)
        args += self.network.args()
        return args + self._boot_args() + list(config.qemu_args)

    # ---- running ----

    def start(self):
        """Starts QEMU and connects to it; does not wait for the guest (wait_ready() does)."""
        try:
            self.network.open()
        except NetworkError as error:
            self.close()
            raise MachineError(str(error)) from error
        self.started = time.monotonic()
        with open(self.qemu_log_path, "wb") as log:
            self.process = subprocess.Popen(self.network.prefix() + self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, preexec_fn=_die_with_parent)
        try:
            self.console = Console(self._connect("console"), self.config.console_path)
            self.agent = Agent(self._connect("agent"))
            self.qmp_file = self._connect("qmp").makefile("rwb", buffering=0)
            json.loads(self.qmp_file.readline())
            self.qmp("qmp_capabilities")
        except BaseException:
            self.close()
            raise
        return self

    def _connect(self, name):
        """The socket appears when QEMU has parsed its command line."""
        path = os.path.join(self.folder, name)
        end = time.monotonic() + 20
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError as error:
                sock.close()
                if not self.is_alive() or time.monotonic() > end:
                    raise MachineError(f"QEMU does not run: {self.qemu_output() or error}") from error
                time.sleep(0.005)

    def qemu_output(self):
        """What QEMU itself printed."""
        try:
            with open(self.qemu_log_path, encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except OSError:
            return ""

    def uptime(self):
        """Seconds since QEMU was started."""
        return time.monotonic() - self.started

    @property
    def prompt_s(self):
        """Seconds from QEMU's start to the first prompt on the console, or None."""
        return None if self.console.prompt_at is None else self.console.prompt_at - self.started

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def is_starting(self):
        """Alive, and the kernel has not given up."""
        return self.is_alive() and "kernel panic:" not in self.kernel_log()

    def wait_ready(self, timeout=None):
        """Waits until the guest's agent answers."""
        try:
            self.agent.wait_ready(timeout or self.config.boot_timeout_s, self.is_starting)
        except AgentError as error:
            raise MachineError(f"{error}\n{self.last_words()}") from error
        self.boot_s = time.monotonic() - self.started
        return self

    def last_words(self, lines=12):
        """The end of the console and of the kernel log, for error messages."""
        parts = []
        for title, text in (("console", self.console.text() if self.console else ""), ("kernel log", self.kernel_log())):
            tail = text.rstrip().split("\n")[-lines:]
            if tail != [""]:
                parts.append(f"--- the end of the {title}:\n" + "\n".join(tail))
        if self.qemu_output():
            parts.append("--- QEMU: " + self.qemu_output())
        return "\n".join(parts) or "(the machine has printed nothing)"

    def kernel_log(self):
        try:
            with open(self.kernel_log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def qmp(self, execute, **arguments):
        """A command to QEMU's monitor; its answer."""
        request = {"execute": execute}
        if arguments:
            request["arguments"] = arguments
        self.qmp_file.write(json.dumps(request).encode() + b"\n")
        while True:
            line = self.qmp_file.readline()
            if not line:
                raise MachineError("QEMU has ended")
            answer = json.loads(line)
            if "error" in answer:
                raise MachineError(f"QEMU: {execute}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]

    def pause(self):
        """Stops the processors and the guest's clocks; nothing is lost, and the guest does not notice."""
        self.qmp("stop")

    def resume(self):
        self.qmp("cont")

    def cpu_seconds(self):
        """Processor time of this computer that the machine has taken: the guest, its devices and QEMU's own network."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_end(self, timeout):
        """Waits until the machine has switched itself off; False: it still runs."""
        try:
            self.process.wait(timeout)
            return True
        except subprocess.TimeoutExpired:
            return False

    def shutdown(self, timeout=20):
        """Lets the guest write everything to its disks, then ends the machine."""
        if self.is_alive() and self.agent.ready:
            try:
                self.agent.run("cd /; sync; umount -a -r 2>/dev/null; sync", timeout)
            except AgentError:
                pass
        self.close()

    def close(self):
        """Ends the machine at once, as if the power had gone, and removes its temporary files."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for part in (self.agent, self.console):
            if part is not None:
                part.close()
        self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)
