# SPDX-License-Identifier: BSD-2-Clause
"""A second card whose driver is started by hand on a running machine: its interface comes, gets an address, works, survives deaths, is
covered by a filter and uncovered, and goes, while a stream over the first one goes on."""
import hashlib
import random
import threading

from inet import both_ways, serve

PIECES, PIECE = 4000, 4 << 10
BYTES = 300 << 10
HOST1 = "10.0.5.2"      # this computer, as the guest sees it over the second card


def add_nics(session):
    make = session.config

    def config():
        result = make()
        result.qemu_args = list(result.qemu_args) + [
            "-netdev", "user,id=n0", "-device", "e1000,netdev=n0,addr=10",
            "-netdev", "user,id=n1,net=10.0.5.0/24", "-device", "virtio-net-pci,netdev=n1,addr=11"]
        return result
    session.config = config


OPTIONS = {"prepare": add_nics, "nics": [], "boot": ["skip=virtio_net"]}


class Stream:
    """Into the guest over eth0, piece by piece until told to end; the sum must be right."""

    def __init__(self, guest):
        self.guest, self.ends, self.sent, self.digest = guest, threading.Event(), 0, hashlib.sha1()
        port, self.thread, _ = serve(self.feed)
        guest.sh(f"(nc 10.0.2.2 {port} </dev/null | sha1sum; echo done) >/tmp/first.out 2>&1 &")

    def feed(self, connection):
        rng = random.Random(7)
        for _ in range(PIECES):
            piece = rng.randbytes(PIECE)
            connection.sendall(piece)
            self.digest.update(piece)
            self.sent += len(piece)
            if self.ends.wait(0.02):
                return

    def moves(self):
        """More of it goes out, soon."""
        before = self.sent
        self.guest.sh("sleep 1")
        assert self.sent > before + 2 * PIECE, (before, self.sent)

    def finish(self):
        self.ends.set()
        self.guest.until("grep -q done /tmp/first.out", 20, "the stream over eth0 does not end")
        self.thread.join(10)
        assert self.guest.sh("cat /tmp/first.out").split()[0] == self.digest.hexdigest()


def has_lease(guest, address="10.0.5.15"):
    guest.until(f"ip addr show eth1 | grep -q 'inet {address}/24'", 20, "an address for eth1")


def transfer(guest):
    """A download and an upload over eth1."""
    both_ways(guest, HOST1, "/tmp/file", random.Random(3).randbytes(BYTES))


def no_interface(guest, name):
    guest.until(f"! ip link show {name} 2>/dev/null | grep -q {name}", 10, f"{name} stays")


def kill(guest, label):
    before = int(guest.services()[label]["RESTARTS"])
    guest.sh(f"kill -9 {guest.pid_of(label)}")
    guest.until(f"service list | awk '$1 == \"{label}\" && $4 > {before} && $2 == \"running\" {{ok = 1}} END {{exit !ok}}'", 10)


def test_second_card_comes_and_goes(guest):
    guest.until("ifconfig eth0 | grep -q 'inet addr:10.0.2.15 '", 20)
    no_interface(guest, "eth1")
    guest.sh(f"head -c {BYTES} /bin/busybox > /tmp/file")
    first = Stream(guest)
    guest.sh("service up virtio_net")
    has_lease(guest)
    assert "10.0.5.0/24 dev eth1" in guest.sh("ip route")
    assert "default via 10.0.2.2 dev eth0" in guest.sh("ip route")
    transfer(guest)
    kill(guest, "virtio_net")
    transfer(guest)
    first.moves()
    # A filter over it takes its interface over, and gives it back.
    for _ in range(2):
        guest.sh("service stack -net 'guard(virtio_0)' lan")
        guest.until("service status inet | grep -q '^eth1.unit=lan$'", 10)
        has_lease(guest)
        transfer(guest)
        kill(guest, "netguard.lan")
        kill(guest, "virtio_net")
        transfer(guest)
        guest.sh("service stack -down lan")
        guest.until("service status inet | grep -q '^eth1.unit=virtio_0$'", 10)
        has_lease(guest)
        no_interface(guest, "eth2")
    first.moves()
    guest.sh("service down virtio_net")
    no_interface(guest, "eth1")
    assert "10.0.5.0" not in guest.sh("ip route")
    guest.sh("service up virtio_net")
    has_lease(guest)
    transfer(guest)
    first.finish()
    rows = guest.services()
    assert rows["inet"]["RESTARTS"] == "0" and rows["e1000"]["RESTARTS"] == "0", rows


test_second_card_comes_and_goes.timeout = 240
