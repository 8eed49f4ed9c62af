# SPDX-License-Identifier: BSD-2-Clause
"""The distribution's Linux as a guest beside ours (--peer linux): the same QEMU command line but for kernel and initial RAM disk.

The kernel and its modules are the port `linux`, which only this builds. The RAM disk is made here for each machine: busybox,
iperf3 and its libraries from the ports, the drivers of the card, and our own agent, which is an ordinary Linux program; so
Machine.agent works with both. The card has the static address that it would have here; everything else of the kernel is as
the distribution has it.
"""
import os
import re
import stat
import subprocess

from machine import ROOT, Config, Machine, MachineError
from network import tap_addresses

PORTS = os.path.join(ROOT, "build/ports")
KERNEL = os.path.join(PORTS, "linux/vmlinuz")
AXOD = os.path.join(ROOT, "build/guest/bin/axod")
LIBRARY_PORTS = ("iperf3", "libiperf0", "libsctp1", "libssl3", "libc6")
BOOT_TIMEOUT_S = 180
# Option --nic -> modules of its driver, each after those that it needs.
MODULES = {"e1000": ("e1000",), "rtl8139": ("mii", "8139cp"),
           "virtio": ("virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "failover",
                      "net_failover", "virtio_net")}
FOLDERS = ("bin", "sbin", "dev", "etc", "proc", "sys", "tmp", "modules")

INIT = """#!/bin/busybox sh
export PATH=/bin:/sbin:/usr/bin HOME=/ TERM=dumb
/bin/busybox --install -s /bin && mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev || exit 1
for module in {modules}; do insmod /modules/$module.ko || echo "init: $module.ko was not loaded"; done
ip link set lo up
n=0
until [ -e /sys/class/net/eth0 ] || [ $n -ge 100 ]; do n=$((n+1)); sleep 0.1; done
ip addr add {address} dev eth0 && ip link set eth0 up || echo "init: eth0 has no address"
{route}
echo "init: ready"
while true; do axod /dev/ttyS1; sleep 1; done
"""


class Cpio:
    """An archive in the kernel's own format ("newc"); entries belong to root."""

    def __init__(self, file):
        self.file, self.inode = file, 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        """name: without a leading slash; data: the contents, or the target of a link."""
        encoded = name.encode() + b"\0"
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1], len(encoded), 0)
        self._padded(b"070701" + b"".join(b"%08X" % field for field in fields) + encoded)
        self._padded(data)

    def _padded(self, data):
        self.file.write(data + bytes(-len(data) % 4))

    def folder(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def copy(self, name, path):
        """A file or a link of the host."""
        if os.path.islink(path):
            self.add(name, stat.S_IFLNK | 0o777, os.readlink(path).encode())
            return
        with open(path, "rb") as file:
            self.add(name, stat.S_IFREG | 0o755, file.read())

    def tree(self, path):
        """Everything below a folder of the host; folders that are there already are made twice, which is allowed."""
        for folder, _, names in sorted(os.walk(path)):
            relative = os.path.relpath(folder, path)
            if relative != ".":
                self.folder(relative)
            for name in sorted(names):
                full = os.path.join(folder, name)
                self.copy(os.path.relpath(full, path), full)

    def end(self):
        self.add("TRAILER!!!", 0)


def split_address(text):
    """('10.0.2.15/24', '10.0.2.2') of [ethN:]10.0.2.15/24[,gw=10.0.2.2][,dns=...]; no gateway: None."""
    address, *rest = re.sub(r"^eth\d:", "", text).split(",")
    words = dict(word.partition("=")[::2] for word in rest)
    return address, words.get("gw")


def init_script(nic, address):
    """What runs as process 1."""
    host, gateway = split_address(address)
    return INIT.format(modules=" ".join(MODULES[nic]), address=host, route=f"ip route add default via {gateway}" if gateway else "")


def need(path, what):
    if not os.path.exists(path):
        raise MachineError(f"--peer linux: {os.path.relpath(path)} does not exist; {what}")
    return path


def write_initramfs(path, nic, address):
    """The RAM disk for a machine with one card."""
    with open(path, "wb") as file:
        archive = Cpio(file)
        for name in FOLDERS:
            archive.folder(name)
        archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        archive.add("init", stat.S_IFREG | 0o755, init_script(nic, address).encode())
        archive.copy("bin/busybox", need(os.path.join(PORTS, "busybox/busybox"), "build it with `make`"))
        archive.copy("sbin/axod", need(AXOD, "build it with `make`"))
        for port in LIBRARY_PORTS:
            archive.tree(need(os.path.join(PORTS, port, "root"), "build it with `make`"))
        for module in MODULES[nic]:
            name = f"modules/{module}.ko"
            archive.copy(name, need(os.path.join(PORTS, "linux", name), "build it with `ports/port linux`"))
        archive.end()


def fetch():
    """Builds the port, which downloads the distribution's kernel if it is not there yet."""
    done = subprocess.run([os.path.join(ROOT, "ports/port"), "linux"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise MachineError("--peer linux: the distribution's kernel cannot be had; without --peer there are our own figures\n"
                           + done.stdout)


def make_machine(options, folder):
    """A Machine that is not started, with the first card, the memory and the processors of SessionOptions."""
    address = ([text for text in options.addresses if not text.endswith("none")] or tap_addresses(1))[0]
    initramfs = os.path.join(folder, "linux.cpio")
    write_initramfs(initramfs, options.nics[0], address)
    return Machine(Config(kernel=need(KERNEL, "build it with `ports/port linux`"), image=initramfs, mem_mb=options.mem,
                          smp=options.smp, accel=options.accel, nics=options.nics, net_backend=options.net_backend,
                          boot_timeout_s=BOOT_TIMEOUT_S, options={"console": "ttyS0", "panic": "-1", "loglevel": "4"}))
